"""A judge: a detector at work. It loads its model when an image needs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oodcache.cache.files.images import ImageFile
from oodcache.cache.text import counted
from oodcache.cache.watch import Note
from oodcache.detect.decisions import Decision, decide
from oodcache.detect.detector import SavedDetector
from oodcache.detect.reloading import Runtime, loaded
from oodcache.detect.targets import Target
from oodcache.score.formulas.tile import Vectors

if TYPE_CHECKING:
    from oodcache.extract.run.embedding import Embedder

AT_ONCE = 2**13  # Rows of a cached dataset: enough for a tile per processor.


@dataclass
class Judge:
    """Judges targets, images in memory and vectors with a detector, batch by batch."""

    saved: SavedDetector
    runtime: Runtime
    note: Note
    _embedder: Embedder | None = field(default=None, init=False, repr=False)
    _told: bool = field(default=False, init=False, repr=False)

    def of_targets(self, targets: Sequence[Target]) -> Iterator[list[Decision]]:
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

    def of_pictures(self, pictures: Sequence[Any]) -> Iterator[list[Decision]]:
        """Yield the decisions on images in memory in batches."""
        self.embedder()
        from oodcache.extract.run import embedding

        exif = self.saved.preprocessing.get("exif") is True
        yield from self._embedded(embedding.Pictures(pictures, exif), [None] * len(pictures))

    def of_vectors(self, vectors: Vectors) -> list[Decision]:
        """Return the decisions on unit vectors, float32 (n, D)."""
        return decide(self.saved, vectors, {}, [None] * len(vectors))

    def _of_files(self, paths: tuple[bytes, ...]) -> Iterator[list[Decision]]:
        from oodcache.extract.run import embedding

        yield from self._embedded(embedding.FreeFiles(paths), paths)

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
        if rotated and not self._told and not self.saved.preprocessing.get("exif"):
            self._told = True  # Once: a stream is judged in many parts.
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
