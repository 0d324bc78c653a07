"""The scores of every image written to a file, HDF5 or text, for whoever wants more than a table.

A row is one image under one model and template. A variant has two columns: under the name that is
typed for it the ranking form, which every metric is computed from, and as "NAME shown" the paper's
form. `score_files` reads them back.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.scores import ScoredImages, write_scores
from oodcache.cache.format.sibling import unfinished, writing
from oodcache.cache.names import SCORED
from oodcache.score.evaluation import Kept
from oodcache.score.files.reading import DELIMITERS, HDF5, SHOWN
from oodcache.score.formulas.cosines import Scores
from oodcache.score.inputs.labels import Labels
from oodcache.score.inputs.views import View
from oodcache.score.measures.differences import PairedRow

BLOCK_ROWS = 2**14


def check_ending(path: Path) -> None:
    """Refuse a file that is neither HDF5 nor text by its ending."""
    *most, last = (*HDF5, *DELIMITERS)
    if path.suffix.lower() not in (*most, last):
        what = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        raise InputError(f"--save-scores {path}: {what}; give {', '.join(most)} or {last}")


def save(path: Path, kept: Sequence[Kept]) -> int:
    """Write all that was kept as the file at `path`, whole or not at all; return how many rows."""
    whole = parts(kept)
    if path.suffix.lower() in HDF5:
        write_scores(path, whole)
    else:
        _write_text(path, whole)
    return sum(map(len, whole))


def rows(kept: Sequence[Kept]) -> list[PairedRow]:
    """Return what was kept as the rows that can be compared: by paths, and by their source."""
    told: dict[int, str] = {}
    for file in (file for one in kept for file in one.images.values()):
        if id(file) not in told:
            told[id(file)] = _digest(file)
    return [
        PairedRow(
            (one.model, one.template, one.variant.label),
            one.scores,
            {name: told[id(file)] for name, file in one.images.items()},
        )
        for one in kept
    ]


def _digest(view: View) -> str:
    digest = hashlib.sha256(str(view.file.identity.source.get("fingerprint")).encode())
    digest.update(b"\0".join([b"", *view.paths()]))
    return digest.hexdigest()


def parts(kept: Sequence[Kept]) -> list[ScoredImages]:
    """Return a part for each model, template and data set, with all its variants as columns."""
    scores: dict[tuple[str, str, str], dict[str, Scores]] = {}
    of: dict[tuple[str, str, str], Kept] = {}
    for one in kept:
        for name, values in one.scores.items():
            key = (one.model, one.template, name)
            columns = scores.setdefault(key, {})
            columns[one.variant.label] = values
            columns[one.variant.label + SHOWN] = one.shown(values)
            of[key] = one
    return [
        ScoredImages(
            *(*key, scores[key], one.images[key[2]].paths),
            _labels(one.images[key[2]]),
            _classes(one.classes, one.nearest[key[2]]),
        )
        for key, one in of.items()
    ]


def _classes(names: Sequence[str], places: Labels) -> Callable[[], list[bytes]]:
    def classes() -> list[bytes]:
        encoded = [name.encode() for name in names]
        return [encoded[place] for place in places.tolist()]

    return classes


def _labels(view: View) -> Callable[[], list[bytes]]:
    def labels() -> list[bytes]:
        names = [*(name.encode() for name in view.file.label_names), b""]  # -1 is the last.
        return [names[label] for label in view.labels.tolist()]

    return labels


def _write_text(path: Path, parts: Sequence[ScoredImages]) -> None:
    """Write lines of CSV or TSV; a float has all digits, a byte of no UTF-8 becomes \\xff."""
    with unfinished(path) as beside, beside.open("w", encoding="utf-8", newline="") as stream:
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
