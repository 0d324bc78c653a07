"""Export of embeddings as .npz, .npy or .parquet.

Written block by block, so that memory does not grow with the number of images, then renamed.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import parquet
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile
from oodcache.cache.format.container import encoded
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.sibling import sibling

ENDINGS = (".npz", ".npy", ".parquet")
Advance = Callable[[int], None]
Columns = dict[str, npt.NDArray[Any]]


def check_output(output: Path) -> None:
    """Reject an unknown extension, and .parquet if pyarrow is missing."""
    if output.suffix not in ENDINGS:
        wanted = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        raise InputError(f"{output}: unknown output format: use {wanted}")
    if output.suffix == ".parquet":
        parquet.check_pyarrow(output)


def export(file: ImageFile | TextFile, output: Path, advance: Advance) -> None:
    """Write a file as `output`, in the format of its extension; call `advance` with rows done."""
    check_output(output)
    with sibling(output) as part:
        if output.suffix == ".npz":
            _write_npz(part, file, advance)
        elif output.suffix == ".npy":
            with part.open("wb") as stream:
                _write_embeddings(stream, file, advance)
        elif isinstance(file, ImageFile):
            parquet.write_images(part, file, _json(file.identity), advance)
        else:
            parquet.write_texts(part, file, _json(file.identity), advance)


def _write_npz(part: Path, file: ImageFile | TextFile, advance: Advance) -> None:
    columns = _image_columns(file) if isinstance(file, ImageFile) else _text_columns(file)
    columns["identity"] = np.array(np.bytes_(_json(file.identity)))
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        # A ZipInfo has a fixed date by default: equal files give equal bytes.
        with archive.open(zipfile.ZipInfo("embeddings.npy"), "w", force_zip64=True) as stream:
            _write_embeddings(stream, file, advance)
        for name, values in columns.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, values, allow_pickle=False)


def _image_columns(images: ImageFile) -> Columns:
    return {
        "norm": images.norm,
        "ok": images.ok,
        "label": images.label,
        "path": np.array(images.paths(), np.bytes_),
        "errors": encoded(list(images.errors().values())),
        "label_names": encoded(images.label_names),
    }


def _text_columns(texts: TextFile) -> Columns:
    return {
        "norm": texts.norm,
        "class_names": encoded(texts.vocabulary.names),
        "class_ids": encoded(texts.vocabulary.ids),
        "templates": encoded(texts.vocabulary.templates),
    }


def _write_embeddings(stream: IO[bytes], file: ImageFile | TextFile, advance: Advance) -> None:
    """Write embeddings as one .npy."""
    shape: tuple[int, ...]
    if isinstance(file, ImageFile):
        shape, dtype, blocks = (file.rows, file.dimension), file.dtype, file.stored_blocks()
    else:
        shape, dtype, blocks = file.stored.shape, file.stored.dtype, iter(file.stored)
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(stream, header)
    for block in blocks:
        stream.write(np.ascontiguousarray(block).data)
        advance(len(block))


def _json(identity: Identity) -> bytes:
    return json.dumps(asdict(identity), sort_keys=True).encode()
