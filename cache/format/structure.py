"""The layout of a file, checked before its contents are used: rules F1 to F4, F6 to F9 and F13.

It reads the small columns and the identity, no vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import RuleError
from oodcache.cache.format import rules
from oodcache.cache.format.block_sums import Checksums, stored_checksums
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import Place, Run
from oodcache.cache.format.rules import shown
from oodcache.cache.format.storage import (
    check_header,
    check_whole,
    is_elsewhere,
    is_of,
    read_packed,
    read_whole,
    type_of,
)

# The datasets other than embeddings and identity, by kind of file.
IMAGE_COLUMNS = ("norm", "ok", "label", "path", "errors", "label_names")
TEXT_COLUMNS = ("norm", "class_names", "class_ids", "templates")
COLUMNS = {
    "images": IMAGE_COLUMNS,
    "texts": TEXT_COLUMNS,
    "image-shard": IMAGE_COLUMNS,
    "text-shard": TEXT_COLUMNS,
}
SHARDS = {"image-shard": "images", "text-shard": "texts"}  # And what they merge into.
HOLDS = {"norm": "float32", "ok": "bool", "label": "int64"}  # All others hold bytes.
ATTRIBUTES = {
    "format": "bytes",
    "version": "int64",
    "kind": "bytes",
    "columns": "bytes",
    "sha256": "bytes",
    "logit_scale": "float64",
    "logit_bias": "float64",
    "run": "bytes",
    "first": "int64",
    "total": "int64",
    "shard_rows": "int64",
}
Datasets = Mapping[str, h5py.Dataset]
Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Structure:
    """A file with a valid structure; `datasets` can be read while it is open.

    `columns` are those that were read to be checked: all but `path`. `place` is None unless it is
    a shard, `checksums` if it holds texts.
    """

    kind: str
    identity: Identity
    place: Place | None
    datasets: Datasets
    columns: Columns
    checksums: Checksums | None

    def paths(self, path: Path) -> list[bytes]:
        """Return the images' paths, after checking how they are packed, and their checksum."""
        stored = read_packed(self.datasets["path"], path, "path")
        assert self.checksums is not None, "texts have no paths"
        self.checksums.check_paths(path, stored)
        paths: list[bytes] = stored.tolist()
        return paths


def check(file: h5py.File, path: Path, *kinds: str) -> Structure:
    """Return the file's structure, checked against the rules of `kinds`; read no vectors."""
    kind = check_head(file, path)
    if kind not in kinds:
        wanted = " or ".join(map(repr, kinds))
        raise RuleError(path, "F1", f"kind is {kind!r}, expected {wanted}")
    datasets = linked(file, path, ("embeddings", *COLUMNS[kind], "identity"))
    _check_embeddings(datasets["embeddings"], path, 3 if kind == "texts" else 2)
    is_images = "ok" in datasets
    columns = (_image_columns if is_images else _text_columns)(datasets, path)
    identity = _checked_identity(file, datasets, path)
    place = _checked_place(file, datasets, identity, path) if kind in SHARDS else None
    for name in summed(kind):
        if name not in columns:
            columns[name] = read_whole(datasets[name])
    _check_sum(file, path, [columns[name] for name in summed(kind)])
    sums = stored_checksums(file, path, len(columns["ok"])) if is_images else None
    return Structure(kind, identity, place, datasets, columns, sums)


def check_identity(file: h5py.File, path: Path, kind: str) -> Identity:
    """Return the identity of a file of `kind`, after checking its head and layout alone."""
    if (found := check_head(file, path)) != kind:
        raise RuleError(path, "F1", f"kind is {found!r}, expected {kind!r}")
    datasets = linked(file, path, ("embeddings", *COLUMNS[kind], "identity"))
    return _checked_identity(file, datasets, path)


def check_head(file: h5py.File, path: Path, kinds: Collection[str] = tuple(COLUMNS)) -> str:
    """Return the file's kind, one of `kinds`, after checking its root attributes (F1)."""
    found = {name: attribute(file, path, name, "F1") for name in ("format", "version", "kind")}
    if found["format"] != rules.FORMAT:
        raise RuleError(path, "F1", f"format is {shown(found['format'])}, not {rules.FORMAT!r}")
    if found["version"] != rules.VERSION:
        what = f"version is {found['version']}, but this oodcache reads {rules.VERSION}"
        newer = "; install a newer oodcache" if (found["version"] or 0) > rules.VERSION else ""
        raise RuleError(path, "F1", what + newer)
    if found["kind"] not in kinds:
        wanted = ", ".join(map(repr, kinds))
        raise RuleError(path, "F1", f"kind is {shown(found['kind'])}, expected one of {wanted}")
    kind: str = found["kind"]
    return kind


