"""Claims about the files that every image's scores are written to."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.score.evaluation import Evaluated
from oodcache.score.files.reading import read
from oodcache.score.files.writing import check_ending, rows, save
from oodcache.score.measures.metrics import auroc

ENDINGS = (".h5", ".hdf5", ".csv", ".tsv", ".CSV")
SPECIFICATIONS = ("mcm", "mcm:temperature=learned", "joint-energy:scale=2,bias=1")


def unit(rows: int, seed: int) -> Any:
    vectors = np.random.default_rng(seed).normal(size=(rows, 4))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def evaluated(
    write_images: Callable[..., Any],
    write_texts: Callable[..., Any],
    score: Callable[..., Evaluated],
) -> Evaluated:
    """Seven ID images, one of them not decoded and one without a label, and four others."""
    write_images(
        "inside",
        unit(7, 0),
        labels=[0, 1, 0, 1, -1, 1, 0],
        label_names=("cat", "größer, dog"),
        failed=(2,),
    )
    write_images("outside", unit(4, 1))
    write_texts("names", unit(3, 2), class_names=("größer, dog", "cat", "fox"))
    return score(*SPECIFICATIONS, keep=True)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_saved_is_read_back_to_the_last_bit(
    tmp_path: Path, evaluated: Evaluated, ending: str
) -> None:
    path = tmp_path / f"s{ending}"
    assert save(path, evaluated.kept) == 6 + 4
    labels = [one.variant.label for one in evaluated.kept]
    inside, outside = read(path, labels)
    assert (inside.model, inside.template, inside.data_set) == ("Tiny/one", "a {}", "inside")
    for one in evaluated.kept:
        for part in (inside, outside):
            assert part.data_set is not None
            read_back = part.scores[one.variant.label]
            assert read_back.tobytes() == one.scores[part.data_set].tobytes()
    for label in labels:
        (result,) = (
            one
            for one, kept in zip(evaluated.results, evaluated.kept, strict=True)
            if kept.variant.label == label
        )
        assert auroc(inside.scores[label], outside.scores[label]) == result.auroc


def test_a_line_has_the_path_and_the_folder_of_its_image(
    tmp_path: Path, evaluated: Evaluated
) -> None:
    save(tmp_path / "s.csv", evaluated.kept)
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    # Row 2 could not be decoded.
    assert [(one["path"], one["label"]) for one in lines[:6]] == [
        ("0.png", "cat"),
        ("1.png", "größer, dog"),
        ("3.png", "größer, dog"),
        ("4.png", ""),
        ("5.png", "größer, dog"),
        ("6.png", "cat"),
    ]
    assert {one["label"] for one in lines[6:]} == {""}
    names, vectors = ("größer, dog", "cat", "fox"), unit(3, 2)
    nearest = [names[int(np.argmax(vectors @ one))] for one in unit(7, 0)]
    assert [one["nearest"] for one in lines[:6]] == nearest[:2] + nearest[3:]
    assert [*lines[0]][6:] == [name for one in SPECIFICATIONS for name in (one, f"{one} shown")]


def test_text_is_written_in_blocks_that_leave_nothing_out(
    tmp_path: Path, evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "whole.tsv", evaluated.kept)
    monkeypatch.setattr("oodcache.score.files.writing.BLOCK_ROWS", 3)
    save(tmp_path / "blocks.tsv", evaluated.kept)
    whole = (tmp_path / "whole.tsv").read_bytes()
    assert (tmp_path / "blocks.tsv").read_bytes() == whole
    assert whole.count(b"\n") == 1 + 10


def test_the_same_images_are_told_from_others(
    evaluated: Evaluated,
    write_images: Callable[..., Any],
    write_texts: Callable[..., Any],
    score: Callable[..., Evaluated],
) -> None:
    first = rows(evaluated.kept)
    assert len({tuple(one.images.values()) for one in first}) == 1
    for name, failed in (("two", (2,)), ("three", ())):
        write_images("inside", unit(7, 5), failed=failed, pretrained=name)
        write_images("outside", unit(4, 6), pretrained=name)
        write_texts("names", unit(3, 7), pretrained=name)
        (again, *_) = rows(score("mcm", keep=True, model=f"Tiny/{name}").kept)
        assert again.images["outside"] == first[0].images["outside"]
        assert (again.images["inside"] == first[0].images["inside"]) is bool(failed)


@pytest.mark.parametrize(
    ("name", "words"),
    [("s.json", "ends in '.json'; use .h5, .hdf5, .csv or .tsv"), ("s", "has no suffix")],
)
def test_another_ending_is_refused(name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_ending(Path(name))


@pytest.mark.parametrize("ending", [".csv", ".h5"])
def test_what_cannot_be_written_is_one_line_and_leaves_nothing(
    tmp_path: Path, evaluated: Evaluated, ending: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save(tmp_path / "file" / f"s{ending}", evaluated.kept)


@pytest.mark.usefixtures("tally")
def test_a_single_stream_is_saved_with_its_order_in_the_columns_name(
    tmp_path: Path, evaluated: Evaluated, score: Callable[..., Evaluated]
) -> None:
    kept = score("tally", streams=["id-first"], keep=True).kept
    save(tmp_path / "s.csv", kept)
    inside, outside = read(tmp_path / "s.csv", ["tally (id-first)"])
    run = next(iter(kept[0].stream.runs["outside"])) if kept[0].stream else None
    assert run is not None
    assert inside.scores["tally (id-first)"].tobytes() == run.id_scores.tobytes()
    assert outside.scores["tally (id-first)"].tobytes() == run.ood_scores.tobytes()
    with pytest.raises(InputError, match=r"tally \(shuffle:2\) has no score of every image"):
        save(tmp_path / "s.csv", score("tally", streams=["shuffle:2"], keep=True).kept)
