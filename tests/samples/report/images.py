"""Results and single images made up for the tests of pages and figures, of scores that were drawn.

Rows are made of the scores as a report makes them; tests count in the scores themselves.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from samples.report.results import FIRST

from oodcache.cache.files.scores import ScoredImages
from oodcache.report.content import Content, ImageRow
from oodcache.report.images import rows
from oodcache.report.saved.results import Saved
from oodcache.report.tables.grid import Key
from oodcache.score.formulas.cosines import Scores
from oodcache.score.measures.metrics import auroc
from oodcache.score.measures.result import Difference, Result
from oodcache.score.onepass.variants import Variant

Names = Sequence[bytes]


@dataclass(frozen=True)
class Sample:
    """Results and single images, and the ranking scores they are of: by row, then by set."""

    saved: Saved
    content: Content
    scores: Mapping[Key, Mapping[str, Scores]]


@dataclass(frozen=True)
class Words:
    """What the images of a set of so many are called: their paths, labels and nearest classes."""

    paths: Callable[[int], Names]
    labels: Callable[[int], Names]
    nearest: Callable[[int], Names]


def in_turn(names: Sequence[str]) -> Callable[[int], Names]:
    """Return names for so many images, each in its turn."""
    raw = [one.encode(errors="surrogateescape").replace(b"\0", b"") for one in names]
    return lambda count: [raw[place % len(raw)] for place in range(count)]


def drawn(
    sizes: Mapping[str, int],
    heads: Iterable[tuple[str, str, str]],
    variants: Sequence[Variant],
    words: Words,
    *,
    provenance: Mapping[str, Any],
    difference: Callable[[Sequence[Key]], Difference] | None = None,
) -> Sample:
    """Return every variant's scores of all sets, the first one ID, under models and templates.

    ID is higher than OOD on average, each variant by less. Scores have two digits: many are alike.
    """
    draws = np.random.default_rng(0)
    inside = next(iter(sizes))
    scores: dict[Key, dict[str, Scores]] = {}
    results: list[Result] = []
    parts = []
    for model, pretrained, template in heads:
        columns: dict[str, dict[str, Scores]] = {name: {} for name in sizes}
        for place, one in enumerate(variants):
            own = {
                name: np.round(draws.beta(6 if name == inside else 2 + place, 3, size), 2)
                for name, size in sizes.items()
            }
            scores[f"{model}/{pretrained}", template, one.label] = own
            first = replace(FIRST, model=model, pretrained=pretrained, template=template)
            first = replace(first, templates=(template,), id=inside, n_id=sizes[inside], group=None)
            results += results_of(replace(first, score=one.score, parameters=one.parameters), own)
            for name, values in own.items():
                # The paper's form of a score: another number that rises with it.
                columns[name] |= {one.label: values, f"{one.label} shown": values / 2}
        parts += [
            _part(f"{model}/{pretrained}", template, name, columns[name], words) for name in sizes
        ]
    differences = (difference(list(scores)),) if difference else ()
    saved = Saved(Path("results.json"), tuple(results), differences, provenance)
    found = map(_pictured, rows(saved, parts, "all.h5", lambda one: {}))
    return Sample(saved, Content(tuple(found), (thumbnail(),)), scores)


def results_of(first: Result, scores: Mapping[str, Scores]) -> list[Result]:
    """Return a result like `first` for each OOD set, and their average."""
    inside, *outside = scores
    found = []
    for name in outside:
        area, rate = auroc(scores[inside], scores[name]), fpr95(scores[inside], scores[name])
        found.append(
            replace(
                first,
                ood=name,
                n_ood=len(scores[name]),
                auroc=area,
                auroc_ci=(max(0.0, area - 0.05), min(1.0, area + 0.03)),
                fpr95=rate,
                fpr_at_tpr={"0.95": rate},
                fpr95_by_convention={"strict": rate},
                ties=0,
            )
        )
    means = {
        name: sum(getattr(one, name) for one in found) / len(found) for name in ("auroc", "fpr95")
    }
    total = sum(one.n_ood for one in found)
    return [*found, replace(found[0], ood="average", n_ood=total, auroc_ci=None, **means)]


def fpr95(inside: Scores, outside: Scores) -> float:
    """Return the share of OOD at or above the highest score that keeps 95 % of ID, by looking."""
    keeping = [one for one in inside if np.mean(inside >= one) >= 0.95]
    return float(np.mean(outside >= max(keeping)))


def thumbnail(colour: tuple[int, int, int] = (200, 30, 90)) -> str:
    """Return a picture of one colour as content has them."""
    stream = io.BytesIO()
    Image.new("RGB", (48, 32), colour).save(stream, "JPEG", quality=95)
    return base64.b64encode(stream.getvalue()).decode()


def _part(
    model: str, template: str, name: str, columns: Mapping[str, Scores], words: Words
) -> ScoredImages:
    count = len(next(iter(columns.values())))
    return ScoredImages(
        *(model, template, name, columns),
        lambda: words.paths(count),
        lambda: words.labels(count),
        lambda: words.nearest(count),
    )


def _pictured(row: ImageRow) -> ImageRow:
    """Return a row whose lowest ID image has a thumbnail."""
    first, *others = row.fooled_id
    return replace(row, fooled_id=(replace(first, thumbnail=0), *others))
