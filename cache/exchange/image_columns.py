"""The columns of a Parquet or Arrow file that hold images and their labels, as Hugging Face writes.

An image column is a struct of `bytes` and `path`, or plain bytes if its name is given. The features
of a Hugging Face dataset, among them the names of its classes, are JSON in the schema's metadata.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.column_choice import (
    IMAGE_COLUMN,
    LABEL_COLUMNS,
    image_choice,
    label_choice,
)
from oodcache.cache.json_text import parse_json
from oodcache.cache.text import listed

METADATA = b"huggingface"  # Its JSON: {"info": {"features": {NAME: FEATURE}}}.
LARGEST_METADATA = 2**24  # Bytes; a hundred times the names of 21,000 classes.
Features = Mapping[str, Any]


@dataclass(frozen=True)
class ImageColumns:
    """The columns to read: `image`, of structs or of bytes, and `label`, None if there is none.

    `has_path` if the structs have a path. `classes` are the names that a label counts from 0, None
    if labels are no ClassLabel of Hugging Face. `note` says why a column is not read.
    """

    image: str
    is_struct: bool
    has_path: bool
    label: str | None
    classes: tuple[str, ...] | None
    note: str = ""

    @property
    def content(self) -> str:
        """Return the column of encoded images, as a path into the struct."""
        return f"{self.image}.bytes" if self.is_struct else self.image

    @property
    def described(self) -> list[str]:
        """Return the columns that describe images: the path and the label, where they exist."""
        path = [f"{self.image}.path"] if self.has_path else []
        return [*path, *([self.label] if self.label is not None else [])]


def image_columns(path: Path, schema: Any) -> list[str]:
    """Return the columns that are images by their feature, or by their type if it has no feature.

    Raises InputError if the metadata cannot be read.
    """
    with _reading_names(path):
        features = _features(path, schema)
        return [one.name for one in schema if _is_image(one, features)]


def byte_columns(schema: Any) -> list[str]:
    """Return the columns of plain bytes."""
    return [one.name for one in schema if _is_bytes(one.type)]


def has_plain_images(path: Path, schema: Any) -> bool:
    """Return whether the column `image` is of plain bytes, which may be images or paths."""
    with _reading_names(path):
        return _is_plain_image(schema, _features(path, schema))


def columns(path: Path, schema: Any, image: str | None, label: str | None) -> ImageColumns:
    """Return the columns to read: those named, or else the usual ones.

    Raises InputError, with what to type, if there is no image column or no such column, if there
    are several, and if a column's type is another.
    """
    with _reading_names(path):
        return _columns(path, schema, image, label)


def _columns(path: Path, schema: Any, image: str | None, label: str | None) -> ImageColumns:
    features = _features(path, schema)
    for name, option in ((image, "--image-column"), (label, "--label-column")):
        if name is not None and schema.names.count(name) != 1:
            which = "several columns" if name in schema.names else "no column"
            there = listed(schema.names)
            raise InputError(f"{path}: has {which} {name!r}, which {option} names; has {there}")
    image = image or _only_image(path, schema, features)
    kind = schema.field(image).type
    fields = _fields(kind)
    if not (_is_bytes(kind) or _is_bytes(fields.get("bytes"))):
        several = ", several images per row" if _is_list(kind) else ""
        raise InputError(
            f"{path}: column {image!r} holds {_short(kind)}{several}; expected one image per row: "
            "a struct of bytes and path, or bytes"
        )
    if fields and "dictionary<" in str(kind):  # Arrow reads such a struct from one page only.
        raise InputError(
            f"{path}: column {image!r} is a struct of categories (dictionary); cast bytes and path "
            "to their values"
        )
    label, note = _label(path, schema, features, label)
    return ImageColumns(
        image,
        is_struct=bool(fields),
        has_path=_is_text(fields.get("path")),
        label=label,
        classes=_classes(path, schema, features, label),
        note=note,
    )


@contextmanager
def _reading_names(path: Path) -> Iterator[None]:
    """Turn a column's name that is not UTF-8, decoded only when it is asked for, into a line."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: a column's name is not UTF-8 text: {error.reason}") from None


def _features(path: Path, schema: Any) -> Features:
    """Return the features in the metadata, none if it has none."""
    text = (schema.metadata or {}).get(METADATA)
    if text is None:
        return {}
    if len(text) > LARGEST_METADATA:
        raise InputError(
            f"{path}: {len(text):,} bytes of Hugging Face metadata; the limit is "
            f"{LARGEST_METADATA:,}"
        )
    try:
        found = parse_json(text.decode())
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: its Hugging Face metadata cannot be read: {reason}") from None
    info = found.get("info") if isinstance(found, dict) else None
    features = info.get("features") if isinstance(info, dict) else None
    return features if isinstance(features, dict) else {}


def _kind(features: Features, name: str) -> str | None:
    """Return the `_type` of a column's feature, "" for a nested one, None without a feature."""
    feature = features.get(name)
    kind = feature.get("_type") if isinstance(feature, dict) else None
    return None if feature is None else kind if isinstance(kind, str) else ""


