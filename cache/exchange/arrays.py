"""Arrays of other tools: .npy, .npz, and clip-retrieval's folders of .npy.

Nothing is unpickled, headers are checked before memory is allocated, and vectors come in blocks.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.lookalikes import HEAD, pointer_or_page
from oodcache.cache.text import listed, megabytes

BLOCK_ROWS = 2048
LARGE, MOST_SHRUNK = 2**26, 100  # Bytes unpacked, and how many times smaller they may be packed.
VECTORS = ("embeddings", "feat_list", "features", "feats", "feat", "image_features")
PART = re.compile(r"(.+)_(\d+)\.(npy|parquet)")
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)


@dataclass(frozen=True)
class Array:
    """An array that is not read yet; `origin` is its name in messages.

    `blocks()` yields it in order, cut along its first axis.
    """

    origin: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Callable[[], Iterator[npt.NDArray[Any]]]

    def whole(self) -> npt.NDArray[Any]:
        """Return all of it."""
        if not self.shape:
            return next(self.blocks())
        return np.concatenate([np.empty((0, *self.shape[1:]), self.dtype), *self.blocks()])


def in_memory(origin: str, values: npt.NDArray[Any]) -> Array:
    """Return an array from values in memory."""

    def blocks() -> Iterator[npt.NDArray[Any]]:
        for first in range(0, len(values), BLOCK_ROWS):
            yield values[first : first + BLOCK_ROWS]

    return Array(origin, values.shape, values.dtype, blocks)


def open_npy(path: Path) -> Array:
    """Return the array in a .npy file."""
    with reading(path):
        size = path.stat().st_size
    return _found(str(path), lambda: path.open("rb"), size)


def open_npz(path: Path) -> dict[str, Array]:
    """Return the arrays in a .npz file by name."""
    with reading(path):
        with path.open("rb") as file:
            what = pointer_or_page(file.read(HEAD))
        if what is not None:
            raise InputError(f"{path}: {what}")
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
    for one in listed:
        _check_ratio(path, one)
    members = {one.filename: one.file_size for one in listed}
    return {
        name.removesuffix(".npy"): _found(f"{path}: {name!r}", partial(_member, path, name), size)
        for name, size in members.items()
        if name.endswith(".npy")
    }


def _check_ratio(path: Path, member: zipfile.ZipInfo) -> None:
    """Raise InputError for a large member that is nearly all one value: floats shrink by half."""
    size, packed = member.file_size, member.compress_size
    if size > LARGE and size > MOST_SHRUNK * packed:
        what = f"{megabytes(packed)} MB that unpack to {megabytes(size)} MB"
        raise InputError(f"{path}: {member.filename!r} is {what}: these are no measured numbers")


def parts(folder: Path, ending: str) -> dict[int, Path]:
    """Return the files <stem>_<number>.<ending> of a folder by number, in numerical order."""
    with reading(folder):
        found = {path: PART.fullmatch(path.name) for path in sorted(folder.iterdir())}
    matched = {path: match for path, match in found.items() if match and match[3] == ending}
    stems = {match[1] for match in matched.values()}
    if len(stems) != 1:
        what = " and ".join(f"{stem}_*.{ending}" for stem in sorted(stems)) or "none"
        wanted = "img_emb_0" if ending == "npy" else "metadata_0"
        raise InputError(f"{folder}: expected numbered parts ({wanted}.{ending}, …); found {what}")
    numbered: dict[int, Path] = {}
    for path, match in sorted(matched.items(), key=lambda one: int(one[1][2])):
        if int(match[2]) in numbered:
            raise InputError(f"{path}: has the number of {numbered[int(match[2])].name}")
        numbered[int(match[2])] = path
    return numbered


def joined(folder: Path, arrays: Mapping[int, Array]) -> Array:
    """Return the parts of a folder as one array of vectors."""
    first = next(iter(arrays.values()))
    for one in arrays.values():
        check_vectors(one, 2)
        if one.shape[1] != first.shape[1]:
            raise InputError(
                f"{one.origin}: vectors of {one.shape[1]} numbers, but {first.origin} of "
                f"{first.shape[1]}"
            )

    def blocks() -> Iterator[npt.NDArray[Any]]:
        for one in arrays.values():
            yield from one.blocks()

    rows = sum(one.shape[0] for one in arrays.values())
    dtype = np.result_type(*(one.dtype for one in arrays.values()))
    return Array(str(folder), (rows, first.shape[1]), dtype, blocks)


def pick(path: Path, arrays: Mapping[str, Array]) -> Array:
    """Return the embeddings among arrays: by a known name, or the only array."""
    for name in VECTORS:
        if name in arrays:
            return arrays[name]
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    raise InputError(
        f"{path}: contains {listed(arrays) or 'nothing'}, but no embeddings: expected an array "
        f"called {', '.join(VECTORS[:-1])} or {VECTORS[-1]}"
    )


def check_vectors(array: Array, *dimensions: int) -> None:
    """Reject an array that does not hold vectors, or has another number of dimensions."""
    if array.dtype.kind != "f":
        raise InputError(f"{array.origin}: holds {array.dtype}, not floating-point vectors")
    if len(array.shape) not in dimensions or 0 in array.shape:
        wanted = " or ".join(
            {2: "(rows, numbers)", 3: "(templates, classes, numbers)"}[one] for one in dimensions
        )
        raise InputError(f"{array.origin}: has shape {array.shape}, not {wanted}, each above 0")


@dataclass(frozen=True)
class Unit:
    """Normalised rows: `vectors` float32 (n, D), zeros for rows with a reason in `errors`.

    `norm` is float32 (n,), the length before; `changed` marks rows that were not unit length.
    """

    vectors: npt.NDArray[np.float32]
    norm: npt.NDArray[np.float32]
    changed: npt.NDArray[np.bool_]
    errors: dict[int, str]


def unit(rows: npt.NDArray[np.floating[Any]]) -> Unit:
    """Return rows divided by their norm, except rows of norm 1.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).vectors
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    with np.errstate(all="ignore"):
        length = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
        norm = length.astype(np.float32)
        fine = np.isfinite(norm) & (norm > 0)
        changed = fine & (np.abs(length - 1) > 1e-5)
        vectors = rows.astype(np.float32)
        vectors[changed] = rows[changed] / length[changed, None]
    vectors[~fine], norm[~fine] = 0, 0
    errors = {int(row): _why_not(rows[row]) for row in np.flatnonzero(~fine)}
    return Unit(vectors, norm, changed, errors)


