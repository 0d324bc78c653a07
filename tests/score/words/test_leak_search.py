"""Claims about the search for leaks as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.words.leak_search import ClassFile, LeakSearch, opened, parsed, with_files

CLASSES = ClassFile(Path("b"), ("",), ("cat",))


def read(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of a path as the names of classes without ids."""
    names = tuple(str(path).split("."))
    return ("",) * len(names), names


def test_a_set_may_have_a_file_of_class_names() -> None:
    assert parsed(["SUN", "dtd:@a.txt=b=c.txt"]) == {"SUN": None, "dtd:@a.txt": Path("b=c.txt")}
    file = ClassFile(Path("names.txt"), ("", ""), ("names", "txt"))
    assert with_files(["dtd=names.txt"], read) == {"dtd": file}
    assert opened({"SUN": None, "dtd": file.path}, read) == {"dtd": file}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["=x.txt"], "--leaks-of '=x.txt': give SET, or SET=FILE with class names"),
        (["dtd="], "--leaks-of 'dtd=': give SET, or SET=FILE with class names"),
        (["dtd=a", "dtd=b"], "--leaks-of 'dtd' is given twice"),
        (["dtd"], "leaks of every OOD set are counted; give a file with its class names: --leak"),
    ],
)
def test_mistakes_say_what_to_type(typed: list[str], words: str) -> None:
    with pytest.raises(InputError) as refused:
        with_files(typed, read)
    assert words in str(refused.value)


def test_the_first_option_that_was_given_is_named() -> None:
    assert LeakSearch().option == ""
    assert LeakSearch(wordnet=Path("w")).option == "--wordnet"
    assert LeakSearch({"a": CLASSES}).option == "--leaks-of"
    assert LeakSearch(leave_out=True, wordnet=Path("w")).option == "--without-leaks"


def test_class_names_are_of_the_sets_of_the_run() -> None:
    search = LeakSearch({"SUN": CLASSES})
    search.check(["SUN", "dtd"])
    with pytest.raises(InputError, match=r"--leaks-of SUN: no OOD set of this run \(dtd\)"):
        search.check(["dtd"])
