"""Claims about changed inputs: the first difference is named, many are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from oodcache.cache.files.images import ImageRows
from oodcache.cache.files.texts import Vocabulary
from oodcache.extract.run import changes as changed
from oodcache.extract.run.changes import lost_templates, of_paths, of_vocabulary
from oodcache.extract.sources.folders import FolderContents
from oodcache.extract.sources.listing import ImageListing, ImageSource

HELD = FolderContents(Path("pets"), [b"a", b"b"])

CACHED = Vocabulary(("cat", "dog"), ("n1", "n2"), ("a {}", "the {}"))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (CACHED, ""),
        (replace(CACHED, templates=("a {}", "my {}")), "template 2 'the {}', you gave 'my {}'"),
        (replace(CACHED, templates=("a {}",)), "template 2 'the {}', you gave none"),
        (replace(CACHED, names=("cat", "fox")), "class 2 'dog', you gave 'fox'"),
        (replace(CACHED, names=("cat", "dog", "fox")), "class 3 none, you gave 'fox'"),
        (replace(CACHED, ids=("n1", "n3")), "class id 2 'n2', you gave 'n3'"),
    ],
)
def test_the_first_difference_of_a_vocabulary_is_named(now: Vocabulary, words: str) -> None:
    assert of_vocabulary(CACHED, now) == (f"; the cache has {words}" if words else "")


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ([b"a", b"b", b"c"], "; new: 'c'"),
        ([b"b"], "; gone: 'a'"),
        ([b"b", b"x"], "; new: 'x'; gone: 'a'"),
        ([b"b", b"a"], "; the paths are the same, but not their order"),
    ],
)
def test_new_and_missing_images_are_named(now: list[bytes], words: str) -> None:
    assert of_paths([b"a", b"b"], now) == words


def test_many_new_images_are_counted_and_bytes_are_shown() -> None:
    now = [b"%d\xff" % place for place in range(1006)]
    said = of_paths([], now)
    assert said.startswith("; new: '0\\\\xff', ")
    assert said.endswith(" and 1,000 more")


@pytest.mark.parametrize(
    ("form", "labels", "words"),
    [
        ("memory", (0, 1), "still 2 images, but not the same; the pixels differ"),
        ("folder", (0, 1), "; the paths and labels are the same, but the files have changed"),
        ("memory", (1, 1), "; the paths are the same, but not the labels"),
    ],
)
def test_images_of_the_same_paths_differ_in_labels_or_content(
    form: str, labels: tuple[int, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = ImageRows([b"a", b"b"], np.array((0, 1)), ("cat", "dog"))
    cached = SimpleNamespace(paths=lambda: old.paths, label=old.labels, label_names=("cat", "dog"))
    monkeypatch.setattr(changed, "open_images", lambda path: cached)
    source = ImageSource("pets", Path("pets"), form=form)
    now: Any = replace(old, labels=np.array(labels))
    said = changed.changes(ImageListing(source, now, "other", HELD), 2, Path("pets.h5"))
    assert said.startswith("inputs changed: still 2 images")
    assert said.endswith(words)


def test_one_image_that_changed_is_another() -> None:
    listing = ImageListing(
        ImageSource("pets", Path("pets")), ImageRows([b"a"], np.array([-1]), ()), "other", HELD
    )
    assert changed.changes(listing, 1, None) == "inputs changed: still 1 image, but another"


@pytest.mark.parametrize(
    ("typed", "lost"),
    [
        (replace(CACHED, templates=("the {}",)), "the 2 templates in the cache by 1, without 'a"),
        (replace(CACHED, templates=("my {}", "a {}", "the {}")), ""),
        (replace(CACHED, templates=("my {}",), names=("cat", "fox")), ""),
    ],
)
def test_templates_that_are_lost_are_named_if_the_classes_stay(
    typed: Vocabulary, lost: str
) -> None:
    found = lost_templates("c", CACHED, typed)
    assert lost in found
    assert bool(found) == bool(lost)
