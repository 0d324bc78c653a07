"""Layouts of Hugging Face datasets: the Parquet or Arrow files of one split, in order.

A repository has FOLDER/data/test-00000-of-00004.parquet …; Dataset.save_to_disk writes state.json,
DatasetDict.save_to_disk dataset_dict.json; the library's own cache has NAME-test.arrow.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.json_text import parse_json, read_limited
from oodcache.cache.text import cut
from oodcache.extract.sources.image_files import is_image

SUFFIXES = (".parquet", ".arrow")
DICTIONARY, STATE, INFO = "dataset_dict.json", "state.json", "dataset_info.json"
INDICES = ("_indices_files", "_indices_data_files")  # Of old versions: rows that a selection kept.
SHARD = re.compile(r"(.+)-([0-9]{1,9})-of-([0-9]{1,9})")
LARGEST = 2**24  # Bytes of a JSON file.
DEEPEST, MOST_FOLDERS = 4, 50  # Folders below a repository's root that are looked into.
SHOWN = 4


@dataclass(frozen=True, order=True)
class Split:
    """What the files of one split share: their folder, the start of their names, and the suffix.

    `total` is the number of files as the names claim it (`00004`), "" if they do not.
    """

    folder: str
    start: str
    suffix: str
    total: str = ""

    @property
    def pattern(self) -> str:
        """Return a pattern of its files' paths, relative to where they were searched."""
        stem = f"{self.start}-*-of-{self.total}" if self.total else self.start or "*"
        return str(Path(self.folder, stem + self.suffix))


def is_stored(path: Path) -> bool:
    """Return whether a path has the suffix of a file that may hold images."""
    return path.suffix.lower() in SUFFIXES


def is_saved(folder: Path) -> bool:
    """Return whether a folder is one of save_to_disk, which has no file if it has no rows."""
    return (folder / DICTIONARY).is_file() or all((folder / one).is_file() for one in (STATE, INFO))


def below(folder: Path) -> list[Path]:
    """Return the files in a folder that may hold images, also those a little further down."""
    return sorted(_below(folder, DEEPEST))


def files_in(name: str, folder: Path) -> tuple[Path, ...]:
    """Return the files of the one split in a folder, in order.

    Raises InputError for several splits, with what to type, and if a file is missing.
    """
    if (folder / DICTIONARY).is_file():
        return _of_dictionary(name, folder)
    if (folder / STATE).is_file():
        return _of_state(folder)
    found = _splits(folder, below(folder))
    if len(found) > 1:
        given = [f"'{name}={folder / one.pattern}'" for one in found]
        every = {f"'{name}={folder / one.folder}/*{one.suffix}'" for one in found}
        are_parts = len(every) == 1 and not any(one.total for one in found)
        raise InputError(
            f"{folder}: holds {len(found):,} splits or datasets; give one: "
            f"{cut(given, SHOWN, ' or ')}{f'; or all: {every.pop()}' if are_parts else ''}"
        )
    return tuple(one for split, paths in found.items() for one in _complete(name, split, paths))


def matching(name: str, typed: str) -> tuple[Path, ...]:
    """Return the files that match a pattern with `*` in its last part, in order of their shards.

    Raises InputError if there are none, or if their names say that one is missing.
    """
    pattern = Path(typed)
    folder = pattern.parent
    if "*" in str(folder):
        raise InputError(f"{typed}: a * may only be in the file name; give {name}=FOLDER/*.parquet")
    every = folder.glob(pattern.name) if folder.is_dir() else iter(())
    found = _splits(folder, sorted(one for one in every if one.is_file() and is_stored(one)))
    if not found:
        raise InputError(f"{typed}: no .parquet or .arrow file matches")
    return tuple(one for split, paths in found.items() for one in _complete(name, split, paths))


def _of_dictionary(name: str, folder: Path) -> tuple[Path, ...]:
    splits = _json(folder / DICTIONARY).get("splits")
    if not isinstance(splits, list) or not splits or not all(map(_is_name, splits)):
        raise InputError(f"{folder / DICTIONARY}: its 'splits' are no list of folders")
    if len(splits) > 1:
        given = [f"{name}={folder / one}" for one in splits]
        raise InputError(
            f"{folder}: holds {len(splits):,} splits; give one: {cut(given, SHOWN, ' or ')}"
        )
    return _of_state(folder / splits[0])


