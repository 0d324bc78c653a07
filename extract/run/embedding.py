"""Images embedded in memory, exactly as extraction embeds them; nothing is written."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from oodcache.cache.watch import Note
from oodcache.extract.model import loading, pixels
from oodcache.extract.model.encoder import Encoded, Encoder, Signature
from oodcache.extract.model.request import ModelRequest, resolve
from oodcache.extract.run import decoding
from oodcache.extract.run.plan import default_workers
from oodcache.extract.run.timing import DECODING, Timing
from oodcache.extract.run.transfer import Transfer, pipelined
from oodcache.extract.sources.folders import FolderContents
from oodcache.extract.sources.listing import Contents


@dataclass(frozen=True)
class Embedded:
    """Consecutive images: unit `vectors` float32 (n, D); `errors` says why a row is all zeros.

    `rotated` counts images with an EXIF orientation other than upright.
    """

    vectors: npt.NDArray[np.float32]
    errors: Mapping[int, str]
    rotated: int = 0


class FreeFiles(FolderContents):
    """Files by path, relative or absolute."""

    def __init__(self, paths: Sequence[bytes]) -> None:
        super().__init__(Path(), paths)

    def _path(self, row: int) -> bytes:
        return self.paths[row]


@dataclass(frozen=True)
class Pictures:
    """Images in memory, read as if they were files; with `exif` turned as their EXIF says.

    They are PIL's, uint8 arrays (H, W), or (H, W, C) with 1, 3 or 4 channels, or functions that
    return the bytes of a file, or raise why it is bad.
    """

    pictures: Sequence[Image.Image | npt.NDArray[np.uint8] | Callable[[], bytes]]
    exif: bool = False
    root: Path = Path()

    def read(self, row: int) -> bytes:
        """Return an image as the bytes of a lossless file; its pixels are those of its own file."""
        picture, file = self.pictures[row], io.BytesIO()
        if callable(picture):  # The preprocessing turns it, as any file.
            return picture()
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(picture[..., 0] if picture.shape[2:] == (1,) else picture)
        found = pixels.RgbImage(pixels.rgb(picture), pixels.orientation(picture))
        (found.turned() if self.exif else found.image).save(file, "PPM")
        return file.getvalue()

    def is_there(self, row: int) -> bool:
        return True


class Embedder:
    """A loaded model that embeds images."""

    def __init__(self, model: Encoder) -> None:
        self._model = model

    @classmethod
    def by_name(cls, request: ModelRequest, note: Note) -> Embedder:
        """Load a model without its tokenizer."""
        return cls(loading.load(resolve(request), note, with_texts=False))

    @property
    def signature(self) -> Signature:
        """Return the model's identity, preprocessing and precision."""
        return self._model.signature

    def embedded(
        self, contents: Contents, count: int, *, batch_size: int, workers: int | None
    ) -> Iterator[Embedded]:
        """Yield `count` images in order, batch by batch; a bad image has zeros and a reason.

        Without `workers`, `default_workers` chooses their number, and threads decode the files of
        a single batch.
        """
        rows = [range(count)[first : first + batch_size] for first in range(0, count, batch_size)]
        threads = 0
        if workers is None:
            workers = default_workers(count, batch_size)
            if len(rows) == 1 and isinstance(contents, FreeFiles):  # Images may share memory.
                threads = min(default_workers(count, 1), count)
        transfer = Transfer(self._model.device)  # Sets the device for the thread that pins batches.
        with decoding.watching_workers():
            decoded = decoding.batches(
                contents,
                self._model.preprocessing,
                rows,
                workers=workers,
                pin_memory=self._model.device.type == "cuda",
                threads=threads,
            )
            found = pipelined(
                decoded,
                lambda batch: batch.images,
                self._model.images,
                transfer,
                Timing(DECODING),
            )
            for batch, encoded in found:
                yield _embedded(batch, encoded)


def _embedded(batch: decoding.Decoded, encoded: Encoded) -> Embedded:
    errors, vectors = {**encoded.unfit(), **batch.errors}, encoded.vectors.numpy()
    vectors[sorted(errors)] = 0
    return Embedded(vectors, errors, batch.rotated)
