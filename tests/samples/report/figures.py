"""What figures are drawn of, made up for their tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from samples.report.images import Words, drawn, in_turn, thumbnail
from samples.report.results import MODEL
from samples.report.streams import streamed

from oodcache.report.content import Content
from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.kinds import KINDS, Subject, choose, rows_of
from oodcache.report.saved.results import Saved
from oodcache.score.formulas.cosines import Scores
from oodcache.score.onepass.variants import Variant

__all__ = ["HOSTILE", "PLAIN", "PROVENANCE", "Sample", "sample", "thumbnail"]
TEMPLATE = "a photo of a {}"
VARIANTS = (
    Variant("mcm", {"temperature": 1.0}),
    Variant("mcm", {"temperature": "learned"}),
    Variant("max-logit", {}),
)
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

    def subject(self, kind: str, choice: FigureChoice | None = None, **changes: Any) -> Subject:
        """Return what a kind of figure is drawn of."""
        choice = choice or FigureChoice()
        saved = streamed(self.saved, ["oodd"]) if KINDS[kind].of_streams else self.saved
        chosen = choose(kind, saved, choice)
        subject = Subject(saved, chosen, choice, **changes)
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
    model, _, pretrained = MODEL.partition("/")
    made = drawn(
        {inside: n_id, **dict.fromkeys(outside, n_ood)},
        [(model, pretrained, TEMPLATE)],
        VARIANTS,
        Words(
            lambda count: [
                f"{paths}{place}.png".encode(errors="replace") for place in range(count)
            ],
            in_turn(labels),
            in_turn(labels[::-1]),
        ),
        provenance=PROVENANCE,
    )
    return Sample(made.saved, made.content, {key[2]: sets for key, sets in made.scores.items()})


def _encoded(path: str) -> bytes:
    return path.encode(errors="replace")
