"""Notes on a pass: how long several take, scores that tell nothing, and each note once."""

from __future__ import annotations

from collections.abc import Sequence

from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Note
from oodcache.score.onepass.onepass import Scored
from oodcache.score.onepass.variants import Variant


def tell_time(templates: int, seconds: float, note: Note) -> None:
    """Note after the first of several passes how long all take, if that is minutes."""
    minutes = round(templates * seconds / 60)
    if minutes:
        about = counted(minutes, "minute")
        note(Hint(f"{counted(templates, 'template')}, a pass each: about {about}"))


def tell_constant(variants: Sequence[Variant], scored: Sequence[Scored], note: Note) -> None:
    """Note each variant that gives one number to every image of every set."""
    for place, variant in enumerate(variants):
        first = scored[0].scores[place, 0]
        if all((one.scores[place] == first).all() for one in scored):
            note(f"{variant.label}: every image scores {first:.6g}; an AUROC of 50 means nothing")


def once(note: Note) -> Note:
    """Return a note that passes each text on the first time only."""
    told: set[str] = set()

    def tell(text: str) -> None:
        if text not in told:
            told.add(text)
            note(text)

    return tell
