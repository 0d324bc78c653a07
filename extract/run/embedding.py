"""Images embedded here and now, for whoever judges them: nothing is written.

They are decoded, prepared and encoded as extraction does it, batch by batch.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from oodcache.cache.watch import Note
from oodcache.extract.model import loading
from oodcache.extract.model.encoder import Encoded, Encoder, Signature
from oodcache.extract.model.request import ModelRequest, resolve
from oodcache.extract.run import decoding
from oodcache.extract.run.timing import DECODING, Timing
from oodcache.extract.run.transfer import Transfer, pipelined
from oodcache.extract.sources.folders import FolderContents
from oodcache.extract.sources.listing import Contents

MOST_WORKERS = 8


@dataclass(frozen=True)
class Embedded:
    """Consecutive images: unit `vectors` float32 (n, D); `errors` says why rows have none."""

    vectors: npt.NDArray[np.float32]
    errors: Mapping[int, str]


class FreeFiles(FolderContents):
    """Files by their paths, wherever these lead."""

    def __init__(self, paths: Sequence[bytes]) -> None:
        super().__init__(Path(), paths)

    def _path(self, row: int) -> bytes:
        return self.paths[row]


@dataclass(frozen=True)
class Pictures:
    """Images in memory, as PIL has them, read as files would be."""

    pictures: Sequence[Image.Image]
    root: Path = Path()

    def read(self, row: int) -> bytes:
        """Return an image as the bytes of a file that loses nothing."""
        picture, file = self.pictures[row], io.BytesIO()
        if picture.mode.startswith("I"):
            picture.save(file, "PNG" if picture.mode.startswith("I;16") else "TIFF")
        else:
            picture.convert("RGB").save(file, "PPM")
        return file.getvalue()

    def is_there(self, row: int) -> bool:
        """Return true: memory does not go away."""
        return True


class Embedder:
    """A model loaded for images alone."""

    def __init__(self, request: ModelRequest, note: Note) -> None:
        self._model: Encoder = loading.load(resolve(request), note, with_texts=False)

    @property
    def signature(self) -> Signature:
        """Return which model that is, and how it prepares and computes."""
        return self._model.signature

    def embedded(
        self, contents: Contents, count: int, *, batch_size: int, workers: int | None
    ) -> Iterator[Embedded]:
        """Yield `count` images in order, a batch at a time; a bad one has zeros and a reason.

        Without `workers` one a processor decodes, eight at most, and none what is one batch.
        """
        rows = [range(count)[first : first + batch_size] for first in range(0, count, batch_size)]
        if workers is None:
            workers = min(MOST_WORKERS, os.cpu_count() or 1) if len(rows) > 1 else 0
        with decoding.watching_workers():
            decoded = decoding.batches(
                contents,
                self._model.preprocessing,
                rows,
                workers=workers,
                pin_memory=self._model.device.type == "cuda",
            )
            found = pipelined(
                decoded,
                lambda batch: batch.images,
                self._model.images,
                Transfer(self._model.device),
                Timing(DECODING),
            )
            for batch, encoded in found:
                yield _embedded(batch, encoded)


def is_picture(value: object) -> bool:
    """Return whether it is an image of PIL's."""
    return isinstance(value, Image.Image)


def _embedded(batch: decoding.Decoded, encoded: Encoded) -> Embedded:
    errors = dict(batch.errors)
    vectors, norm = encoded.vectors.numpy(), encoded.norm.numpy()
    for row in np.flatnonzero(~np.isfinite(norm)).tolist():
        errors.setdefault(row, "the model gave values that are not finite")
    for row in np.flatnonzero(norm == 0).tolist():
        errors.setdefault(row, "the model gave zeros alone, which have no direction")
    vectors[sorted(errors)] = 0
    return Embedded(vectors, errors)
