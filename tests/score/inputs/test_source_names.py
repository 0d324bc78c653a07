"""Claims about class names of a subset's own source."""

from __future__ import annotations

import pytest

from oodcache.cache import subsets
from oodcache.cache.errors import InputError
from oodcache.score.inputs.source_names import names_of_source


def test_the_names_of_a_subset_are_a_vocabulary_called_as_the_subset() -> None:
    for classes in (None, "imagenet", "imagenet10"):
        assert names_of_source(classes, subsets.known("imagenet10")) == "imagenet10"


def test_other_classes_than_imagenets_or_the_subsets_are_refused() -> None:
    with pytest.raises(InputError, match="needs the names of imagenet10, but --classes pets has"):
        names_of_source("pets", subsets.known("imagenet10"))
