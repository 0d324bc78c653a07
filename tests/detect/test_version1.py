"""Claims about a detector that version 0.1 wrote, which every later reader must read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from oodcache.detect.file import read_detector

KEPT = Path(__file__).parent / "version1" / "detector.json"


def test_the_kept_detector_is_the_one_that_was_kept() -> None:
    digest = hashlib.sha256(KEPT.read_bytes()).hexdigest()
    assert digest == "11250face6638c4c81260038715216698d51a7c9874a9aed21e90439f2407896"


def test_the_kept_detector_is_read() -> None:
    found = read_detector(KEPT)
    assert (found.model.label, found.load, found.calibrated_on) == ("kept/one", "tiny", "pets")
    assert (found.model.logit_scale, found.model.logit_bias) == (10, -5)
    assert (found.preprocessing, found.precision) == ({"size": 16}, {"autocast": "float32"})
    threshold = found.threshold
    assert (threshold.k, threshold.alpha, threshold.confidence) == (1, 0.2, None)
    assert threshold.scores[[0, -1]].tolist() == [-1.652209127669466, -0.6275385236570441]
    assert (found.dimension, found.choice) == (4, None)
    assert found.provenance["versions"]["oodcache"] == "0.1.0"


def test_the_kept_detector_judges_as_it_did() -> None:
    vectors = [
        [0.2142442762851715, 0.5093606114387512, 0.2048538476228714, -0.8078898787498474],
        [0.7059025168418884, 0.3480365574359894, -0.41866040229797363, 0.45309558510780334],
    ]
    judged = read_detector(KEPT).judge(np.array(vectors, np.float32))
    assert np.allclose(judged.scores, [-0.6275385236570441, -1.019742549490804], atol=1e-9)
    assert (judged.is_in.tolist(), judged.nearest.tolist()) == ([True, True], [0, 1])
    assert judged.p_values.tolist() == [1, 0.5]
