"""The input of an import: arrays, and the paths, labels or names of their rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import arrays as foreign
from oodcache.cache.exchange import parquet, row_names
from oodcache.cache.exchange.arrays import Array
from oodcache.cache.exchange.row_names import Labels
from oodcache.cache.files.texts import Vocabulary
from oodcache.extract.texts import vocabularies

LABELS = ("label_list", "labels", "label", "targets")
OF_IMAGES = ("dataset", "metadata", "paths", "labels", "label_names")
OF_TEXTS = ("classes", "templates")
OF_MODEL = ("model", "weights", "logit_scale", "logit_bias")
OF_ALL = (*OF_IMAGES, *OF_TEXTS, *OF_MODEL, "like")
AS_IT_IS = "{}"  # The template if none is given.


@dataclass(frozen=True)
class Import:
    """The options of an import; those not given are None or empty."""

    source: Path
    cache: Path
    model: str | None = None
    like: Path | None = None
    dataset: str | None = None
    classes: str | None = None
    metadata: Path | None = None
    paths: Path | None = None
    labels: Path | None = None
    label_names: Path | None = None
    weights: str | None = None
    logit_scale: float | None = None
    logit_bias: float | None = None
    templates: tuple[str, ...] = ()
    dtype: str | None = None
    overwrite: bool = False


def reject(given: Import, reason: str, *options: str) -> None:
    """Reject options that would be ignored."""
    for option in options:
        if getattr(given, option) not in (None, ()):
            name = {"templates": "template"}.get(option, option).replace("_", "-")
            raise InputError(f"{given.source}: {reason}: omit --{name}")


def opened(source: Path) -> tuple[str, Mapping[str, Array]]:
    """Return the tool that writes such a file, and its arrays by name."""
    if source.is_dir():
        parts = {
            number: foreign.open_npy(path) for number, path in foreign.parts(source, "npy").items()
        }
        return "clip-retrieval", {"": foreign.joined(source, parts)}
    if source.suffix == ".npy":
        return "npy", {"": foreign.open_npy(source)}
    if source.suffix == ".npz":
        arrays = foreign.open_npz(source)
        return "OpenOOD" if "feat_list" in arrays else "npz", arrays
    if source.suffix == ".pt":
        return "CLIP_benchmark", _tensors(source)
    raise InputError(f"{source}: expected a .npy, .npz or .pt file, or a folder of img_emb_*.npy")


def remarks(given: Import, arrays: Mapping[str, Array]) -> Iterator[str]:
    """Yield a line on what an import does not read: other arrays, and missing parts of a folder."""
    vectors, is_of_images = foreign.pick(given.source, arrays), given.dataset is not None
    found = {name for name, one in arrays.items() if one is vectors}
    if is_of_images and given.labels is None:
        found |= {next((name for name in LABELS if name in arrays), "")}
    if unread := [name for name in arrays if name not in found]:
        names = ", ".join(unread[:10]) + ", …" * (len(unread) > 10)
        how = f" (labels are {', '.join(LABELS[:-1])} or {LABELS[-1]}; give --labels, --paths)"
        yield f"{given.source}: not read: {names}{how if is_of_images else ''}"
    if given.source.is_dir():
        there = foreign.parts(given.source, "npy")
        missing = (str(one) for one in range(max(there)) if one not in there)
        if some := list(islice(missing, 6)):
            names = ", ".join(some[:5]) + ", …" * (len(some) > 5)
            yield f"{given.source}: has no part {names} of 0 to {max(there)}; the rest is imported"


def _tensors(path: Path) -> dict[str, Array]:
    return {
        name: foreign.in_memory(f"{path}: {name!r}" if name else str(path), tensor)
        for name, tensor in read_tensors(path).items()
    }


def paths(given: Import, count: int) -> list[bytes]:
    """Return each row's path: from a list, from metadata, or made up."""
    if given.paths is not None and given.metadata is not None:
        raise InputError("--paths and --metadata both give paths: omit one")
    if given.paths is not None:
        listed = row_names.lines(given.paths)
        _check_count(given.source, count, given.paths, len(listed))
        return row_names.relative(given.paths, listed)
    if given.metadata is None:
        return row_names.generated(count)
    return row_names.relative(given.metadata, _metadata(given, "image_path", count))