def _is_image(field: Any, features: Features) -> bool:
    fields, kind = _fields(field.type), _kind(features, field.name)
    is_struct = _is_bytes(fields.get("bytes"))
    if not kind:  # Audio has the same struct, but is known by its feature.
        return is_struct and "path" in fields
    return kind == "Image" and (is_struct or _is_bytes(field.type))


def _only_image(path: Path, schema: Any, features: Features) -> str:
    found = image_choice([str(one.name) for one in schema if _is_image(one, features)])
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{path}: has several image columns, {listed(found)}; give --image-column NAME"
        )
    if _is_plain_image(schema, features):
        return IMAGE_COLUMN
    if several := [one.name for one in schema if _is_image_list(one.type)]:
        raise InputError(
            f"{path}: column {several[0]!r} holds several images per row; expected a column with "
            "one image per row"
        )
    plain = f", or --image-column {plains[0]}" if (plains := byte_columns(schema)) else ""
    other = _called_otherwise(schema, features)
    raise InputError(
        f"{path}: has no column of images, a struct of bytes and path; has {listed(schema.names)}"
        f"{other}; give a table of paths as NAME=FILE.parquet --path-column NAME{plain}"
    )


def _is_image_list(kind: Any) -> bool:
    return _is_list(kind) and _is_bytes(_fields(kind.value_type).get("bytes"))


def _is_plain_image(schema: Any, features: Features) -> bool:
    """Return whether the column `image` is of plain bytes, which no feature calls otherwise."""
    if schema.names.count(IMAGE_COLUMN) != 1 or not _is_bytes(schema.field(IMAGE_COLUMN).type):
        return False
    return _kind(features, IMAGE_COLUMN) in (None, "Value")


def _called_otherwise(schema: Any, features: Features) -> str:
    """Return which struct of bytes is something else by its feature, "" if there is none."""
    for one in schema:
        if (kind := _kind(features, one.name)) and _is_bytes(_fields(one.type).get("bytes")):
            return f" (its features call {listed([one.name])} {listed([kind])})"
    return ""


def _label(
    path: Path, schema: Any, features: Features, given: str | None
) -> tuple[str | None, str]:
    """Return the label column, None if there is none, and why a column is not taken."""
    label = given or _usual_label(path, schema, features)
    if label is None:
        usual = " or ".join((", ".join(LABEL_COLUMNS[:-1]), LABEL_COLUMNS[-1]))
        return None, f"no column {usual}: the images are unlabelled; use --label-column for another"
    kind = schema.field(label).type
    if _is_label(kind):
        return label, ""
    what = f"column {label!r} holds {_short(kind)}{', several labels per image' * _is_list(kind)}"
    if given is not None:
        raise InputError(f"{path}: {what}; give --label-column one of integers or texts")
    return None, f"{what}: the images are unlabelled; use --label-column for another"


def _usual_label(path: Path, schema: Any, features: Features) -> str | None:
    named = [one for one in schema.names if _kind(features, one) == "ClassLabel"]
    found = label_choice(schema.names, named)
    if len(found) > 1:
        raise InputError(
            f"{path}: has several columns of labels, {listed(found)}; give --label-column NAME"
        )
    if found and schema.names.count(found[0]) > 1:
        raise InputError(f"{path}: has several columns {found[0]!r}; give --label-column another")
    return found[0] if found else None


def _classes(
    path: Path, schema: Any, features: Features, label: str | None
) -> tuple[str, ...] | None:
    """Return the names of a ClassLabel, None if the label is not one."""
    from pyarrow import types

    if label is None or _kind(features, label) != "ClassLabel":
        return None
    if not types.is_integer(schema.field(label).type):
        return None
    names = features[label].get("names")
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise InputError(f"{path}: the class names of {label!r} are not a list of texts")
    if repeated := [one for one, times in Counter(names).items() if times > 1][:1]:
        raise InputError(f"{path}: two classes of {label!r} have the name {listed(repeated)}")
    if (wrong := next((one for one in names if not one.strip() or "\0" in one), None)) is not None:
        raise InputError(f"{path}: {label!r} has a class of the name {listed([wrong])}")
    return tuple(names)


def _fields(kind: Any) -> dict[str, Any]:
    """Return the types of a struct by name, none if it is not one."""
    from pyarrow import types

    return {one.name: one.type for one in kind} if types.is_struct(kind) else {}


def _is_bytes(kind: Any) -> bool:
    return str(_plain(kind)) in ("binary", "large_binary")


def _is_text(kind: Any) -> bool:
    return str(_plain(kind)) in ("string", "large_string")


def _plain(kind: Any) -> Any:
    """Return the type of categories, each of which is stored once, and any other type as it is."""
    from pyarrow import types

    return kind.value_type if kind is not None and types.is_dictionary(kind) else kind


def _is_label(kind: Any) -> bool:
    from pyarrow import types

    kind = _plain(kind)
    return types.is_integer(kind) or types.is_null(kind) or _is_text(kind) or _is_bytes(kind)


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    lists = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    return any(is_one(kind) for is_one in lists)


def _short(kind: Any) -> str:
    text = str(kind)
    return text if len(text) <= 60 else f"{text[:59]}…"
