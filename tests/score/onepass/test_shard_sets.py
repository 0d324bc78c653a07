"""Claims about scoring what is still in shards: the merged files' numbers, to the last bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import permissions_bind, slow_except
from samples.cache.cuts import cut, cut_all, cut_texts
from samples.score.negatives import unit

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.negatives import Negatives, write_negatives
from oodcache.cache.files.texts import TextFile
from oodcache.cache.subsets import split
from oodcache.cache.watch import Watch
from oodcache.score.evaluation import Evaluated
from oodcache.score.provenance import provenance
from oodcache.score.words.miner import MiningRequest, mine

WriteImages = Callable[..., ImageFile]
WriteTexts = Callable[..., TextFile]
Score = Callable[..., Evaluated]
ROWS, NAMES = 4500, ("ant", "bee", "cow")
EVERYTHING: dict[str, Any] = {
    "specifications": (
        *("mcm", "energy", "max-logit", "sigmoid-mcm", "gen", "neglabel:groups=2"),
        *("knn:k=3", "mahalanobis", "residual:dimension=3", "she"),
    ),
    "classes": "animals",
    "templates": ("each", "average"),
    "negatives": "far",
    "bank": "train",
}


@pytest.fixture
def files(tmp_path: Path, write_images: WriteImages, write_texts: WriteTexts) -> Path:
    """Write classes, words, two sets of images with some that failed, and a bank; the folder."""
    labels = {"label_names": NAMES, "labels": np.arange(ROWS) % 3}
    write_texts(
        "animals", unit(3, 1, 8), unit(3, 9, 8), class_names=NAMES, templates=("a {}", "the {}")
    )
    write_texts("words", unit(31, 2, 8), class_names=[f"word {place}" for place in range(31)])
    write_images("inside", unit(ROWS, 3, 8), failed=[0, 2047, 2048, ROWS - 1], **labels)
    write_images("outside", unit(701, 4, 8), failed=[5], dtype="f2")
    write_images("train", unit(400, 5, 8), label_names=NAMES, labels=np.arange(400) % 3)
    return tmp_path / "Tiny" / "one"


def mined(tmp_path: Path) -> Negatives:
    return mine(
        MiningRequest(
            *(tmp_path, "tiny"),
            classes="animals",
            words=["words"],
            keep="6",
            name="far",
        ),
        Watch(),
    )


def bits(evaluated: Evaluated) -> list[Any]:
    """Return every result and every image's scores, to the bit."""
    scores = [
        (row.template, row.variant.label, name, one.tobytes())
        for row in evaluated.kept
        for name, one in row.scores.items()
    ]
    return [json.dumps([asdict(one) for one in evaluated.results], default=str), scores]


@pytest.mark.slow
@pytest.mark.parametrize("shard_rows", slow_except([2047], [97, 2047, 2048, 2049]))
def test_scores_of_shards_are_those_of_the_merged_files_to_the_bit(
    tmp_path: Path, files: Path, score: Score, shard_rows: int
) -> None:
    negatives = mined(tmp_path)
    write_negatives(negatives.path, negatives)
    given = dict(EVERYTHING)
    specifications = given.pop("specifications")
    whole = bits(score(*specifications, keep=True, **given))
    cut_all(tmp_path, shard_rows)
    assert not list(files.glob("*/*.h5"))
    assert bits(score(*specifications, keep=True, **given)) == whole
    assert mined(tmp_path) == negatives


@pytest.mark.slow
def test_a_shard_for_each_image_is_scored_alike(
    tmp_path: Path, write_texts: WriteTexts, write_images: WriteImages, score: Score
) -> None:
    write_texts("animals", unit(3, 1, 8))
    write_images("inside", unit(40, 3, 8), failed=[1, 39])
    write_images("outside", unit(21, 4, 8), dtype="f2")
    whole = bits(score("mcm", keep=True))
    cut_all(tmp_path, 1)
    assert bits(score("mcm", keep=True)) == whole


@pytest.mark.slow
def test_subsets_of_shards_are_those_of_the_merged_files(
    tmp_path: Path, files: Path, score: Score
) -> None:
    listed = tmp_path / "two.txt"
    listed.write_text("ant\ncow\n")
    given: dict[str, Any] = {"classes": "animals", "id_set": f"inside:@{listed}", "keep": True}
    whole = score("mcm", **given)
    before = bits(whole), *[view.paths() for view in whole.kept[0].images.values()]
    cut_all(tmp_path, 100)
    found = score("mcm", **given)
    assert (bits(found), *[view.paths() for view in found.kept[0].images.values()]) == before
    assert found.results[0].n_id == 2997  # Two of three classes; three of those rows failed.


