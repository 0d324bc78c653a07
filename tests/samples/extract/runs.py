"""Extractions of small folders, run in the tests' own process and stopped where a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from samples import planned, silent

from oodcache.cache.watch import Note, Watch
from oodcache.extract.model import loading
from oodcache.extract.model.encoder import Encoder
from oodcache.extract.model.request import ModelRequest, Resolved
from oodcache.extract.run import run

LOAD, LOADED = loading.load, dict[tuple[str, str | None, bool], Encoder]()
REQUEST = ModelRequest("tiny-clip")
Progress = Callable[[str, int, str], Any]


def extract(
    tmp_path: Path, notes: list[str] | None = None, progress: Progress = silent, **given: Any
) -> list[Path]:
    said: list[str] = [] if notes is None else notes
    settings = {"shard_rows": 5, "batch_size": 2, "workers": 0, **given}
    return run.run(planned(tmp_path, REQUEST, said, **settings), Watch(said.append, progress))


def once(tmp_path: Path, name: str = "whole", **given: Any) -> Path:
    """Extract undisturbed into a cache of its own."""
    return extract(tmp_path, cache=tmp_path / name, **given)[-1]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def load_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load each model once for all runs of this process: runs of a test are then fast."""
    monkeypatch.setattr(loading, "load", _loaded)


def _loaded(resolved: Resolved, note: Note, *, with_texts: bool = True) -> Encoder:
    key = resolved.label, resolved.checkpoint, with_texts
    if key not in LOADED:
        LOADED[key] = LOAD(resolved, note, with_texts=with_texts)
    return LOADED[key]


class StoppedError(Exception):
    """What stops a run in a test."""


def stopping(rows: int, action: Callable[[], None]) -> Progress:
    """Return a progress that does something once so many rows are done."""

    @contextmanager
    def progress(description: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        done = [0]

        def advance(more: int) -> None:
            done[0] += more
            if done[0] >= rows:
                action()

        yield advance

    return progress


def stop() -> None:
    raise StoppedError


def half(tmp_path: Path, sources: list[str], **given: Any) -> Path:
    """Leave the first share of a run; return the target."""
    return extract(tmp_path, sources=sources, part=1, parts=2, **given)[0]
