"""Claims about the usual way: it computes what ours computes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import spearmanr

from bench.scores.peers import SHARED, peer_scores, usual_five, usual_grid
from bench.scores.scoring import GRID, LOGIT_BIAS, LOGIT_SCALE, unit_rows
from oodcache.score.onepass.default_scores import DEFAULT
from oodcache.score.onepass.onepass import Classes, Scored, score_images
from oodcache.score.onepass.variants import parse_all


def ours(asked: tuple[str, ...]) -> tuple[Scored, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    # Images lean a little on a class: their scores are far apart, and none is 1 in float64.
    names = unit_rows(generator, 20)
    leaning = np.linspace(0, 0.2, 60)[:, None] * names[np.arange(60) % 20]
    vectors = unit_rows(generator, 60) + leaning
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    head = Classes(names, LOGIT_SCALE, LOGIT_BIAS)
    return score_images([vectors], len(vectors), head, parse_all(asked)), vectors, names


@pytest.mark.parametrize(("asked", "usual"), [(DEFAULT, usual_five), (GRID, usual_grid)])
def test_the_usual_way_ranks_as_ours(
    asked: tuple[str, ...], usual: Callable[..., list[np.ndarray]]
) -> None:
    scored, vectors, names = ours(asked)
    theirs = usual(vectors.astype(np.float64), names.astype(np.float64))
    assert len(theirs) == len(scored.scores)
    for place, (one, other) in enumerate(zip(scored.scores, theirs, strict=True)):
        assert spearmanr(one, other).statistic > 0.999, place


def test_pytorch_ood_ranks_as_ours_where_it_is_installed() -> None:
    pytest.importorskip("pytorch_ood")
    import torch

    scored, vectors, names = ours(SHARED)
    theirs = peer_scores(torch.from_numpy(vectors).double(), torch.from_numpy(names).double())
    for name, one, other in zip(SHARED, scored.scores, theirs, strict=True):
        assert spearmanr(one, -other.numpy()).statistic > 0.99, name
