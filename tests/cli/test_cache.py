"""Claims about `oodcache cache`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import pytest
from samples import Run

IMAGES = Path("embeddings/tiny-sigmoid/demo/images/pets.h5")


@pytest.fixture
def cached(oodcache: Run, photos: Path) -> None:
    """Extract one data set, one image of which is bad, and its classes."""
    (photos / "cat" / "bad\x1b[31m.png").write_bytes(b"no image")
    oodcache("extract", "--model", "tiny-sigmoid", "--classes", f"c={photos}", f"pets={photos}")


def test_ls_lists_models_with_their_files(oodcache: Run, cached: None) -> None:
    _, _, model, images, texts = oodcache("cache", "ls").out.splitlines()
    assert model == "tiny-sigmoid/demo"
    assert images.split()[:5] == ["images", "pets", "13", "64", "float32"]
    assert images.split()[-2:] == ["1", "complete"]
    assert texts.split()[:4] == ["texts", "c", "1", "x"]


def test_info_shows_the_identity_labels_and_bad_images_escaped(oodcache: Run, cached: None) -> None:
    shown = oodcache("cache", "info", IMAGES).out
    for line in (
        "  logit_bias: -",
        "  resize_mode: ",
        "  cat: 7",
        "  dog: 6",
        "  autocast: float32",
    ):
        assert line in shown
    assert r"row 6: cat/bad\x1b[31m.png: UnidentifiedImageError" in shown
    assert "\x1b" not in shown


def test_info_of_texts_shows_classes_and_templates(oodcache: Run, cached: None) -> None:
    shown = oodcache("cache", "info", "embeddings/tiny-sigmoid/demo/texts/c.h5").out
    assert "  a photo of a {}" in shown
    assert "  cat  cat" in shown


@pytest.mark.slow
def test_verify_finds_a_flipped_byte(oodcache: Run, cached: None) -> None:
    sound = oodcache("cache", "verify")
    assert sound.status == 0
    assert sound.out.count("sound") == 2
    with h5py.File(IMAGES, "r+") as file:
        file["embeddings"][0, :2] = file["embeddings"][0, :2][::-1]
    broken = oodcache("cache", "verify", IMAGES)
    assert broken.status == 1
    assert "(rule F14)" in broken.out
    assert "1 of 1 file is broken" in broken.err


@pytest.mark.parametrize("command", ["info", "verify", "merge", "rm"])
def test_a_missing_file_is_one_line(oodcache: Run, command: str) -> None:
    missing = oodcache("cache", command, "none.h5")
    assert missing.status == 1
    assert "No such file" in missing.err + missing.out


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_traceback(oodcache: Run, cached: None) -> None:
    for command in ("ls", "ls --format json", f"info {IMAGES}", "verify"):
        code = f"{sys.executable} -u -m oodcache cache {command} | true"
        done = subprocess.run(code, shell=True, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        assert "BrokenPipe" not in done.stderr
