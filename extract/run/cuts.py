"""Prompts that are longer than the model reads: counted, and rejected if class names are lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted
from oodcache.cache.watch import Note
from oodcache.extract.model.tokenizers import lengths, uncut
from oodcache.extract.run.plan import TextListing

# A prompt may take more tokens than its template and its name: words can be joined at the braces.
MARGIN = 16
BATCH = 4096
SHORTER = "shorten the template or the names"


def check(listing: TextListing, tokenize: Any, note: Note) -> None:
    """Note how many prompts the tokenizer cuts.

    Raises InputError if nothing of a class name is left in a prompt, or if two classes have
    different prompts that are the same once they are cut.
    """
    limit = tokenize.context_length
    rows = _long(listing, tokenize, limit)
    prompts = [listing.prompts(range(row, row + 1))[0] for row in rows]
    sizes = lengths(tokenize, prompts)
    full = [one for one in zip(rows, prompts, sizes, strict=True) if one[2] >= limit]
    cut = [(row, prompt) for row, prompt, size in full if size > limit]
    if not cut:
        return
    count = len(listing.vocabulary.names)
    before = lengths(tokenize, [one.partition("{}")[0] for one in listing.vocabulary.templates])
    lost = [(row, prompt) for row, prompt in cut if before[row // count] >= limit]
    of = f"{len(cut):,} of {counted(listing.rows, 'prompt')}"
    what = f"{listing.name}: {of} {'is' if len(cut) == 1 else 'are'} longer than the model reads "
    what += f"({limit} tokens)"
    if lost:
        raise InputError(
            f"{what}, and nothing is left of {counted(len(lost), 'class name')}, first in "
            f"{_shown(lost[0][1])}; {SHORTER}"
        )
    if pair := _merged(listing, tokenize, full, limit):
        raise InputError(
            f"{what}, and {_shown(pair[0])} and {_shown(pair[1])} are the same once they are cut; "
            f"{SHORTER}"
        )
    note(f"{what} and cut, the first {_shown(cut[0][1])}")


def _long(listing: TextListing, tokenize: Any, limit: int) -> list[int]:
    """Return the rows of prompts that may be too long, by the lengths of names and templates."""
    names, templates = listing.vocabulary.names, listing.vocabulary.templates
    of_names = lengths(tokenize, names)
    of_templates = lengths(tokenize, [one.replace("{}", "") for one in templates])
    return [
        template * len(names) + place
        for template, size in enumerate(of_templates)
        for place, own in enumerate(of_names)
        if size + own + MARGIN > limit
    ]


def _merged(
    listing: TextListing, tokenize: Any, full: Sequence[tuple[int, str, int]], limit: int
) -> tuple[str, str] | None:
    """Return two different prompts of a template that have the same tokens because of the cut.

    `full` are the row, the prompt and the length of those that are cut or just not.
    """
    count = len(listing.vocabulary.names)
    seen: dict[tuple[int, bytes], str] = {}
    for first in range(0, len(full), BATCH):
        some = full[first : first + BATCH]
        tokens = tokenize([prompt for _, prompt, _ in some]).numpy()
        for (row, prompt, size), own in zip(some, tokens, strict=True):
            other = seen.setdefault((row // count, own.tobytes()), prompt)
            if other == prompt:
                continue
            # Prompts that are not cut, or that are the same before it, have these tokens anyway.
            whole = uncut(tokenize, [other, prompt])
            if whole[0] != whole[1] and max(size, lengths(tokenize, [other])[0]) > limit:
                return other, prompt
    return None


def _shown(prompt: str) -> str:
    return repr(prompt if len(prompt) <= 120 else f"{prompt[:120]}…")
