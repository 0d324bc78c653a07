"""Claims about the leaks among all words of a file of negatives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from samples.score.words import unit_rows

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.negatives import Negatives
from oodcache.score.words.leak_report import leaks_of_file, named_sets
from oodcache.score.words.leak_search import NO_SEARCH, ClassFile, LeakSearch
from oodcache.score.words.leaks import Leaks


def report(cache: Path, negatives: str, ood: str, search: LeakSearch = NO_SEARCH) -> list[Leaks]:
    return leaks_of_file(cache, "tiny", negatives, named_sets(cache, "tiny", [ood], search))


def test_leaks_are_found_at_both_ends_and_in_pools(
    tmp_path: Path, mined: Callable[..., Negatives], write_images: Callable[..., ImageFile]
) -> None:
    nouns, adjectives, pool = mined(csp=["pool"], nearest=12).lists
    planted = [nouns.words[2], adjectives.near[0], pool.words[1]]
    others = ["unheard", "noun99"]
    labels = [*(one.upper() for one in planted), *others]
    write_images("ood", unit_rows(5, 3), labels=range(5), label_names=labels)
    (found,) = report(tmp_path, "x", "ood")
    assert [(one.word, one.class_name) for one in found.names or ()] == [
        (word, word.upper()) for word in planted
    ]
    assert found.words == sum(len(one.words) + len(one.near) for one in (nouns, adjectives, pool))


def test_a_file_needs_no_images(
    tmp_path: Path, mined: Callable[..., Negatives], write_images: Callable[..., ImageFile]
) -> None:
    word = mined().lists[0].words[0]
    file = ClassFile(Path("names.txt"), ("",), (word,))
    search = LeakSearch({"elsewhere": file})
    (found,) = report(tmp_path, "x", "elsewhere", search)
    assert [one.word for one in found.names or ()] == [word]
    assert (found.ood, found.source) == ("elsewhere", "names.txt")
    for negatives, given, words in (
        ("y", search, "no negatives 'y' (there are: x); make them with: oodcache neg"),
        ("x", LeakSearch(), "no images 'elsewhere' (there are: none)"),
    ):
        with pytest.raises(InputError) as refused:
            report(tmp_path, negatives, "elsewhere", given)
        assert words in str(refused.value)


def test_a_set_that_is_given_twice_is_an_error(
    tmp_path: Path, mined: Callable[..., Negatives]
) -> None:
    mined()
    with pytest.raises(InputError, match="--ood 'photos' is given twice"):
        named_sets(tmp_path, "tiny", ["photos", "photos"], NO_SEARCH)
