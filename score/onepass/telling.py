"""Notes on a pass: how long several take, scores that tell nothing, and each note once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Note
from oodcache.score.onepass.onepass import Scored
from oodcache.score.onepass.variants import Variant

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")


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


def tell_draws(draws: Sequence[Sequence[str]], bank: str, note: Note) -> None:
    """Note what the draws of a bank told, each kind of note once.

    Where only its numbers differ, it has their range, and how many of the draws told it.
    """
    kinds: dict[str, list[str]] = {}
    for texts in draws:
        for text in dict.fromkeys(texts):
            kinds.setdefault(NUMBER.sub("0", text), []).append(text)
    for texts in kinds.values():
        merged = _merged(texts)
        if len(texts) < len(draws) or merged != texts[0]:
            draw = f"{len(texts):,} of {counted(len(draws), 'draw')}"
            draw = draw if len(texts) < len(draws) else counted(len(draws), "draw")
            merged = merged.replace(f"bank {bank}:", f"bank {bank} ({draw}):", 1)
        note(merged)


def _merged(texts: Sequence[str]) -> str:
    """Return texts that differ in numbers as one, with the least and the largest of each."""
    columns = iter(zip(*(NUMBER.findall(one) for one in texts), strict=True))

    def spanned(found: re.Match[str]) -> str:
        values = sorted({*next(columns)}, key=lambda one: float(one.replace(",", "")))
        return found[0] if len(values) == 1 else f"{values[0]} to {values[-1]}"

    return NUMBER.sub(spanned, texts[0])
