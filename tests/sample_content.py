"""Results and their images made up for the tests of pages and figures, hostile names among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from sample_results import FIRST

from oodcache.cache.score_file import ScoredImages
from oodcache.report.content import Content
from oodcache.report.images import rows
from oodcache.report.saved import Saved
from oodcache.score.metrics import auroc, fpr_at_tpr
from oodcache.score.result import Result
from oodcache.score.rows import Scores

HOSTILE = "<script>alert(1)</script>"
MARKUP = (
    "</script><b>",
    "<img src=http://example.org/x onerror=alert(2)>",
    "$x_1$",
    "%{y}",
    "&amp;",
)
MODELS = ("clip/one", "siglip/<b>two</b>")
SETS = {"near": 400, HOSTILE: 300}
TEMPERATURES: tuple[float | str, ...] = (1.0, 0.1, "learned")
JPEG = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDc"
    "pLDAxNDQ0Hyc5PTgyPC4zNDL/wAALCAABAAEBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAg"
    "EDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q"
    "0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXG"
    "x8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APn+v//Z"
)


def _scores(seed: int, count: int, shift: float) -> Scores:
    return np.random.default_rng(seed).normal(shift, 1, count)


def _part(model: str, name: str, columns: dict[str, Scores]) -> ScoredImages:
    count = len(next(iter(columns.values())))
    words = (HOSTILE, *MARKUP, "größer")
    paths = [f"{words[place % 3]}/{place}.png".encode() for place in range(count)]
    both = columns | {f"{one} shown": 1 / (1 + np.exp(-values)) for one, values in columns.items()}
    return ScoredImages(
        *(model, str(FIRST.template), name, both),
        lambda: paths,
        lambda: [words[place % len(words)].encode() for place in range(count)],
        lambda: [words[place % 5].encode() for place in range(count)],
    )


def sample(*, thumbnails: bool = True) -> tuple[Saved, Content]:
    """Return results of two models, three temperatures and a score more, and their images."""
    results: list[Result] = []
    parts: list[ScoredImages] = []
    variants: list[tuple[str, dict[str, float | str], str]] = [
        ("mcm", {"temperature": one}, "mcm" if one == 1.0 else f"mcm:temperature={one}")
        for one in TEMPERATURES
    ]
    variants.append(("max-logit", {}, "max-logit"))
    for place, label in enumerate(MODELS):
        model, _, pretrained = label.partition("/")
        columns: dict[str, dict[str, Scores]] = {"pets": {}, **{name: {} for name in SETS}}
        for number, (score, parameters, written) in enumerate(variants):
            seed = 100 * place + 10 * number
            inside = columns["pets"][written] = _scores(seed, 500, 1 + 0.2 * number)
            own = []
            for at, (name, count) in enumerate(SETS.items()):
                outside = columns[name][written] = _scores(seed + 1 + at, count, 0.3 * at)
                own.append(
                    replace(
                        FIRST,
                        model=model,
                        pretrained=pretrained,
                        id="pets",
                        ood=name,
                        group=None,
                        score=score,
                        parameters=parameters,
                        n_id=500,
                        n_ood=count,
                        id_accuracy=0.5 + 0.1 * place,
                        auroc=auroc(inside, outside),
                        fpr95=fpr_at_tpr(inside, outside),
                        auroc_ci=(0.4, 0.95) if number else None,
                    )
                )
            mean = float(np.mean([one.auroc for one in own]))
            rate = float(np.mean([one.fpr95 for one in own]))
            results += [*own, replace(own[0], ood="average", auroc=mean, fpr95=rate, n_ood=700)]
        parts += [_part(label, name, values) for name, values in columns.items()]
    provenance = {
        "command": f"oodcache score --ood '{HOSTILE}'",
        "models": {label: {"logit_scale": 50.0, "weights": "00" * 32} for label in MODELS},
        "files": [{"path": f"{HOSTILE}.h5", "versions": {"numpy": "2"}}, 3],
        "odd": None,
    }
    saved = Saved(Path("results.json"), tuple(results), (), provenance)
    found = tuple(rows(saved, parts, "all.h5", lambda one: {}))
    if not thumbnails:
        return saved, Content(found)
    shown = tuple(
        replace(row, fooled_id=tuple(replace(one, thumbnail=0) for one in row.fooled_id))
        for row in found
    )
    return saved, Content(shown, (JPEG,))
