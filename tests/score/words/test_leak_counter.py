"""Claims about counting leaks for the rows of a run, and about leaving them out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from samples.score.words import unit_rows

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile
from oodcache.score.inputs.selection import Selection
from oodcache.score.inputs.views import View
from oodcache.score.measures.result import LeakCount
from oodcache.score.words.leak_counter import LeakCounter, leak_counter
from oodcache.score.words.leak_search import ClassFile, LeakSearch

EXCERPT = Path(__file__).parent / "wordnet"
WORDS = ["cranes", "granite", "Striped", "stripy", "bird", "crane"]
Counter = Callable[..., LeakCounter]


@pytest.fixture
def counter(
    tmp_path: Path, write_images: Callable[..., ImageFile], lists: dict[str, TextFile]
) -> Counter:
    """Return a counter of the sets dtd (striped), zoo (crane) and SUN, whose classes are none."""
    rows = unit_rows(2, 5)
    write_images("inside", rows)
    sets = {"dtd": ["striped"], "zoo": ["crane"], "SUN": []}
    files = {
        name: write_images(name, rows, labels=[0 if names else -1] * 2, label_names=names)
        for name, names in sets.items()
    }

    def of(*ood_sets: str, **given: object) -> LeakCounter:
        views = tuple(View(name, files[name], None) for name in ("dtd", *ood_sets))
        selection = Selection(lists["pets"], np.arange(9), views)
        return leak_counter(tmp_path, selection, LeakSearch(**given))  # type: ignore[arg-type]

    return of


def test_each_set_has_its_own_leaks_and_several_have_their_sum(counter: Counter) -> None:
    found = counter("dtd", "zoo")
    assert found.count(WORDS, ["dtd"]) == LeakCount(6, 1, None, None, "spelling")
    assert found.count(WORDS, ["zoo"]) == LeakCount(6, 2, None, None, "spelling")
    assert found.count(WORDS, ["dtd", "zoo"]).names == 3
    assert found.count([], ["zoo"]).names == 0


def test_wordnet_adds_synonyms_and_what_is_above(counter: Counter) -> None:
    found = counter("dtd", "zoo", wordnet=EXCERPT)
    assert found.count(WORDS, ["dtd"]) == LeakCount(6, 2, 0, 0, "WordNet 3.0")
    assert found.count(WORDS, ["zoo"]) == LeakCount(6, 2, 0, 1, "WordNet 3.0")


def test_a_set_without_class_names_is_not_known_nor_is_a_sum_with_it(counter: Counter) -> None:
    found = counter("zoo", "SUN", wordnet=EXCERPT)
    unknown = LeakCount(6, None, None, None, "WordNet 3.0")
    assert found.count(WORDS, ["SUN"]) == found.count(WORDS, ["zoo", "SUN"]) == unknown


def test_the_leaks_of_all_sets_are_left_out_together(counter: Counter) -> None:
    found = counter("dtd", "zoo", "SUN", leave_out=True)
    assert found.left_out(WORDS) == ["cranes", "Striped", "crane"]
    assert found.count(WORDS, ["dtd"]) == LeakCount(3, 0, None, None, "spelling", left_out=3)
    assert found.count(WORDS, ["SUN"]).names is None


def test_no_word_is_left_out_unasked_and_those_of_earlier_results_are(counter: Counter) -> None:
    assert counter("zoo").leaves_out is None
    assert counter("zoo").left_out(WORDS) == []
    assert counter("zoo", words=("bird", "gone")).left_out(WORDS) == ["bird"]


def test_leaks_that_are_not_known_cannot_be_left_out(counter: Counter) -> None:
    with pytest.raises(InputError) as refused:
        assert counter("SUN", leave_out=True).leaves_out
    assert str(refused.value) == (
        "--without-leaks: the class names of SUN are not known (its images have no labels); give "
        "them with --leaks-of SUN=FILE"
    )


def test_a_file_names_the_classes_instead(counter: Counter) -> None:
    file = ClassFile(Path("names.txt"), ("", ""), ("granite", "bird"))
    assert counter("zoo", lists={"zoo": file}).count(WORDS, ["zoo"]).names == 2
