"""Fixtures of a small cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from samples.cache.pets import cut, cut_texts, write_names, write_pets

import oodcache as package

__all__ = ["cut", "cut_texts", "write_names", "write_pets"]
Write = Callable[..., Path]


@pytest.fixture
def cache(tmp_path: Path, write_pets: Write, write_names: Write) -> package.Cache:
    """Write two models with images and texts; open the cache."""
    for model in ("one", "two"):
        for seed, name in enumerate(("pets", "strays")):
            path = tmp_path / "cache" / model / "demo" / "images" / f"{name}.h5"
            write_pets(path, count=40, seed=seed, failed=(2,), requested=model)
        write_names(tmp_path / "cache" / model / "demo" / "texts" / "animals.h5")
    return package.open(tmp_path / "cache")
