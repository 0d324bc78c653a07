"""The known datasets, found or not, and counted, as `oodcache data` prints them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.names import GROUPS
from oodcache.cache.store.screen import WIDE, PlainTable, Screen, wrapped, wrapped_command
from oodcache.cache.text import counted, printable
from oodcache.cache.watch import Progress
from oodcache.extract.known.fetching import Counted, Fetched, count
from oodcache.extract.sources import datasets, ground_truth
from oodcache.extract.sources.known_sets import BENCHMARKS, KNOWN_SETS, names_of
from oodcache.extract.sources.listing import ImageSource

WHOLE, WRONG, MISSING, UNSORTED, COUNTED = "complete", "WRONG", "missing", "UNSORTED", "counted"
COLUMNS = ("dataset", "images", "role", "found")
PAGE = 80  # Columns of a list of names if the screen has no limit.
ALL = "all"
FIRST = 9  # Sets that are listed and checked without being named: ImageNet and its usual OOD sets.


@dataclass(frozen=True)
class KnownRow:
    """A known dataset; its fields are the keys of JSON, in docs/sources.md.

    `images` is None if the published count is not known; `group` is "near" or "far", None for
    others; `path` is None if it is missing, `url` if it cannot be fetched; `origin` is where to
    get it, and `place` where it belongs; `role` is ID, csid, OOD or select.
    """

    name: str
    images: int | None
    group: str | None
    path: str | None
    url: str | None
    origin: str
    place: str
    role: str


def rows(data_root: Path, names: Sequence[str] = (ALL,)) -> list[KnownRow]:
    """Return datasets, each benchmark's in place of its name, without counting images.

    Without names, the usual ones of ImageNet, and all others that are below the data root.
    """
    if ALL in names:
        return [_row(name, data_root) for name in KNOWN_SETS]
    if names:
        return [_row(name, data_root) for name in names_of(names)]
    usual = list(KNOWN_SETS)[:FIRST]
    return [one for one in rows(data_root) if one.name in usual or one.path is not None]


def others(shown: Sequence[KnownRow]) -> str:
    """Return a line on the known datasets that are not shown."""
    left = len(KNOWN_SETS) - len(shown)
    if not left:
        return ""
    return f"{left:,} more are known: oodcache data ls all, or one of {', '.join(BENCHMARKS)}"


def to_json(found: Sequence[KnownRow]) -> str:
    """Return a JSON list of objects."""
    return json.dumps([asdict(one) for one in found], indent=1) + "\n"


def table(found: Sequence[KnownRow], screen: Screen = WIDE) -> str:
    """Return a table that fits a screen, and how to get the missing datasets."""
    rows = [[printable(cell) for cell in _cells(one)] for one in found]
    how = list(_get([one for one in found if one.path is None], screen))
    drawn = PlainTable(COLUMNS, rows, ["images"]).drawn(screen)
    return drawn + "".join(f"{line}\n" for line in ["", *how] if how)


def checked(names: Sequence[str], data_root: Path, *, progress: Progress) -> Iterator[str]:
    """Yield a line for each dataset; raise InputError at the end if any is wrong or missing.

    A benchmark's name stands for its datasets. Without names, the usual ones of ImageNet and all
    others that are present are checked, and missing ones are reported only.
    """
    chosen = names_of(names)
    for name in chosen:
        datasets.of_name(name)
    if not data_root.is_dir():
        raise InputError(
            f"{data_root}: no such data root; give --data-root FOLDER or set OODCACHE_DATA"
        )
    chosen = chosen or [one.name for one in rows(data_root, ())]
    states: dict[str, str] = {}
    with progress("counting", len(chosen), "datasets") as advance:
        for name in chosen:
            source = _known(name, data_root)
            state, found = state_of(data_root, source)
            if state in (WRONG, UNSORTED) or (state == MISSING and names):
                states[name] = state
            yield f"{state:9}  {name}: {found}"
            advance(1)
    if states:
        raise InputError(_mend(states, len(chosen), data_root))


def fetched(one: Fetched) -> str:
    """Return the line for a dataset that exists now."""
    verb = "already there" if one.was_there else "fetched"
    images = counted(one.counted.images, "image")
    return f"{one.counted.name}: {verb}: {images} in {one.counted.root}"


def _row(name: str, data_root: Path) -> KnownRow:
    known, source = datasets.of_name(name), _known(name, data_root)
    return KnownRow(
        name,
        known.images,
        GROUPS.get(name),
        None if source is None else str(source.root),
        None if known.archive is None else known.archive.url,
        known.origin,
        str(data_root / known.place),
        known.role,
    )


def _cells(one: KnownRow) -> tuple[str, ...]:
    return (
        one.name,
        "not known" if one.images is None else f"{one.images:,}",
        one.group or one.role,
        "–" if one.path is None else one.path,
    )


def _get(missing: Sequence[KnownRow], screen: Screen) -> Iterator[str]:
    """Yield the command that fetches datasets, one name an archive, and where to get others."""
    by_archive: dict[str, str] = {}
    by_place: dict[str, list[str]] = {}
    for one in missing:
        if one.url is not None:
            by_archive.setdefault(one.url, one.name)
        else:
            by_place.setdefault(f"{one.origin}, into {one.place}", []).append(one.name)
    if by_archive:
        line = f"get: oodcache data fetch {' '.join(by_archive.values())}"
        yield from wrapped_command(line, screen.width)
    for place, names in by_place.items():
        yield from wrapped(f"{printable(place)}:", screen.width)
        yield from wrapped(f"    {', '.join(names)}", screen.width or PAGE, 0)


def _known(name: str, data_root: Path) -> ImageSource | None:
    try:
        return datasets.known(name, data_root)
    except OSError as error:  # A folder without access.
        raise InputError(f"{data_root}: cannot be looked at: {error.strerror}") from None


def state_of(data_root: Path, source: ImageSource | None) -> tuple[str, str]:
    """Return the state of a dataset in one word, and what was found."""
    if source is None:
        return MISSING, f"not below {data_root}"
    try:
        found = count(source)
    except InputError as error:
        return WRONG, str(error)
    of = f", {found.expected:,} expected" if _is_other(found) else ""
    if found.expected is None:
        of = " (the published count is not known)"
    missing = f", {found.missing:,} of them missing" if found.missing else ""
    counts = f"{counted(found.images, 'image')}{of}{missing}"
    if found.unlabelled and not _is_other(found):
        bare = f"{found.unlabelled:,} of them in no folder of a class, so without a label"
        return UNSORTED, f"{counts}, {bare}: {found.root}"
    whole = COUNTED if found.expected is None else WHOLE
    return whole if found.is_whole else WRONG, f"{counts}: {found.root}"


def _is_other(found: Counted) -> bool:
    """Return whether a count differs from the published one."""
    return found.expected is not None and found.images != found.expected


def _mend(wrong: Mapping[str, str], of: int, data_root: Path) -> str:
    """Return the error for incomplete datasets, by name and state, with commands to mend them."""
    unsorted = [name for name, state in wrong.items() if state == UNSORTED]
    if unsorted == [*wrong]:
        return f"{unsorted[0]}: has no labels: {_sorting(unsorted[0], data_root)}"
    root = "" if str(data_root) == "data" else f" --data-root {shlex.quote(str(data_root))}"
    fetched = [name for name in wrong if datasets.of_name(name).archive]
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
    if name != "imagenet-val":
        return f"a folder for each class is expected in {source.root}"
    return ground_truth.advice(source.root)
