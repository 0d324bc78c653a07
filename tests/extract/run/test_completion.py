"""Claims about what is missing of a file: made once, merged by whoever sees that all is there."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest
from samples.extract.runs import extract, files, half, once, stopping

from oodcache.cache.errors import InputError
from oodcache.cache.format.place import shard_folder
from oodcache.cache.store.verification import verify


@pytest.fixture
def sources(photos: Path) -> list[str]:
    return [f"c={photos}"]


def test_an_empty_share_is_said_and_is_no_error(tmp_path: Path, sources: list[str]) -> None:
    notes: list[str] = []
    (path,) = extract(tmp_path, notes, sources=sources, part=5, parts=5)
    assert "c: nothing to do for --shard 5/5: only 3 shards" in notes
    assert not path.exists()


def test_the_process_that_writes_the_last_shard_merges(tmp_path: Path, sources: list[str]) -> None:
    notes: list[str] = []
    (path,) = extract(tmp_path, notes, sources=sources, part=1, parts=2)
    assert "c: 2 of 3 shards are done; the process that writes the last one merges them" in notes
    assert not path.exists()
    extract(tmp_path, notes, sources=sources, part=2, parts=2)
    assert notes[-1].startswith(f"wrote {path}: 12 images in 2 class folders")


def test_a_shard_whose_vectors_rotted_is_named_and_not_merged(
    tmp_path: Path, sources: list[str]
) -> None:
    path = half(tmp_path, sources)
    first = min(shard_folder(path).iterdir())
    with h5py.File(first, "r+") as file:
        file["embeddings"][0] *= -1
    with pytest.raises(InputError) as refused:
        extract(tmp_path, sources=sources)
    assert str(refused.value).startswith(str(first))
    assert "remove it and run the same command again" in str(refused.value)
    first.unlink()
    extract(tmp_path, sources=sources)
    verify(path)


@pytest.mark.slow
def test_another_run_that_merges_first_is_no_error(tmp_path: Path, sources: list[str]) -> None:
    whole, notes = once(tmp_path, sources=sources), list[str]()
    (path,) = (tmp_path / "embeddings" / whole.relative_to(tmp_path / "whole"),)
    # Once in the middle of a shard, whose folder goes away, and once before the last one is begun.
    for rows in (7, 10):
        extract(
            tmp_path,
            notes,
            progress=stopping(rows, lambda: path.exists() or extract(tmp_path, sources=sources)),
            sources=sources,
        )
        assert notes.pop() == f"{path}: another run finished it meanwhile"
        assert path.read_bytes() == whole.read_bytes()
        assert files(path.parent) == ["c.h5"]
        path.unlink()
