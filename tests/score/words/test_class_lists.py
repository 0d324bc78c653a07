"""Claims about class names of OOD sets: from where they are, and when they are not known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from samples.score.words import unit_rows

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.subsets import Subset
from oodcache.score.inputs.views import View
from oodcache.score.words.class_lists import ClassList, ClassLists
from oodcache.score.words.leak_search import ClassFile
from oodcache.score.words.word_net import read_wordnet

LABEL = "Tiny/one"
BIRD, MACHINE = "n02012849", "n03126707"


@pytest.fixture
def listed(tmp_path: Path, write_images: Callable[..., ImageFile]) -> Callable[..., ClassList]:
    """Return the class list of a set `ood` with these labels, an image each."""

    def of(
        names: Sequence[str],
        subset: Subset | None = None,
        *,
        wordnet: bool = False,
        **changes: object,
    ) -> ClassList:
        rows = unit_rows(max(len(names), 1), 9)
        labels = range(len(names)) if names else [-1]
        file = write_images("ood", rows, labels=labels, label_names=names, **changes)
        known = read_wordnet(Path(__file__).parent / "wordnet") if wordnet else None
        return ClassLists(tmp_path, LABEL, known).of_view(View("ood", file, subset))

    return of


def names_of(found: ClassList) -> list[tuple[str, ...]]:
    assert found.classes is not None
    return [one.names for one in found.classes]


def test_labels_of_the_images_are_class_names(listed: Callable[..., ClassList]) -> None:
    found = listed(["banded", "images"])
    assert names_of(found) == [("banded",), ("images",)]
    assert found.source == "labels of its images"


def test_labels_that_no_image_of_a_subset_has_are_left_out(
    listed: Callable[..., ClassList],
) -> None:
    found = listed(["banded", "dotted", "lined"], Subset("@x", ("lined",), ("",)))
    assert names_of(found) == [("lined",)]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "its images have no labels"),
        (["0", "1"], "its labels are class numbers"),
        (["images"], "its labels are no class names, such as 'images'"),
        (["test", "Train"], "its labels are no class names, such as 'test'"),
    ],
)
def test_what_names_no_class_is_not_known(
    listed: Callable[..., ClassList], names: list[str], words: str
) -> None:
    assert listed(names) == ClassList(None, words)


def test_numbers_of_a_list_name_no_class(listed: Callable[..., ClassList]) -> None:
    source = {"name": "ood", "fingerprint": "f", "labels": "class numbers"}
    found = listed(["0", "1"], source=source)
    assert (found.classes, found.source) == (None, "its labels are class numbers")


def test_a_vocabulary_called_like_the_set_names_its_classes(
    listed: Callable[..., ClassList], write_texts: Callable[..., object]
) -> None:
    write_texts("ood", unit_rows(2, 1), class_names=["beach", "abbey"], ids=["a", "b"])
    found = listed([])
    assert found.source == "vocabulary ood"
    assert names_of(found) == [("beach",), ("abbey",)]
    # Its ids name labels that are ids.
    assert names_of(listed(["b", "pier"])) == [("abbey",), ("pier",)]
    assert listed(["0", "1"], Subset("@x", ("1",), ("",))).classes is None


def test_wordnet_ids_are_named_by_any_vocabulary_that_has_them(
    listed: Callable[..., ClassList], write_texts: Callable[..., object]
) -> None:
    unnamed = listed([BIRD, MACHINE])
    assert unnamed.classes is None
    assert unnamed.source == f"2 of 2 classes named only by a WordNet id, such as {BIRD}"
    write_texts("some", unit_rows(1, 1), class_names=["crane (bird)"], ids=[BIRD])
    assert listed([BIRD, MACHINE]).source.startswith("1 of 2 classes named only")
    write_texts("imagenet", unit_rows(1, 1), class_names=["crane"], ids=[MACHINE])
    assert names_of(listed([BIRD, MACHINE])) == [("crane (bird)",), ("crane",)]


def test_wordnet_names_its_ids_after_the_names_of_a_subset(
    listed: Callable[..., ClassList],
) -> None:
    whooper = "n02013177"
    found = listed([whooper], wordnet=True)
    assert names_of(found) == [("whooping crane", "whooper", "Grus americana")]
    found = listed([whooper], Subset("x", (whooper,), ("big bird",)), wordnet=True)
    assert names_of(found)[0][:2] == ("big bird", "whooping crane")
    assert found.classes is not None
    assert found.classes[0].wordnet_id == whooper


def test_a_files_classes_have_every_name_that_stands_there(tmp_path: Path) -> None:
    lists, path = ClassLists(tmp_path, LABEL), Path("names.txt")
    bare = lists.of_file(ClassFile(path, ("", ""), ("polka dot", "china, chinaware")))
    assert names_of(bare) == [("polka dot",), ("china, chinaware", "china", "chinaware")]
    assert bare.source == "names.txt"
    found = lists.of_file(ClassFile(path, (MACHINE, "7"), ("crane", "abbey")))
    assert names_of(found) == [("crane",), ("abbey",)]
    assert found.classes is not None
    assert [one.wordnet_id for one in found.classes] == [MACHINE, ""]
    with pytest.raises(InputError, match="names.txt: 1 of 1 class named only by a WordNet id"):
        lists.of_file(ClassFile(path, ("",), (BIRD,)))
