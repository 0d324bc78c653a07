"""A report's content made up for its tests: drawn scores, and names as strangers write them.

Rows are made of the scores as a report makes them; tests count in the scores themselves.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from sample_results import FIRST

from oodcache.cache.score_file import ScoredImages
from oodcache.report.content import Content, Row
from oodcache.report.grid import Key
from oodcache.report.images import rows
from oodcache.report.saved import Saved
from oodcache.score.metrics import auroc
from oodcache.score.result import Difference, Result
from oodcache.score.rows import Scores
from oodcache.score.variants import Variant

SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=http://example.invalid/x onerror=alert(2)>"
ID = "pets & <b>co</b>"
# Names that every object of JavaScript inherits, blanks that HTML folds, half of a surrogate pair.
OOD_SETS = (
    "photos",
    SCRIPT,
    "constructor",
    "__proto__",
    " two  blanks,\na line, $x$ ",
    "byte \udcff",
)
MODELS = (("clip", "openai"), (IMAGE, "x"))
TEMPLATES = ("a photo of a {}", "</script> %{y} {}")
VARIANTS = (
    Variant("mcm", {"temperature": 1.0}),
    Variant("mcm", {"temperature": 0.1}),
    Variant("mcm", {"temperature": "learned"}),
    Variant("max-logit", {}),
)
CLASSES = ("cat", "</td><b>dog</b>", "%{x}")
PROVENANCE = {
    "command": f"oodcache score --id '{ID}' --ood '{SCRIPT}'",
    "models": {
        "clip/openai": {"weights": "ab" * 32, "logit_scale": 50.0, "logit_bias": None},
        f"{IMAGE}/x": {"weights": None, "logit_scale": 100.0, "logit_bias": -10.0},
    },
    "files": [{"path": f"embeddings/{SCRIPT}.h5", "versions": {"numpy": "2"}}, 3, None],
    "stranger's": [1, {"<b>": None}],
}


@dataclass(frozen=True)
class Sample:
    """Results and single images, and the ranking scores they are of: by row, then by set."""

    saved: Saved
    content: Content
    scores: Mapping[Key, Mapping[str, Scores]]


def sample(n_id: int = 300, n_ood: int = 120) -> Sample:
    """Return 2 models × 2 templates × 4 scores against the OOD sets, and their averages."""
    draws = np.random.default_rng(0)
    sizes = {ID: n_id, **dict.fromkeys(OOD_SETS, n_ood)}
    scores: dict[Key, dict[str, Scores]] = {}
    results: list[Result] = []
    parts = []
    for model, pretrained in MODELS:
        for template in TEMPLATES:
            by_label = {
                one.label: {
                    # Two digits: many images are alike.
                    name: np.round(draws.beta(6 if name == ID else 2 + place, 3, size), 2)
                    for name, size in sizes.items()
                }
                for place, one in enumerate(VARIANTS)
            }
            for one in VARIANTS:
                of = replace(FIRST, model=model, pretrained=pretrained, template=template)
                of = replace(of, score=one.score, parameters=one.parameters)
                scores[f"{model}/{pretrained}", template, one.label] = by_label[one.label]
                results += _results(of, by_label[one.label])
            parts += [
                _part(f"{model}/{pretrained}", template, name, by_label, size)
                for name, size in sizes.items()
            ]
    keys = list(scores)
    difference = Difference(ID, SCRIPT, keys[0], keys[-1], -0.09, (-0.11, -0.06), 0.0001, 0.0006)
    saved = Saved(Path("results.json"), tuple(results), (difference,), PROVENANCE)
    found = map(_pictured, rows(saved, parts, "all.h5", lambda one: {}))
    return Sample(saved, Content(tuple(found), (_thumbnail(),)), scores)


def fpr95(inside: Scores, outside: Scores) -> float:
    """Return the share of OOD at or above the highest score that keeps 95 % of ID, by looking."""
    keeping = [one for one in inside if np.mean(inside >= one) >= 0.95]
    return float(np.mean(outside >= max(keeping)))


def _results(of: Result, scores: Mapping[str, Scores]) -> list[Result]:
    inside = scores[ID]
    of = replace(of, id=ID, n_id=len(inside), templates=(str(of.template),), group=None)
    found = []
    for name in OOD_SETS:
        area, rate = auroc(inside, scores[name]), fpr95(inside, scores[name])
        found.append(
            replace(
                of,
                ood=name,
                n_ood=len(scores[name]),
                auroc=area,
                auroc_ci=(max(0.0, area - 0.02), min(1.0, area + 0.015)),
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


def _part(
    model: str, template: str, name: str, by_label: Mapping[str, Mapping[str, Scores]], size: int
) -> ScoredImages:
    scores = {label: sets[name] for label, sets in by_label.items()}
    return ScoredImages(
        model,
        template,
        name,
        # The paper's form of a score: another number that rises with it.
        {**scores, **{f"{label} shown": one / 2 for label, one in scores.items()}},
        lambda: [f"{IMAGE}/{place} \xff.jpg".encode("latin-1") for place in range(size)],
        lambda: [CLASSES[place % 3].encode() for place in range(size)],
        lambda: [CLASSES[place % 2].encode() for place in range(size)],
    )


def _thumbnail() -> str:
    """Return a picture of one colour as content has them."""
    stream = io.BytesIO()
    Image.new("RGB", (112, 84), (200, 30, 90)).save(stream, "JPEG")
    return base64.b64encode(stream.getvalue()).decode()


def _pictured(row: Row) -> Row:
    """Return a row whose lowest ID image has a thumbnail."""
    first, *others = row.fooled_id
    return replace(row, fooled_id=(replace(first, thumbnail=0), *others))
