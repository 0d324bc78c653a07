"""Claims about `oodcache cache`."""

from __future__ import annotations

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
    lines = oodcache("cache", "ls").out.splitlines()
    assert lines[0] == "tiny-sigmoid/demo"
    assert " ".join(lines[1].split()) == "images pets 13 x 64 float32, 1 not decoded"
    assert " ".join(lines[2].split()) == "texts c 1 templates x 2 classes x 64"


def test_ls_shows_a_broken_file_as_such(oodcache: Run, cached: None) -> None:
    IMAGES.write_bytes(b"broken")
    done = oodcache("cache", "ls")
    assert done.status == 0
    assert "NOT VALID" in done.out


def test_ls_of_nothing_says_how_to_make_some(oodcache: Run) -> None:
    empty = oodcache("cache", "ls")
    assert empty.status == 1
    assert "oodcache demo" in empty.err


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


def test_verify_finds_a_flipped_byte(oodcache: Run, cached: None) -> None:
    sound = oodcache("cache", "verify")
    assert sound.status == 0
    assert sound.out.count("sound") == 2
    with h5py.File(IMAGES, "r+") as file:
        file["embeddings"][0, :2] = file["embeddings"][0, :2][::-1]
    broken = oodcache("cache", "verify", IMAGES)
    assert broken.status == 1
    assert "(rule F10)" in broken.out
    assert "1 of 1 files are broken" in broken.err


@pytest.mark.parametrize("command", ["info", "verify"])
def test_a_missing_file_is_one_line(oodcache: Run, command: str) -> None:
    missing = oodcache("cache", command, "none.h5")
    assert missing.status == 1
    assert "No such file" in missing.err + missing.out
