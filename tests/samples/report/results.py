"""Results made up for the tests of the report: every AUROC of a table is another number."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from oodcache.score.measures.result import Difference, Result

FIRST = Result(
    model="ViT-B-16",
    pretrained="laion400m_e31",
    classes="imagenet",
    template="a photo of a {}",
    templates=("a photo of a {}",),
    id="imagenet-val",
    ood="iNaturalist",
    group="far",
    score="mcm",
    parameters={"temperature": 1.0},
    fpr_convention="strict",
    n_id=50_000,
    n_ood=10_000,
    id_accuracy=0.6705,
    auroc=0.9412345,
    auroc_ci=(0.93, 0.95),
    aupr_in=0.98,
    aupr_out=0.71,
    fpr95=0.3,
    fpr_at_tpr={"0.95": 0.3},
    fpr95_by_convention={"strict": 0.3, "nearest": 0.31, "openood": 0.2, "interpolated": 0.3},
    ties=12,
    distinct=59_988,
    shared_images=0,
    bootstrap=None,
    calibration=None,
)
BARE: dict[str, Any] = {
    "model": None,
    "pretrained": None,
    "classes": None,
    "template": None,
    "templates": (),
    "id_accuracy": None,
    "parameters": {},
}
SETS = ("iNaturalist", "SUN", "Places", "Textures", "average")
VARIANTS: list[tuple[str, dict[str, float | str]]] = [
    ("mcm", {"temperature": 1.0}),
    ("mcm", {"temperature": "learned"}),
    ("sigmoid-mcm", {"scale": "learned", "bias": "learned"}),
    ("max-logit", {}),
]
MODEL = "ViT-B-16/laion400m_e31"
LABELS = ("mcm", "mcm:temperature=learned", "sigmoid-mcm", "max-logit")
PLAIN_DIFFERENCE = Difference(
    id="imagenet-val",
    ood="SUN",
    first=(MODEL, "a photo of a {}", "mcm"),
    second=(MODEL, "a photo of a {}", "max-logit"),
    difference=-0.09,
    ci=(-0.11, -0.06),
    p=0.0001,
    p_holm=0.0006,
)


def results(*sets: str, **changes: Any) -> list[Result]:
    """Return four scores against each of `sets`."""
    return [
        replace(
            FIRST,
            ood=ood,
            score=score,
            parameters=parameters,
            auroc=0.80 + 0.03 * row + 0.004 * column,
            **{"auroc_ci": (0.79 + 0.03 * row + 0.004 * column, 0.83 + 0.03 * row + 0.004 * column)}
            | changes,
        )
        for row, (score, parameters) in enumerate(VARIANTS)
        for column, ood in enumerate(sets)
    ]


def difference(first: str, second: str, **changes: Any) -> Difference:
    """Return how two scores differ on SUN; both are the plain model's, by their labels."""
    rows = [(MODEL, "a photo of a {}", label) for label in (first, second)]
    return replace(PLAIN_DIFFERENCE, first=rows[0], second=rows[1], **changes)


def plain(text: str) -> list[str]:
    """Return a table's lines without its colours."""
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()]


def rates(one: Result, **by_convention: float) -> Result:
    """Return a result whose FPR95 is the same in all conventions but those given."""
    same = dict.fromkeys(("strict", "nearest", "openood", "interpolated"), one.fpr95)
    return replace(one, fpr95_by_convention=same | by_convention)