def summed(kind: str) -> tuple[str, ...]:
    """Return the columns under the attribute `columns`: all but path, which gzip checks."""
    return tuple(name for name in COLUMNS[kind] if name != "path")


def columns_sum(columns: Iterable[npt.NDArray[Any]]) -> str:
    """Return the SHA-256 of the bytes of all columns in order."""
    digest = hashlib.sha256()
    for column in columns:
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


def _check_sum(file: h5py.File, path: Path, columns: Iterable[Any]) -> None:
    found, expected = columns_sum(columns), attribute(file, path, "columns", "F4")
    if found != expected:
        said = shown(expected and expected[:8])
        what = f"the SHA-256 of the columns is {found[:8]}…, but attribute columns is {said}"
        raise RuleError(path, "F4", what)


def attribute(file: h5py.File, path: Path, name: str, rule: str) -> Any:
    """Return a root attribute as a Python value, None if it is absent."""
    if not h5py.h5a.exists(file.id, name.encode()):
        return None
    attribute, kind = h5py.h5a.open(file.id, name.encode()), ATTRIBUTES[name]
    if attribute.shape != () or not is_of(attribute, kind):
        raise RuleError(path, rule, f"attribute {name} is not one value of type {kind}")
    stored = np.empty((), attribute.dtype)
    attribute.read(stored)
    value = stored.item()
    return value.decode(errors="surrogateescape") if kind == "bytes" else value


def linked(file: h5py.File, path: Path, expected: Collection[str]) -> Datasets:
    """Return the datasets of these names, after checking that all are in the file."""
    if len(file) > 2 * len(expected):  # An untrusted file may have millions of links.
        raise RuleError(path, "F2", f"contains {len(file)} links; expected {sorted(expected)}")
    found = set(file.keys())
    if found != set(expected):
        missing, extra = sorted(set(expected) - found), sorted(found - set(expected))
        what = f"lacks the datasets {missing}" if missing else f"also contains {shown(extra)}"
        raise RuleError(path, "F2", f"{what}; expected {sorted(expected)}")
    with Path(file.filename).open("rb") as raw:
        for name in sorted(expected):
            link = file.id.links.get_info(name.encode())
            if link.type != h5py.h5l.TYPE_HARD:
                raise RuleError(path, "F2", f"'{name}' is a soft or external link, not a dataset")
            check_header(raw, path, name, link.u)
    datasets = {}
    for name in sorted(expected):
        opened = h5py.h5o.open(file.id, name.encode())  # file[name] takes three times as long.
        if not isinstance(opened, h5py.h5d.DatasetID):
            raise RuleError(path, "F2", f"'{name}' is a {type(file[name]).__name__}, not a dataset")
        if is_elsewhere(opened):
            raise RuleError(path, "F2", f"'{name}' is stored outside the file")
        datasets[name] = h5py.Dataset(opened, readonly=True)
    return datasets


def _check_embeddings(embeddings: h5py.Dataset, path: Path, dimensions: int) -> None:
    if not is_of(embeddings, "float32") and not is_of(embeddings, "float16"):
        what = f"'embeddings' is {type_of(embeddings)}, not little-endian float32 or float16"
        raise RuleError(path, "F3", what)
    if embeddings.ndim != dimensions or 0 in embeddings.shape:
        what = f"'embeddings' has shape {embeddings.shape}, expected {dimensions} axes, none empty"
        raise RuleError(path, "F3", what)
    if embeddings.id.get_create_plist().get_layout() != h5py.h5d.CONTIGUOUS:
        raise RuleError(path, "F3", "'embeddings' is not stored in one piece (contiguous)")
    check_whole(embeddings, path, "embeddings", "F3")


