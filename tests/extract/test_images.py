"""Claims about images from disk: what decodes to what, and what a bad one leaves behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from oodcache.cache.errors import InputError
from oodcache.extract import images
from oodcache.extract.folders import FolderContents


class Nearest:
    """A preparation by hand: 4 x 4 nearest pixels, channels first."""

    def pixels(self, content: bytes) -> torch.Tensor:
        image = images.decode(content).resize((4, 4), 0)
        return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)

    def blank(self) -> torch.Tensor:
        return torch.zeros(3, 4, 4, dtype=torch.uint8)


def batches(
    root: Path, names: list[str], *, batch_size: int = 4, workers: int = 0
) -> list[images.Decoded]:
    paths = [os.fsencode(name) for name in names]
    rows = [
        range(len(paths))[first : first + batch_size] for first in range(0, len(paths), batch_size)
    ]
    contents = FolderContents(root, paths)
    return list(images.batches(contents, Nearest(), rows, workers=workers, pin_memory=False))


def red(mode: str) -> Image.Image:
    return Image.new("RGB", (8, 8), (255, 0, 0)).convert(mode)


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("cmyk.jpg", lambda: red("CMYK"), (254, 0, 0)),
        ("palette.png", lambda: red("P"), (255, 0, 0)),
        ("palette.gif", lambda: red("P"), (255, 0, 0)),
        ("alpha.png", lambda: red("RGBA"), (255, 0, 0)),
        ("bits.png", lambda: Image.new("1", (8, 8), 1), (255, 255, 255)),
        ("grey.png", lambda: Image.new("L", (8, 8), 77), (77, 77, 77)),
        ("pixel.png", lambda: Image.new("RGB", (1, 1), (1, 2, 3)), (1, 2, 3)),
        (
            "sixteen.png",
            lambda: Image.fromarray(np.full((8, 8), 0x8000, np.uint16)),
            (128, 128, 128),
        ),
        (
            "sixteen.tif",
            lambda: Image.fromarray(np.full((8, 8), 0xFFFF, np.uint16)),
            (255, 255, 255),
        ),
    ],
)
def test_every_kind_of_image_becomes_rgb(
    tmp_path: Path,
    name: str,
    make: Callable[[], Image.Image],
    expected: tuple[int, int, int],
) -> None:
    make().save(tmp_path / name)
    decoded = images.decode((tmp_path / name).read_bytes())
    assert decoded.mode == "RGB"
    assert np.abs(np.asarray(decoded, int)[0, 0] - expected).max() <= 1


def test_a_palette_becomes_colours_before_it_is_resized(tmp_path: Path) -> None:
    stripes = Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (8, 4))).convert("P")
    stripes.save(tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as stored:
        by_hand = stored.convert("RGB")
    assert np.array_equal(
        np.asarray(images.decode((tmp_path / "p.png").read_bytes())), np.asarray(by_hand)
    )


def test_exif_orientation_is_not_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 4))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert images.decode((tmp_path / "turned.jpg").read_bytes()).size == (8, 4)


def write_bad(root: Path) -> dict[str, bytes]:
    """Write images that cannot be decoded, each in its own way."""
    whole = root / "whole.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(whole)
    return {
        "empty.jpg": b"",
        "text.png": b"not an image",
        "half.jpg": whole.read_bytes()[: len(whole.read_bytes()) // 2],
        "head.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 20,
    }


def test_bad_images_keep_their_rows_and_the_others_their_pixels(tmp_path: Path) -> None:
    for name, content in write_bad(tmp_path).items():
        (tmp_path / name).write_bytes(content)
    good = Nearest().pixels((tmp_path / "whole.jpg").read_bytes())
    names = ["whole.jpg", "empty.jpg", "text.png", "half.jpg", "head.png", "gone.jpg", "whole.jpg"]
    first, second = batches(tmp_path, names)
    assert sorted(first.errors) == [1, 2, 3]
    assert sorted(second.errors) == [0, 1]
    assert torch.equal(first.images[0], good)
    assert torch.equal(second.images[2], good)
    assert not first.images[1:].any()


def test_a_decompression_bomb_is_one_bad_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (100, 100)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    (decoded,) = batches(tmp_path, ["bomb.png"])
    assert "DecompressionBombError" in decoded.errors[0]


def test_a_reason_is_one_line_without_the_root(tmp_path: Path) -> None:
    (tmp_path / "two\nlines.png").write_bytes(b"no")
    (decoded,) = batches(tmp_path, ["two\nlines.png"])
    assert str(tmp_path) not in decoded.errors[0]
    assert "\n" not in decoded.errors[0]


@pytest.mark.filterwarnings("error")
def test_any_number_of_workers_gives_the_same_batches_in_the_same_order(tmp_path: Path) -> None:
    for number in range(10):
        Image.new("RGB", (5, 5), (number, 0, 0)).save(tmp_path / f"{number}.png")
    names = [f"{number}.png" for number in (3, 1, 4, 0, 5, 9, 2, 6, 8, 7)]
    alone, shared = (
        batches(tmp_path, names),
        batches(tmp_path, names, workers=(os.cpu_count() or 1) + 1),
    )
    assert [len(one.images) for one in alone] == [4, 4, 2]
    for one, other in zip(alone, shared, strict=True):
        assert torch.equal(one.images, other.images)


class Dying:
    """An object of ours whose deletion fails."""

    def __del__(self) -> None:
        raise RuntimeError("a bug of ours")


def half_made() -> object:
    """Return torch's own iterator as an interrupted construction leaves it."""
    return images.ITERATOR.__new__(images.ITERATOR)


@pytest.mark.parametrize(("make", "printed"), [(half_made, 0), (Dying, 1)])
@pytest.mark.parametrize("fails", [False, True])
def test_torchs_iterator_is_deleted_without_a_word_and_a_bug_is_told(
    make: Callable[[], object], printed: int, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", lambda one: said.append(one.exc_type))

    def work() -> None:
        dying = make()
        if fails:
            raise InputError("finished elsewhere")
        assert dying is not None

    try:
        with images.watching_workers():
            work()
    except InputError:
        assert len(said) == printed
    assert len(said) == printed
    make()
    assert len(said) == printed + 1
