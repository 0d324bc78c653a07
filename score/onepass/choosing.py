"""Choice of each score's parameters: the best AUROC against one OOD set, the tuning set.

Higher is more ID. The tuning set itself is in no result: a measure on it would be optimistic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oodcache.score.formulas.cosines import Scores
from oodcache.score.measures.metrics import auroc
from oodcache.score.measures.result import Pick, Result
from oodcache.score.onepass.variants import Variant


def picks(
    variants: Sequence[Variant],
    id_scores: Scores,
    ood_scores: Scores,
    *,
    on: str,
    shared_images: Mapping[str, int],
) -> dict[int, Pick]:
    """Return the index of each score's variant with the highest AUROC, and its Pick.

    `id_scores` is float64 (V, n), `ood_scores` (V, m), a row per variant, on the set `on`. Ties go
    to the first variant. `shared_images` counts, by OOD set, the images that are also in `on`.
    """
    places: dict[str, list[int]] = {}
    for place, variant in enumerate(variants):
        places.setdefault(variant.score, []).append(place)
    found = [auroc(inside, outside) for inside, outside in zip(id_scores, ood_scores, strict=True)]
    shared = {name: count for name, count in shared_images.items() if count}
    best = {max(of_score, key=found.__getitem__): len(of_score) for of_score in places.values()}
    return {place: Pick(on, tried, found[place], shared) for place, tried in best.items()}


def picking(
    on: str | None, variants: Sequence[Variant], results: Sequence[Result]
) -> dict[str, Any] | None:
    """Return the provenance of the picks: on which set, from which variants, and the picks."""
    if on is None:
        return None
    rows = {
        (one.model, one.pretrained, one.template, one.score): {
            "model": f"{one.model}/{one.pretrained}",
            "template": one.template,
            "score": one.score,
            "parameters": dict(one.parameters),
            "auroc": one.picked.auroc,
        }
        for one in results
        if one.picked is not None
    }
    tried = [variant.label for variant in variants]
    return {"on": on, "tried": tried, "picked": list(rows.values())}