def _metadata(given: Import, column: str, count: int) -> list[bytes]:
    """Return a column of clip-retrieval's metadata; each part must be as long as its vectors."""
    assert given.metadata is not None
    if given.source.is_dir() != given.metadata.is_dir():
        raise InputError(f"{given.metadata}: give a folder of metadata for a folder of vectors")
    if not given.source.is_dir():
        values = parquet.read_texts(given.metadata, column)
        _check_count(given.source, count, given.metadata, len(values))
        return values
    vectors = foreign.parts(given.source, "npy")
    tables = foreign.parts(given.metadata, "parquet")
    if set(vectors) != set(tables):
        number = min(set(vectors) ^ set(tables))
        without = given.metadata if number in vectors else given.source
        raise InputError(f"{without}: has no part {number}, but the other folder has")
    values = []
    for number, table in tables.items():
        part = parquet.read_texts(table, column)
        _check_count(vectors[number], foreign.open_npy(vectors[number]).shape[0], table, len(part))
        values += part
    return values


def labels(given: Import, arrays: Mapping[str, Array], count: int) -> Labels:
    """Return each row's label: from a file, from the arrays, or none."""
    label_names = None if given.label_names is None else row_names.names(given.label_names)
    there = next((arrays[name] for name in LABELS if name in arrays), None)
    if given.labels is None and there is None:
        if label_names is not None:
            raise InputError(f"{given.label_names}: there are no labels to name: give --labels")
        return Labels(np.full(count, -1), ())
    if given.labels is not None and given.labels.suffix not in (".npy", ".npz", ".pt"):
        found, origin = row_names.label_lines(given.labels, label_names), str(given.labels)
    else:
        array = there if given.labels is None else _only(given.labels)
        assert array is not None
        _check_count(given.source, count, array.origin, math.prod(array.shape[:1]))
        found, origin = row_names.numbered(array.origin, array.whole(), label_names), array.origin
    _check_count(given.source, count, origin, len(found.label))
    return found


def _only(path: Path) -> Array:
    """Return the labels in a file of arrays."""
    _, arrays = opened(path)
    named = [arrays[name] for name in LABELS if name in arrays]
    return (named or [foreign.pick(path, arrays)])[0]


def _check_count(source: Path, count: int, other: Path | str, found: int) -> None:
    if count != found:
        raise InputError(f"{other}: has {found:,} rows, but {source} has {count:,}")


def vocabulary(given: Import) -> tuple[str, Vocabulary]:
    """Return the name and the vocabulary of NAME=FILE."""
    assert given.classes is not None
    check_templates(given.templates)
    if "=" in given.classes:
        templates = given.templates or (AS_IT_IS,)
        return vocabularies.find(given.classes, templates, verbatim=True)
    raise InputError(
        f"--classes {given.classes!r}: give NAME=names.txt, with one class name per line"
    )


def check_templates(templates: Sequence[str]) -> None:
    """Raise InputError unless each template has one place for the class name."""
    for template in templates:
        if template.count("{}") != 1:
            raise InputError(
                f"--template {template!r}: must contain {{}} once, for the class name, as in "
                f"{vocabularies.DEFAULT_TEMPLATE!r}"
            )


def read_tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return a .pt file's tensors by name, a tensor on its own as ''; run no pickled code."""
    if find_spec("torch") is None:
        raise InputError(f"{path}: reading .pt needs torch: type  pip install 'oodcache[extract]'")
    import torch

    from oodcache.extract.model import checkpoint

    loaded = checkpoint.read(path)
    tensors = loaded if isinstance(loaded, dict) else {"": loaded}
    found = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided:
            raise InputError(f"{path}: contains {type(tensor).__name__}; only tensors are read")
        if tensor.dtype == torch.bfloat16:  # NumPy has no such type.
            tensor = tensor.float()
        found[str(name)] = tensor.detach().resolve_conj().resolve_neg().numpy()
    return found