@pytest.mark.slow
def test_imagenet10_is_cut_out_of_shards(
    tmp_path: Path, write_texts: WriteTexts, write_images: WriteImages, score: Score
) -> None:
    ids = (*split("inside:imagenet10")[1].ids, *(f"n{number:08d}" for number in range(10)))
    write_texts("imagenet", unit(20, 1, 8), ids=ids)
    write_images("inside", unit(80, 3, 8), label_names=ids, labels=np.arange(80) % 20)
    write_images("outside", unit(21, 4, 8))
    given = {"id_set": "inside:imagenet10", "keep": True}
    whole = bits(score("mcm", **given))
    cut_all(tmp_path, 7)
    found = score("mcm", **given)
    assert bits(found) == whole
    assert found.results[0].n_id == 40


def test_files_and_shards_are_scored_together(tmp_path: Path, files: Path, score: Score) -> None:
    whole = bits(score("mcm", classes="animals", keep=True))
    file = files / "images" / "outside.h5"
    cut(file, file, 99)
    file.unlink()
    assert bits(score("mcm", classes="animals", keep=True)) == whole


def test_it_is_told_what_was_read_as_shards(tmp_path: Path, files: Path, score: Score) -> None:
    whole = provenance(score("mcm", classes="animals").files)
    assert [one["shards"] for one in whole] == [None] * 3
    cut_all(tmp_path, 1500)
    texts, inside, outside = provenance(score("mcm", classes="animals").files)
    assert texts["path"] == str(files / "texts" / "animals.shards")
    assert inside["path"] == str(files / "images" / "inside.shards")
    assert texts["vectors"] == whole[0]["vectors"]
    assert inside["vectors"] is outside["vectors"] is None
    assert [one["shards"]["count"] for one in (texts, inside, outside)] == [1, 3, 1]
    sums = {one["shards"]["sha256"] for one in (texts, inside, outside)}
    assert len(sums) == 3
    same = ("weights", "source", "precision", "versions")
    for one, other in zip((texts, inside, outside), whole, strict=True):
        assert [one[key] for key in same] == [other[key] for key in same]


def test_an_incomplete_set_says_how_many_shards_are_there(
    tmp_path: Path, files: Path, score: Score
) -> None:
    file = files / "images" / "inside.h5"
    cut(file, file, 1500)[1].unlink()
    file.unlink()
    with pytest.raises(InputError) as error:
        score("mcm", classes="animals")
    assert str(error.value) == (
        f"{files / 'images' / 'inside.shards'}: 2 of 3 shards exist (missing: 2); run the same "
        "oodcache extract again"
    )


@pytest.mark.slow
def test_a_model_of_which_nothing_but_a_part_is_there_is_found_and_told(
    tmp_path: Path, files: Path, score: Score
) -> None:
    cut_all(tmp_path, 1000)
    for kept in ("outside", "train"):
        for path in (files / "images" / f"{kept}.shards").iterdir():
            path.unlink()
    with pytest.raises(InputError, match="outside.shards: contains no shard: run the same"):
        score("mcm", classes="animals")


@pytest.mark.slow
def test_the_only_vocabulary_that_is_whole_is_the_only_one(
    tmp_path: Path, files: Path, score: Score
) -> None:
    texts = files / "texts"
    whole = bits(score("mcm", classes="animals", keep=True))
    cut_texts(texts / "words.h5", texts / "words.h5", 8)[0].unlink()
    (texts / "words.h5").unlink()
    assert bits(score("mcm", keep=True)) == whole
    cut_texts(texts / "animals.h5", texts / "animals.h5", 2)
    (texts / "animals.h5").unlink()
    assert bits(score("mcm", keep=True)) == whole


@pytest.mark.slow
def test_of_vocabularies_that_are_all_incomplete_none_is_chosen(
    tmp_path: Path, files: Path, score: Score
) -> None:
    texts = files / "texts"
    for name in ("words", "animals"):
        cut_texts(texts / f"{name}.h5", texts / f"{name}.h5", 2)[0].unlink()
        (texts / f"{name}.h5").unlink()
    with pytest.raises(InputError, match="give --classes animals or words$"):
        score("mcm")
    with pytest.raises(InputError, match=r"words\.shards: 15 of 16 shards exist"):
        score("mcm", classes="words")


@pytest.mark.slow
def test_a_bank_in_shards_is_named_where_one_is_wanted(
    tmp_path: Path, files: Path, score: Score
) -> None:
    cut_all(tmp_path, 1000)
    with pytest.raises(InputError, match="give --bank train, if it holds training images"):
        score("knn", classes="animals")


@permissions_bind
def test_a_cache_that_may_not_be_written_is_scored(
    tmp_path: Path, files: Path, score: Score
) -> None:
    whole = bits(score("mcm", classes="animals", keep=True))
    cut_all(tmp_path, 1000)
    folders = [files, *(path for path in files.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    try:
        assert bits(score("mcm", classes="animals", keep=True)) == whole
    finally:
        for folder in folders:
            folder.chmod(0o700)
