"""Open and write HDF5 files, with the head that all kinds of file share."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Self

import h5py
import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import FileError, RuleError, UnreadError
from oodcache.cache.format import rules, structure
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import Place
from oodcache.cache.format.sibling import unfinished, writing
from oodcache.cache.format.storage import check_root

# What h5py raises on a damaged file; it has no exception class of its own.
DAMAGE = (OSError, RuntimeError, KeyError, TypeError, ValueError, OverflowError)

NO_DAMAGE = (errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM, errno.EAGAIN)
# HDF5 has no codes for these.
IN_USE = {
    "file is already open for write": "is open for writing in another program (or was, when that "
    "was killed); close it there and try again, or restore a copy",
    "file locking flag values don't match": "is open in this program; close that h5py.File first",
}

# Readable by HDF5 1.10 and later, with a checksum on all of HDF5's own metadata.
LIBRARY = ("v110", "v110")
SUPERBLOCK = b"\x89HDF\r\n\x1a\n\3\x08\x08"  # Its version is 3, an address has 8 bytes.
END, ROOT = slice(28, 36), slice(36, 44)
ROOT_ATTRIBUTES = 32  # At most this many stay in the root's own header; we write ten.
CHUNK_BYTES = 2**24
SYNC_BYTES = 2**25
AHEAD = 4  # Calls that may be queued, each with a batch in memory.


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a finished file for reading, without a lock: finished files never change."""
    _check_readable(path)
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except DAMAGE as error:
        for words, meaning in IN_USE.items():
            if words in str(error):
                raise UnreadError(path, meaning) from None
        if isinstance(error, OSError) and error.errno in NO_DAMAGE:
            reason = os.strerror(error.errno or 0)
            raise UnreadError(path, f"cannot be read: {reason}") from None
        raise RuleError(path, "F1", f"is not a whole HDF5 file: {rules.one_line(error)}") from error


@contextmanager
def created(path: Path) -> Iterator[Writer]:
    """Yield a writer for an HDF5 file that becomes `path` once it is complete and valid."""
    with unfinished(path) as part:
        with Writer(part, path) as write:
            yield write
        with opened(part) as file:
            structure.check(file, path, *structure.COLUMNS)


