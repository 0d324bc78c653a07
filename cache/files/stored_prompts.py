"""The vectors of prompts exactly as stored: rows that are kept, and their SHA-256 by template.

Templates are added behind those that a file has, so its first templates stay what they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import REPLACED, Stored, TextFile, TextRows, Vectors
from oodcache.cache.format import rules, structure
from oodcache.cache.format.container import opened


def stored_rows(texts: TextRows, first: int, count: int) -> tuple[Stored, Vectors]:
    """Return rows of all prompts of a finished file, (n, D) as stored, and their `norm` (n,).

    They run from `first` on and are at most `count`: fewer, or none, at the end.
    """
    classes, rows = len(texts.vocabulary.names), range(texts.rows)[first : first + count]
    with opened(texts.path) as file:
        found = structure.check(file, texts.path, "texts")
        if found.identity != texts.identity:
            raise InputError(f"{texts.path}: {REPLACED}")
        stored, norm = found.datasets["embeddings"], found.columns["norm"].reshape(-1)
        vectors = np.empty((len(rows), texts.dimension), stored.dtype)
        done = 0
        while done < len(rows):
            template, place = divmod(rows[done], classes)
            some = min(len(rows) - done, classes - place)
            stored.read_direct(
                vectors, np.s_[template, place : place + some], np.s_[done : done + some]
            )
            done += some
    rules.check_rows(texts.path, first, vectors, np.ones(len(rows), bool))
    return vectors, norm[rows.start : rows.stop]


def vectors_sum(texts: TextFile | TextRows, templates: Sequence[str]) -> str:
    """Return the SHA-256 of the bytes of the vectors of some templates, one after another."""
    if tuple(templates) == texts.vocabulary.templates:
        return texts.identity.vectors
    digest = hashlib.sha256()
    for one in templates:
        for block in _under(texts, one):
            digest.update(block.data)
    return digest.hexdigest()


def unchanged(
    texts: TextFile | TextRows, digest: str, templates: Sequence[str] = ()
) -> tuple[str, ...] | None:
    """Return the templates whose vectors have the SHA-256 `digest`, None if they have changed.

    They are `templates`, or if those are unknown the first ones, as many as it takes.
    """
    there = texts.vocabulary.templates
    if templates:
        is_there = set(templates) <= set(there)
        return tuple(templates) if is_there and vectors_sum(texts, templates) == digest else None
    if digest == texts.identity.vectors:
        return there
    so_far = hashlib.sha256()
    for count, one in enumerate(there[:-1], 1):
        for block in _under(texts, one):
            so_far.update(block.data)
        if so_far.hexdigest() == digest:
            return there[:count]
    return None


def _under(texts: TextFile | TextRows, template: str) -> Iterable[Stored]:
    place = texts.vocabulary.templates.index(template)
    return [texts.stored[place]] if isinstance(texts, TextFile) else texts.stored_under(place)
