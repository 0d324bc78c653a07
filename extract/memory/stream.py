"""Images from an iterator: encoded as they come, batch by batch, then written as one file.

Vectors wait on disk until the number of images and the fingerprint are known, so memory does not
grow with them. Such a run cannot be resumed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageBatch, open_images, write_images
from oodcache.cache.format.sibling import writing
from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Watch
from oodcache.extract.memory.in_memory import add
from oodcache.extract.memory.kinds import Streamed
from oodcache.extract.memory.row_labels import RowNotes
from oodcache.extract.memory.tally import Tally
from oodcache.extract.model.encoder import Encoded, Encoder
from oodcache.extract.run import completion, decoding
from oodcache.extract.run.plan import Settings
from oodcache.extract.run.timing import DECODING, Timing
from oodcache.extract.run.tolerance import Tolerance
from oodcache.extract.run.transfer import Transfer, pipelined

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HeldFiles:
    """The files of one batch, or what was raised for an image that cannot be read."""

    files: list[bytes | Exception]
    root: Path = Path()

    def read(self, row: int) -> bytes:
        """Return an image's file, or raise what was raised for it before."""
        found = self.files[row]
        if isinstance(found, Exception):
            raise found
        return found

    def is_there(self, row: int) -> bool:
        """Return that the image exists: it is no file that could vanish."""
        return True


@dataclass
class Streaming:
    """A run over an iterator: what was counted so far, and how many threads decode it."""

    name: str
    streamed: Streamed
    notes: RowNotes
    settings: Settings
    threads: int = 1
    tally: Tally = field(init=False)
    errors: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.streamed.label_names
        self.tally = Tally(self.notes, None if known is None else tuple(known))

    def extract(self, model: Encoder, cache: Path, watch: Watch) -> Path:
        """Write the embeddings of all images and return the file; an equal file is kept.

        Raises InputError if the file has other images, settings or a model of other weights.
        """
        path = names.image_path(cache, model.signature.identity.label, self.name)
        if path.exists() and not self.settings.overwrite:
            return self._compare(path, model, watch)
        with ExitStack() as stack:
            with writing(path):
                cache.mkdir(parents=True, exist_ok=True)
                # Unbuffered, because a buffer that cannot be written raises again when it closes.
                spool = stack.enter_context(tempfile.TemporaryFile(dir=cache, buffering=0))
            with watch.progress(f"images {self.name}", 0, "images") as advance:
                norms, width = self._encode(model, spool, path, advance)
            listing = self.tally.listing(self.name, HeldFiles([]))
            Tolerance(listing, self.settings.max_bad, listing.rows, len(self.errors))
            write_images(
                path,
                self._batches(spool, np.concatenate(norms), width),
                rows=listing.images,
                identity=model.signature.identify("images", listing.origin),
                dtype=self.settings.dtype,
            )
        watch.note(completion.written(listing, path))
        return path

    def _compare(self, path: Path, model: Encoder, watch: Watch) -> Path:
        """Return the file that exists; raise InputError if this run would make another."""
        for _ in self._held():
            pass
        listing = self.tally.listing(self.name, HeldFiles([]))
        found, new = open_images(path), model.signature.identify("images", listing.origin)
        old, differs = found.identity, ""
        if old.source.get("fingerprint") != listing.fingerprint:
            there = counted(found.rows, "image")
            differs = f"of {there}, and these {listing.rows:,} are not the same"
        elif old.encoding != new.encoding or found.dtype != np.dtype(self.settings.dtype):
            differs = "made with other settings"
        elif old.model.weights != new.model.weights:
            differs = "made with other weights"
        if differs:
            raise InputError(f"{path}: {differs}; give another name, or overwrite=True")
        watch.note(Hint(f"kept {path}"))
        return path

    def _encode(
        self, model: Encoder, spool: IO[bytes], path: Path, advance: Callable[[int], None]
    ) -> tuple[list[Floats], int]:
        """Write all vectors to `spool`; return their former lengths, and the width."""
        norms: list[Floats] = []
        width = 0
        with decoding.watching_workers(), closing(self._decoded(model)) as decoded:
            for batch, encoded in pipelined(
                decoded,
                lambda one: one.images,
                model.images,
                Transfer(model.device),
                Timing(DECODING),
            ):
                vectors, norm = self._finished(batch, encoded, sum(len(one) for one in norms))
                with writing(path):
                    _write(spool, np.ascontiguousarray(vectors, np.float32).tobytes())
                norms.append(norm)
                width = vectors.shape[1]
                advance(len(norm))
        return norms, width

    def _finished(
        self, batch: decoding.Decoded, encoded: Encoded, first: int
    ) -> tuple[Floats, ...]:
        """Return a batch's vectors and lengths, zeros where an image is bad."""
        vectors, norm = encoded.vectors.numpy(), encoded.norm.numpy()
        bad = {**encoded.unfit(), **batch.errors}
        vectors[sorted(bad)], norm[sorted(bad)] = 0, 0
        self.errors.update({first + place: why for place, why in bad.items()})
        return vectors, norm

    def _decoded(self, model: Encoder) -> Generator[decoding.Decoded]:
        for held in self._held():
            yield from decoding.batches(
                held,
                model.preprocessing,
                [range(len(held.files))],
                workers=0,
                threads=self.threads,
                pin_memory=model.device.type == "cuda",
            )

    def _held(self) -> Iterator[HeldFiles]:
        """Yield the images in the batches of an extraction, none of which spans two shards."""
        row, rows = 0, self.settings.shard_rows
        while True:
            size = min(self.settings.batch_size, rows - row % rows)
            held = HeldFiles([])
            for sample in islice(self.streamed.samples, size):
                held.files.append(add(self.tally, sample, row))
                row += 1
            if not held.files:
                return
            yield held

    def _batches(
        self,
        spool: IO[bytes],
        norms: Floats,
        width: int,
    ) -> Iterator[ImageBatch]:
        """Yield what is in `spool`, batch by batch."""
        spool.seek(0)
        for first in range(0, len(norms), self.settings.batch_size):
            some = norms[first : first + self.settings.batch_size]
            read = np.frombuffer(spool.read(4 * width * len(some)), np.float32)
            errors = {row - first: self.errors[row] for row in self._bad(first, len(some))}
            yield ImageBatch(read.reshape(len(some), width), some, errors)

    def _bad(self, first: int, count: int) -> list[int]:
        return [row for row in range(first, first + count) if row in self.errors]


def _write(file: IO[bytes], content: bytes) -> None:
    """Write all of `content` to a file without a buffer, which may take it in parts."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
