"""The rules of docs/cache-format.md, checked: the writer and the reader both run these.

`check` looks at structure, sizes and identity and is cheap; `check_rows` looks at vectors that
were read anyway. Each error names its rule.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import RuleError
from oodcache.cache.identity import Identity, from_json

FORMAT = "oodcache"
VERSION = 1
Name = TypeVar("Name", str, bytes)
RULES = {
    "F1": "a whole HDF5 file; root attributes format, version 1 and kind 'images' or 'texts'",
    "F2": "exactly the datasets of its kind, each hard-linked at the root and stored in the file",
    "F3": "embeddings: little-endian float32 or float16, contiguous, whole, (N, D) or (T, K, D)",
    "F4": "the other datasets: types and lengths of this page, whole, each under a checksum",
    "F5": "a row that is ok has norm 1 to a thousandth; a row that is not ok is all zeros",
    "F6": "a label is -1 or an index into label_names",
    "F7": "errors holds one reason for each row that is not ok, in row order",
    "F8": "identity is one JSON object with the fields of this page",
    "F9": "root attributes logit_scale and logit_bias equal the identity's; absent is not 0",
    "F10": "identity.vectors is the SHA-256 of the bytes of embeddings",
    "F11": "names are UTF-8 without NUL; templates differ and hold {}; ids differ or are all empty",
    "F12": "a path is relative, stays below its root, and stands once",
}
NORM_TOLERANCE = 1e-3
IDENTITY_LIMIT = 60_000
# The most that gzip can shrink: a dataset that claims more was never written.
GZIP_LIMIT = 1032
CHECKSUM = h5py.h5z.FILTER_FLETCHER32
GZIP = {h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE}
TYPES = {
    "float32": h5py.h5t.IEEE_F32LE,
    "float16": h5py.h5t.IEEE_F16LE,
    "float64": h5py.h5t.IEEE_F64LE,
    "int64": h5py.h5t.STD_I64LE,
    "bool": h5py.h5t.py_create(np.dtype(bool), logical=True),
}
# The datasets beside embeddings and identity, by kind of file, and what each holds.
COLUMNS = {
    "images": ("norm", "ok", "label", "path", "errors", "label_names"),
    "texts": ("norm", "class_names", "class_ids", "templates"),
}
HOLDS = {"norm": "float32", "ok": "bool", "label": "int64"}  # All others hold bytes.
ATTRIBUTES = {
    "format": "bytes",
    "version": "int64",
    "kind": "bytes",
    "logit_scale": "float64",
    "logit_bias": "float64",
}


def check(file: h5py.File, path: Path, kind: str) -> Identity:
    """Return the file's identity once its structure obeys the rules; read no vector."""
    found = check_head(file, path)
    if found != kind:
        raise RuleError(path, "F1", f"kind is {found!r}, and {kind!r} is wanted here")
    _check_links(file, path, kind)
    _check_embeddings(file["embeddings"], path, 2 if kind == "images" else 3)
    if kind == "images":
        _check_image_columns(file, path)
    else:
        _check_text_columns(file, path)
    return _check_identity(file, path)


def check_head(file: h5py.File, path: Path) -> str:
    """Return the file's kind, "images" or "texts", once its root attributes obey F1."""
    found = {name: _attribute(file, path, name, "F1") for name in ("format", "version", "kind")}
    if found["format"] != FORMAT:
        raise RuleError(path, "F1", f"format is {shown(found['format'])}, not {FORMAT!r}")
    if found["version"] != VERSION:
        what = f"version is {found['version']}, and this oodcache reads {VERSION}"
        newer = "; install a newer oodcache" if (found["version"] or 0) > VERSION else ""
        raise RuleError(path, "F1", what + newer)
    if found["kind"] not in COLUMNS:
        raise RuleError(path, "F1", f"kind is {shown(found['kind'])}, not 'images' or 'texts'")
    kind: str = found["kind"]
    return kind


def check_rows(
    path: Path, first: int, vectors: npt.NDArray[np.floating[Any]], ok: npt.NDArray[np.bool_]
) -> None:
    """Refuse rows, the first of which is row `first` of the file, that break F5."""
    with np.errstate(all="ignore"):
        norm = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float32))
        fine = np.abs(norm - 1) <= NORM_TOLERANCE
    # Not by its norm: the square of a tiny number is zero.
    fine[~ok] = ~vectors[~ok].any(axis=1)
    if fine.all():
        return
    row = int(np.argmin(fine))
    what = f"row {first + row} of 'embeddings' has norm {norm[row]:.4f}"
    if not np.isfinite(vectors[row]).all():
        what = f"row {first + row} of 'embeddings' holds a value that is not finite"
    wanted = "its norm is to be 1" if ok[row] else "it is not ok, and is to be all zeros"
    raise RuleError(path, "F5", f"{what}; {wanted}")


