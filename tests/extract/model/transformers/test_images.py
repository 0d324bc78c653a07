"""Claims about image processors: pixels are transformers' own, bit for bit, and sizes must fit."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from samples.extract.transformers_folders import LAYOUTS
from transformers import AutoConfig, AutoImageProcessor, SiglipImageProcessorPil

from oodcache.cache.errors import InputError
from oodcache.extract.model.transformers import images
from oodcache.extract.model.transformers.files import CheckpointFiles
from oodcache.extract.model.transformers.images import ImageProcessing, Scaling

SIZES = ((24, 60), (100, 30), (33, 33), (8, 8), (5, 300))  # Height and width.


def pictures() -> list[Image.Image]:
    noise = np.random.default_rng(1)
    return [Image.fromarray(noise.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in SIZES]


def file_of(image: Image.Image, **given: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **given)
    return file.getvalue()


def loaded(folder: Path, *, exif: bool = False) -> ImageProcessing:
    config = AutoConfig.from_pretrained(folder)
    return images.load_images(CheckpointFiles(folder, "--model x"), config, exif=exif)


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        loaded(folder)
    text = str(error.value)
    assert "\n" not in text and len(text.encode()) < 600
    return text


def change_processor(folder: Path, tmp_path: Path, **values: object) -> Path:
    """Copy a folder with other settings of its image processor, None to remove one."""
    copy = Path(shutil.copytree(folder, tmp_path / "changed"))
    path = copy / "preprocessor_config.json"
    settings = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({name: one for name, one in settings.items() if one is not None}))
    return copy


@pytest.mark.parametrize("kind", LAYOUTS)
def test_pixels_are_those_of_the_processor_called_by_hand(
    folders: dict[str, Path], kind: str
) -> None:
    processing = loaded(folders[kind])
    prepared = [processing.prepared(file_of(image)).pixels for image in pictures()]
    assert processing.is_split and {one.dtype for one in prepared} == {torch.uint8}
    found = Scaling(processing)(torch.stack(prepared))
    wanted = AutoImageProcessor.from_pretrained(folders[kind])(pictures(), return_tensors="pt")
    if kind != "siglip2-naflex":
        assert found.equal(wanted["pixel_values"])
        return
    assert found.values.equal(wanted["pixel_values"])
    assert found.mask.equal(wanted["pixel_attention_mask"])
    assert found.shapes.equal(wanted["spatial_shapes"])


@pytest.mark.parametrize("change", ["rescale", "normalize"])
def test_a_processor_that_omits_a_step_is_followed(
    folders: dict[str, Path], tmp_path: Path, change: str
) -> None:
    processor = AutoImageProcessor.from_pretrained(folders["siglip"])
    setattr(processor, f"do_{change}", False)
    folder = Path(shutil.copytree(folders["siglip"], tmp_path / "changed"))
    processor.save_pretrained(folder)
    processing = loaded(folder)
    prepared = [processing.prepared(file_of(image)).pixels for image in pictures()]
    wanted = processor(pictures(), return_tensors="pt")["pixel_values"]
    assert Scaling(processing)(torch.stack(prepared)).equal(wanted.float())


@pytest.mark.parametrize("change", ["", "rescale", "normalize"])
def test_noise_reaches_a_model_without_mean_and_deviation(
    folders: dict[str, Path], change: str
) -> None:
    processor = AutoImageProcessor.from_pretrained(folders["siglip"])
    if change:
        setattr(processor, f"do_{change}", False)
    processing = images.probed(ImageProcessing(processor))
    pixels = torch.rand(processing.shape)
    found = Scaling(processing)(processing.unscaled(pixels)[None])
    torch.testing.assert_close(found[0], pixels, rtol=0, atol=1e-6)


def test_a_processor_of_another_backend_runs_whole_in_the_workers(
    folders: dict[str, Path],
) -> None:
    processor = SiglipImageProcessorPil.from_pretrained(folders["siglip"])
    processing = images.probed(ImageProcessing(processor))
    assert not processing.is_split
    prepared = [processing.prepared(file_of(image)).pixels for image in pictures()]
    wanted = torch.as_tensor(np.stack(processor(pictures())["pixel_values"]))
    assert Scaling(processing)(torch.stack(prepared)).equal(wanted)
    assert images.settings(processing)["backend"] == "pil"
    assert processing.blank().shape == prepared[0].shape


def test_class_and_backend_are_part_of_what_an_identity_records(
    folders: dict[str, Path],
) -> None:
    found = images.settings(loaded(folders["siglip"], exif=True))
    assert (found["processor"], found["backend"]) == ("SiglipImageProcessor", "torchvision")
    assert (found["image_mean"], found["size"]) == ([0.5] * 3, {"height": 32, "width": 32})
    assert found["exif"] and json.loads(json.dumps(found)) == found


def test_exif_turns_an_image_only_if_asked(folders: dict[str, Path]) -> None:
    exif = Image.Exif()
    exif[274] = 6
    image = pictures()[0]
    content = file_of(image, exif=exif)
    flat = loaded(folders["siglip"]).prepared(content)
    turned = loaded(folders["siglip"], exif=True).prepared(content)
    content = file_of(image.transpose(Image.Transpose.ROTATE_270))
    upright = loaded(folders["siglip"]).prepared(content)
    assert flat.is_rotated and turned.is_rotated and not upright.is_rotated
    assert turned.pixels.equal(upright.pixels) and not flat.pixels.equal(upright.pixels)


def test_a_processor_of_another_size_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = change_processor(folders["siglip"], tmp_path, size={"height": 48, "width": 48})
    said = refusal(folder)
    assert "SiglipImageProcessor makes images of 48 x 48 pixels" in said
    assert "the image tower reads 32 x 32 pixels; it is another model's" in said


def test_a_processor_without_a_fixed_size_is_refused(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = change_processor(folders["clip"], tmp_path, do_center_crop=False)
    assert "makes images of 46 x 32 pixels (from 41 x 28 pixels)" in refusal(folder)


def test_naflex_and_fixed_sizes_are_told_apart(folders: dict[str, Path], tmp_path: Path) -> None:
    for kind, other in (("siglip", "siglip2-naflex"), ("siglip2-naflex", "siglip")):
        folder = Path(shutil.copytree(folders[kind], tmp_path / kind))
        AutoImageProcessor.from_pretrained(folders[other]).save_pretrained(folder)
        assert "it is another model's" in refusal(folder)


def test_another_patch_size_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = change_processor(folders["siglip2-naflex"], tmp_path, patch_size=16)
    said = "Siglip2ImageProcessor has patch_size 16, and the image tower reads patches of 8 pixels"
    assert said in refusal(folder)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("siglip2-naflex", {"max_num_patches": 0}, "max_num_patches 0; expected 1 to 16,384"),
        ("siglip2-naflex", {"max_num_patches": 10**9}, "max_num_patches 1000000000; expected 1"),
        ("clip", {"size": {"shortest_edge": 10**7}}, "size {'shortest_edge': 10000000}; expected"),
        ("clip", {"image_mean": "x"}, "preprocessor_config.json: its image processor cannot be"),
    ],
)
def test_values_that_no_processor_has_are_refused_with_their_file(
    folders: dict[str, Path], tmp_path: Path, kind: str, values: dict[str, Any], said: str
) -> None:
    found = refusal(change_processor(folders[kind], tmp_path, **values))
    assert said in found and found.startswith("--model x: preprocessor_config.json: ")


def test_a_missing_or_broken_processor_is_one_line(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(folders["clip"], tmp_path / "clip"))
    path = folder / "preprocessor_config.json"
    path.write_text("[]")
    assert "preprocessor_config.json: is no configuration" in refusal(folder)
    path.write_text(json.dumps({"image_processor_type": "NoSuchProcessor"}))
    said = "names the image processor 'NoSuchProcessor', and transformers would use CLIPImage"
    assert said in refusal(folder)
    path.write_text(json.dumps({"image_std": [0, 1, 1], "size": 32, "crop_size": 32}))
    said = "its image processor cannot be used: it makes pixels that are not finite"
    assert said in refusal(folder)
    path.unlink()
    assert "has no preprocessor_config.json, which says how images are prepared" in refusal(folder)
    assert "tokenizer, which prompts need" not in refusal(folder)
    for name in ("tokenizer.json", "vocab.json"):
        (folder / name).unlink(missing_ok=True)
    said = refusal(folder)
    assert "how images are prepared, and no tokenizer, which prompts need: run  AutoProc" in said
    assert f".save_pretrained({str(folder)!r})  in Python" in said
    assert "\n" not in said and len(said.encode()) < 600 + 3 * len(str(folder))


def test_the_old_name_of_an_image_processor_is_read(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    old = change_processor(folders["clip"], tmp_path, image_processor_type="CLIPFeatureExtractor")
    assert images.settings(loaded(old)) == images.settings(loaded(folders["clip"]))


def test_a_blank_image_has_the_shape_of_others(folders: dict[str, Path]) -> None:
    for kind in ("clip", "siglip2-naflex"):
        processing = loaded(folders[kind])
        pixels = processing.prepared(file_of(pictures()[0])).pixels
        blank = processing.blank()
        assert (blank.shape, blank.dtype) == (pixels.shape, pixels.dtype)
        made = Scaling(processing)(blank[None])
        assert kind == "clip" or made.shapes.tolist() == [[1, 1]]
