"""Claims about CLIP_benchmark's layout: which tars, which class names, which templates."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples.extract.tars import write_tar

from oodcache.cache.errors import InputError
from oodcache.extract.sources import clip_benchmark, datasets
from oodcache.extract.texts import vocabularies


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write a dataset of two splits, and a tar that no split counts."""
    root = tmp_path / "wds_pets"
    write(root / "classnames.txt", "guide dog \ncat\ncat\n\n")
    write(root / "zeroshot_classification_templates.txt", "a photo of a {c}\nthe {c}, a pet\n")
    for split, count in (("test", 11), ("train", 1)):
        write(root / split / "nshards.txt", f"{count}\n")
        for number in range(count + 1):
            key = f"s{split[1]}{number:07d}"
            files = ((f"{key}.cls", str(number % 3)), (f"{key}.webp", b"x"))
            write_tar(root / split / f"{number}.tar", *files)
    return root


def rows_of(path: Path) -> list[bytes]:
    return list(datasets.list_images(datasets.find(f"x={path}", path)).images.paths)


def test_a_data_set_is_its_test_split_and_the_tars_are_those_that_are_counted(root: Path) -> None:
    expected = [f"se{number:07d}.webp".encode() for number in range(11)]
    assert rows_of(root) == rows_of(root / "test") == expected
    assert rows_of(root / "train") == [b"sr0000000.webp"]


def test_numbers_are_places_in_the_class_names(root: Path) -> None:
    found = datasets.list_images(datasets.find(f"x={root}", root))
    assert found.numbered
    assert found.images.label_names == ("0", "1", "2")
    assert found.images.labels.tolist() == [number % 3 for number in range(11)]


def test_class_names_keep_their_order_and_may_repeat(root: Path) -> None:
    name, found = vocabularies.find(f"pets={root}", [])
    assert (name, found.names) == ("pets", ("guide dog", "cat", "cat"))
    assert found.ids == ("", "", "")
    assert found.templates == ("a photo of a {}", "the {}, a pet")


def test_templates_that_are_typed_come_before_the_data_sets_own(root: Path) -> None:
    assert vocabularies.find(f"pets={root}", ["my {}"])[1].templates == ("my {}",)
    (root / "zeroshot_classification_templates.txt").unlink()
    assert vocabularies.find(f"pets={root}", [])[1].templates == ("a photo of a {}",)


def test_a_tar_that_is_missing_is_named(root: Path) -> None:
    (root / "test" / "7.tar").unlink()
    with pytest.raises(InputError, match=r"test/7\.tar does not exist \(1 of 11 are missing\)"):
        rows_of(root)


def test_a_data_set_without_a_test_split_says_which_there_is(root: Path) -> None:
    (root / "test" / "nshards.txt").unlink()
    with pytest.raises(InputError, match="has no split test; give another: NAME=.*/train"):
        clip_benchmark.split(root)


def test_a_folder_of_another_layout_is_none(tmp_path: Path) -> None:
    assert clip_benchmark.split(tmp_path) is None
    assert not clip_benchmark.has_classes(tmp_path)


@pytest.mark.parametrize("text", ["", "0", "-1", "many", "1.5", "9" * 30, "٣"])
def test_a_count_that_is_none_is_refused(root: Path, text: str) -> None:
    write(root / "test" / "nshards.txt", text)
    with pytest.raises(InputError, match=r"nshards.txt: is .*, not a number of tars from 1"):
        rows_of(root)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("classnames.txt", "cat\n\ndog\n", "line 2 is blank; expected a class name per line"),
        ("classnames.txt", "", "line 1 is blank"),
        (
            "zeroshot_classification_templates.txt",
            "a {c}\na {}\n",
            "line 2: 'a {}' must contain {c} once",
        ),
        (
            "zeroshot_classification_templates.txt",
            "{c} {c}\n",
            "line 1: '{c} {c}' must contain {c} once",
        ),
        (
            "zeroshot_classification_templates.txt",
            "{c} {}\n",
            "line 1: '{c} {}' must contain {c} once",
        ),
    ],
)
def test_lines_that_are_none_are_refused_with_their_number(
    root: Path, name: str, text: str, words: str
) -> None:
    write(root / name, text)
    with pytest.raises(InputError) as refused:
        vocabularies.find(f"pets={root}", [])
    assert f"{root / name}: {words}" in str(refused.value)
