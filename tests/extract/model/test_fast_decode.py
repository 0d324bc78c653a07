"""Claims about torchvision's decoding and resizing: near PIL's, and PIL's own where it cannot."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg
from PIL import Image, ImageOps
from samples.extract.ghostscript import EPS, install
from sklearn.datasets import load_sample_images

from oodcache.cache.errors import InputError
from oodcache.extract.model import fast_decode
from oodcache.extract.model.preprocessing import preprocessing


def photograph(number: int = 0) -> Image.Image:
    return Image.fromarray(load_sample_images().images[number])


def saved(image: Image.Image, kind: str = "JPEG", **given: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **given)
    return content.getvalue()


def far(content: bytes, configuration: PreprocessCfg) -> int:
    """Return by how much the farthest pixel is off PIL's."""
    slow, fast = (
        preprocessing(configuration, fast_decode=fast).prepared(content).pixels.int()
        for fast in (False, True)
    )
    assert slow.shape == fast.shape
    return int((slow - fast).abs().max())


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [32, 224, (160, 224), (224, 160)])
def test_photographs_are_within_five_of_pils_pixels(
    number: int, mode: str, interpolation: str, size: Any
) -> None:
    configuration = PreprocessCfg(size=size, resize_mode=mode, interpolation=interpolation)
    for image in (photograph(number), photograph(number).crop((0, 0, 150, 420))):
        assert far(saved(image, quality=90), configuration) <= 5


@pytest.mark.parametrize("sides", [(1, 1), (3, 90), (90, 3), (31, 32), (223, 225), (640, 37)])
@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [32, (24, 40)])
def test_any_shape_is_resized_and_padded_as_pil_would(
    sides: tuple[int, int], mode: str, size: Any
) -> None:
    configuration = PreprocessCfg(size=size, resize_mode=mode, fill_color=7)
    assert far(saved(photograph().resize(sides), "PNG"), configuration) <= 5


def test_a_jpeg_is_decoded_by_torchvision_grey_or_not() -> None:
    for image in (photograph(), photograph().convert("L")):
        jpeg = fast_decode.decoded(saved(image))
        assert jpeg is not None
        pixels = jpeg.pixels
        assert (pixels.shape, pixels.dtype) == ((3, *image.size[::-1]), torch.uint8)


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGB"), ("WEBP", "RGB"), ("GIF", "P"), ("JPEG", "CMYK")]
)
def test_anything_else_is_left_to_pil_and_resized_the_same_way(kind: str, mode: str) -> None:
    content = saved(photograph().convert(mode), kind)
    assert fast_decode.decoded(content) is None
    assert far(content, PreprocessCfg()) <= 5


def test_exif_orientation_is_not_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    jpeg = fast_decode.decoded(saved(photograph(), exif=exif))
    assert jpeg is not None
    assert (jpeg.pixels.shape, jpeg.orientation) == ((3, 427, 640), 6)


@pytest.mark.parametrize("cut", [slice(0, 0), slice(0, 20), slice(0, 3000), slice(0, -20)])
def test_a_bad_jpeg_fails_for_pils_reason(cut: slice) -> None:
    content = saved(photograph())[cut]
    reasons = []
    for fast in (False, True):
        with pytest.raises(Exception) as refused:
            preprocessing(PreprocessCfg(), fast_decode=fast).prepared(content)
        reasons.append((refused.type, str(refused.value).split("<_io")[0]))
    assert reasons[0] == reasons[1]


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Image.DecompressionBombError):
        fast_decode.decoded(saved(photograph()))


def test_a_torchvision_without_jpegs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("torchvision.io.decode_jpeg")
    with pytest.raises(InputError, match="--fast-decode: torchvision .* cannot decode JPEGs"):
        preprocessing(PreprocessCfg(), fast_decode=True)
    preprocessing(PreprocessCfg())


def test_noise_that_is_no_photograph_stays_near() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert far(saved(Image.fromarray(pixels), quality=95), PreprocessCfg()) <= 5


def test_no_image_starts_ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = install(tmp_path, monkeypatch)
    with pytest.raises(OSError, match="cannot identify image file"):
        preprocessing(PreprocessCfg(), fast_decode=True).prepared(EPS)
    assert not mark.exists()


@pytest.mark.parametrize("turn", range(1, 9))
def test_turned_pixels_are_those_that_pil_turns(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    content = saved(photograph().resize((40, 30)), exif=exif)
    jpeg = fast_decode.decoded(content)
    assert jpeg is not None
    with Image.open(io.BytesIO(content)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image)).astype(int)
    found = jpeg.turned().permute(1, 2, 0).numpy()
    assert found.shape == upright.shape
    assert np.abs(found - upright).max() <= 5
