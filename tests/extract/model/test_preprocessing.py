"""Claims about preprocessing in two parts: open_clip's own pixels, to the bit."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from oodcache.cache.errors import InputError
from oodcache.extract.model import preprocessing as module
from oodcache.extract.model.preprocessing import Normalization, preprocessing

CPU = torch.device("cpu")
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
SIGLIP = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
configurations = some.builds(
    lambda size, statistics, mode, interpolation: PreprocessCfg(
        size=size,
        mean=statistics[0],
        std=statistics[1],
        resize_mode=mode,
        interpolation=interpolation,
    ),
    some.sampled_from([16, 32, 224, (24, 40), (40, 24)]),
    some.sampled_from([CLIP, SIGLIP]),
    some.sampled_from(["shortest", "longest", "squash"]),
    some.sampled_from(["bicubic", "bilinear"]),
)


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def both_parts(configuration: PreprocessCfg, contents: Sequence[bytes]) -> torch.Tensor:
    prepared = preprocessing(configuration)
    pixels = torch.stack([prepared.prepared(one).pixels for one in contents])
    assert pixels.dtype == torch.uint8
    return Normalization(prepared, CPU)(pixels)


@given(configurations, some.integers(1, 300), some.integers(1, 300), some.integers(0, 9))
def test_both_parts_are_open_clips_preprocessing_to_the_bit(
    configuration: PreprocessCfg, width: int, height: int, seed: int
) -> None:
    images = [noise(width, height, seed), noise(height, width, seed)]
    transform = image_transform_v2(configuration, is_train=False)
    try:
        expected = torch.stack([transform(one) for one in images])
    except ValueError:  # Its longer side in place, the shorter one has no pixel left.
        with pytest.raises(ValueError, match="height and width must be > 0"):
            both_parts(configuration, [png(one) for one in images])
        return
    ours = both_parts(configuration, [png(one) for one in images])
    assert torch.equal(ours, expected)
    assert ours.dtype == torch.float32


def test_every_value_of_a_pixel_is_normalised_to_the_bit() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = Image.fromarray(np.stack([values] * 3, axis=-1))
    for mean, std in (CLIP, SIGLIP, ((0.123, 0.456, 0.789), (0.21, 0.34, 0.55))):
        configuration = PreprocessCfg(size=16, mean=mean, std=std)
        transform = image_transform_v2(configuration, is_train=False)
        assert torch.equal(both_parts(configuration, [png(image)])[0], transform(image))


def test_noise_reaches_a_model_without_mean_and_deviation() -> None:
    prepared = preprocessing(PreprocessCfg(size=24, mean=CLIP[0], std=CLIP[1]))
    pixels = torch.rand(3, 24, 24)
    found = Normalization(prepared, CPU)(prepared.unscaled(pixels)[None])
    torch.testing.assert_close(found[0], pixels, rtol=0, atol=1e-6)


def test_pixels_are_left_as_they_are_by_what_is_computed_from_them() -> None:
    prepared = preprocessing(PreprocessCfg(size=16))
    pixels = prepared.prepared(png(noise(20, 30))).pixels
    before = pixels.clone()
    Normalization(prepared, CPU)(pixels[None])
    assert torch.equal(pixels, before)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("size", [16, (24, 40)])
def test_a_blank_image_has_the_shape_of_any_other(fast: bool, size: Any) -> None:
    prepared = preprocessing(PreprocessCfg(size=size), fast_decode=fast)
    blank, pixels = prepared.blank(), prepared.prepared(png(noise(50, 20))).pixels
    assert (blank.shape, blank.dtype) == (pixels.shape, pixels.dtype)
    assert not blank.any()


@pytest.mark.parametrize("mode", ["P", "1", "L", "RGBA", "CMYK"])
def test_an_image_that_is_not_rgb_becomes_it_before_it_is_resized(mode: str) -> None:
    configuration = PreprocessCfg(size=16)
    image, content = noise(40, 30).convert(mode), io.BytesIO()
    image.save(content, "TIFF")
    transform = image_transform_v2(configuration, is_train=False)
    ours = both_parts(configuration, [content.getvalue()])[0]
    assert torch.equal(ours, transform(image.convert("RGB")))


def test_a_preprocessing_that_ends_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_one_more(configuration: PreprocessCfg, is_train: bool) -> Any:
        transform = image_transform_v2(configuration, is_train=is_train)
        transform.transforms.append(transform.transforms[-1])
        return transform

    monkeypatch.setattr(module, "image_transform_v2", with_one_more)
    with pytest.raises(InputError) as refused:
        preprocessing(PreprocessCfg())
    assert str(refused.value) == (
        "open_clip's preprocessing ends in MaybeToTensor, Normalize, Normalize, not in "
        "MaybeConvertMode, MaybeToTensor, Normalize: type  pip install 'open_clip_torch<4'"
    )


@pytest.mark.parametrize("fast", [False, True])
def test_with_exif_the_pixels_are_those_of_the_upright_image(fast: bool) -> None:
    exif, content, upright = Image.Exif(), io.BytesIO(), io.BytesIO()
    exif[0x0112] = 6
    stored = noise(8, 4).resize((80, 40))
    stored.save(content, "JPEG", quality=100, exif=exif)
    with Image.open(content) as image:
        image.transpose(Image.Transpose.ROTATE_270).save(upright, "PNG")
    found = preprocessing(PreprocessCfg(size=16), fast_decode=fast, exif=True)
    got, wanted = found.prepared(content.getvalue()), found.prepared(upright.getvalue())
    assert (got.pixels.int() - wanted.pixels.int()).abs().max() <= 5 * fast
    assert (got.is_rotated, wanted.is_rotated) == (True, False)
