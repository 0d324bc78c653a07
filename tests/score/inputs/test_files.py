"""What is refused of files that do not fit together, and said of those that do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile
from oodcache.score.evaluation import Evaluated

WriteImages = Callable[..., ImageFile]
WriteTexts = Callable[..., TextFile]
Score = Callable[..., Evaluated]

generator = np.random.default_rng(0)
VECTORS = generator.normal(size=(12, 8))
VECTORS = (VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)).astype(np.float32)
NAMES = ["ant", "bee", "cow"]


@pytest.fixture(autouse=True)
def files(write_images: WriteImages, write_texts: WriteTexts) -> None:
    write_texts("animals", VECTORS[:3], class_names=NAMES)
    write_images("inside", VECTORS, labels=[0, 1, 2] * 4, label_names=NAMES)
    write_images("outside", -VECTORS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Tiny" / "one"


@pytest.fixture
def notes(score: Score) -> Callable[..., list[str]]:
    def told(*specifications: str, **changes: object) -> list[str]:
        found: list[str] = []
        score(*specifications, note=found.append, **changes)
        return found

    return told


def refusal(score: Score, *specifications: str, **changes: object) -> str:
    with pytest.raises(InputError) as error:
        score(*specifications, **changes)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_nothing_is_said_where_everything_fits(notes: Callable[..., list[str]]) -> None:
    assert notes() == []


def test_a_missing_id_set_is_named_with_what_is_there_and_what_to_type(
    score: Score, folder: Path
) -> None:
    assert refusal(score, id_set="pets") == (
        f"{folder}: no images 'pets' (there are: inside, outside); "
        "make them with: oodcache extract --model tiny pets=FOLDER"
    )


def test_a_name_that_is_nearly_one_of_those_there_is_asked_for(score: Score, folder: Path) -> None:
    assert refusal(score, id_set="insid") == (
        f"{folder}: no images 'insid' (there are: inside, outside); did you mean inside? Otherwise "
        "make them with: oodcache extract --model tiny insid=FOLDER"
    )
    assert "; did you mean animals? Otherwise make it with: " in refusal(score, classes="animal")


def test_a_missing_ood_set_of_known_name_needs_no_folder(score: Score, folder: Path) -> None:
    assert refusal(score, ood_sets=["outside", "SUN"]) == (
        f"{folder}: no images 'SUN' (there are: inside, outside); "
        "make them with: oodcache extract --model tiny SUN"
    )


def test_missing_classes_are_named_with_what_is_there_and_what_to_type(
    score: Score, folder: Path
) -> None:
    assert refusal(score, classes="plants") == (
        f"{folder}: no vocabulary 'plants' (there are: animals); "
        "make it with: oodcache extract --model tiny --classes plants=FILE"
    )


def test_a_model_without_any_vocabulary_is_told_how_to_make_one(score: Score, folder: Path) -> None:
    (folder / "texts" / "animals.h5").unlink()
    assert refusal(score) == (
        f"{folder}: no vocabulary 'NAME' (there are: none); "
        "make it with: oodcache extract --model tiny --classes NAME=FILE"
    )


def test_one_of_several_vocabularies_must_be_chosen(
    score: Score, folder: Path, write_texts: WriteTexts
) -> None:
    write_texts("more", VECTORS[:4])
    assert refusal(score) == f"{folder}: give --classes animals or more"
    assert score("mcm", classes="more").results[0].classes == "more"


def test_a_model_that_is_not_there_is_named_with_those_that_are(
    score: Score, tmp_path: Path
) -> None:
    assert refusal(score, model="siglip2").startswith(
        f"{tmp_path}: no embeddings of model 'siglip2' (there are: Tiny/one); make them with: "
    )


def test_an_unknown_template_is_answered_with_those_there_are(
    score: Score, folder: Path, write_texts: WriteTexts
) -> None:
    templates = [f"{article} {{}}" for article in ("a", "one", "my", "the", "no")]
    write_texts("animals", *[VECTORS[:3]] * 5, class_names=NAMES, templates=templates)
    assert refusal(score, templates=["any {}"]) == (
        f"{folder / 'texts' / 'animals.h5'}: has no template 'any {{}}'; give --template "
        "average, each, cosine-mean or a stored one: a {}; one {}; my {}; … (5)"
    )


def test_a_set_is_not_both_id_and_ood(score: Score) -> None:
    assert refusal(score, ood_sets=["outside", "inside"]) == (
        "'inside' is both --id and --ood; give two sets"
    )


def test_an_ood_set_counts_once(score: Score) -> None:
    assert refusal(score, ood_sets=["outside", "outside"]) == "--ood 'outside' is given twice"


def test_files_of_different_weights_are_not_mixed(
    score: Score, folder: Path, write_images: WriteImages
) -> None:
    write_images("outside", -VECTORS, weights="2" * 64)
    assert refusal(score) == (
        f"{folder / 'images' / 'outside.h5'}: made with weights 22222222…, but "
        f"{folder / 'texts' / 'animals.h5'} with 11111111…: scores cannot mix them; "
        "extract one of them again with: oodcache extract --overwrite"
    )


def test_files_of_equal_weights_in_different_architectures_are_not_mixed(
    score: Score, folder: Path, write_images: WriteImages
) -> None:
    write_images("outside", -VECTORS, architecture={"embed_dim": 4, "quick_gelu": True})
    assert refusal(score) == (
        f"{folder / 'images' / 'outside.h5'}: made with another architecture than "
        f"{folder / 'texts' / 'animals.h5'}, though with the same weights: scores cannot mix them; "
        "extract one of them again with: oodcache extract --overwrite"
    )


def test_files_of_different_dimensions_are_not_mixed(
    score: Score, folder: Path, write_images: WriteImages
) -> None:
    write_images("outside", np.eye(5, dtype=np.float32))
    assert refusal(score) == (
        f"{folder / 'images' / 'outside.h5'}: vectors have dimension 5, but 8 in "
        f"{folder / 'texts' / 'animals.h5'}; "
        "extract one of them again with: oodcache extract --overwrite"
    )


def test_images_preprocessed_in_different_ways_are_not_mixed(
    score: Score, folder: Path, write_images: WriteImages
) -> None:
    write_images("outside", -VECTORS, encoding={"size": 16})
    assert refusal(score) == (
        f"{folder / 'images' / 'outside.h5'}: preprocessed differently from "
        f"{folder / 'images' / 'inside.h5'}; "
        "extract one of them again with: oodcache extract --overwrite"
    )
    write_images("outside", -VECTORS, encoding={"decoder": "torchvision"})
    assert refusal(score) == (
        f"{folder / 'images' / 'outside.h5'}: extracted with --fast-decode, but "
        f"{folder / 'images' / 'inside.h5'} was not; use the same options for both"
    )
    write_images("outside", -VECTORS, encoding={"exif": True})
    assert "outside.h5: extracted with --exif, but" in refusal(score)


def test_nan_in_a_file_is_refused_by_its_rule(score: Score, folder: Path) -> None:
    path = folder / "images" / "outside.h5"
    with h5py.File(path, "r+") as file:
        file["embeddings"][7, 3] = np.nan
    with pytest.raises(RuleError) as error:
        score()
    assert error.value.rule == "F5"
    assert str(error.value).startswith(f"{path}: row 7 of 'embeddings' holds a value that is not ")


def test_images_that_could_not_be_decoded_are_counted(
    notes: Callable[..., list[str]], write_images: WriteImages
) -> None:
    write_images("outside", -VECTORS, failed=[1, 5])
    assert notes() == ["outside: 2 of 12 images could not be decoded"]


def test_a_bias_is_missed_only_by_those_who_ask_for_it(
    notes: Callable[..., list[str]], write_images: WriteImages, write_texts: WriteTexts
) -> None:
    other = {"pretrained": "two", "requested": "other", "logit_bias": None}
    write_texts("animals", VECTORS[:3], class_names=NAMES, **other)
    write_images("inside", VECTORS, labels=[0] * 12, label_names=NAMES, **other)
    write_images("outside", -VECTORS, **other)
    assert notes("mcm", "sigmoid-mcm:bias=0", model="other") == []
    assert notes("sigmoid-mcm:scale=1|2", model="other") == [
        "Tiny/two has no bias: b = 0 is used in sigmoid-mcm:scale=1, sigmoid-mcm:scale=2"
    ]


def test_images_of_folders_that_are_no_class_are_said_and_left_out_of_accuracy(
    score: Score, write_images: WriteImages
) -> None:
    label_names = ["cow", "yak", "ant"]
    write_images("inside", VECTORS, labels=[2, 1, 0] * 4, label_names=label_names, failed=[0])
    notes: list[str] = []
    found = score("mcm", note=notes.append).results[0]
    assert notes[-1] == (
        "inside: 4 of 11 images have no label among the classes of animals (labels yak); "
        "they count as ID, but not in the accuracy"
    )
    nearest = (VECTORS @ VECTORS[:3].T).argmax(axis=1)
    own = np.array([0, -1, 2] * 4)
    labelled = (own >= 0) & (np.arange(12) > 0)
    assert found.id_accuracy == np.mean(nearest[labelled] == own[labelled])
    assert found.n_id == 11


def test_of_many_such_folders_five_are_named(
    notes: Callable[..., list[str]], write_images: WriteImages
) -> None:
    write_images("inside", VECTORS, labels=range(12), label_names=[f"x{n}" for n in range(12)])
    assert notes() == [
        "inside: 12 of 12 images have no label among the classes of animals "
        "(labels x0, x1, x2, x3, x4, …); they count as ID, but not in the accuracy"
    ]


def test_images_without_labels_have_no_accuracy(score: Score, write_images: WriteImages) -> None:
    write_images("inside", VECTORS)
    notes: list[str] = []
    found = score(note=notes.append, ood_sets=["outside"]).results
    assert {one.id_accuracy for one in found} == {None}
    assert notes == [
        "inside: 12 of 12 images have no label among the classes of animals; "
        "they count as ID, but not in the accuracy"
    ]


def test_labels_match_by_wordnet_id_where_two_classes_share_a_name(
    score: Score, write_images: WriteImages, write_texts: WriteTexts
) -> None:
    ids = ["n02012849", "n02206856", "n03126707"]
    write_texts("animals", VECTORS[:3], class_names=["crane", "bee", "crane"], ids=ids)
    write_images("inside", VECTORS[[2, 0, 1]], labels=[0, 2, 1], label_names=[ids[2], *ids[1::-1]])
    assert score("mcm").results[0].id_accuracy == 1
