"""How large a report of many scores is, and how soon a browser shows it.

Made up, in the sizes of a real one: 5 models, 20 scores, 8 OOD sets, maps of 2,000 points, and
thumbnails of 4.6 kB, the mean of scikit-learn's two photographs, cut in several ways.
"""

from __future__ import annotations

import base64
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.report.picture import chromium, opened
from bench.timing import seconds
from oodcache.cache.files.scores import ScoredImages
from oodcache.report.content import Content, EmbeddingMap, FooledImage, ImageRow, SimilarImage
from oodcache.report.html.page import page
from oodcache.report.images import rows
from oodcache.report.saved.results import Saved
from oodcache.score.formulas.cosines import Scores
from oodcache.score.measures.metrics import count
from oodcache.score.measures.result import Result
from oodcache.score.onepass.variants import Variant
from oodcache.study.embeddings import MOST_POINTS
from oodcache.study.gathering import LARGEST_THUMBNAILS, MOST_THUMBNAILS

MODELS = [f"ViT-B-16/weights-{place}" for place in range(5)]
VARIANTS = [
    *(Variant("mcm", {"temperature": 0.01 * (place + 1)}) for place in range(10)),
    *(Variant("energy", {"temperature": 0.01 * (place + 1)}) for place in range(10)),
]
ID, OOD = "imagenet-val", [f"OOD set {place}" for place in range(8)]
N_ID, N_OOD, CLASSES = 10_000, 2_000, 1_000
BYTES, POINTS = 4_600, MOST_POINTS
# In base64 they are a third larger.
THUMBNAILS = min(MOST_THUMBNAILS, 3 * LARGEST_THUMBNAILS // (4 * BYTES))
TEMPLATE = "a photo of a {}"
RUNS = 5


@dataclass(frozen=True)
class Measured:
    """The size of the page, and the time to make it and to open it."""

    size: int
    points: int
    making_seconds: float
    opening_seconds: float


def measure() -> Measured:
    """Return the figures of one page, the opening's the median of five."""
    draws = np.random.default_rng(0)
    results: list[Result] = []
    parts = []
    for model in MODELS:
        columns: dict[str, dict[str, Scores]] = {name: {} for name in (ID, *OOD)}
        for variant in VARIANTS:
            for name, column in columns.items():
                count, shift = (N_ID, 2.0) if name == ID else (N_OOD, 0.2 * OOD.index(name))
                column[variant.label] = draws.normal(shift, 1, count)
            scores = {name: column[variant.label] for name, column in columns.items()}
            results += _results(model, variant, scores)
        parts += [_part(model, name, column) for name, column in columns.items()]
    saved = Saved(Path("results.json"), tuple(results), (), {"command": "oodcache score"})
    found = tuple(map(_pictured, rows(saved, parts, "scores", lambda one: {})))
    small = [base64.b64encode(draws.bytes(BYTES)).decode() for _ in range(THUMBNAILS)]
    content = Content(found, tuple(small), maps=tuple(_map(model, draws) for model in MODELS))
    return _measured(saved, content)


def _measured(saved: Saved, content: Content) -> Measured:
    made: list[str] = []
    making = seconds(lambda: made.append(page(saved, content)))
    with tempfile.TemporaryDirectory() as folder, chromium() as driver:
        path = Path(folder) / "report.html"
        path.write_text(made[0], encoding="utf-8")
        times = [opened(driver, path) for _ in range(RUNS)]
        size = path.stat().st_size
    points = len(content.rows[0].curve.ranked)
    return Measured(size, points, making, statistics.median(times))


def main() -> None:
    """Print them."""
    one = measure()
    count = len(MODELS) * len(VARIANTS)
    print(f"{count} scores, {len(OOD)} OOD sets, {one.points} points a curve")
    print(f"the page                   {one.size / 1e6:6.2f} MB")
    print(f"making it                  {one.making_seconds:6.2f} s")
    print(f"opening it, median of {RUNS}    {one.opening_seconds:6.2f} s, the first figure drawn")


def _results(model: str, variant: Variant, scores: Mapping[str, Scores]) -> list[Result]:
    name, _, pretrained = model.partition("/")
    found = []
    for ood in OOD:
        counts = count(scores[ID], scores[ood])
        area, rate = counts.auroc(), counts.fpr95()
        found.append(
            Result(
                model=name,
                pretrained=pretrained,
                classes="imagenet",
                template=TEMPLATE,
                templates=(TEMPLATE,),
                id=ID,
                ood=ood,
                group=None,
                score=variant.score,
                parameters=variant.parameters,
                fpr_convention="strict",
                n_id=N_ID,
                n_ood=N_OOD,
                id_accuracy=0.67,
                auroc=area,
                auroc_ci=(area - 0.01, area + 0.01),
                aupr_in=area,
                aupr_out=area,
                fpr95=rate,
                fpr_at_tpr={"0.95": rate},
                fpr95_by_convention={"strict": rate},
                ties=0,
                distinct=N_ID + N_OOD,
                shared_images=0,
                bootstrap=None,
                calibration=None,
            )
        )
    mean: dict[str, Any] = {
        name: float(np.mean([getattr(one, name) for one in found])) for name in ("auroc", "fpr95")
    }
    return [*found, replace(found[0], ood="average", auroc_ci=None, n_ood=N_OOD * len(OOD), **mean)]


def _part(model: str, name: str, scores: Mapping[str, Scores]) -> ScoredImages:
    count = len(next(iter(scores.values())))
    shown = {f"{label} shown": 1 / (1 + np.exp(-one)) for label, one in scores.items()}
    classes = [f"n{place % CLASSES:08d}" for place in range(count)]
    return ScoredImages(
        *(model, TEMPLATE, name, {**scores, **shown}),
        lambda: [f"{one}/{one}_{at}.JPEG".encode() for at, one in enumerate(classes)],
        lambda: [one.encode() for one in classes],
        lambda: [one.encode() for one in reversed(classes)],
    )


def _pictured(row: ImageRow) -> ImageRow:
    """Return a row with a thumbnail and a similar image to each image, and scores on its map."""

    def of(fooled: tuple[FooledImage, ...]) -> tuple[FooledImage, ...]:
        return tuple(
            replace(one, thumbnail=_place(one.path), similar=_similar(one.path)) for one in fooled
        )

    ood = {name: of(fooled) for name, fooled in row.fooled_ood.items()}
    scores = np.random.default_rng([*row.key[2].encode()]).normal(size=POINTS)
    return replace(row, fooled_id=of(row.fooled_id), fooled_ood=ood, on_map=tuple(scores.tolist()))


def _similar(path: str) -> SimilarImage:
    label = path.partition("/")[0]
    return SimilarImage(ID, path[::-1], label, 0.912345678, _place(path[::-1]))


def _map(model: str, draws: np.random.Generator) -> EmbeddingMap:
    """Return a map of half ID and half OOD points, some with a thumbnail."""
    x, y = draws.normal(size=(2, POINTS)).tolist()
    set_of = [0] * (POINTS // 2) + [1 + place % len(OOD) for place in range(POINTS // 2)]
    paths = tuple(f"n{place % CLASSES:08d}/n{place:08d}_{place}.JPEG" for place in range(POINTS))
    thumbnails = tuple(place // 10 if place % 10 == 0 else None for place in range(POINTS))
    images = N_ID + N_OOD * len(OOD)
    return EmbeddingMap(
        *(model, (ID, *OOD), 1, tuple(set_of), paths, tuple(x), tuple(y)),
        *((0.2, 0.1), images, thumbnails),
    )


def _place(path: str) -> int:
    """Return which thumbnail a path has, the same in every run."""
    return sum(path.encode()) % THUMBNAILS


if __name__ == "__main__":
    main()
