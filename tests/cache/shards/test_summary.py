"""Claims about what is told of files and shards without reading a vector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from oodcache.cache.errors import RuleError
from oodcache.cache.shards.merging import peek
from oodcache.cache.shards.summary import runs, summarise

WriteShards = Callable[..., list[Path]]


def test_a_summary_is_what_bare_h5py_finds(image_file: Path) -> None:
    found = summarise(image_file)
    with h5py.File(image_file) as file:
        ok = file["ok"][:]
        assert found.norm.tolist() == file["norm"][:][ok].tolist()
        assert found.bad == np.count_nonzero(~ok) == 2
        assert found.shape == file["embeddings"].shape == (found.rows, 4)
    assert (found.kind, found.templates, found.classes, found.place) == ("images", None, None, None)


def test_a_summary_of_texts_counts_templates_and_classes(text_file: Path) -> None:
    found = summarise(text_file)
    assert (found.shape, found.rows, found.templates, found.classes) == ((2, 3, 4), 6, 2, 3)
    assert (found.bad, found.norm.shape) == (0, (6,))


def test_a_shard_knows_its_own_rows_and_all_names(shard_file: Path, text_shard_file: Path) -> None:
    images, texts = summarise(shard_file), summarise(text_shard_file)
    assert images.place is not None
    assert (images.rows, images.bad, images.place.total) == (4, 1, 6)
    assert (texts.rows, texts.templates, texts.classes) == (4, 2, 3)


def test_no_vector_is_read(image_file: Path, text_file: Path) -> None:
    for path in (image_file, text_file):
        with h5py.File(path, "r+") as file:
            file["embeddings"][:] = np.nan
        assert summarise(path).rows == 6


def test_another_kind_than_was_asked_for_is_refused(image_file: Path, shard_file: Path) -> None:
    assert summarise(image_file, "images").kind == "images"
    with pytest.raises(RuleError, match="kind is 'images', expected 'texts'"):
        summarise(image_file, "texts")
    with pytest.raises(RuleError, match="rule F1"):
        summarise(shard_file, "images", "texts")


def test_shards_are_told_apart_by_run_the_furthest_first(
    tmp_path: Path, write_shards: WriteShards
) -> None:
    ones, fours = write_shards(tmp_path / "a.h5", 1), write_shards(tmp_path / "a.h5", 4)
    some = [ones[5], ones[0], ones[2], fours[0], fours[1]]
    far, near = runs(map(peek, some))
    assert (far.done, far.of, far.missing) == (2, 2, [])
    assert (near.done, near.of, near.missing) == (3, 6, ["2", "4 to 5"])
    assert runs([]) == []


def test_a_shard_that_is_there_twice_counts_once(tmp_path: Path, write_shards: WriteShards) -> None:
    one, _ = write_shards(tmp_path / "a.h5")
    (run,) = runs([peek(one), peek(one)])
    assert (run.done, run.missing) == (1, ["2"])


def test_a_shard_of_more_than_memory_could_count_is_one_line(
    tmp_path: Path, write_shards: WriteShards
) -> None:
    one, _ = write_shards(tmp_path / "a.h5", 4)
    with h5py.File(one, "r+") as file:
        file.attrs["total"] = np.int64(2**62)
    (run,) = runs([peek(one)])
    assert (run.done, run.of, run.missing) == (1, 2**60, [f"2 to {2**60}"])
