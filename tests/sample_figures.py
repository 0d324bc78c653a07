"""What figures are drawn of, made up for their tests: scores that were drawn, and all from them.

The rows of images are made as a report makes them; tests compare with the scores themselves.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sample_results import FIRST, MODEL

from oodcache.cache.score_file import ScoredImages
from oodcache.report.choice import Choice
from oodcache.report.content import Content
from oodcache.report.figures import KINDS, Subject, choose, rows_of
from oodcache.report.images import rows
from oodcache.report.saved import Saved
from oodcache.score.metrics import auroc
from oodcache.score.result import Result
from oodcache.score.rows import Scores

TEMPLATE = "a photo of a {}"
VARIANTS: dict[str, tuple[str, dict[str, float | str]]] = {
    "mcm": ("mcm", {"temperature": 1.0}),
    "mcm:temperature=learned": ("mcm", {"temperature": "learned"}),
    "max-logit": ("max-logit", {}),
}
PROVENANCE: dict[str, Any] = {
    "command": "oodcache score",
    "models": {MODEL: {"requested": "mine", "logit_scale": 50.0, "logit_bias": None}},
}
PLAIN = ("SUN", "Places", "Textures")
HOSTILE = (
    "$x_$ $\\frac{1}{2}$",
    "<script>alert('1')</script> & co",
    "two\nlines\tand \x00 \x1b[31m",
    "byte \udcff",
    "_hidden",
    "漢字 🎉",
    "w" * 300,
)


@dataclass(frozen=True)
class Sample:
    """Results and single images, and the ranking scores they are of: by label, then by set."""

    saved: Saved
    content: Content
    scores: Mapping[str, Mapping[str, Scores]]

    def subject(self, kind: str, choice: Choice | None = None, **changes: Any) -> Subject:
        """Return what a kind of figure is drawn of."""
        choice = choice or Choice()
        chosen = choose(kind, self.saved, choice)
        subject = Subject(self.saved, chosen, choice, **changes)
        if not KINDS[kind].of_images:
            return subject
        found = rows_of(chosen, self.content)
        return replace(subject, rows=found, thumbnails=self.content.thumbnails)


def sample(
    inside: str = "pets",
    outside: Sequence[str] = PLAIN,
    *,
    labels: Sequence[str] = ("cat", "dog"),
    n_id: int = 60,
    n_ood: int = 40,
    paths: str = "",
) -> Sample:
    """Return three scores of images: ID higher than OOD on average, some of them alike."""
    draws = np.random.default_rng(0)
    sizes = {inside: n_id, **dict.fromkeys(outside, n_ood)}
    scores = {
        label: {
            name: np.round(draws.beta(6 if name == inside else 3, 3, size), 2)
            for name, size in sizes.items()
        }
        for label in VARIANTS
    }
    results = tuple(one for label, sets in scores.items() for one in _results(label, inside, sets))
    saved = Saved(Path("results.json"), results, (), PROVENANCE)
    parts = [
        _part(name, {label: sets[name] for label, sets in scores.items()}, labels, paths)
        for name in sizes
    ]
    found = tuple(rows(saved, parts, "all.h5", lambda one: {}))
    return Sample(saved, Content(tuple(map(_pictured, found)), (thumbnail(),)), scores)


def _results(label: str, inside: str, sets: Mapping[str, Scores]) -> list[Result]:
    score, parameters = VARIANTS[label]
    first = replace(FIRST, id=inside, n_id=len(sets[inside]), score=score, parameters=parameters)
    found = []
    for ood in list(sets)[1:]:
        area = auroc(sets[inside], sets[ood])
        interval = (max(0.0, area - 0.05), min(1.0, area + 0.03))
        one = replace(first, ood=ood, n_ood=len(sets[ood]), auroc=area, auroc_ci=interval)
        found.append(replace(one, fpr95=fpr95(sets[inside], sets[ood])))
    mean = sum(one.auroc for one in found) / len(found)
    return [*found, replace(first, ood="average", auroc=mean, auroc_ci=None)]


def fpr95(inside: Scores, outside: Scores) -> float:
    """Return the share of OOD at or above the highest score that keeps 95 % of ID, by looking."""
    keeping = [one for one in inside if np.mean(inside >= one) >= 0.95]
    return float(np.mean(outside >= max(keeping)))


def _part(
    name: str, scores: Mapping[str, Scores], labels: Sequence[str], paths: str
) -> ScoredImages:
    count = len(next(iter(scores.values())))
    both = {**scores, **{f"{label} shown": one / 2 for label, one in scores.items()}}
    raw = [one.encode(errors="surrogateescape") for one in labels]
    return ScoredImages(
        *(MODEL, TEMPLATE, name, both),
        lambda: [f"{paths}{place}.png".encode(errors="replace") for place in range(count)],
        lambda: [raw[place % len(raw)].replace(b"\0", b"") for place in range(count)],
        lambda: [raw[-1 - place % len(raw)].replace(b"\0", b"") for place in range(count)],
    )


def thumbnail(colour: tuple[int, int, int] = (200, 30, 90)) -> str:
    """Return a picture of one colour as content has them."""
    stream = io.BytesIO()
    Image.new("RGB", (48, 32), colour).save(stream, "JPEG", quality=95)
    return base64.b64encode(stream.getvalue()).decode()


def _pictured(row: Any) -> Any:
    """Return a row whose lowest ID image has a thumbnail."""
    first, *others = row.fooled_id
    return replace(row, fooled_id=(replace(first, thumbnail=0), *others))
