"""Leaks among mined words as lines of text: what each word names, set by set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from oodcache.cache.text import counted, printable
from oodcache.score.words.leaks import SPELLING, Leak, Leaks

MOST = 10  # Descendants and ancestors that are shown; leaks are shown to the last one.


def leak_lines(found: Iterable[Leaks]) -> list[str]:
    """Return the leaks of each set: how many there are, and each word with the class it names."""
    return [printable(line) for one in found for line in _of_set(one)]


def _of_set(one: Leaks) -> Iterator[str]:
    if one.names is None:
        name = one.ood[:60]
        yield (
            f"{one.ood}: leaks not known, since {one.source}; give its class names with "
            f"--leaks-of {name}=FILE"
        )
        return
    known = f" ({one.in_wordnet:,} in WordNet)" if one.in_wordnet is not None else ""
    yield (
        f"{one.ood}: {counted(len(one.names), 'leak')} among {one.words:,} words, by "
        f"{one.compared}; {counted(one.classes or 0, 'class')}{known} from {one.source}"
    )
    yield from (f"  {leak.word}: {leak.class_name}" for leak in one.names)
    for what, some in (("below", one.descendants), ("above", one.ancestors)):
        if some:
            yield f"  {counted(len(some), 'word')} {what} a class, no leaks: {_cut(some)}"
    if one.compared == SPELLING:
        yield "  only spellings were compared; --wordnet FOLDER finds synonyms too"


def _cut(leaks: Sequence[Leak]) -> str:
    more = f", … and {len(leaks) - MOST:,} more" if len(leaks) > MOST else ""
    return ", ".join(f"{leak.word} ({leak.class_name})" for leak in leaks[:MOST]) + more
