"""Zero-shot OOD scores by their names: those of each family, in one table.

A score is float64, shape (N,). Higher always means more in-distribution (ID).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from oodcache.score.formulas.definition import Score


def _families() -> Iterator[Mapping[str, Score]]:
    """Yield the scores of each family, which is imported once those before it lack a name."""
    from oodcache.score.formulas.class_scores import CLASS_SCORES

    yield CLASS_SCORES
    from oodcache.score.formulas.negative_scores import NEGATIVE_SCORES

    yield NEGATIVE_SCORES
    from oodcache.score.formulas.neighbours import NEIGHBOUR_SCORES

    yield NEIGHBOUR_SCORES
    from oodcache.score.formulas.gaussian import GAUSSIAN_SCORES

    yield GAUSSIAN_SCORES
    from oodcache.score.formulas.subspace import SUBSPACE_SCORES

    yield SUBSPACE_SCORES
    from oodcache.score.formulas.prototypes import PROTOTYPE_SCORES

    yield PROTOTYPE_SCORES
    from oodcache.score.formulas.few_shot.probe import PROBE_SCORES

    yield PROBE_SCORES
    from oodcache.score.formulas.few_shot.adapter import ADAPTER_SCORES

    yield ADAPTER_SCORES
    from oodcache.score.formulas.few_shot.boundary import BOUNDARY_SCORES

    yield BOUNDARY_SCORES
    from oodcache.score.streams.methods import STREAM_SCORES

    yield STREAM_SCORES


class _Scores(Mapping[str, Score]):
    """The scores of all families: finding one of the first imports no other family."""

    def __getitem__(self, name: str) -> Score:
        for family in _families():
            if name in family:
                return family[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        for family in _families():
            yield from family

    def __len__(self) -> int:
        return sum(map(len, _families()))


SCORES = _Scores()