def _of_state(folder: Path) -> tuple[Path, ...]:
    """Return the files that save_to_disk wrote, in its order."""
    state = _json(folder / STATE)
    if any(state.get(key) for key in INDICES):
        raise InputError(
            f"{folder}: is a selection of rows of an old version of datasets; save it again: "
            "load_from_disk(FOLDER).flatten_indices().save_to_disk(OTHER)"
        )
    each = state.get("_data_files")
    if each == []:
        raise InputError(f"{folder}: has no rows: a dataset without any was saved there")
    names: list[Any] = []
    if isinstance(each, list):
        names = [one.get("filename") if isinstance(one, dict) else one for one in each]
    if not names or not all(map(_is_name, names)):
        raise InputError(f"{folder / STATE}: its '_data_files' are no list of file names")
    found = tuple(folder / one for one in names)
    if missing := [one.name for one in found if not one.is_file()]:
        raise InputError(
            f"{folder}: {missing[0]} is missing ({len(missing):,} of {len(found):,} files); copy "
            "the whole folder again"
        )
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        content = read_limited(path, LARGEST)
        if len(content) > LARGEST:
            raise ValueError(f"is larger than {LARGEST:,} bytes")
        found = parse_json(content.decode())
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be used: {reason}; save the dataset again") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: is not a JSON object; save the dataset again")
    return found


def _is_name(value: object) -> bool:
    """Return whether an untrusted value is the name of a file in the same folder."""
    return isinstance(value, str) and value not in ("", ".", "..") and not set(value) & {"/", "\0"}


def _splits(folder: Path, paths: Sequence[Path]) -> dict[Split, list[Path]]:
    """Return files by the split that their names say."""
    found: dict[Split, list[Path]] = {}
    for path in paths:
        found.setdefault(_split(folder, path), []).append(path)
    return dict(sorted(found.items()))


def _split(folder: Path, path: Path) -> Split:
    where, stem = str(path.parent.relative_to(folder)), path.stem
    if (match := SHARD.fullmatch(stem)) is not None:
        return Split(where, match[1], path.suffix, match[3])
    # 0000.parquet …, in a folder per split.
    return Split(where, "" if stem.isdecimal() else stem, path.suffix)


def _complete(name: str, split: Split, paths: Sequence[Path]) -> list[Path]:
    """Return a split's files by number; raise InputError if one is missing or there twice."""
    if not split.total:
        return sorted(paths, key=lambda one: (len(one.stem) if one.stem.isdecimal() else 0, one))
    by_number = {int(match[2]): one for one in paths if (match := SHARD.fullmatch(one.stem))}
    total, folder = int(split.total), paths[0].parent
    missing = next((one for one in range(total) if one not in by_number), None)
    if missing is not None:
        stems = ",".join([one.stem for one in paths[:SHOWN]] + ["…"] * (len(paths) > SHOWN))
        absent = f"{split.start}-{missing:0{len(split.total)}d}-of-{split.total}{split.suffix}"
        there = f"{{{stems}}}" if len(paths) > 1 else stems
        raise InputError(
            f"{folder}: {absent} is missing ({len(paths):,} of {total:,} files are there): get it, "
            f"or give those: '{name}={folder}/{there}{split.suffix}'"
        )
    if len(paths) != total:
        raise InputError(
            f"{folder}: has {len(paths):,} files of {split.start!r}, but their names say "
            f"{total:,}: remove those that do not belong there"
        )
    return [by_number[one] for one in range(total)]


def _below(folder: Path, deeper: int) -> Iterator[Path]:
    """Yield the files of a repository that may hold images; a class folder is left at once."""
    folders: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    folders.append(path)
                elif deeper < DEEPEST and is_image(os.fsencode(entry.name)):
                    return
                elif is_stored(path) and not entry.name.startswith("cache-"):
                    yield path  # A cache-….arrow is a step of the library's own.
    except OSError:  # Listing it as a folder of images reports the reason.
        return
    if deeper and len(folders) <= MOST_FOLDERS:
        for one in sorted(folders):
            yield from _below(one, deeper - 1)