class InOrder:
    """A thread that makes calls in order in the background; at most `AHEAD` are queued.

    `last` is called at the end, even after an error.
    """

    def __init__(self, name: str, last: Callable[[], None] = lambda: None) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: deque[Future[Any]] = deque()
        self._last = last

    def later(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Queue a call; raise what an earlier one raised."""
        self._waiting.append(self._thread.submit(function, *arguments))
        self._await(AHEAD)

    def now(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Return once this call and all before it are done; raise what one of them raised."""
        self._waiting.append(self._thread.submit(function, *arguments))
        self._await(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._waiting.append(self._thread.submit(self._last))
        self._thread.shutdown()
        if kind is None:
            self._await(0)

    def _await(self, left: int) -> None:
        while len(self._waiting) > left:
            self._waiting.popleft().result()


class Sha256(InOrder):
    """The SHA-256 of all bytes added, computed in a background thread."""

    def __init__(self) -> None:
        super().__init__("sha256")
        self._digest = hashlib.sha256()

    def add(self, values: npt.NDArray[Any]) -> None:
        """Queue the bytes of a contiguous array, which must not change any more."""
        self.later(self._digest.update, values.data)

    def hexdigest(self) -> str:
        """Return the digest once all bytes are added."""
        self.now(lambda: None)
        return self._digest.hexdigest()


class Writer:
    """An HDF5 file under construction: `write(function, …)` calls function(file, …).

    HDF5 prints, loses data or crashes the process if a write or the last flush fails. So we
    give it a `_Stream` that never fails, and raise the error here instead. It also
    runs in its own thread, because Ctrl-C is raised in the main thread, and would be such
    a failure. The file is created at the first call, after the source has forked its workers.
    """

    def __init__(self, part: Path, path: Path) -> None:
        self._path = path
        self._stream = _Stream(part, "r+")
        self._syncing = InOrder("fsync")
        self._thread = InOrder("hdf5", self._close)
        self._file: h5py.File | None = None

    def __call__(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call `function` with the file and `arguments`; raise InputError if it was not written."""
        self._thread.now(self._call, function, arguments)
        self._check()

    def later(self, function: Callable[..., None], *arguments: Any) -> None:
        """Do what a call does, but return at once; a later call raises its error."""
        self._thread.later(self._call, function, arguments)
        self._check()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._stream, self._syncing:
            self._thread.__exit__(kind)
        if kind is None:
            self._check()

    def _call(self, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        if self._file is None:
            self._file = _new_file(self._stream)
        function(self._file, *arguments)
        if self._stream.unsynced >= SYNC_BYTES:
            self._stream.unsynced = 0
            self._syncing.later(self._stream.sync)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _check(self) -> None:
        if self._stream.failure is not None:
            with writing(self._path):
                raise self._stream.failure


class _Stream(io.FileIO):
    """A file that records why a write failed instead of raising, and drops later writes."""

    failure: OSError | None = None
    unsynced = 0

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while self.failure is None and rest:
                rest = rest[super().write(rest) :]
            self.unsynced += size
        except OSError as error:
            self.failure = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.failure = self.failure or error
            return size or 0

    def sync(self) -> None:
        """Flush to disk during writing, so that little is left for the end."""
        if self.failure is None:
            try:
                os.fsync(self.fileno())
            except OSError as error:
                self.failure = error


def check_identity(path: Path, identity: Identity) -> None:
    """Reject an identity that could not be read back, before there are vectors to lose."""
    rules.parse_identity(path, replace(identity, vectors="0" * 64).to_json().encode())


def write_head(
    file: h5py.File, kind: str, identity: Identity, vectors: str, place: Place | None = None
) -> None:
    """Write root attributes and identity; `vectors` is the SHA-256 of the embeddings' bytes."""
    write_text(file, "identity", replace(identity, vectors=vectors).to_json().encode())
    # Not as str: HDF5 stores variable-length text elsewhere, without a checksum.
    file.attrs["format"], file.attrs["kind"] = np.bytes_(rules.FORMAT), np.bytes_(kind)
    file.attrs["version"] = np.int64(rules.VERSION)
    for name in ("logit_scale", "logit_bias"):
        if (value := getattr(identity.model, name)) is not None:
            file.attrs[name] = float(value)
    if place is not None:
        file.attrs["run"] = np.bytes_(place.run)
        for name in ("first", "total", "shard_rows"):
            file.attrs[name] = np.int64(getattr(place, name))


def write_column(
    file: h5py.File, name: str, values: npt.NDArray[Any], **filters: bool | str
) -> None:
    """Write a column with a checksum that HDF5 itself verifies."""
    if not values.size:
        file[name] = values
        return
    rows = max(1, CHUNK_BYTES // (values.nbytes // len(values)))
    chunks = (min(rows, len(values)), *values.shape[1:])
    file.create_dataset(name, data=values, chunks=chunks, fletcher32=True, **filters)


def write_text(file: h5py.File, name: str, text: bytes) -> None:
    """Write one text into the dataset's own header (compact), which has a checksum."""
    values = np.array(np.bytes_(text))
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    properties.set_obj_track_times(False)  # No clock in the file: equal runs give equal bytes.
    stored = h5py.h5t.py_create(values.dtype, logical=True)
    scalar = h5py.h5s.create(h5py.h5s.SCALAR)
    dataset = h5py.h5d.create(file.id, name.encode(), stored, scalar, dcpl=properties)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, values)


def write_sum(file: h5py.File, *columns: npt.NDArray[Any]) -> None:
    """Write the SHA-256 of all columns but path: Fletcher-32 misses chunks of zeros."""
    file.attrs["columns"] = np.bytes_(structure.columns_sum(columns))


def encoded(texts: Sequence[str]) -> npt.NDArray[np.bytes_]:
    """Return texts as an array of fixed-length UTF-8 bytes."""
    return np.array([text.encode() for text in texts], dtype=np.bytes_)


def renormalised(vectors: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return float16 rows (…, D) as float32 of norm 1, zeros as zeros, float32 rows unchanged."""
    if vectors.dtype == np.float32:
        return vectors
    vectors = vectors.astype(np.float32)
    norm = np.sqrt(np.einsum("...d,...d->...", vectors, vectors))[..., None]
    unit: npt.NDArray[np.float32] = np.zeros_like(vectors)
    np.divide(vectors, norm, out=unit, where=norm > 0)
    return unit


def _check_readable(path: Path) -> None:
    """Reject what is not a readable file, with the system's short reason instead of HDF5's."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileError(path, "is not a file; expected an .h5 file of embeddings")
        with path.open("rb") as file:
            _check_superblock(path, file)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path.
        kind = UnreadError if getattr(error, "errno", None) in NO_DAMAGE else FileError
        raise kind(path, f"cannot be read: {getattr(error, 'strerror', error)}") from None


def _check_superblock(path: Path, file: BinaryIO) -> None:
    """Reject HDF5's older formats: without checksums HDF5 can crash on one changed byte."""
    head = file.read(ROOT.stop)
    size, whole = os.fstat(file.fileno()).st_size, int.from_bytes(head[END], "little")
    what = "it does not start like one"
    if head.startswith(SUPERBLOCK) and len(head) == ROOT.stop:
        if whole <= size:
            check_root(file, path, int.from_bytes(head[ROOT], "little"))
            return
        what = f"it has only {size} of {whole} bytes"
    elif head.startswith(SUPERBLOCK[:8]) and len(head) > 8:
        what = f"its superblock has version {head[8]}, expected 3 (HDF5 1.10 or later)"
    raise RuleError(path, "F1", f"is not a whole HDF5 file: {what}")


def _new_file(stream: _Stream) -> h5py.File:
    """Return a new HDF5 file that keeps all root attributes in the root's own header.

    HDF5 moves more than eight to a heap, where it crashes on forged contents.
    """
    create = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    create.set_attr_phase_change(ROOT_ATTRIBUTES, 0)
    create.set_obj_track_times(False)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    access.set_fileobj_driver(h5py.h5fd.fileobj_driver, stream)
    return h5py.File(h5py.h5f.create(b"oodcache", h5py.h5f.ACC_TRUNC, create, access))
