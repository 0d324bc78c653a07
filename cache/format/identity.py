"""A file's `identity`: JSON that records which model made it, from what and how."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from oodcache.cache.json_text import parse_json

FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")

OVERRIDDEN = "overridden"  # In `encoding`: the settings that the user gave.
CLASS_NUMBERS = {"labels": "numbers"}  # In `source`: label names are class numbers.
LOADED_FROM = "loaded_from"  # In `source`: where the user's own model files were.
IMPORTED = "imported"  # In `encoding`: the imported format; the true encoding is unknown.


@dataclass(frozen=True)
class ModelIdentity:
    """The model behind a file.

    `name`/`pretrained` is its folder in the cache and its name in results; `requested` is what
    the user typed. `architecture` is the configuration in effect, because equal weights in
    another one (quick GELU, say) are another model; empty if unknown. `weights` is a SHA-256 over
    the loaded weights, so it does not depend on the checkpoint's file format; `checkpoint` is one
    over the local files that were loaded, None if open_clip downloaded them. `logit_scale` is
    already exponentiated, None if unknown; `logit_bias` is None if the model has none, which is
    not 0.
    """

    name: str
    pretrained: str
    requested: str
    architecture: Mapping[str, Any]
    weights: str
    checkpoint: str | None
    logit_scale: float | None
    logit_bias: float | None

    def __post_init__(self) -> None:
        for field in ("name", "pretrained", "requested", "weights"):
            _check_text(getattr(self, field), f"model.{field}")
        if not isinstance(self.architecture, Mapping):
            raise ValueError(f"'model.architecture' is {self.architecture!r}, not an object")
        if self.checkpoint is not None:
            _check_text(self.checkpoint, "model.checkpoint")
        scale = self.logit_scale
        if scale is not None and not (_is_number(scale) and scale > 0):
            raise ValueError(f"'model.logit_scale' is {self.logit_scale!r}, not a positive number")
        if self.logit_bias is not None and not _is_number(self.logit_bias):
            raise ValueError(f"'model.logit_bias' is {self.logit_bias!r}, not a number or null")

    @property
    def label(self) -> str:
        """Return `name/pretrained`, the model's folder in the cache."""
        return f"{self.name}/{self.pretrained}"

    @property
    def was_in_memory(self) -> bool:
        """Return whether Python code had the model: `architecture` then names its class."""
        return "class" in self.architecture


@dataclass(frozen=True)
class Identity:
    """Everything that determined the vectors of a file, and their SHA-256.

    `source` names the dataset or vocabulary; its `fingerprint` changes if the images (paths and
    sizes) or the names and templates do. `encoding` is the preprocessing of images or the
    tokenizer of texts; `precision` the arithmetic; `versions` the libraries'.
    """

    model: ModelIdentity
    source: Mapping[str, Any]
    encoding: Mapping[str, Any]
    precision: Mapping[str, Any]
    versions: Mapping[str, str]
    vectors: str = ""

    @property
    def is_imported(self) -> bool:
        """Return whether another program encoded it; encoding and precision are then unknown."""
        return IMPORTED in self.encoding

    @property
    def has_class_numbers(self) -> bool:
        """Return whether label names are class numbers, counted from 0."""
        return CLASS_NUMBERS.items() <= dict(self.source).items()

    def to_json(self) -> str:
        """Return the JSON text that is stored; equal identities give equal texts."""
        return json.dumps(asdict(self), sort_keys=True, indent=1, allow_nan=False)


def from_json(text: str) -> Identity:
    """Return the identity that `to_json` wrote; raise ValueError, naming the field, otherwise."""
    fields = parse_json(text)
    _check_fields(fields, Identity, "it")
    for name in ("model", "source", "encoding", "precision", "versions"):
        if not isinstance(fields[name], dict):
            raise ValueError(f"'{name}' is not an object")
    _check_file_name(fields["source"].get("name"), "source.name")
    _check_text(fields["source"].get("fingerprint"), "source.fingerprint")
    for name, version in fields["versions"].items():
        _check_text(version, f"versions.{name}")
    _check_text(fields["vectors"], "vectors")
    _check_fields(fields["model"], ModelIdentity, "'model'")
    for name in ("name", "pretrained"):
        _check_file_name(fields["model"][name], f"model.{name}")
    fields["model"] = ModelIdentity(**fields["model"])
    return Identity(**fields)


def _check_fields(fields: object, expected: type, what: str) -> None:
    wanted = sorted(expected.__dataclass_fields__)  # type: ignore[attr-defined]
    if not isinstance(fields, dict) or sorted(fields) != wanted:
        found = sorted(fields) if isinstance(fields, dict) else type(fields).__name__
        raise ValueError(f"{what} holds {found}, not {wanted}")


def _check_text(value: object, field: str) -> None:
    if not isinstance(value, str) or not value:
        raise ValueError(f"'{field}' is {value!r}, not a text")


def _check_file_name(value: object, field: str) -> None:
    """Reject what cannot be a folder in the cache: it could climb out, or be hidden."""
    _check_text(value, field)
    if not FILE_NAME.fullmatch(str(value)):
        raise ValueError(f"'{field}' is {value!r}, not a valid folder name")


def _is_number(value: object) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:  # JSON's integers have no limit, floats do.
        return False