def check_labels(path: Path, labels: npt.NDArray[np.int64], names: int) -> None:
    """Refuse labels that are neither -1 nor an index into so many names (F6)."""
    if labels.min() < -1 or labels.max() >= names:
        raise RuleError(
            path, "F6", f"'label' runs from {labels.min()} to {labels.max()} with {names} names"
        )


def check_names(path: Path, column: str, stored: npt.NDArray[np.bytes_]) -> tuple[str, ...]:
    """Return a column of names as text; refuse what is not UTF-8 or holds a NUL (F11)."""
    names = tuple(name.decode(errors="surrogateescape") for name in stored.tolist())
    check_texts(path, column, names)
    return names


def check_texts(path: Path, column: str, texts: Sequence[str]) -> None:
    """Refuse names that a column could not give back as they are (F11)."""
    for text in texts:
        # HDF5 pads with NUL. Half of a surrogate pair stands for a byte that is not UTF-8.
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            what = f"'{column}' holds {shown(text)}, which is not UTF-8 without NUL"
            raise RuleError(path, "F11", what)


def check_vocabulary(path: Path, ids: tuple[str, ...], templates: tuple[str, ...]) -> None:
    """Refuse templates that repeat or hold no {}, and ids that repeat or are partly there (F11)."""
    for template in templates:
        if "{}" not in template:
            raise RuleError(path, "F11", f"template {shown(template)} holds no {{}}")
    if (twice := _repeated(templates)) is not None:
        raise RuleError(path, "F11", f"'templates' holds {shown(twice)} twice")
    if not any(ids):
        return
    if (twice := _repeated(ids)) is not None or "" in ids:
        found = "an empty one among others" if "" in ids else f"{shown(twice)} twice"
        raise RuleError(path, "F11", f"'class_ids' holds {found}: all are to differ, or be empty")


def check_paths(path: Path, stored: Sequence[bytes]) -> None:
    """Refuse paths that are absolute, climb out of their root or stand twice (F12)."""
    for name in stored:
        if not name or name.startswith(b"/") or b".." in name.split(b"/") or b"\0" in name:
            raise RuleError(path, "F12", f"'path' holds {shown(name)}, which is not below its root")
    if (twice := _repeated(stored)) is not None:
        raise RuleError(path, "F12", f"'path' holds {shown(twice)} twice")


def parse_identity(path: Path, stored: bytes) -> Identity:
    """Return the identity that is stored as JSON; refuse what is none (F8)."""
    if len(stored) > IDENTITY_LIMIT:
        what = f"'identity' holds {len(stored)} bytes, and {IDENTITY_LIMIT} are the most"
        raise RuleError(path, "F8", what)
    try:
        return from_json(stored.decode())
    except ValueError as error:
        raise RuleError(path, "F8", f"'identity': {error}") from None


def shown(value: object) -> str:
    """Return a stranger's value as it can stand in one line: escaped, and cut where it is long."""
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "…"


def _repeated(values: Sequence[Name]) -> Name | None:
    """Return the first value that stands more than once, None where all differ."""
    return next((one for one, count in Counter(values).items() if count > 1), None)


def _attribute(file: h5py.File, path: Path, name: str, rule: str) -> Any:
    """Return a root attribute as a Python value, None where it is absent."""
    if name not in file.attrs:
        return None
    attribute, kind = file.attrs.get_id(name), ATTRIBUTES[name]
    if attribute.shape != () or not _is_of(attribute, kind):
        raise RuleError(path, rule, f"attribute {name} is not one value of type {kind}")
    value = file.attrs[name].item()
    return value.decode(errors="surrogateescape") if kind == "bytes" else value


def _check_links(file: h5py.File, path: Path, kind: str) -> None:
    found, expected = set(file.keys()), {"embeddings", *COLUMNS[kind], "identity"}
    if found != expected:
        missing, extra = sorted(expected - found), sorted(found - expected)
        what = f"lacks the datasets {missing}" if missing else f"holds {shown(extra)} besides"
        raise RuleError(path, "F2", f"{what}; wanted are {sorted(expected)}")
    for name in sorted(expected):
        if type(file.get(name, getlink=True)) is not h5py.HardLink:
            raise RuleError(path, "F2", f"'{name}' is a link to elsewhere, not a dataset")
        dataset = file[name]
        if not isinstance(dataset, h5py.Dataset):
            raise RuleError(path, "F2", f"'{name}' is a {type(dataset).__name__}, not a dataset")
        if dataset.is_virtual or dataset.external:
            raise RuleError(path, "F2", f"'{name}' is stored outside the file")


