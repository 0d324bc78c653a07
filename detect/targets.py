"""Targets of a detector: image files, folders and cached datasets, found by path or by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.shards.shard_set import open_images
from oodcache.cache.store import store
from oodcache.cache.watch import Note
from oodcache.detect.detector import SavedDetector
from oodcache.extract.sources.folders import images_below, nothing_in

HOLD_MANY = (".tar", ".parquet", ".arrow")
# Paths of image files, or a cached dataset.
Target = tuple[bytes, ...] | ImageFile


@dataclass
class TargetFinder:
    """Finds the targets of a detector; datasets by name in `cache`.

    `left_out` counts folders with files that may be images and cannot be read.
    """

    saved: SavedDetector
    cache: Path
    note: Note
    left_out: int = field(default=0, init=False)

    def find(self, given: Iterable[str]) -> list[Target]:
        """Return the targets in order; consecutive files are one target."""
        found: list[Target] = []
        for one in given:
            target = self._target(one)
            if found and isinstance(target, tuple) and isinstance(found[-1], tuple):
                found[-1] = (*found[-1], *target)
            else:
                found.append(target)
        return found

    def _target(self, given: str) -> Target:
        path = Path(given)
        sets = self._sets()
        if path.exists() and given in sets:
            kind = f"{given}/" if path.is_dir() else f"./{given}"
            raise InputError(
                f"{given}: exists here and as a cached dataset; type {kind}, or {sets[given]}"
            )
        if path.suffix == ".h5":
            return self._cached(path)
        if path.is_dir():
            return self._folder(given)
        if path.suffix.lower() in HOLD_MANY and path.is_file():
            raise InputError(f"{given}: holds many images; {self._extracted(given)}, and give NAME")
        if path.exists():
            return (os.fsencode(given),)
        if given in sets:
            return self._cached(sets[given])
        raise InputError(self._unknown(given, list(sets)))

    def _extracted(self, given: str) -> str:
        return f"type: oodcache extract --model {self.saved.model.requested} NAME={given}"

    def _folder(self, given: str) -> Target:
        found, left_out = images_below(Path(given))
        if not found:
            raise InputError(nothing_in(given, left_out))
        if left_out.counts:
            self.note(f"{given}: {left_out.note}")
        self.left_out += left_out.may_be_images
        root = os.fsencode(given)
        below = root if root.endswith(b"/") else root + b"/"
        return tuple(below + path for path, _ in found)

    def _sets(self) -> dict[str, Path]:
        """Return the cached datasets of the detector's model, and their paths."""
        label = self.saved.model.label
        return {
            one.name: names.image_path(self.cache, label, one.name)
            for one in store.known(self.cache, label)
            if one.kind == "images"
        }

    def _unknown(self, given: str, sets: Sequence[str]) -> str:
        model = self.saved.model
        if sets:
            return (
                f"{given}: no such file or folder, and no dataset of {model.label} in "
                f"{self.cache} (there are: {', '.join(sets)})"
            )
        return (
            f"{given}: no such file or folder, and {self.cache} contains no dataset of "
            f"{model.label}; make one with: oodcache extract --model {model.requested} NAME=FOLDER"
        )

    def _cached(self, path: Path) -> ImageFile:
        images = open_images(path)
        self.saved.check_set(images)
        if images.identity.is_imported or self.saved.is_imported:
            self.note(f"{path}: imported; its preprocessing may differ from the calibration set's")
        elif images.identity.precision != self.saved.precision:
            self.note(f"{path}: its precision differs from the calibration set's")
        return images