def _why_not(row: npt.NDArray[np.floating[Any]]) -> str:
    if not np.isfinite(row).all():
        return "holds a value that is not finite"
    return "is too long or too short for float32" if row.any() else "is all zeros"


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Turn the errors of a missing, unknown or damaged file into one line."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: is damaged, or not of this format: {reason}") from None


def _member(path: Path, name: str) -> IO[bytes]:
    # The member keeps the archive's file open until the member is closed.
    with zipfile.ZipFile(path) as archive:
        return archive.open(name)


def _found(origin: str, opening: Callable[[], IO[bytes]], size: int) -> Array:
    """Return the array of `size` bytes, header included, that `opening` opens."""
    with reading(origin), opening() as stream:
        shape, is_fortran, dtype = _header(stream, origin)
        start = stream.tell()
    claimed = math.prod(shape) * dtype.itemsize
    if claimed != size - start:
        raise InputError(f"{origin}: claims {claimed} bytes, but {size - start} are in the file")

    def blocks() -> Iterator[npt.NDArray[Any]]:
        # Fortran order scatters a row over the whole file.
        rows = math.prod(shape[:1]) if is_fortran else BLOCK_ROWS
        with reading(origin), opening() as stream:
            stream.read(start)
            for first in range(0, math.prod(shape[:1]), max(1, rows)):
                block = (min(rows, shape[0] - first), *shape[1:]) if shape else ()
                data = stream.read(math.prod(block) * dtype.itemsize)
                values = np.frombuffer(data, dtype)
                yield values.reshape(block, order="F" if is_fortran else "C")
            stream.read(1)  # A .npz verifies its checksum at the end.

    return Array(origin, shape, dtype, blocks)


def _header(stream: IO[bytes], origin: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    start = io.BytesIO(stream.read(2**14))
    try:
        shape, is_fortran, dtype = readers[np.lib.format.read_magic(start)](start)
        stream.seek(start.tell())
    except Exception:  # NumPy's parser can raise anything on an untrusted header.
        what = pointer_or_page(start.getvalue()) or "is not a .npy array of NumPy"
        raise InputError(f"{origin}: {what}") from None
    if dtype.hasobject:
        raise InputError(f"{origin}: holds Python objects, which could run code: they are not read")
    if any(length < 0 for length in shape):
        raise InputError(f"{origin}: has shape {shape}")
    return shape, is_fortran, dtype
