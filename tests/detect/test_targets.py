"""Claims about targets: what a path or a name refers to, and which ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples.detect.detectors import made

from oodcache.cache.errors import InputError
from oodcache.detect.targets import TargetFinder


@pytest.fixture
def targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TargetFinder:
    """Go to a folder with two images in gate/ and one beside it."""
    monkeypatch.chdir(tmp_path)
    Path("gate").mkdir()
    for name in ("gate/b.png", "gate/a.png", "c.png"):
        Path(name).touch()
    return TargetFinder(made().detector, Path("embeddings"), print)


def test_consecutive_files_are_one_target_in_their_order(targets: TargetFinder) -> None:
    assert targets.find(["c.png", "gate", "c.png"]) == [
        (b"c.png", b"gate/a.png", b"gate/b.png", b"c.png")
    ]
    assert targets.left_out == 0


def test_folders_with_possible_images_that_are_left_out_are_counted(targets: TargetFinder) -> None:
    Path("gate/d.heic").touch()
    targets.find(["gate", "gate/"])
    assert targets.left_out == 2


def test_what_is_not_there_is_refused_with_the_line_that_makes_it(targets: TargetFinder) -> None:
    with pytest.raises(InputError, match="and embeddings contains no dataset of Tiny/one; make o"):
        targets.find(["nowhere"])
