"""Claims about a detector's judgement, and about what it refuses to judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples.detect.detectors import DIMENSION, made
from samples.score.banks import unit

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.format.identity import ModelIdentity


def test_an_image_is_out_below_the_kth_smallest_score() -> None:
    detector, images = made("max-logit").detector, unit(500, DIMENSION, 9)
    classes = detector.scorer.texts.vectors.astype(np.float64)
    scores = (images.astype(np.float64) @ classes.T).max(axis=1)
    own = (made().images.astype(np.float64) @ classes.T).max(axis=1)
    found = detector.judge(images)
    assert np.array_equal(found.is_in, scores >= np.sort(own)[5])
    assert np.allclose(found.scores, scores, atol=1e-12)
    assert np.allclose(found.p_values, [(1 + (own <= one).sum()) / 61 for one in scores])
    assert np.array_equal(found.nearest, (images @ classes.T).argmax(axis=1))


def test_without_a_bias_the_probability_is_the_softmax_at_the_models_scale() -> None:
    detector, images = made("mcm:temperature=1").detector, unit(50, DIMENSION, 9)
    logits = 40.0 * images.astype(np.float64) @ detector.scorer.texts.vectors.astype(np.float64).T
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(detector.judge(images).probability, softmax.max(axis=1), atol=1e-12)


def test_with_a_bias_the_probability_is_the_sigmoid_of_the_nearest_class() -> None:
    detector, images = made("mcm", bias=-20.0).detector, unit(50, DIMENSION, 9)
    cosine = images.astype(np.float64) @ detector.scorer.texts.vectors.astype(np.float64).T
    expected = 1 / (1 + np.exp(20 - 40.0 * cosine.max(axis=1)))
    assert np.allclose(detector.judge(images).probability, expected, atol=1e-12)


def test_scores_are_shown_in_the_papers_form() -> None:
    one = made("mcm:temperature=1")
    cosine = one.images.astype(np.float64) @ one.detector.scorer.texts.vectors.astype(np.float64).T
    softmax = np.exp(cosine) / np.exp(cosine).sum(axis=1, keepdims=True)
    assert np.allclose(one.detector.judge(one.images).scores, softmax.max(axis=1), atol=1e-12)


def test_a_score_that_is_no_number_is_refused() -> None:
    one = made("max-logit")
    with pytest.raises(
        InputError, match="max-logit gives NaN for an image, which cannot be ranked"
    ):
        one.detector.judge(one.images * np.float32(np.nan))


def model(**changes: object) -> ModelIdentity:
    return ModelIdentity(**{**vars(made().detector.model), **changes})


def test_another_model_is_refused_with_both_hashes() -> None:
    detector = made().detector
    detector.check_model(model(), "x.h5", "do this")
    with pytest.raises(InputError) as refused:
        detector.check_model(model(weights="2" * 64), "x.h5", "do this")
    assert str(refused.value) == (
        "x.h5: weights 22222222…, but the detector was calibrated with 11111111…; do this"
    )
    with pytest.raises(
        InputError, match="x.h5: the detector's weights, but another architecture; do"
    ):
        detector.check_model(model(architecture={"embed_dim": 9}), "x.h5", "do this")
    detector.check_model(model(architecture={}), "x.h5", "do this")


def test_other_preprocessing_is_refused_with_what_differs() -> None:
    detector = made().detector
    same = {**detector.preprocessing, "overridden": ["mean"]}
    detector.check_preprocessing(same, "x.h5", "do this")
    with pytest.raises(InputError) as refused:
        detector.check_preprocessing({**same, "decoder": "torchvision"}, "x.h5", "do this")
    assert str(refused.value) == (
        "x.h5: extracted with --fast-decode, but the calibration set without; do this"
    )
    with pytest.raises(InputError) as refused:
        detector.check_preprocessing({**same, "size": 9}, "x.h5", "do this")
    assert str(refused.value).startswith("x.h5: preprocessed with size 9, but the calibration set")


def test_a_cached_set_is_checked_as_a_whole(image_file: ImageFile) -> None:
    detector = made(preprocessing={"size": 8}).detector
    detector.check_set(image_file)
    with pytest.raises(InputError, match="pets.h5: preprocessed with decoder None, but the calib"):
        made().detector.check_set(image_file)
    with pytest.raises(InputError, match="pets.h5: embeddings of dimension 4, but the detector's"):
        detector.check_set(replace(image_file, dimension=4))
    imported = replace(image_file.identity, encoding={"imported": "npy"})
    made().detector.check_set(replace(image_file, identity=imported))


@pytest.fixture
def image_file(tmp_path: Path, write_images: object) -> ImageFile:
    """Write images of the detector's model."""
    assert callable(write_images)
    written = write_images("pets", unit(5, DIMENSION), architecture={"embed_dim": DIMENSION})
    assert isinstance(written, ImageFile)
    return written
