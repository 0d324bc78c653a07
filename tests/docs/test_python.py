"""Claims about docs/python.md: the blocks of each section run in order, as typed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from samples import Run, write_image

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
TITLES = re.findall(r"^## (.*)", PAGE, re.M)
SECTIONS = re.split(r"^## .*", PAGE, flags=re.M)[1:]


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photos/pets/{cat,dog}, photos/strays and photos/new."""
    folder = tmp_path_factory.mktemp("notebook")
    for seed in range(66):
        place = "new" if seed >= 60 else ("pets/cat", "pets/dog", "strays")[seed // 20]
        write_image(folder / "photos" / place / f"{seed}.png", seed)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS, ids=TITLES)
def test_the_blocks_of_a_section_run_in_order(
    section: str, photos: Path, oodcache: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").symlink_to(photos / "photos")
    monkeypatch.chdir(tmp_path)
    extract = ("extract", "--model", "tiny-clip", "--classes", "pets=photos/pets")
    done = oodcache(*extract, "pets=photos/pets", "strays=photos/strays")
    assert done.status == 0, done.err
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", section, re.S):
        exec(block, names)
