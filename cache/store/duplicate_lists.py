"""Near-duplicates as text: lines to read, CSV, JSON, and a list of images to drop."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from math import floor
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.format.sibling import sibling
from oodcache.cache.store.duplicates import DuplicatePair, exact
from oodcache.cache.text import check_ending, counted, printable

COLUMNS = ("cosine", "first_set", "first_path", "second_set", "second_path")
ENDINGS = (".csv", ".json")


def lines(pairs: Sequence[DuplicatePair], threshold: float, limit: int) -> Iterator[str]:
    """Yield two lines for each of the first `limit` pairs (0: all), then how many there are."""
    shown = pairs[: limit or None]
    for one in shown:
        # Cut, not rounded: only equal vectors have 1.0000.
        yield f"{floor(one.cosine * 10**4) / 10**4:.4f}  {printable(_written(one.first))}"
        yield f"        {printable(_written(one.second))}"
    found = f"{counted(len(pairs), 'pair')} with a cosine of at least {exact(threshold)}"
    more = "; --limit 0 shows all" if len(shown) < len(pairs) else ""
    yield f"{found}{more}"


def save(pairs: Sequence[DuplicatePair], path: Path) -> None:
    """Write all pairs to a .csv or .json file, atomically."""
    text = _csv(pairs) if check(path) == ".csv" else _json(pairs)
    with sibling(path) as part:
        part.write_text(text, encoding="utf-8")


def check(path: Path) -> str:
    """Return the ending of a file of pairs; raise InputError for any other than ENDINGS."""
    if not path.suffix:
        raise InputError(f"{path}: has no ending; use .csv or .json")
    return check_ending(path, ENDINGS, "")


def save_drops(pairs: Sequence[DuplicatePair], path: Path) -> int:
    """Write the second image of each pair, each once, as `score --drop` reads it; return how many.

    Raises InputError, and writes nothing, if there is no pair.
    """
    written = dict.fromkeys(_written(one.second) for one in pairs)
    if not written:
        raise InputError(f"{path}: not written: no pair was found; give a lower --threshold")
    if broken := [one for one in written if "\n" in one or "\r" in one]:
        raise InputError(
            f"{path}: not written: the path {printable(broken[0])[:120]} has a line break, which a "
            "list of paths cannot hold; rename the image"
        )
    with sibling(path) as part:
        part.write_text("".join(f"{one}\n" for one in written), encoding="utf-8")
    return len(written)


def _written(image: tuple[str, bytes]) -> str:
    name, path = image
    return f"{name}:{_text(path)}"


def _text(path: bytes) -> str:
    return path.decode(errors="backslashreplace")


def _row(one: DuplicatePair) -> tuple[float, str, str, str, str]:
    (first, first_path), (second, second_path) = one.first, one.second
    return one.cosine, first, _text(first_path), second, _text(second_path)


def _csv(pairs: Sequence[DuplicatePair]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(_row, pairs))
    return text.getvalue()


def _json(pairs: Sequence[DuplicatePair]) -> str:
    rows = [dict(zip(COLUMNS, _row(one), strict=True)) for one in pairs]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
