"""The scores of every image, written to an HDF5 or text file.

A row is one image for one model and template. A variant has two columns: under its name the ranking
form, from which every metric is computed, and under "NAME shown" the paper's form. `reading` reads
them back.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from functools import partial
from itertools import repeat
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.delimited import DELIMITERS
from oodcache.cache.files.scores import ScoredImages, write_scores
from oodcache.cache.format.sibling import flushed, unfinished, writing
from oodcache.cache.names import SCORED
from oodcache.score.files.reading import HDF5, SHOWN
from oodcache.score.formulas.cosines import Scores
from oodcache.score.inputs.labels import Labels
from oodcache.score.inputs.views import View
from oodcache.score.measures.orders.paired_orders import PairedRow
from oodcache.score.onepass.kept import Kept

BLOCK_ROWS = 2**14


def check_ending(path: Path) -> None:
    """Raise InputError if the suffix is neither HDF5's nor a text file's."""
    *most, last = (*HDF5, *DELIMITERS)
    if path.suffix.lower() not in (*most, last):
        what = f"ends in {path.suffix!r}" if path.suffix else "has no suffix"
        raise InputError(f"--save-scores {path}: {what}; use {', '.join(most)} or {last}")


def save(path: Path, kept: Sequence[Kept]) -> int:
    """Write the kept scores to `path`, completely or not at all; return the number of rows."""
    whole = parts(kept)
    if path.suffix.lower() in HDF5:
        write_scores(path, whole)
    else:
        _write_text(path, whole)
    return sum(map(len, whole))


def rows(kept: Sequence[Kept]) -> list[PairedRow]:
    """Return the kept scores as rows for comparison; digests tell which images are the same."""
    views = {id(view): view for one in kept for view in one.images.values()}
    digests = {key: _digest(view) for key, view in views.items()}
    return [
        PairedRow(
            (one.model, one.template, one.label),
            one.scores,
            {name: digests[id(view)] for name, view in one.images.items()},
            one.stream,
        )
        for one in kept
    ]


def _digest(view: View) -> str:
    digest = hashlib.sha256(str(view.file.identity.source.get("fingerprint")).encode())
    digest.update(b"\0".join([b"", *view.paths()]))
    return digest.hexdigest()


def parts(kept: Sequence[Kept]) -> list[ScoredImages]:
    """Return a part for each model, template and dataset, with all its variants as columns."""
    scores: dict[tuple[str, str, str], dict[str, Scores]] = {}
    of: dict[tuple[str, str, str], Kept] = {}
    for one in kept:
        if one.stream is not None and not one.scores:  # A file with one of several OOD sets.
            raise InputError(
                f"--save-scores: {one.label[:120]} has no score of every image; give the --ood of "
                "the file alone"
            )
        for name, values in one.scores.items():
            key = (one.model, one.template, name)
            columns = scores.setdefault(key, {})
            columns[one.label] = values
            columns[one.label + SHOWN] = one.shown(values)
            of[key] = one
    return [
        ScoredImages(
            *(*key, scores[key], (view := one.images[key[2]]).paths),
            partial(_names, view.file.label_names, view.labels),
            partial(_names, one.classes, one.nearest[key[2]]),
        )
        for key, one in of.items()
    ]


def _names(names: Sequence[str], places: Labels) -> list[bytes]:
    """Return the name at each place, b"" at -1."""
    encoded = [*(name.encode() for name in names), b""]
    return [encoded[place] for place in places.tolist()]


def _write_text(path: Path, parts: Sequence[ScoredImages]) -> None:
    """Write CSV or TSV; floats have all digits, bytes that are not UTF-8 become \\xff."""
    with (
        unfinished(path) as beside,
        flushed(beside.open("w", encoding="utf-8", newline="")) as stream,
    ):
        writer = csv.writer(stream, delimiter=DELIMITERS[path.suffix.lower()], lineterminator="\n")
        writer.writerow([*SCORED, *parts[0].scores])
        for part in parts:
            of_each = [part.paths(), part.labels(), part.nearest()]
            columns = list(part.scores.values())
            for first in range(0, len(part), BLOCK_ROWS):
                rows = slice(first, first + BLOCK_ROWS)
                names = zip(
                    *map(repeat, (part.model, part.template, part.data_set)),
                    *(map(_text, column[rows]) for column in of_each),
                    strict=False,
                )
                scores = np.stack([one[rows] for one in columns], axis=1).tolist()
                with writing(path):
                    writer.writerows(
                        (*name, *numbers) for name, numbers in zip(names, scores, strict=False)
                    )
        with writing(path):
            stream.flush()


def _text(name: bytes) -> str:
    return name.decode(errors="backslashreplace")