def _image_columns(datasets: Datasets, path: Path) -> Columns:
    rows = datasets["embeddings"].shape[0]
    for name in ("norm", "ok", "label", "path"):
        _check_column(datasets, path, name, (rows,))
    for name in ("errors", "label_names"):
        _check_column(datasets, path, name, (datasets[name].size,))
    columns = {name: read_whole(datasets[name]) for name in HOLDS}
    _check_norm(columns["norm"], path)
    ok = columns["ok"]
    if ok.view(np.uint8).max() > 1:  # NumPy would miscount it.
        raise RuleError(path, "F4", "'ok' holds a value that is neither true nor false")
    rules.check_labels(path, columns["label"], datasets["label_names"].size)
    failed, reasons = rows - int(np.count_nonzero(ok)), datasets["errors"].size
    if failed != reasons:
        raise RuleError(path, "F7", f"{failed} rows are not ok, but 'errors' holds {reasons}")
    return columns


def _text_columns(datasets: Datasets, path: Path) -> Columns:
    rows = datasets["embeddings"].shape[:-1]
    _check_column(datasets, path, "norm", rows)
    names, templates = datasets["class_names"].size, datasets["templates"].size
    if len(rows) == 2:
        templates, names = rows
    _check_column(datasets, path, "templates", (templates,))
    for name in ("class_names", "class_ids"):
        _check_column(datasets, path, name, (names,))
    columns = {"norm": read_whole(datasets["norm"])}
    _check_norm(columns["norm"], path)
    return columns


def _check_norm(norm: npt.NDArray[np.float32], path: Path) -> None:
    if not (norm.min() >= 0 and norm.max() < np.inf):  # Also false for NaN.
        raise RuleError(path, "F4", "'norm' holds an invalid length: NaN, infinity or below 0")


def _check_column(datasets: Datasets, path: Path, name: str, shape: tuple[int, ...]) -> None:
    column, kind = datasets[name], HOLDS.get(name, "bytes")
    if column.shape != shape:
        raise RuleError(path, "F4", f"'{name}' has shape {column.shape}, not {shape}")
    if not is_of(column, kind):
        raise RuleError(path, "F4", f"'{name}' is {type_of(column)}, not {kind}")
    if kind == "bytes":
        rules.check_longest(path, name, column.id.get_type().get_size())
    check_whole(column, path, name, "F4")


def _checked_identity(file: h5py.File, datasets: Datasets, path: Path) -> Identity:
    stored = datasets["identity"]
    if stored.shape != () or not is_of(stored, "bytes"):
        what = f"'identity' is {type_of(stored)} of shape {stored.shape}, not one text"
        raise RuleError(path, "F8", what)
    if stored.id.get_create_plist().get_layout() != h5py.h5d.COMPACT:
        raise RuleError(path, "F8", "'identity' is not stored in its own header (compact)")
    check_whole(stored, path, "identity", "F8")
    identity = rules.parse_identity(path, stored[()])
    if identity.model.logit_scale is None and "templates" in datasets:
        raise RuleError(path, "F8", "'identity': 'model.logit_scale' is null, but texts need one")
    for name in ("logit_scale", "logit_bias"):
        found, expected = attribute(file, path, name, "F9"), getattr(identity.model, name)
        if found != expected:
            said = "absent" if found is None else shown(found)
            wanted = "absent" if expected is None else expected
            raise RuleError(path, "F9", f"attribute {name} is {said}, but identity says {wanted}")
    return identity


def _checked_place(file: h5py.File, datasets: Datasets, identity: Identity, path: Path) -> Place:
    names = ("run", "first", "total", "shard_rows")
    found = {name: attribute(file, path, name, "F13") for name in names}
    for name, value in found.items():
        if value is None:
            raise RuleError(path, "F13", f"is a shard, but lacks the attribute {name}")
    try:
        place = Place(**found)
    except ValueError as error:
        raise RuleError(path, "F13", f"its place is invalid: {error}") from None
    rows = datasets["embeddings"].shape[0]
    if rows != place.rows:
        raise RuleError(path, "F13", f"has {rows} rows, but {place} are {place.rows}")
    kind = "texts" if "templates" in datasets else "images"
    if kind == "texts":
        product = datasets["templates"].size * datasets["class_names"].size
        if product != place.total:
            what = f"total is {place.total}, but its templates and classes make {product}"
            raise RuleError(path, "F13", what)
    key = Run(kind, identity, datasets["embeddings"].dtype, place.shard_rows).key
    if place.run != key:
        what = f"run is {place.run[:8]}…, but its identity gives {key[:8]}…"
        raise RuleError(path, "F13", what)
    return place
