"""Fixtures of a small cache."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from samples.cache.pets import cut, cut_texts, write_names, write_pets

import oodcache as package

__all__ = ["cut", "cut_texts", "write_names", "write_pets"]
Write = Callable[..., Path]


@pytest.fixture(scope="session")
def two_models(
    tmp_path_factory: pytest.TempPathFactory, write_pets: Write, write_names: Write
) -> Path:
    """Write a cache of two models with images and texts, which is only copied."""
    folder = tmp_path_factory.mktemp("two-models")
    for model in ("one", "two"):
        for seed, name in enumerate(("pets", "strays")):
            path = folder / model / "demo" / "images" / f"{name}.h5"
            write_pets(path, count=40, seed=seed, failed=(2,), requested=model)
        write_names(folder / model / "demo" / "texts" / "animals.h5")
    return folder


@pytest.fixture
def cache(tmp_path: Path, two_models: Path) -> package.Cache:
    """Copy the cache of two models; open it."""
    shutil.copytree(two_models, tmp_path / "cache")
    return package.open(tmp_path / "cache")
