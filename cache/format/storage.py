"""How HDF5 stores one dataset, checked before HDF5 reads it: parts of rules F2 to F4.

Rejects what makes HDF5 waste time or memory on an untrusted file's word: a header without a
checksum, a type nested 8,000 deep, missing bytes, a gzip bomb.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import RuleError

# Gzip's maximum ratio: a dataset that claims more was never written.
GZIP_LIMIT = 1032
CHECKSUM, GZIP = h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_DEFLATE
PACKED = ([GZIP, CHECKSUM], [h5py.h5z.FILTER_SHUFFLE, GZIP, CHECKSUM])
CHECKSUM_BYTES = 4
OBJECT_HEADER = b"OHDR"  # Of HDF5 1.8 and later, which has a checksum.
HEADER_BYTES = 2**20
# Kinds of messages in a header.
LINK_INFO, LAYOUT, CONTINUED, ATTRIBUTE_INFO = 0x02, 0x08, 0x10, 0x15
LAYOUT_VERSION, CHUNKED = 4, 2
NOWHERE = b"\xff" * 8  # HDF5's undefined address.
SIMPLE = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING)
TYPES = {
    "float32": h5py.h5t.IEEE_F32LE,
    "float16": h5py.h5t.IEEE_F16LE,
    "float64": h5py.h5t.IEEE_F64LE,
    "int64": h5py.h5t.STD_I64LE,
    "uint64": h5py.h5t.STD_U64LE,
    "bool": h5py.h5t.py_create(np.dtype(bool), logical=True),
}


def is_of(stored: h5py.Dataset | h5py.h5a.AttrID, kind: str) -> bool:
    """Return whether values are stored exactly as `kind`."""
    stored = (stored.id if isinstance(stored, h5py.Dataset) else stored).get_type()
    if kind == "bytes":
        if stored.get_class() != h5py.h5t.STRING or stored.is_variable_str():
            return False
        return bool(stored.get_strpad() != h5py.h5t.STR_SPACEPAD)  # Drops trailing spaces.
    return bool(stored == TYPES[kind])


def type_of(dataset: h5py.Dataset) -> str:
    """Return a dataset's type in a word; a deeply nested one would take h5py minutes."""
    stored = dataset.id.get_type()
    if stored.get_class() in SIMPLE:
        return str(dataset.dtype.str)
    return f"of a {type(stored).__name__.removeprefix('Type').removesuffix('ID').lower()} type"


def check_root(raw: BinaryIO, path: Path, address: int) -> None:
    """Reject a root with attributes or links outside its own header.

    HDF5 crashes on forged contents of a heap, even with correct checksums, and it reads a
    whole attribute, of any size, to compare its name.
    """
    for kind, message in _messages(raw, path, "/", address):
        if kind in (LINK_INFO, ATTRIBUTE_INFO):
            heap = 2 + (message[1] & 1) * (8 if kind == LINK_INFO else 2)
            if message[heap : heap + 8] != NOWHERE:
                what = "links" if kind == LINK_INFO else "attributes"
                raise RuleError(path, "F1", f"its root has more {what} than its header can hold")


def check_header(raw: BinaryIO, path: Path, name: str, address: int) -> None:
    """Reject a dataset whose header has no checksum, or whose chunks have length 0."""
    for kind, message in _messages(raw, path, name, address):
        if kind != LAYOUT or message[1] != CHUNKED:
            continue
        if message[0] != LAYOUT_VERSION:
            raise RuleError(
                path, "F1", f"'{name}' has chunks from before HDF5 1.10, without a checksum"
            )
        step, end = max(1, message[4]), 5 + message[3] * message[4]
        if end == 5 or not all(any(message[at : at + step]) for at in range(5, end, step)):
            raise RuleError(path, "F1", f"'{name}' has chunks of length 0")


