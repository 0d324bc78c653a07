"""Class names and templates: ImageNet's, a text file's, or the class folders of a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from oodcache.cache import subsets
from oodcache.cache.errors import InputError
from oodcache.cache.names import check_name
from oodcache.cache.text_file import Vocabulary

DEFAULT_TEMPLATE = "a photo of a {}"
OPENAI = "openai"


def find(specification: str, templates: Sequence[str]) -> tuple[str, Vocabulary]:
    """Return the name and the vocabulary of `imagenet`, a subset, NAME=FILE or NAME=FOLDER."""
    name, equals, path = specification.partition("=")
    if equals:
        check_name(name, "vocabulary")
        ids, names = _from_folder(Path(path)) if Path(path).is_dir() else _from_file(Path(path))
    elif name == "imagenet":
        ids, names = _imagenet()
    elif name in subsets.NAMES:
        ids, names = _subset(name)
    else:
        own = "NAME=FILE with a name a line, or NAME=FOLDER with a folder a class"
        if name and Path(name).exists():
            own = f"{Path(name).stem}={name}"
        known = ", ".join(("imagenet", *subsets.NAMES))
        raise InputError(f"--classes {name!r} is not known (known are: {known}); type {own}")
    return name, Vocabulary(names, ids, expand(templates))


def expand(templates: Sequence[str]) -> tuple[str, ...]:
    """Return the templates that were typed, the default one for none, 'openai' as its 80."""
    expanded: list[str] = []
    for template in templates or (DEFAULT_TEMPLATE,):
        if template == OPENAI:
            expanded.extend(_openai_templates())
        elif template.count("{}") == 1:
            expanded.append(template)
        else:
            raise InputError(
                f"--template {template!r}: wants {{}} once, where the class name goes, "
                f"as in {DEFAULT_TEMPLATE!r}; or 'openai' for its 80"
            )
    return tuple(dict.fromkeys(expanded))


def fingerprint(vocabulary: Vocabulary) -> str:
    """Return a SHA-256 over names, ids and templates, in order."""
    digest = hashlib.sha256()
    for column in (vocabulary.names, vocabulary.ids, vocabulary.templates):
        for text in column:
            digest.update(text.encode() + b"\0")
        digest.update(b"\0")
    return digest.hexdigest()


def _from_file(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; --classes NAME=FILE reads names") from None
    if not lines:
        raise InputError(f"{path}: is empty; wants a class name a line")
    pairs = [line.split("\t") if "\t" in line else ["", line] for line in lines]
    for number, pair in enumerate(pairs, 1):
        _check_line(path, number, pair, with_id="\t" in lines[0])
    ids, names = (tuple(part.strip() for part in column) for column in zip(*pairs, strict=True))
    _check_distinct(path, ids if ids[0] else names)
    return ids, names


def _check_line(path: Path, number: int, pair: list[str], *, with_id: bool) -> None:
    if not pair[-1].strip():
        raise InputError(f"{path}: line {number} is blank; take it out")
    if len(pair) != 2 or bool(pair[0].strip()) != with_id or "\0" in "".join(pair):
        wanted = "an id, a tab and a name, as line 1 has" if with_id else "a name and no tab"
        raise InputError(f"{path}: line {number} wants {wanted}")


def _check_distinct(path: Path, keys: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for number, key in enumerate(keys, 1):
        if key in first:
            raise InputError(
                f"{path}: line {number} repeats line {first[key]}, {key!r}; take one out, or "
                "tell them apart by ids: an id, a tab, a name"
            )
        first[key] = number


def _from_folder(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = sorted(
        one.name for one in path.iterdir() if one.is_dir() and not one.name.startswith(".")
    )
    if not names:
        raise InputError(f"{path}: holds no class folders; wants a folder a class, or a text file")
    for name in names:
        if not name.isprintable():  # Bytes that are not UTF-8 come as lone surrogates.
            raise InputError(f"{path}: folder {name!r} cannot be a class name; list them in a file")
    return tuple(names), tuple(names)


def _subset(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a subset's ids, and its source's names or, where that has none, ImageNet's."""
    subset = subsets.known(name)
    if all(subset.names):
        return subset.ids, subset.names
    by_id = dict(zip(*_imagenet(), strict=True))
    return subset.ids, tuple(by_id[one] for one in subset.ids)


def _imagenet() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the 1,000 WordNet ids, from timm, and open_clip's names, in the same order."""
    from open_clip import IMAGENET_CLASSNAMES

    timm = find_spec("timm")
    assert timm is not None and timm.origin is not None, "open_clip depends on timm"
    listed = Path(timm.origin).parent / "data" / "_info" / "imagenet_synsets.txt"
    return tuple(listed.read_text().split()), tuple(IMAGENET_CLASSNAMES)


def _openai_templates() -> list[str]:
    from open_clip import OPENAI_IMAGENET_TEMPLATES

    return [template("{}") for template in OPENAI_IMAGENET_TEMPLATES]
