"""Detection: files, folders, cached datasets and vectors judged by a saved detector."""

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
from oodcache.cache.shards.shard_set import open_images
from oodcache.cache.store import store
from oodcache.cache.text import counted, printable, shortened
from oodcache.cache.watch import Hint, Note, Progress, Watch
from oodcache.detect.decisions import Decision, decide, sink
from oodcache.detect.detector import SavedDetector
from oodcache.detect.fields import check_unit
from oodcache.detect.file import read_detector
from oodcache.detect.formats import FORMATS
from oodcache.detect.reloading import Runtime, loaded
from oodcache.extract.sources.folders import images_below, nothing_in
from oodcache.score.own.function import Function
from oodcache.score.own.given_again import given_again

if TYPE_CHECKING:
    from oodcache.extract.run.embedding import Embedder

ALL_IN, MISTAKE, SOME_OUT = 0, 1, 3
LARGE = 2**25  # Bytes of a detector that takes a second to read, mostly a bank.
AT_ONCE = 2**13  # Rows of a cached dataset: enough for a tile per processor.
HOLD_MANY = (".tar", ".parquet", ".arrow")
Vectors = npt.NDArray[np.float32]


# Paths of image files, or a cached dataset.
Target = tuple[bytes, ...] | ImageFile


def detect(
    path: Path,
    given: Sequence[str],
    *,
    cache: Path,
    runtime: Runtime,
    form: str,
    output: Path | None,
    watch: Watch,
    score: str | None = None,
) -> int:
    """Judge the images of all targets with the detector at `path`; return the exit status.

    `score` is the user's own score that the detector was made with, given again.
    Each batch is written as it finishes, to stdout or to `output`, which appears when complete.
    """
    if path.is_file() and path.stat().st_size > LARGE:
        watch.note(Hint(f"reading {path} …"))
    saved = read_detector(path, given_again([] if score is None else [score]))
    detector = Detector(saved, cache, runtime, watch.note)
    found = detector.targets(given)
    detector.prepare(found)
    total = sum(len(one) if isinstance(one, tuple) else one.rows for one in found)
    count = Counter[str]()
    with sink(output) as write, _bar(total, output, watch.progress) as advance:
        write(FORMATS[form].head)
        for decisions in detector.judged(found):
            write(FORMATS[form].written(decisions))
            count.update(one.word for one in decisions)
            advance(len(decisions))
    counts = ", ".join(f"{count[word]:,} {word}" for word in ("in", "out", "error") if count[word])
    wrote = f"; wrote {output}" if output else ""
    line = f"{counted(total, 'image')}: {counts}{wrote}"
    watch.note(line if count["error"] else Hint(line))
    return MISTAKE if count["error"] or detector.left_out else SOME_OUT if count["out"] else ALL_IN


