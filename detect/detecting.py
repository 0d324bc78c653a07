"""Images judged by a saved detector: files, folders, cached data sets, vectors. Knows no click."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.format.rules import NORM_TOLERANCE
from oodcache.cache.shards.shard_set import open_images
from oodcache.cache.store import store
from oodcache.cache.text import printable
from oodcache.cache.watch import Note, Progress, Watch
from oodcache.detect.decisions import FORMATS, HEADS, Decision, decide, sink
from oodcache.detect.detector import SavedDetector
from oodcache.detect.file import read_detector
from oodcache.detect.reloading import Runtime, loaded
from oodcache.extract.sources.folders import list_folder
from oodcache.extract.sources.listing import ImageSource

if TYPE_CHECKING:
    from oodcache.extract.run.embedding import Embedder

ALL_IN, MISTAKE, SOME_OUT = 0, 1, 3
LARGE = 2**25  # Bytes of a detector, most of them a bank's, that take a second to read.
AT_ONCE = 2**13  # Rows of a cached set: enough that all processors have a tile.
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Files:
    """Image files by their paths."""

    paths: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class Cached:
    """A data set whose vectors are there."""

    images: ImageFile

    def __len__(self) -> int:
        return self.images.rows


Target = Files | Cached


def detect(
    path: Path,
    given: Sequence[str],
    *,
    cache: Path,
    runtime: Runtime,
    form: str,
    output: Path | None,
    watch: Watch,
) -> int:
    """Judge the images of all targets by the detector at `path`; return the exit status.

    Each batch is written when it is done, to stdout or whole to `output`.
    """
    if path.is_file() and path.stat().st_size > LARGE:
        watch.note(f"reading {path} …")
    detector = Detector(read_detector(path), cache, runtime, watch.note)
    found = detector.targets(given)
    detector.prepare(found)
    total, count = sum(map(len, found)), Counter[str]()
    with sink(output) as write, _bar(total, output, watch.progress) as advance:
        write(HEADS[form])
        for decisions in detector.judged(found):
            write(FORMATS[form](decisions))
            count.update(one.word for one in decisions)
            advance(len(decisions))
    said = ", ".join(f"{count[word]:,} {word}" for word in ("in", "out", "error") if count[word])
    wrote = f"; wrote {output}" if output else ""
    watch.note(f"{total:,} image{'s' * (total != 1)}: {said}{wrote}")
    return MISTAKE if count["error"] else SOME_OUT if count["out"] else ALL_IN


@dataclass
class Detector:
    """A detector that `oodcache calibrate` saved, to judge images with.

    The model is loaded when the first image asks for it, and stays.
    """

    saved: SavedDetector
    cache: Path
    runtime: Runtime
    note: Note
    _embedder: Embedder | None = field(default=None, repr=False)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        cache: str | Path = "embeddings",
        model: str | None = None,
        checkpoint: str | Path | None = None,
        config: str | Path | None = None,
        device: str | None = None,
        batch_size: int = 256,
        workers: int | None = None,
        note: Note = lambda text: print(printable(text), file=sys.stderr),
    ) -> Detector:
        """Return the detector in a file; raises InputError, in one line, if it is none.

        `model`, `checkpoint` and `config` say where the model is now, if that is not where it was.
        Data sets are looked for by name in `cache`.
        """
        runtime = Runtime(
            model=model,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            config=None if config is None else Path(config),
            device=device,
            batch_size=batch_size,
            workers=workers,
        )
        return cls(read_detector(Path(path)), Path(cache), runtime, note)

    def predict(self, images: Any) -> list[Decision]:
        """Return what it says of each image, in order.

        `images` is a path of an image, a folder or a cached data set, several of them, an image of
        PIL's or several, or unit vectors of the detector's own model, float32 (n, D).
        Raises InputError where they are none of these, or cannot be judged.
        """
        if isinstance(images, np.ndarray):
            self._check_vectors(images)
            return decide(self.saved, images, {}, [None] * len(images))
        several = [images] if _is_one(images) else list(images)
        if all(isinstance(one, (str, os.PathLike)) for one in several):
            found = self.judged(self.targets([os.fspath(one) for one in several]))
        else:
            found = self._of_pictures(several)
        return [one for batch in found for one in batch]

    def targets(self, given: Iterable[str]) -> list[Target]:
        """Return what is meant, in order: files that follow each other as one, each set apart."""
        found: list[Target] = []
        for one in given:
            target = self._target(one)
            if found and isinstance(target, Files) and isinstance(found[-1], Files):
                found[-1] = Files((*found[-1].paths, *target.paths))
            else:
                found.append(target)
        return found

    def judged(self, targets: Sequence[Target]) -> Iterator[list[Decision]]:
        """Yield the decisions of all targets, some at a time; the model is loaded if need be."""
        self.prepare(targets)
        for target in targets:
            yield from self._of_files(target) if isinstance(target, Files) else self._of_set(target)

    def prepare(self, targets: Sequence[Target]) -> None:
        """Load the model if a target needs it, so that a wrong one is refused before a line."""
        if any(isinstance(one, Files) for one in targets):
            self.embedder()

    def embedder(self) -> Embedder:
        """Return the model, loaded; raises InputError if it is not the one of the detector."""
        if self._embedder is None:
            self._embedder = loaded(self.saved, self.runtime, self.note)
        return self._embedder

    def _of_files(self, target: Files) -> Iterator[list[Decision]]:
        from oodcache.extract.run import embedding

        yield from self._embedded(embedding.Files(target.paths), target.paths)

    def _of_pictures(self, pictures: Sequence[Any]) -> Iterator[list[Decision]]:
        embedder = self.embedder()
        from oodcache.extract.run import embedding

        if strange := [one for one in pictures if not embedding.is_picture(one)]:
            raise InputError(
                f"{type(strange[0]).__name__} is no image: wanted are paths, images of PIL's, or a "
                "float32 array of vectors (n, D), one kind at a time"
            )
        del embedder
        yield from self._embedded(embedding.Pictures(pictures), [None] * len(pictures))

    def _embedded(self, contents: Any, paths: Sequence[bytes | None]) -> Iterator[list[Decision]]:
        done = 0
        batches = self.embedder().embedded(
            *(contents, len(paths)),
            batch_size=self.runtime.batch_size,
            workers=self.runtime.workers,
        )
        for batch in batches:
            some = paths[done : done + len(batch.vectors)]
            yield decide(self.saved, batch.vectors, batch.errors, some)
            done += len(some)

    def _of_set(self, target: Cached) -> Iterator[list[Decision]]:
        paths, errors, done = target.images.paths(), target.images.errors(), 0
        for block in target.images.blocks(AT_ONCE):
            rows = range(done, done + len(block))
            own = {row - done: errors[row] for row in rows if row in errors}
            yield decide(self.saved, block, own, paths[rows.start : rows.stop])
            done += len(block)

    def _target(self, given: str) -> Target:
        path = Path(given)
        sets = self._sets()
        if path.exists() and given in sets:
            kind = f"{given}/" if path.is_dir() else f"./{given}"
            raise InputError(
                f"{given}: is here, and is a cached data set too: type {kind}, or {sets[given]}"
            )
        if path.suffix == ".h5":
            return self._cached(path)
        if path.is_dir():
            root, listing = os.fsencode(given), list_folder(ImageSource(path.name, path))
            below = root if root.endswith(b"/") else root + b"/"
            return Files(tuple(below + one for one in listing.images.paths))
        if path.exists():
            return Files((os.fsencode(given),))
        if given in sets:
            return self._cached(sets[given])
        raise InputError(self._unknown(given, list(sets)))

    def _sets(self) -> dict[str, Path]:
        """Return the data sets of the detector's model in the cache, and their paths."""
        label = self.saved.model.label
        return {
            one.name: names.image_path(self.cache, label, one.name)
            for one in store.known(self.cache)
            if (one.label, one.kind) == (label, "images")
        }

    def _unknown(self, given: str, sets: Sequence[str]) -> str:
        model = self.saved.model
        if sets:
            return (
                f"{given}: no such file or folder, and no data set of {model.label} in "
                f"{self.cache} (there are: {', '.join(sets)})"
            )
        return (
            f"{given}: no such file or folder, and {self.cache} holds no data set of "
            f"{model.label}; make one with: oodcache extract --model {model.requested} NAME=FOLDER"
        )

    def _cached(self, path: Path) -> Cached:
        images = open_images(path)
        self.saved.check_set(images)
        if images.identity.is_imported or self.saved.is_imported:
            self.note(f"{path}: imported, perhaps preprocessed otherwise than what calibrated")
        elif images.identity.precision != self.saved.precision:
            self.note(f"{path}: computed in another precision than what calibrated")
        return Cached(images)

    def _check_vectors(self, vectors: npt.NDArray[Any]) -> None:
        if vectors.ndim != 2 or vectors.dtype != np.float32:
            raise InputError(
                f"an array of {vectors.dtype} {vectors.shape}: wanted are unit vectors, float32 "
                f"(n, {self.saved.dimension})"
            )
        self.saved.check_vectors(vectors.shape[1], "the array")
        with np.errstate(all="ignore"):
            norm = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
            fine = np.abs(norm - 1) <= NORM_TOLERANCE
        if not fine.all():
            row = int(np.argmin(fine))
            raise InputError(f"the array: row {row} has norm {norm[row]:.4f}, not 1")


def _is_one(images: Any) -> bool:
    """Return whether that is one image, and no sequence of them."""
    return isinstance(images, (str, os.PathLike)) or hasattr(images, "convert")


def _bar(
    total: int, output: Path | None, progress: Progress
) -> AbstractContextManager[Callable[[int], None]]:
    """Give a bar, none where lines go to a terminal: they would write over each other."""
    if output is None and sys.stdout.isatty():
        return nullcontext(lambda done: None)
    return progress("detect", total, "images")
