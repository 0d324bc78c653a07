"""Claims about what is selected: subsets, names, templates; and about what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oodcache.cache import subsets
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.selection import Prompted, Selection, prompted, select, tell
from oodcache.score.onepass.variants import parse

WriteImages = Callable[..., ImageFile]
WriteTexts = Callable[..., TextFile]
TEN, TWENTY = subsets.known("imagenet10"), subsets.known("imagenet20")
IDS = ("n00000001", *TWENTY.ids, *reversed(TEN.ids))
WORDS = tuple(f"word {number}" for number in range(len(IDS)))


def cloud(rows: int, seed: int = 0, dimension: int = 8) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(autouse=True)
def files(write_images: WriteImages, write_texts: WriteTexts) -> None:
    """Write images of 31 classes of ImageNet, and their texts, in an order of their own."""
    write_texts("imagenet", cloud(31), cloud(31, 1), class_names=WORDS, ids=IDS, templates=TWO)
    write_images("val", cloud(93), labels=np.arange(93) % 31, label_names=sorted(IDS))
    write_images("outside", cloud(9))


TWO = ("a {}", "the {}")


def selected(cache: Path, id_set: str, *ood_sets: str, **changes: str) -> Selection:
    wanted = {"classes": "imagenet", **changes}
    return select(Question(cache, ["tiny"], id_set, ood_sets or ("outside",), **wanted), "tiny")


def only(cache: Path, *templates: str) -> Prompted:
    (one,) = prompted(selected(cache, "val"), templates)
    return one


def test_a_subset_cuts_rows_and_classes_by_id_in_its_own_order(tmp_path: Path) -> None:
    found = selected(tmp_path, "val:imagenet10", "val:imagenet20")
    assert found.class_ids == list(TEN.ids)
    assert found.class_names == [WORDS[IDS.index(one)] for one in TEN.ids]
    assert [len(view.rows) for view in found.views] == [30, 60]
    assert [view.name for view in found.views] == ["val:imagenet10", "val:imagenet20"]
    assert len(found.images) == 1


def test_only_the_id_subset_cuts_the_classes(tmp_path: Path) -> None:
    assert len(selected(tmp_path, "outside", "val:imagenet20").classes) == 31


def test_the_names_of_the_source_are_a_vocabulary_called_as_the_subset(
    tmp_path: Path, write_texts: WriteTexts
) -> None:
    with pytest.raises(InputError) as error:
        selected(tmp_path, "val:imagenet10", class_names="source")
    assert str(error.value) == (
        f"{tmp_path}/Tiny/one: no vocabulary 'imagenet10' (there are: imagenet); "
        "make it with: oodcache extract --model tiny --classes imagenet10"
    )
    write_texts("imagenet10", cloud(10), class_names=TEN.names, ids=TEN.ids)
    found = selected(tmp_path, "val:imagenet10", class_names="source")
    assert found.class_names[:3] == ["warplane", "sports car", "brambling"]
    assert found.texts.path.stem == "imagenet10"


@pytest.mark.parametrize(
    ("id_set", "classes", "words"),
    [
        ("val", "imagenet", "a whole dataset has no class names of its own"),
        ("val:imagenet100", "imagenet", "imagenet100 has no class names of its own"),
        ("val:imagenet10", "pets", "needs the names of imagenet10, but --classes pets has others"),
    ],
)
def test_names_of_a_source_that_has_none_are_refused(
    tmp_path: Path, id_set: str, classes: str, words: str
) -> None:
    with pytest.raises(InputError, match=f"^--class-names source:? ?{words}"):
        selected(tmp_path, id_set, classes=classes, class_names="source")


def test_classes_that_id_and_ood_share_are_refused_by_their_ids(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        selected(tmp_path, "val:imagenet20", "val:imagenet100")
    assert str(error.value) == (
        "--id val:imagenet20 and --ood val:imagenet100 share classes: n01632458, n04147183; "
        "remove them from one, with a list of ids: NAME:@FILE"
    )


@pytest.mark.parametrize(("id_set", "ood"), [("val", "val:imagenet10"), ("val:imagenet10", "val")])
def test_a_set_and_a_part_of_it_are_refused(tmp_path: Path, id_set: str, ood: str) -> None:
    with pytest.raises(InputError, match="one contains the other"):
        selected(tmp_path, id_set, ood)


def test_a_subset_that_the_vocabulary_lacks_is_refused(
    tmp_path: Path, write_texts: WriteTexts
) -> None:
    write_texts("few", cloud(3))
    with pytest.raises(InputError) as error:
        selected(tmp_path, "val:imagenet10", classes="few")
    assert str(error.value) == (
        f"{tmp_path}/Tiny/one/texts/few.h5: has no class 'n04552348' of imagenet10 (10 of 10 "
        "are missing); use --classes with a vocabulary that has their ids"
    )


def test_a_view_without_a_decoded_image_is_refused(
    tmp_path: Path, write_images: WriteImages
) -> None:
    write_images("bad", cloud(2), labels=[0, 1], label_names=["a", "b"], failed=[0])
    (tmp_path / "a.txt").write_text("a\n")
    with pytest.raises(InputError, match="a.txt: none of its images could be decoded"):
        selected(tmp_path, "val", f"bad:@{tmp_path / 'a.txt'}")


def test_average_is_the_renormalised_mean_of_unit_vectors(tmp_path: Path) -> None:
    expected = cloud(31).astype(np.float64) + cloud(31, 1)
    expected /= np.sqrt((expected**2).sum(axis=1, keepdims=True))
    for found in (only(tmp_path, "average"), only(tmp_path)):
        assert (found.template, found.templates) == ("average", TWO)
        assert found.vectors.dtype == np.float32
        np.testing.assert_allclose(found.vectors, expected, atol=1e-7)


def test_cosine_mean_gives_the_mean_of_the_cosines(tmp_path: Path) -> None:
    image = cloud(1, 5)[0].astype(np.float64)
    expected = (cloud(31) @ image + cloud(31, 1) @ image) / 2
    found = only(tmp_path, "cosine-mean")
    assert (found.template, found.templates) == ("cosine-mean", TWO)
    np.testing.assert_allclose(found.vectors @ image, expected, atol=1e-7)


def test_each_is_every_template_and_none_is_taken_twice(tmp_path: Path) -> None:
    found = prompted(selected(tmp_path, "val"), ["the {}", "each", "average", "the {}"])
    assert [one.template for one in found] == ["the {}", "a {}", "average"]
    assert np.array_equal(found[0].vectors, cloud(31, 1))


def test_the_only_template_is_its_own_average(tmp_path: Path, write_texts: WriteTexts) -> None:
    write_texts("single", cloud(4))
    chosen = selected(tmp_path, "val", classes="single")
    (found,) = prompted(chosen, ["average", "cosine-mean", "each"])
    assert (found.template, found.templates) == ("a {}", ("a {}",))
    assert np.array_equal(found.vectors, cloud(4))


def test_some_templates_are_averaged_as_if_no_others_were_stored(
    tmp_path: Path, write_texts: WriteTexts
) -> None:
    three = (*TWO, "this {}")
    write_texts("two", cloud(4, 1), cloud(4, 2), templates=three[1:])
    write_texts("three", cloud(4), cloud(4, 1), cloud(4, 2), templates=three)
    (wanted,) = prompted(selected(tmp_path, "val", classes="two"), ["average"])
    (found,) = prompted(selected(tmp_path, "val", classes="three"), [three[1:]])
    assert (found.template, found.templates) == ("average", three[1:])
    assert np.array_equal(found.vectors, wanted.vectors)


def test_templates_that_cancel_out_have_no_average(tmp_path: Path, write_texts: WriteTexts) -> None:
    write_texts("opposite", cloud(2), -cloud(2), class_names=["cat", "dog"], templates=TWO)
    with pytest.raises(InputError, match="opposite.h5: the templates of class 'cat' cancel"):
        prompted(selected(tmp_path, "val", classes="opposite"), ["average"])


def test_a_template_that_is_not_stored_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no template 'an {}'; give --template average, "):
        only(tmp_path, "an {}")


def numbered_set(write_images: WriteImages, labels: np.ndarray, names: list[str]) -> ImageFile:
    source = {"name": "numbered", "fingerprint": "f", "labels": "numbers"}
    return write_images(
        "numbered", cloud(len(labels)), labels=labels, label_names=names, source=source
    )


def test_class_numbers_count_the_vocabulary_and_names_are_not_asked(
    tmp_path: Path, write_images: WriteImages, write_texts: WriteTexts
) -> None:
    write_texts("digits", cloud(3), class_names=["2", "0", "1"], ids=["1", "2", "0"])
    numbered_set(write_images, np.arange(6) % 3, ["0", "2", "7"])
    found = selected(tmp_path, "numbered", classes="digits")
    assert found.match(found.views[0].file).tolist() == [0, 2, -1]
    write_images("named", cloud(6), labels=np.arange(6) % 3, label_names=["0", "2", "7"])
    found = selected(tmp_path, "named", classes="digits")
    assert found.match(found.views[0].file).tolist() == [2, 1, -1]


def test_a_subset_of_class_numbers_is_cut_and_matched_by_the_whole_vocabulary(
    tmp_path: Path, write_images: WriteImages
) -> None:
    order = np.random.default_rng(0).permutation(31)
    numbered_set(write_images, np.arange(93) % 31, [str(number) for number in order])
    found = selected(tmp_path, "numbered:imagenet10", "numbered:imagenet20")
    inside, outside = found.views
    assert (len(inside.rows), len(outside.rows)) == (30, 60)
    known = found.match(inside.file)
    for label in inside.labels.tolist():
        assert found.class_ids[known[label]] == IDS[order[label]]
    assert {IDS[order[label]] for label in outside.labels.tolist()} == set(TWENTY.ids)
    assert set(known.tolist()) == {-1, *range(10)}


def test_class_numbers_of_another_vocabulary_than_the_subsets_own_are_refused(
    tmp_path: Path, write_images: WriteImages, write_texts: WriteTexts
) -> None:
    write_texts("imagenet10", cloud(10), class_names=TEN.names, ids=TEN.ids)
    numbered_set(write_images, np.arange(93) % 31, [str(number) for number in range(31)])
    with pytest.raises(InputError, match="its labels are class numbers.*--class-names source uses"):
        selected(tmp_path, "numbered:imagenet10", classes="imagenet10", class_names="source")


def test_folders_numbered_like_the_vocabulary_are_class_numbers_and_that_is_noted(
    tmp_path: Path, write_images: WriteImages
) -> None:
    names = sorted(map(str, range(31)))  # As folders are listed: 0, 1, 10, 11, …
    write_images("numbered", cloud(31), labels=np.arange(31), label_names=names)
    found, notes = selected(tmp_path, "numbered", "outside"), list[str]()
    assert found.match(found.views[0].file).tolist() == [int(name) for name in names]
    tell(found, [], notes.append)
    assert notes == ["numbered: folders 0 … 30 are the class numbers of imagenet"]
    ten = selected(tmp_path, "numbered:imagenet10", "outside")
    # The vocabulary has the ten classes at its end, in the opposite order.
    rows = ten.views[0].rows.tolist()
    assert sorted(int(names[row]) for row in rows) == list(range(21, 31))
    first = names.index(str(IDS.index(TEN.ids[0])))
    assert ten.match(ten.views[0].file)[first] == 0


def test_a_missing_bias_is_told_of_the_forms_in_which_it_does_not_cancel(
    tmp_path: Path, write_images: WriteImages, write_texts: WriteTexts
) -> None:
    other = {"pretrained": "two", "requested": "other", "logit_bias": None}
    write_texts("imagenet", cloud(3), class_names=WORDS[:3], **other)
    write_images("val", cloud(3), **other)
    write_images("outside", cloud(9), **other)
    question = Question(tmp_path, ["other"], "val", ("outside",), classes="imagenet")
    found, notes = select(question, "other"), list[str]()
    told = (
        *(f"{name}:form=sigmoid" for name in ("adaneg", "tanl", "clipscope")),
        "oodd:base=sigmoid-mcm",
    )
    labels = ("adaneg", "tanl", "clipscope", *told, "mcm", "oodd")
    tell(found, [one for label in labels for one in parse(label)], notes.append)
    assert notes == [f"Tiny/two has no bias: b = 0 is used in {', '.join(told)}"]


def test_subsets_name_folders_however_unicode_composes_them(
    tmp_path: Path, write_images: WriteImages, write_texts: WriteTexts
) -> None:
    write_texts("drinks", cloud(2, 1), class_names=["caf\u00e9", "tea"], templates=["{}"])
    write_images("cups", cloud(4), labels=[0, 0, 1, 1], label_names=["cafe\u0301", "tea"])
    for line in ("caf\u00e9", "cafe\u0301"):
        (tmp_path / "one.txt").write_text(line, encoding="utf-8")
        found = selected(tmp_path, f"cups:@{tmp_path}/one.txt", "outside", classes="drinks")
        assert found.views[0].rows.tolist() == [0, 1]
        assert found.match(found.views[0].file).tolist() == [0, -1]
