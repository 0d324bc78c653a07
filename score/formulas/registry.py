"""Zero-shot OOD scores by their names: those of each family, in one table.

A score is float64, shape (N,). Higher always means more in-distribution (ID).
"""

from __future__ import annotations

from oodcache.score.formulas.class_scores import CLASS_SCORES
from oodcache.score.formulas.few_shot.adapter import ADAPTER_SCORES
from oodcache.score.formulas.few_shot.boundary import BOUNDARY_SCORES
from oodcache.score.formulas.few_shot.probe import PROBE_SCORES
from oodcache.score.formulas.gaussian import GAUSSIAN_SCORES
from oodcache.score.formulas.negative_scores import NEGATIVE_SCORES
from oodcache.score.formulas.neighbours import NEIGHBOUR_SCORES
from oodcache.score.formulas.prototypes import PROTOTYPE_SCORES
from oodcache.score.formulas.subspace import SUBSPACE_SCORES
from oodcache.score.streams.methods import STREAM_SCORES

SCORES = {
    **CLASS_SCORES,
    **NEGATIVE_SCORES,
    **NEIGHBOUR_SCORES,
    **GAUSSIAN_SCORES,
    **SUBSPACE_SCORES,
    **PROTOTYPE_SCORES,
    **PROBE_SCORES,
    **ADAPTER_SCORES,
    **BOUNDARY_SCORES,
    **STREAM_SCORES,
}
