"""The embedded benchmark: what it writes is scikit-learn's, what it ships was learned."""

import math
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image

from oodcache.extract.demo import embedded

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with all five data sets."""
    folder = tmp_path_factory.mktemp("images")
    embedded.write_images(folder)
    return folder


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def counts(folder):
    return {path.name: len(list(path.glob("*.png"))) for path in folder.iterdir()}


def listing(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


# The images


def test_five_data_sets_and_nothing_else_are_written(root):
    names = {"digits", "eight-nine", "photos", "textures", "digits-train"}
    assert {path.name for path in root.iterdir()} == names


def test_digits_are_the_unseen_half_of_zero_to_seven(root):
    label = load_digits().target[906:]
    assert counts(root / "digits") == {WORDS[k]: int(np.sum(label == k)) for k in range(8)}
    assert sum(counts(root / "digits").values()) == 717


def test_digits_train_are_what_the_models_were_trained_on(root):
    label = load_digits().target[:906]
    assert counts(root / "digits-train") == {WORDS[k]: int(np.sum(label == k)) for k in range(8)}
    assert sum(counts(root / "digits-train").values()) == 726


def test_eight_nine_are_all_of_both(root):
    assert counts(root / "eight-nine") == {"eight": 174, "nine": 180}


def test_each_written_digit_equals_scikit_learns_and_is_named_by_its_position(root):
    bunch = load_digits()
    for path in [*root.glob("digits*/*/*"), *root.glob("eight-nine/*/*")]:
        position = int(path.stem)
        assert path.parent.name == WORDS[bunch.target[position]]
        expected = np.round(bunch.images[position] * 255 / 16)
        np.testing.assert_array_equal(pixels(path), expected)


def test_photo_tiles_laid_side_by_side_are_the_photograph(root):
    for name in ("china", "flower"):
        tiles = [pixels(path) for path in sorted((root / "photos" / name).iterdir())]
        assert len(tiles) == 10 * 16
        rows = [np.hstack(tiles[start : start + 16]) for start in range(0, 160, 16)]
        photograph = load_sample_image(f"{name}.jpg")
        np.testing.assert_array_equal(np.vstack(rows), photograph[:400, :640])


def test_texture_tiles_laid_side_by_side_are_the_shipped_photograph(root):
    for name in ("brick", "grass", "gravel"):
        tiles = [pixels(path) for path in sorted((root / "textures" / name).iterdir())]
        assert len(tiles) == 10 * 10
        rows = [np.hstack(tiles[start : start + 10]) for start in range(0, 100, 10)]
        shipped = pixels(embedded.DEMO / "textures" / f"{name}.jpg")
        np.testing.assert_array_equal(np.vstack(rows), shipped)


@pytest.mark.parametrize("name", ["brick", "grass", "gravel"])
def test_a_shipped_texture_is_a_grey_jpeg_of_at_most_40_kilobytes(name):
    path = embedded.DEMO / "textures" / f"{name}.jpg"
    assert path.stat().st_size <= 40_000
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "L", (320, 320))


def test_writing_twice_changes_nothing(root):
    before = listing(root)
    embedded.write_images(root)
    assert listing(root) == before


def test_a_data_set_that_is_missing_is_written_beside_the_others(root, tmp_path):
    others = [tmp_path / path.name for path in root.iterdir() if path.name != "eight-nine"]
    for other in others:
        other.mkdir()
    embedded.write_images(tmp_path)
    assert counts(tmp_path / "eight-nine") == counts(root / "eight-nine")
    assert len(others) == 4 and not any(list(other.iterdir()) for other in others)


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch, error):
    saved = []

    def save_three_then_fail(image, path):
        if len(saved) == 3:
            raise error
        saved.append(path)
        path.touch()

    monkeypatch.setattr(Image.Image, "save", save_three_then_fail)
    with pytest.raises(type(error)):
        embedded.write_images(tmp_path)
    assert len(saved) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_folder_finished_by_another_run_meanwhile_is_kept(tmp_path):
    def pictures():
        (tmp_path / "digits" / "zero").mkdir(parents=True)
        (tmp_path / "digits" / "zero" / "other.png").touch()
        yield embedded.Picture("zero", 0, np.zeros((8, 8), np.uint8))

    embedded._write_whole(tmp_path / "digits", pictures())
    assert [path.name for path in tmp_path.rglob("*.png")] == ["other.png"]


def test_a_second_write_needs_no_scikit_learn_no_pillow_and_no_torch(root):
    program = (
        "import sys; from pathlib import Path; from oodcache.extract.demo import embedded; "
        "embedded.write_images(Path(sys.argv[1])); "
        "print(sorted({'sklearn', 'PIL', 'torch'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


# The halves


def test_the_halves_are_disjoint_and_make_up_all_of_zero_to_seven():
    training = set(embedded.training_half().positions.tolist())
    unseen = set(embedded.unseen_half().positions.tolist())
    assert not training & unseen
    assert training | unseen == set(np.flatnonzero(load_digits().target < 8).tolist())


def test_the_training_half_comes_first_and_holds_no_eight_or_nine():
    training, unseen = embedded.training_half(), embedded.unseen_half()
    assert training.positions.max() < unseen.positions.min()
    np.testing.assert_array_equal(np.unique(training.labels), np.arange(8))
    assert len(training.labels) == 726


def test_the_halves_meet_between_two_filled_in_forms():
    # Every form copies the same 130 digits; the form before the cut is complete, and the one
    # behind it has lost its first digit, a zero.
    target = load_digits().target
    form = target[:130]
    np.testing.assert_array_equal(target[776:906][:-1], form[:-1])
    np.testing.assert_array_equal(target[906:950], form[1:45])


def test_labels_index_the_class_names():
    digits = embedded.unseen_half()
    np.testing.assert_array_equal(digits.labels, load_digits().target[digits.positions])
    assert list(embedded.CLASS_NAMES) == [WORDS[label] for label in range(8)]


# The models


@pytest.fixture(scope="module", params=sorted(embedded.MODELS))
def folder(request):
    return embedded.MODELS[request.param]


@pytest.fixture(scope="module")
def model(folder):
    """The model as open_clip reads it, and the transform that its folder asks for."""
    open_clip = pytest.importorskip("open_clip")
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    model.eval()
    return model, transform


def test_a_checkpoint_is_float16_and_under_4_megabytes_with_its_config(folder):
    numpy_reader = pytest.importorskip("safetensors.numpy")
    path = folder / "open_clip_model.safetensors"
    assert path.stat().st_size < 4_000_000
    assert {weight.dtype.name for weight in numpy_reader.load_file(path).values()} == {"float16"}
    assert (folder / "open_clip_config.json").is_file()


def test_a_checkpoint_holds_every_weight_of_its_architecture(folder, model):
    numpy_reader = pytest.importorskip("safetensors.numpy")
    weights = numpy_reader.load_file(folder / "open_clip_model.safetensors")
    assert set(weights) == set(model[0].state_dict())


@pytest.mark.slow
def test_nine_in_ten_unseen_digits_are_named_right(folder, model, root):
    import open_clip
    import torch

    clip, transform = model
    paths = sorted(root.glob("digits/*/*.png"))
    labels = np.array([WORDS.index(path.parent.name) for path in paths])
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    with torch.inference_mode():
        images = torch.stack([transform(Image.open(path)) for path in paths])
        captions = tokenizer([f"a photo of a {name}" for name in embedded.CLASS_NAMES])
        image_embeddings = clip.encode_image(images, normalize=True)
        cosine = image_embeddings @ clip.encode_text(captions, normalize=True).T
    assert np.mean(cosine.argmax(dim=1).numpy() == labels) >= 0.90


def test_the_scale_was_learned(folder, model):
    start = {"tiny-clip": 1 / 0.07, "tiny-sigmoid": 10}[folder.name]
    assert abs(math.exp(model[0].logit_scale.item()) - start) > 1


def test_only_the_sigmoid_model_has_a_bias_and_it_was_learned(folder, model):
    bias = model[0].logit_bias
    if folder.name == "tiny-clip":
        assert bias is None
    else:
        assert abs(bias.item() - -10) > 1
