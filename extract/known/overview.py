"""The known datasets, found or not, and counted, as `oodcache data` prints them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.text import Text

from oodcache.cache.errors import InputError
from oodcache.cache.names import GROUPS
from oodcache.cache.store.listing import as_text, empty_table
from oodcache.cache.text import counted, printable
from oodcache.cache.watch import Progress
from oodcache.extract.known.fetching import Fetched, count
from oodcache.extract.sources import datasets, ground_truth
from oodcache.extract.sources.known_sets import KNOWN_SETS
from oodcache.extract.sources.listing import ImageSource

WHOLE, WRONG, MISSING, UNSORTED = "complete", "WRONG", "missing", "UNSORTED"
COLUMNS = ("dataset", "images", "OOD", "found", "get it")


@dataclass(frozen=True)
class KnownRow:
    """A known dataset; its fields are the keys of JSON, in docs/sources.md.

    `group` is "near" or "far", None for ImageNet; `path` is None if it is missing, `url` if
    it cannot be fetched; `origin` is where to get it, and `place` where it belongs.
    """

    name: str
    images: int
    group: str | None
    path: str | None
    url: str | None
    origin: str
    place: str


def rows(data_root: Path) -> list[KnownRow]:
    """Return every known dataset in order, without counting images."""
    return [_row(name, data_root) for name in KNOWN_SETS]


def to_json(found: Sequence[KnownRow]) -> str:
    """Return a JSON list of objects."""
    return json.dumps([asdict(one) for one in found], indent=1) + "\n"


def table(found: Sequence[KnownRow], *, styled: bool = False) -> str:
    """Return a table as wide as it needs; `styled` adds terminal codes."""
    drawn = empty_table(COLUMNS, ["images"])
    for one in found:
        drawn.add_row(*(Text(printable(cell)) for cell in _cells(one)))
    return as_text(drawn, styled=styled)


def checked(names: Sequence[str], data_root: Path, *, progress: Progress) -> Iterator[str]:
    """Yield a line for each dataset; raise InputError at the end if any is wrong or missing.

    Without names, all known datasets are checked, and missing ones are reported only.
    """
    for name in names:
        datasets.check_known(name)
    if not data_root.is_dir():
        raise InputError(
            f"{data_root}: no such data root; give --data-root FOLDER or set OODCACHE_DATA"
        )
    chosen = list(dict.fromkeys(names or KNOWN_SETS))
    states: dict[str, str] = {}
    with progress("counting", len(chosen), "datasets") as advance:
        for name in chosen:
            source = _known(name, data_root)
            state, found = _checked(data_root, source)
            if state in (WRONG, UNSORTED) or (state == MISSING and names):
                states[name] = state
            yield f"{state:9}  {name}: {found}"
            advance(1)
    if states:
        raise InputError(_mend(states, len(chosen), data_root))


def fetched(one: Fetched) -> str:
    """Return the line for a dataset that exists now."""
    verb = "already there" if one.was_there else "fetched"
    return f"{one.counted.name}: {verb}: {one.counted.images:,} images in {one.counted.root}"


def _row(name: str, data_root: Path) -> KnownRow:
    known, source = KNOWN_SETS[name], _known(name, data_root)
    return KnownRow(
        name,
        known.images,
        GROUPS.get(name),
        None if source is None else str(source.root),
        None if known.archive is None else known.archive.url,
        known.origin,
        str(data_root / known.place),
    )


def _cells(one: KnownRow) -> tuple[str, ...]:
    how = f"oodcache data fetch {one.name}" if one.url else f"{one.origin}; into {one.place}"
    return (
        one.name,
        f"{one.images:,}",
        one.group or "ID",
        "–" if one.path is None else one.path,
        "" if one.path is not None else how,
    )


def _known(name: str, data_root: Path) -> ImageSource | None:
    try:
        return datasets.known(name, data_root)
    except OSError as error:  # A folder without access.
        raise InputError(f"{data_root}: cannot be looked at: {error.strerror}") from None


def _checked(data_root: Path, source: ImageSource | None) -> tuple[str, str]:
    """Return the state of a dataset in one word, and what was found."""
    if source is None:
        return MISSING, f"not below {data_root}"
    try:
        found = count(source)
    except InputError as error:
        return WRONG, str(error)
    of = "" if found.images == found.expected else f", {found.expected:,} expected"
    missing = f", {found.missing:,} of them missing" if found.missing else ""
    counts = f"{found.images:,} images{of}{missing}"
    if found.unlabelled and found.images == found.expected:
        bare = f"{found.unlabelled:,} of them in no folder of a class, so without a label"
        return UNSORTED, f"{counts}, {bare}: {found.root}"
    return WHOLE if found.is_whole else WRONG, f"{counts}: {found.root}"


def _mend(wrong: Mapping[str, str], of: int, data_root: Path) -> str:
    """Return the error for incomplete datasets, by name and state, with commands to mend them."""
    unsorted = [name for name, state in wrong.items() if state == UNSORTED]
    if unsorted == [*wrong]:
        return f"{unsorted[0]}: has no labels: {_sorting(unsorted[0], data_root)}"
    root = "" if str(data_root) == "data" else f" --data-root {shlex.quote(str(data_root))}"
    fetched = [name for name in wrong if KNOWN_SETS[name].archive]
    how = [f"oodcache data fetch {' '.join(fetched)}{root}"] if fetched else []
    how += [f"oodcache data ls{root}"] if len(fetched) < len(wrong) else []
    first = "move what is wrong elsewhere, and " if WRONG in wrong.values() else ""
    labels = f"; {unsorted[0]}: {_sorting(unsorted[0], data_root)}" if unsorted else ""
    return (
        f"{len(wrong):,} of {counted(of, 'dataset')} {'is' if len(wrong) == 1 else 'are'} not "
        f"complete: {first}run: {', or '.join(how)}{labels}"
    )


def _sorting(name: str, data_root: Path) -> str:
    source = datasets.known(name, data_root)
    assert source is not None, "it was counted"
    return ground_truth.advice(source.root)