def _check_embeddings(embeddings: h5py.Dataset, path: Path, dimensions: int) -> None:
    if not _is_of(embeddings, "float32") and not _is_of(embeddings, "float16"):
        what = f"'embeddings' is {embeddings.dtype.str}, not little-endian float32 or float16"
        raise RuleError(path, "F3", what)
    if embeddings.ndim != dimensions or 0 in embeddings.shape:
        what = f"'embeddings' has shape {embeddings.shape}, not {dimensions} lengths above 0"
        raise RuleError(path, "F3", what)
    if embeddings.id.get_create_plist().get_layout() != h5py.h5d.CONTIGUOUS:
        raise RuleError(path, "F3", "'embeddings' is not stored in one piece (contiguous)")
    _check_whole(embeddings, path, "embeddings", "F3")


def _check_image_columns(file: h5py.File, path: Path) -> None:
    rows = file["embeddings"].shape[0]
    for name in ("norm", "ok", "label", "path"):
        _check_column(file, path, name, (rows,))
    for name in ("errors", "label_names"):
        _check_column(file, path, name, (file[name].size,))
    _check_norm(file, path)
    ok = file["ok"][:]
    if ok.view(np.uint8).max() > 1:  # NumPy would count such a row twice.
        raise RuleError(path, "F4", "'ok' holds a value that is neither true nor false")
    check_labels(path, file["label"][:], file["label_names"].size)
    failed, reasons = rows - int(np.count_nonzero(ok)), file["errors"].size
    if failed != reasons:
        raise RuleError(path, "F7", f"{failed} rows are not ok, and 'errors' holds {reasons}")


def _check_text_columns(file: h5py.File, path: Path) -> None:
    templates, classes, _ = file["embeddings"].shape
    _check_column(file, path, "norm", (templates, classes))
    _check_column(file, path, "templates", (templates,))
    for name in ("class_names", "class_ids"):
        _check_column(file, path, name, (classes,))
    _check_norm(file, path)


def _check_norm(file: h5py.File, path: Path) -> None:
    norm = file["norm"][:]
    if not (np.isfinite(norm) & (norm >= 0)).all():
        raise RuleError(path, "F4", "'norm' holds a value that is no length: NaN, inf or below 0")


def _check_column(file: h5py.File, path: Path, name: str, shape: tuple[int, ...]) -> None:
    column, kind = file[name], HOLDS.get(name, "bytes")
    if column.shape != shape:
        raise RuleError(path, "F4", f"'{name}' has shape {column.shape}, not {shape}")
    if not _is_of(column, kind):
        raise RuleError(path, "F4", f"'{name}' is {column.dtype.str}, not {kind}")
    _check_whole(column, path, name, "F4")


def _is_of(stored: h5py.Dataset | h5py.h5a.AttrID, kind: str) -> bool:
    """Say if values are stored exactly as `kind`: another type that reads alike is another."""
    stored = (stored.id if isinstance(stored, h5py.Dataset) else stored).get_type()
    if kind == "bytes":
        return stored.get_class() == h5py.h5t.STRING and not stored.is_variable_str()
    return bool(stored == TYPES[kind])


def _check_whole(dataset: h5py.Dataset, path: Path, name: str, rule: str) -> None:
    """Refuse a dataset whose bytes are not all in the file: no memory is taken on its word."""
    largest = max(math.prod(dataset.shape), math.prod(dataset.chunks or (0,)))
    claimed = largest * dataset.dtype.itemsize
    stored, properties = dataset.id.get_storage_size(), dataset.id.get_create_plist()
    filters = {properties.get_filter(place)[0] for place in range(properties.get_nfilters())}
    wanted = {CHECKSUM} if claimed and name not in ("embeddings", "identity") else set()
    if filters - (GZIP if name == "path" else set()) != wanted:
        what = "a Fletcher-32 checksum" + (" and gzip" if name == "path" else " and no other")
        raise RuleError(path, rule, f"'{name}' has filters {sorted(filters)}, not {what}")
    end = stored + (dataset.id.get_offset() or 0)
    if (
        claimed > stored * (GZIP_LIMIT if filters & GZIP else 1)
        or end > Path(dataset.file.filename).stat().st_size
    ):
        what = f"'{name}' claims {claimed} bytes, and {stored} are in the file"
        raise RuleError(path, rule, what)


def _check_identity(file: h5py.File, path: Path) -> Identity:
    stored = file["identity"]
    if stored.shape != () or not _is_of(stored, "bytes"):
        what = f"'identity' is {stored.dtype.str} of shape {stored.shape}, not one text"
        raise RuleError(path, "F8", what)
    if stored.id.get_create_plist().get_layout() != h5py.h5d.COMPACT:
        raise RuleError(path, "F8", "'identity' is not stored in its own header (compact)")
    _check_whole(stored, path, "identity", "F8")
    identity = parse_identity(path, stored[()])
    for name in ("logit_scale", "logit_bias"):
        found, expected = _attribute(file, path, name, "F9"), getattr(identity.model, name)
        if found != expected:
            said = "absent" if found is None else shown(found)
            wanted = "absent" if expected is None else expected
            raise RuleError(path, "F9", f"attribute {name} is {said}, and identity says {wanted}")
    return identity
