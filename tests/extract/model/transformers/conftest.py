"""Checkpoints that several modules read; tests that change one copy it."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples.extract.transformers_folders import transformers_folder


class Folders(dict[str, Path]):
    """A folder of each kind in LAYOUTS, written when it is first asked for."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root

    def __missing__(self, kind: str) -> Path:
        self[kind] = transformers_folder(self._root / kind, kind)
        return self[kind]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return Folders(tmp_path_factory.mktemp("checkpoints"))
