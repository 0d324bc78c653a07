"""Claims about preprocessings that are objects in memory."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torchvision import transforms as v1
from torchvision.transforms import InterpolationMode, v2

from oodcache.cache.errors import InputError
from oodcache.extract.memory import transforms
from oodcache.extract.model.pixels import ORIENTATION
from oodcache.extract.model.preprocessing import Normalization, preprocessing

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
BICUBIC = InterpolationMode.BICUBIC
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)


def convert(image: Image.Image) -> Image.Image:
    return image.convert("RGB")


convert.__name__ = "_convert_image_to_rgb"


def file_of(image: Image.Image, **given: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **given)
    return file.getvalue()


CONFIGURATIONS = [
    PreprocessCfg(size=(16, 16), mean=MEAN, std=STD),
    PreprocessCfg(size=(16, 16), mean=MEAN, std=STD, interpolation="bilinear"),
    PreprocessCfg(size=(16, 16), mean=MEAN, std=STD, resize_mode="squash"),
    PreprocessCfg(size=(16, 24), mean=MEAN, std=STD, resize_mode="squash"),
]


@pytest.mark.parametrize("wanted", CONFIGURATIONS, ids=str)
def test_open_clips_own_transforms_are_recognised(wanted: PreprocessCfg) -> None:
    assert transforms.configuration(image_transform_v2(wanted, is_train=False), None) == wanted


@pytest.mark.parametrize("mode", ["longest", "shortest"])
def test_a_transform_that_only_its_model_describes_is_recognised_by_it(mode: str) -> None:
    wanted = PreprocessCfg(size=(16, 24), mean=MEAN, std=STD, resize_mode=mode)
    own = {**wanted.__dict__, "size": [16, 24]}
    assert transforms.configuration(image_transform_v2(wanted, is_train=False), own) == wanted


def test_the_models_description_counts_only_if_it_is_the_transform() -> None:
    other = {**PreprocessCfg(size=(32, 32)).__dict__}
    found = transforms.configuration(image_transform_v2(CONFIGURATIONS[0], is_train=False), other)
    assert found == CONFIGURATIONS[0]


LAST: list[Any] = [v1.ToTensor(), v1.Normalize(MEAN, STD)]
WRITTEN = [
    v1.Compose([v1.Resize(16, BICUBIC), v1.CenterCrop(16), convert, *LAST]),
    v1.Compose([v1.Resize(16, BICUBIC), v1.CenterCrop((16, 16)), *LAST]),
    v1.Compose([v1.Resize((16, 16), BICUBIC), *LAST]),
    v2.Compose([v2.RGB(), v2.Resize(16, BICUBIC), v2.CenterCrop(16), *LAST]),
]


@pytest.mark.parametrize("transform", WRITTEN, ids=range(len(WRITTEN)))
def test_a_recognised_transform_makes_the_same_pixels_as_ours(transform: Any) -> None:
    found = transforms.configuration(transform, None)
    assert found is not None
    ours = preprocessing(found)
    pixels = ours.prepared(file_of(Image.fromarray(PIXELS))).pixels
    made = Normalization(ours, torch.device("cpu"))(pixels[None])[0]
    assert torch.equal(made, transform(Image.fromarray(PIXELS)))


@pytest.mark.parametrize(
    "transform",
    [
        v1.Compose([v1.Resize(20, BICUBIC), v1.CenterCrop(16), *LAST]),
        v1.Compose([v1.Resize(16, BICUBIC), v1.CenterCrop(16), v1.ToTensor()]),
        v1.Compose([v1.Resize(16, InterpolationMode.NEAREST), v1.CenterCrop(16), *LAST]),
        v1.Compose([v1.Resize(16, BICUBIC, max_size=20), v1.CenterCrop(16), *LAST]),
        v1.Compose([v1.ToTensor(), v1.Resize(16, BICUBIC), v1.CenterCrop(16), LAST[1]]),
        v1.Compose([v1.CenterCrop(16), v1.Resize(16, BICUBIC), *LAST]),
        v1.Compose([v1.Pad(2), v1.Resize(16, BICUBIC), v1.CenterCrop(16), *LAST]),
        v1.Compose([v1.Resize(16, BICUBIC), *LAST]),
    ],
    ids=range(8),
)
def test_another_transform_of_torchvision_is_recorded_by_its_steps(transform: Any) -> None:
    assert transforms.configuration(transform, None) is None
    about = transforms.identity(transform, None)
    assert about["decoder"] == "pillow"
    assert about["transform"] == [" ".join(repr(step).split()) for step in transform.transforms]


def test_torchvisions_second_version_is_recorded_with_its_types() -> None:
    steps = [v2.Resize(16), v2.CenterCrop(16), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    assert transforms.configuration(v2.Compose([*steps, LAST[1]]), None) is None
    found = transforms.identity(v2.Compose(steps), None)["transform"]
    assert found[-1] == "ToDtype(scale=True) to torch.float32"


def test_a_function_needs_an_id_which_is_its_identity() -> None:
    assert transforms.configuration(convert, None) is None
    with pytest.raises(InputError, match="preprocess is no torchvision transform: give preproc"):
        transforms.identity(convert, None)
    assert transforms.identity(convert, "mine")["preprocess_id"] == "mine"
    with pytest.raises(InputError, match="preprocess_id is '': expected a name"):
        transforms.identity(convert, "")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([v1.Lambda(convert), *LAST], "preprocess has a step of its own, Lambda: give preproc"),
        ([v1.RandomResizedCrop(16), *LAST], "preprocess is random (RandomResizedCrop): give the"),
        ([convert, v2.ColorJitter(1), *LAST], "preprocess is random (ColorJitter)"),
    ],
)
def test_a_step_that_its_name_does_not_describe_is_refused(steps: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        transforms.identity(v1.Compose(steps), None)
    assert said in str(refused.value)


def to_tensor(image: Image.Image) -> torch.Tensor:
    found: torch.Tensor = v1.functional.to_tensor(image.resize((8, 6)))
    return found


def test_a_transform_runs_as_it_is() -> None:
    own = transforms.as_it_is(to_tensor, exif=False)
    image = Image.fromarray(PIXELS)
    assert torch.equal(own.prepared(file_of(image)).pixels, to_tensor(image))
    assert own.blank().shape == (3, 6, 8)


def test_a_transform_sees_an_image_turned_only_if_asked() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    image = Image.fromarray(PIXELS)
    content = file_of(image, exif=exif)
    for is_asked in (False, True):
        found = transforms.as_it_is(to_tensor, exif=is_asked).prepared(content)
        turned = image.transpose(Image.Transpose.ROTATE_180) if is_asked else image
        assert torch.equal(found.pixels, to_tensor(turned))
        assert found.is_rotated


def test_an_image_that_comes_out_in_another_size_is_bad() -> None:
    own = transforms.as_it_is(v1.functional.to_tensor, exif=False)
    with pytest.raises(ValueError, match=r"gave the shape \(3, 40, 30\), not \(3, 48, 64\)"):
        own.prepared(file_of(Image.fromarray(PIXELS)))


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        (lambda image: {"pixel_values": 1}, "preprocess gives a dict for a PIL image: expected"),
        (lambda image: torch.zeros(1, 3, 4, 4), "gives a tensor (1, 3, 4, 4) of float32"),
        (lambda image: torch.zeros(3, 4, 4, dtype=torch.uint8), "(3, 4, 4) of uint8 for a"),
        (lambda image: torch.rand(3, 4, 4), "preprocess is random"),
        (lambda image: image.nothing, "preprocess fails on a PIL image: 'Image' object"),
    ],
)
def test_an_unfit_function_is_refused_before_any_image(transform: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        transforms.as_it_is(transform, exif=False)
    assert said in str(refused.value)
