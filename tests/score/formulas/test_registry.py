"""Claims about the table of all scores."""

from __future__ import annotations

import subprocess
import sys

import pytest

from oodcache.score.formulas.class_scores import CLASS_SCORES
from oodcache.score.formulas.definition import unranked
from oodcache.score.formulas.few_shot.adapter import ADAPTER_SCORES
from oodcache.score.formulas.few_shot.boundary import BOUNDARY_SCORES
from oodcache.score.formulas.few_shot.probe import PROBE_SCORES
from oodcache.score.formulas.gaussian import GAUSSIAN_SCORES
from oodcache.score.formulas.negative_scores import NEGATIVE_SCORES
from oodcache.score.formulas.neighbours import NEIGHBOUR_SCORES
from oodcache.score.formulas.prototypes import PROTOTYPE_SCORES
from oodcache.score.formulas.registry import SCORES
from oodcache.score.formulas.subspace import SUBSPACE_SCORES
from oodcache.score.streams.methods import STREAM_SCORES

OF_A_BANK = (
    *(NEIGHBOUR_SCORES, GAUSSIAN_SCORES, SUBSPACE_SCORES, PROTOTYPE_SCORES),
    *(PROBE_SCORES, ADAPTER_SCORES, BOUNDARY_SCORES),
)


def test_every_familys_scores_are_there_under_one_name_each() -> None:
    families = (CLASS_SCORES, NEGATIVE_SCORES, *OF_A_BANK, STREAM_SCORES)
    assert [*SCORES] == [name for family in families for name in family]


def test_a_family_is_imported_when_none_before_it_has_the_score() -> None:
    code = (
        "import sys; from oodcache.score.formulas.registry import SCORES; SCORES[sys.argv[1]];"
        "print(*(name for name in sys.modules if name.startswith('oodcache.score.')))"
    )
    found = {
        name: subprocess.run(
            [sys.executable, "-c", code, name], capture_output=True, text=True, check=True
        ).stdout.split()
        for name in ("energy", "knn")
    }
    assert "oodcache.score.formulas.negative_scores" not in found["energy"]
    assert "oodcache.score.formulas.neighbours" in found["knn"]
    assert "oodcache.score.formulas.gaussian" not in found["knn"]


@pytest.mark.parametrize("name", sorted(SCORES.keys() - STREAM_SCORES.keys()))
def test_a_score_needs_what_its_family_is_fitted_to(name: str) -> None:
    of_a_bank = any(name in family for family in OF_A_BANK)
    needs = "bank" if of_a_bank else "negatives" if name in NEGATIVE_SCORES else ""
    assert SCORES[name].needs == needs
    assert (SCORES[name].fit is not None) == bool(needs)


@pytest.mark.parametrize("name", SCORES)
def test_a_default_is_a_value_of_its_parameter(name: str) -> None:
    for key, one in SCORES[name].parameters.items():
        assert one.read(key, str(one.default)) == one.default


@pytest.mark.parametrize("name", STREAM_SCORES)
def test_a_score_that_learns_from_the_stream_has_a_method_and_no_formula(name: str) -> None:
    score = SCORES[name]
    assert score.stream is not None and score.rank is unranked and score.fit is None