def _messages(raw: BinaryIO, path: Path, name: str, address: int) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of each message in an object's header, after HDF5's format."""
    raw.seek(address % 2**63)
    if raw.read(len(OBJECT_HEADER)) != OBJECT_HEADER:
        raise RuleError(
            path, "F1", f"'{name}' has a header without a checksum, from before HDF5 1.10"
        )
    flags = raw.read(2)[1:]
    if not flags:
        return
    raw.seek(16 * (flags[0] >> 5 & 1) + 4 * (flags[0] >> 4 & 1), os.SEEK_CUR)
    size = int.from_bytes(raw.read(1 << (flags[0] & 3)), "little")
    pieces, head, total = [(raw.tell(), size)], 6 if flags[0] & 4 else 4, 0
    for start, size in pieces:  # The list grows while it is read.
        total += size
        if total > HEADER_BYTES:
            what = f"the header of '{name}' has more than {HEADER_BYTES} bytes"
            raise RuleError(path, "F1", what)
        raw.seek(start % 2**63)
        piece, at = raw.read(size), 0
        while len(piece) > at + head:
            first, length = at + head, int.from_bytes(piece[at + 1 : at + 3], "little")
            kind, message = piece[at], piece[first : first + length].ljust(26, b"\0")
            at = first + length
            if kind == CONTINUED:  # Between a signature and a checksum, of 4 bytes each.
                where, size = struct.unpack("<QQ", message[:16])
                pieces.append((where + 4, max(0, size - 8)))
            yield kind, message


def check_whole(
    dataset: h5py.Dataset, path: Path, name: str, rule: str, packed: Collection[str] = ("path",)
) -> None:
    """Reject a dataset whose bytes are not all in the file, before any memory is allocated.

    Datasets named in `packed` are gzipped.
    """
    properties, shape = dataset.id.get_create_plist(), dataset.shape
    pipeline = [properties.get_filter(place)[0] for place in range(properties.get_nfilters())]
    plain = name in ("embeddings", "identity") or not dataset.size
    if pipeline not in (PACKED if name in packed else [[] if plain else [CHECKSUM]]):
        what = "a Fletcher-32 checksum" + (" after gzip" if name in packed else " and no other")
        raise RuleError(path, rule, f"'{name}' has filters {pipeline}, not {what}")
    chunk = dataset.chunks or tuple(max(1, length) for length in shape)
    pieces = math.prod(-(-length // part) for length, part in zip(shape, chunk, strict=True))
    claimed = pieces * math.prod(chunk) * dataset.id.get_type().get_size()
    least = most = claimed + (CHECKSUM_BYTES * pieces if pipeline else 0)
    if GZIP in pipeline:
        least, most = claimed // GZIP_LIMIT, 2 * claimed + 64 * pieces
    stored = dataset.id.get_storage_size()
    end = stored + (dataset.id.get_offset() or 0)
    file = Path(os.fsdecode(h5py.h5f.get_name(dataset.id)))
    if not least <= stored <= most or end > file.stat().st_size:
        what = f"'{name}' claims {max(claimed, least)} bytes, but {stored} are in the file"
        raise RuleError(path, rule, what)


def is_elsewhere(stored: h5py.h5d.DatasetID) -> bool:
    """Return whether a dataset's values are in other datasets or files."""
    properties = stored.get_create_plist()
    return bool(properties.get_layout() == h5py.h5d.VIRTUAL or properties.get_external_count() > 0)


def read_whole(dataset: h5py.Dataset) -> npt.NDArray[Any]:
    """Return all values, as `dataset[:]` does, but faster: without h5py's selection."""
    values = np.empty(dataset.shape, dataset.dtype)
    if values.size:
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, values)
    return values


def read_packed(dataset: h5py.Dataset, path: Path, name: str) -> npt.NDArray[Any]:
    """Return a gzipped column, after checking that each chunk unpacks to its own length.

    HDF5 would unpack a megabyte of gzip to a gigabyte.
    """
    rows = dataset.chunks[0]
    size = rows * dataset.id.get_type().get_size()
    for first in range(0, len(dataset), rows):
        skipped, packed = dataset.id.read_direct_chunk((first,))
        if skipped or not _unpacks_to(size, packed[:-CHECKSUM_BYTES]):
            raise RuleError(path, "F4", f"'{name}' from row {first} is not gzip of {size} bytes")
    return read_whole(dataset)


def _unpacks_to(size: int, packed: bytes) -> bool:
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(packed, size + 1)
    except zlib.error:
        return False
    return len(unpacked) == size and unpacker.eof
