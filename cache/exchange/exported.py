"""Our own exported .npz, read back exactly, with its identity."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.exchange.arrays import Array, check_vectors
from oodcache.cache.files.images import ImageBatch, ImageRows, write_images
from oodcache.cache.files.texts import Vocabulary, write_texts
from oodcache.cache.format import rules
from oodcache.cache.format.identity import Identity
from oodcache.cache.text import listed

IMAGES = {"norm": "f", "ok": "b", "label": "i", "path": "S", "errors": "S", "label_names": "S"}
TEXTS = {"norm": "f", "class_names": "S", "class_ids": "S", "templates": "S"}


@dataclass(frozen=True)
class Exported:
    """An exported file, opened: its small columns and its identity in memory."""

    path: Path
    identity: Identity
    embeddings: Array
    columns: Mapping[str, npt.NDArray[Any]]

    @property
    def is_images(self) -> bool:
        """Return whether it holds images rather than texts."""
        return "ok" in self.columns

    def target(self, cache: Path) -> Path:
        """Return where in the cache the file belongs by its identity."""
        name = names.check_name(self.identity.source["name"], f"{self.path}: dataset or vocabulary")
        place = names.image_path if self.is_images else names.text_path
        return place(cache, self.identity.model.label, name)

    def write(
        self, target: Path, *, dtype: npt.DTypeLike | None, advance: Callable[[int], None]
    ) -> None:
        """Write it as a file of the cache, in `dtype` or else its own type."""
        dtype = dtype or self.embeddings.dtype.newbyteorder("=")
        (self._write_images if self.is_images else self._write_texts)(target, dtype, advance)

    def _write_images(
        self, target: Path, dtype: npt.DTypeLike, advance: Callable[[int], None]
    ) -> None:
        columns = self.columns
        rows = ImageRows(
            columns["path"].tolist(), columns["label"].astype(np.int64), self._texts("label_names")
        )
        write_images(target, self._batches(advance), rows=rows, identity=self.identity, dtype=dtype)

    def _batches(self, advance: Callable[[int], None]) -> Iterator[ImageBatch]:
        failed = np.flatnonzero(~self.columns["ok"]).tolist()
        errors = dict(zip(failed, self._texts("errors"), strict=True))
        first, digest = 0, hashlib.sha256()
        for block in self.embeddings.blocks():
            digest.update(np.ascontiguousarray(block).data)
            norm = self.columns["norm"][first : first + len(block)].astype(np.float32)
            places = range(len(block))
            some = {place: errors[first + place] for place in places if first + place in errors}
            yield ImageBatch(block, norm, some)
            first += len(block)
            advance(len(block))
        rules.check_vectors(self.path, digest.hexdigest(), self.identity.vectors)

    def _write_texts(
        self, target: Path, dtype: npt.DTypeLike, advance: Callable[[int], None]
    ) -> None:
        vectors = self.embeddings.whole()
        found = hashlib.sha256(np.ascontiguousarray(vectors).data).hexdigest()
        rules.check_vectors(self.path, found, self.identity.vectors)
        vocabulary = Vocabulary(*map(self._texts, ("class_names", "class_ids", "templates")))
        norm = self.columns["norm"].astype(np.float32)
        write_texts(
            target, vectors, norm, vocabulary=vocabulary, identity=self.identity, dtype=dtype
        )
        advance(norm.size)

    def _texts(self, name: str) -> tuple[str, ...]:
        return rules.check_names(self.path, name, self.columns[name])


def opened(path: Path, arrays: Mapping[str, Array]) -> Exported:
    """Return an exported file, after checking that its arrays fit together."""
    kinds = IMAGES if "ok" in arrays else TEXTS
    wanted = {"embeddings", "identity", *kinds}
    if set(arrays) != wanted:
        raise InputError(
            f"{path}: has an identity, like files of oodcache cache export, but contains "
            f"{listed(sorted(arrays))}, not {', '.join(sorted(wanted))}"
        )
    embeddings = arrays["embeddings"]
    check_vectors(embeddings, 2 if "ok" in arrays else 3)
    if embeddings.dtype.itemsize > 4:
        raise InputError(f"{embeddings.origin}: is {embeddings.dtype}, which is never exported")
    columns: dict[str, npt.NDArray[Any]] = {}
    for name, kind in kinds.items():
        column, shape = arrays[name], _shape(name, arrays, columns)
        if column.dtype.kind != kind or column.shape != shape:
            raise InputError(
                f"{path}: {name!r} is {column.dtype} of shape {column.shape}, expected shape "
                f"{shape} and the exported type"
            )
        columns[name] = column.whole()
    stored = arrays["identity"]
    if stored.shape != () or stored.dtype.kind != "S":
        what = f"{stored.dtype} of shape {stored.shape}"
        raise InputError(f"{path}: 'identity' is {what}, not a text")
    identity = rules.parse_identity(path, stored.whole().item())
    return Exported(path, identity, embeddings, columns)


def _shape(
    name: str, arrays: Mapping[str, Array], read: Mapping[str, npt.NDArray[Any]]
) -> tuple[int, ...]:
    """Return a column's expected shape, given the columns before it."""
    embeddings = arrays["embeddings"].shape
    if name == "errors":
        return (int(np.count_nonzero(~read["ok"])),)
    if name == "label_names":
        return (math.prod(arrays[name].shape),)
    if len(embeddings) == 2:
        return embeddings[:1]
    return {"norm": embeddings[:2], "templates": embeddings[:1]}.get(name, embeddings[1:2])
