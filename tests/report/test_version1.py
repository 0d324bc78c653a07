"""Claims about results that version 0.1 wrote, which every later reader must read."""

from __future__ import annotations

import hashlib
from pathlib import Path

from oodcache.report.saved.results import read

KEPT = Path(__file__).parent / "version1" / "results.json"
MINED = {"remainder": "drop", "number": "mined", "percentile": "mined"}


def test_the_kept_results_are_the_ones_that_were_kept() -> None:
    digest = hashlib.sha256(KEPT.read_bytes()).hexdigest()
    assert digest == "f57f69355a45f7d6c02466922c5e3afa80a9e70869fc622e333a7cd20cab33ba"


def test_the_kept_results_are_read() -> None:
    mcm, learned, energy, neglabel, knn = read(KEPT).results
    assert {(one.id, one.ood, one.n_id, one.n_ood) for one in (mcm, neglabel, knn)} == {
        ("pets", "strays", 7, 6)
    }
    assert (mcm.score, dict(mcm.parameters)) == ("mcm", {"temperature": 1})
    assert (mcm.model, mcm.pretrained, mcm.classes) == ("kept", "one", "pets")
    assert (mcm.template, tuple(mcm.templates), mcm.group) == ("a {}", ("a {}",), None)
    assert (mcm.auroc, mcm.aupr_in, mcm.aupr_out, mcm.id_accuracy) == (
        *(0.6190476190476191, 0.6947278911564626, 0.6620370370370371),
        0.7142857142857143,
    )
    assert (mcm.fpr_convention, mcm.fpr95) == ("strict", 0.8333333333333334)
    assert mcm.fpr95_by_convention["openood"] == 0.8571428571428571
    assert mcm.auroc_ci == (0.27749961859186195, 0.873018353707844)
    assert mcm.bootstrap is not None
    assert mcm.bootstrap["fpr95"] == (0.3333333333333333, 1)
    assert (dict(learned.parameters), energy.score) == ({"temperature": "learned"}, "energy")
    assert (neglabel.negatives, knn.bank, dict(knn.parameters)) == ("far", "train", {"k": 2})
    assert dict(neglabel.parameters) == {"temperature": 0.01, "groups": 2, "seed": 0, **MINED}


def test_the_kept_calibration_differences_and_provenance_are_read() -> None:
    saved = read(KEPT)
    mcm, *_, knn = saved.results
    assert mcm.calibration is not None
    assert not isinstance(mcm.calibration, str)
    assert (mcm.calibration["brier"], mcm.calibration["kept_ood"]) == (0.2558036906968698, 1)
    assert knn.calibration == "not a probability"
    second = saved.differences[1]
    assert second.first == ("kept/one", "a {}", "mcm")
    assert second.second == ("kept/one", "a {}", "energy")
    assert (len(saved.differences), second.p_holm) == (10, 1)
    assert second.difference == 0.023809523809523808
    assert saved.provenance["models"]["kept/one"]["logit_scale"] == 10