@dataclass
class Detector:
    """A detector that `oodcache calibrate` saved; it loads its model when an image needs it.

    `left_out` counts folders with files that may be images and cannot be read.
    """

    saved: SavedDetector
    cache: Path
    runtime: Runtime
    note: Note
    left_out: int = field(default=0, init=False, repr=False)
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
        score: str | Function | None = None,
        note: Note = lambda text: print(shortened(printable(text)), file=sys.stderr),
    ) -> Detector:
        """Return the detector in a file; raise InputError, in one line, if it is not one.

        `model`, `checkpoint` and `config` give the model's location if it has moved. Datasets are
        found by name in `cache`. A detector of a score of your own needs the function as `score`,
        or FILE.py:FUNCTION.
        """
        runtime = Runtime(
            model=model,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            config=None if config is None else Path(config),
            device=device,
            batch_size=batch_size,
            workers=workers,
        )
        saved = read_detector(Path(path), given_again([] if score is None else [score]))
        return cls(saved, Path(cache), runtime, note)

    def predict(self, images: Any) -> list[Decision]:
        """Return the decision on each image, in order.

        `images` is a path of an image, a folder or a cached dataset, several paths, one PIL image
        or several, or unit vectors of the detector's model, float32 (n, D). Raises InputError if it
        is none of these, or cannot be judged.
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
        """Return the targets in order; consecutive files are one target."""
        found: list[Target] = []
        for one in given:
            target = self._target(one)
            if found and isinstance(target, tuple) and isinstance(found[-1], tuple):
                found[-1] = (*found[-1], *target)
            else:
                found.append(target)
        return found

    def judged(self, targets: Sequence[Target]) -> Iterator[list[Decision]]:
        """Yield the decisions on all targets in batches; load the model if needed."""
        self.prepare(targets)
        for target in targets:
            yield from self._of_files(target) if isinstance(target, tuple) else self._of_set(target)

    def prepare(self, targets: Sequence[Target]) -> None:
        """Load the model if a target needs it, so that a wrong one fails before any output."""
        if any(isinstance(one, tuple) for one in targets):
            self.embedder()

    def embedder(self) -> Embedder:
        """Return the loaded model; raise InputError if it is not the detector's."""
        if self._embedder is None:
            self._embedder = loaded(self.saved, self.runtime, self.note)
        return self._embedder

    def _of_files(self, paths: tuple[bytes, ...]) -> Iterator[list[Decision]]:
        from oodcache.extract.run import embedding

        yield from self._embedded(embedding.FreeFiles(paths), paths)

    def _of_pictures(self, pictures: Sequence[Any]) -> Iterator[list[Decision]]:
        self.embedder()
        from oodcache.extract.run import embedding

        if others := [one for one in pictures if not embedding.is_picture(one)]:
            raise InputError(
                f"{type(others[0]).__name__} is not an image: give paths, PIL images, or a float32 "
                "array of unit vectors (n, D), not a mixture"
            )
        exif = self.saved.preprocessing.get("exif") is True
        yield from self._embedded(embedding.Pictures(pictures, exif), [None] * len(pictures))

    def _embedded(self, contents: Any, paths: Sequence[bytes | None]) -> Iterator[list[Decision]]:
        done, rotated = 0, 0
        batches = self.embedder().embedded(
            *(contents, len(paths)),
            batch_size=self.runtime.batch_size,
            workers=self.runtime.workers,
        )
        for batch in batches:
            some = paths[done : done + len(batch.vectors)]
            yield decide(self.saved, batch.vectors, batch.errors, some)
            done, rotated = done + len(some), rotated + batch.rotated
        if rotated and not self.saved.preprocessing.get("exif"):
            self.note(
                f"{counted(rotated, 'image')} with an EXIF rotation, which is not applied, as for "
                "the calibration set; to apply it, extract that set with --exif and calibrate again"
            )

    def _of_set(self, images: ImageFile) -> Iterator[list[Decision]]:
        paths, errors, done = images.paths(), images.errors(), 0
        for block in images.blocks(AT_ONCE):
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

    def _check_vectors(self, vectors: npt.NDArray[Any]) -> None:
        if vectors.ndim != 2 or vectors.dtype != np.float32:
            raise InputError(
                f"an array of {vectors.dtype} {vectors.shape}: give unit vectors, float32 "
                f"(n, {self.saved.dimension})"
            )
        self.saved.check_vectors(vectors.shape[1], "the array")
        check_unit(vectors, "the array")


def _is_one(images: Any) -> bool:
    """Return whether this is one image or path, not a sequence."""
    return isinstance(images, (str, os.PathLike)) or hasattr(images, "convert")


def _bar(
    total: int, output: Path | None, progress: Progress
) -> AbstractContextManager[Callable[[int], None]]:
    """Return a progress bar, or none if lines go to a terminal: they would overwrite each other."""
    if output is None and sys.stdout.isatty():
        return nullcontext(lambda done: None)
    return progress("detect", total, "images")
