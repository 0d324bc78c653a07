"""A list of images to drop: a path a line, as in the cache, or DATASET:PATH; # is a comment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import shown
from oodcache.cache.text import lines_of, listed, read_text


@dataclass(frozen=True)
class DropList:
    """The lines of the file at `path` that name images, by their numbers from 1.

    `sha256` is that of its text, without a byte order mark. Blank lines and lines that start with #
    name no image; DATASET:PATH names a path that starts so. A path's bytes that are not UTF-8 are
    written as `--save-scores` writes them, such as \\xff.
    """

    path: Path
    lines: Mapping[int, str]
    sha256: str

    @classmethod
    def read(cls, path: Path) -> DropList:
        """Return the list in a file.

        Raises InputError if it cannot be read, is a pipe, which each model would read anew, or
        lists nothing.
        """
        if path.is_fifo():
            raise InputError(f"{path}: is a pipe, which is read only once; save the list in a file")
        text = read_text(path, "; a list of images is one path per line")
        every = enumerate(lines_of(path, text), 1)
        lines = {number: line for number, line in every if line.strip() and line[0] != "#"}
        if not lines:
            raise InputError(
                f"{path}: lists no image; write one path per line, as in the column path of "
                "--save-scores FILE.csv"
            )
        return cls(path, lines, hashlib.sha256(text.encode()).hexdigest())

    def rows(self, paths: Mapping[str, Sequence[bytes]]) -> dict[str, set[int]]:
        """Return the listed rows of each dataset, whose `paths` are given by name.

        Raises InputError, with the line, for a path that no dataset has, or several have.
        """
        wanted = {one for line in self.lines.values() for one in (line, line.partition(":")[2])}
        places = {name: _places(every, wanted) for name, every in paths.items()}
        found: dict[str, set[int]] = {name: set() for name in paths}
        for number, line in self.lines.items():
            there = [*_matches(line, places)]
            if not there:
                raise InputError(
                    f"{self.path}: line {number}: {shown(line)[:120]} is in no set of this run "
                    f"({listed(paths)}); write a path as in the column path of --save-scores "
                    "FILE.csv, or DATASET:PATH"
                )
            if len(there) > 1:
                names = listed(name for name, _ in there)
                raise InputError(
                    f"{self.path}: line {number}: {shown(line)[:120]} is in {names}; "
                    f"write DATASET:PATH, such as {there[0][0]}:{there[0][1][:80]}"
                )
            ((name, path),) = there
            found[name].update(places[name][path])
        return found


def _places(paths: Sequence[bytes], wanted: set[str]) -> dict[str, list[int]]:
    """Return the rows of each path that is wanted."""
    found: dict[str, list[int]] = {}
    for row, path in enumerate(paths):
        text = path.decode(errors="backslashreplace")
        if text in wanted:
            found.setdefault(text, []).append(row)
    return found


def _matches(line: str, places: Mapping[str, Mapping[str, object]]) -> Iterator[tuple[str, str]]:
    """Yield each dataset that a line is about, and the path there."""
    name, _, path = line.partition(":")
    for data_set, there in places.items():
        if line in there:
            yield data_set, line
        if data_set == name and path in there:
            yield data_set, path
