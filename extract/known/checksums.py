"""Checksums of archives: published ones, and those of first downloads.

The SHA-256 of the first download of each archive is kept below the data root, and every later one
of that name is compared with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.format.sibling import sibling
from oodcache.cache.json_text import parse_json
from oodcache.extract.known.known_set import Archive

FILE = "oodcache-checksums.json"
BLOCK = 2**20
MB = 10**6


@dataclass(frozen=True)
class Recorded:
    """The first download of an archive: URL, SHA-256, size and date."""

    url: str
    sha256: str
    bytes: int
    date: str


@dataclass(frozen=True)
class Sums:
    """The checksums of a file, in hexadecimal."""

    md5: str
    sha256: str
    bytes: int


def read(data_root: Path) -> dict[str, Recorded]:
    """Return the recorded downloads of a data root, by archive name."""
    path = data_root / FILE
    try:
        found = {name: Recorded(**one) for name, one in parse_json(path.read_text("utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        found = None
    if found is None or not all(isinstance(one.sha256, str) for one in found.values()):
        raise InputError(
            f"{path}: is not the list of checksums that oodcache writes: correct or remove it"
        )
    return found


def sums(path: Path, advance: Callable[[int], None]) -> Sums:
    """Return a file's checksums, read once; `advance` is called with the MB read."""
    md5, sha256, done, told = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0, 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            md5.update(block)
            sha256.update(block)
            done += len(block)
            advance(done // MB - told)
            told = done // MB
    return Sums(md5.hexdigest(), sha256.hexdigest(), done)


def check(archive: Archive, found: Sums, recorded: Mapping[str, Recorded], data_root: Path) -> None:
    """Reject an archive that is not the published one, or not the one downloaded first."""
    if archive.md5 is not None and found.md5 != archive.md5:
        raise InputError(f"{archive.name}: its MD5 is {found.md5}, not the published {archive.md5}")
    first = recorded.get(archive.name)
    if first is not None and found.sha256 != first.sha256:
        raise InputError(
            f"{archive.name}: differs from the download of {first.date} from {first.url}: "
            f"its SHA-256 is {found.sha256}, not {first.sha256}; if it is correct, "
            f"remove its entry from {data_root / FILE}"
        )


def record(
    archive: Archive, url: str, found: Sums, recorded: Mapping[str, Recorded], data_root: Path
) -> None:
    """Record an archive's SHA-256 if it is the first of its name."""
    if archive.name in recorded:
        return
    today = datetime.now(UTC).date().isoformat()
    new = {**recorded, archive.name: Recorded(url, found.sha256, found.bytes, today)}
    text = json.dumps({name: asdict(new[name]) for name in sorted(new)}, indent=1) + "\n"
    try:
        with sibling(data_root / FILE) as path:
            path.write_text(text)
    except InputError as error:  # Its advice is for the cache.
        raise error.__cause__ or error from None
