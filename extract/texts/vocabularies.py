"""Class names and prompt templates: ImageNet's, from a file, or from class folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from oodcache.cache import subsets
from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import Vocabulary
from oodcache.cache.names import named_path
from oodcache.cache.watch import Note
from oodcache.extract.known.fine_grained import FINE_GRAINED
from oodcache.extract.sources import clip_benchmark, datasets
from oodcache.extract.sources.hugging_face import layouts, stored
from oodcache.extract.sources.image_files import aside
from oodcache.extract.sources.listing import UNSAID, Options
from oodcache.extract.texts import cifar, class_files, imagenet, spoken, word_lists

DEFAULT_TEMPLATE = "a photo of a {}"
OPENAI = "openai"
CONJUGATED = "csp:"


def find(
    specification: str,
    templates: Sequence[str],
    note: Note = lambda text: None,
    *,
    verbatim: bool = False,
    options: Options = UNSAID,
    data_root: Path | None = None,
) -> tuple[str, Vocabulary]:
    """Return the name and vocabulary for a known name, NAME=FILE, =FOLDER or =csp:FILE.

    A Hugging Face dataset has the names of its label, a column that `options` may name. A folder
    in CLIP_benchmark's layout provides templates if none is given. Notes say how a file was read,
    unless it has a name, or an id, a tab and a name, per line, and which names prompts say
    otherwise; with `verbatim`, names stay as they are. The fine-grained datasets' own files below
    `data_root` have their class names.
    """
    name = specification
    if "=" in specification:
        name, source = named_path(specification, "vocabulary")
        named_path(f"{name}={source.removeprefix(CONJUGATED)}", "vocabulary")
        ids, names = _stored(source, options) or _from(source, note)
        if clip_benchmark.has_classes(Path(source)):
            templates = templates or clip_benchmark.templates(Path(source))
        elif not verbatim:
            ids, names = spoken.spoken((ids, names), name, note)
    elif name in KNOWN:
        ids, names = KNOWN[name]()
    elif name in subsets.NAMES:
        ids, names = _subset(name)
    elif name in FINE_GRAINED and data_root is not None:
        own_names = tuple(datasets.class_names(name, data_root))
        ids, names = spoken.spoken((own_names, own_names), name, note)
    else:
        own = "NAME=FILE with one name per line, or NAME=FOLDER with a folder per class"
        if name and Path(name).exists():
            own = f"{Path(name).stem}={name}"
        known = ", ".join((*KNOWN, *subsets.NAMES, *FINE_GRAINED))
        raise InputError(f"--classes {name!r} is not known (known are: {known}); use {own}")
    return name, Vocabulary(names, ids, expand(templates))


def expand(templates: Sequence[str]) -> tuple[str, ...]:
    """Return the given templates, or the default one if none; 'openai' expands to its 80."""
    expanded: list[str] = []
    for template in templates or (DEFAULT_TEMPLATE,):
        if template == OPENAI:
            expanded.extend(_openai_templates())
        elif template.count("{}") == 1:
            expanded.append(template)
        else:
            raise InputError(
                f"--template {template!r}: must contain {{}} once, for the class name, "
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


def _stored(source: str, options: Options) -> word_lists.Columns | None:
    """Return the class names of a Hugging Face dataset, None if `source` is not one."""
    path = Path(source)
    if not (layouts.below(path) if path.is_dir() else layouts.is_stored(path)):
        return None
    found = datasets.find(f"classes={source}", Path(), options)
    if found.form != datasets.STORED:
        return None
    names = stored.class_names(found)
    return names, names


def _from(source: str, note: Note) -> word_lists.Columns:
    """Return ids and names from a file, a folder, or csp:FILE with adjectives."""
    if source.startswith(CONJUGATED):
        return word_lists.conjugated(class_files.read(Path(source.removeprefix(CONJUGATED)), note))
    path = Path(source)
    if clip_benchmark.has_classes(path):
        names = clip_benchmark.class_names(path)
        return ("",) * len(names), names
    return _from_folder(path) if path.is_dir() else class_files.read(path, note)


def _from_folder(path: Path) -> word_lists.Columns:
    names = spoken.by_number(
        [
            one.name
            for one in path.iterdir()
            if one.is_dir() and aside(os.fsencode(one.name), is_folder=True) is None
        ]
    )
    if not names:
        raise InputError(
            f"{path}: contains no class folders; expected a folder per class, or a text file"
        )
    for name in names:
        if not name.isprintable():  # Bytes that are not UTF-8 are lone surrogates.
            raise InputError(f"{path}: folder {name!r} cannot be a class name; list them in a file")
    return tuple(names), tuple(names)


def _subset(name: str) -> word_lists.Columns:
    """Return a subset's ids, and its source's names or else ImageNet's."""
    subset = subsets.known(name)
    if all(subset.names):
        return subset.ids, subset.names
    by_id = dict(zip(*imagenet.thousand(), strict=True))
    return subset.ids, tuple(by_id[one] for one in subset.ids)


def _openai_templates() -> list[str]:
    from open_clip import OPENAI_IMAGENET_TEMPLATES

    return [template("{}") for template in OPENAI_IMAGENET_TEMPLATES]


KNOWN = {
    "imagenet": imagenet.thousand,
    "imagenet21k": imagenet.whole,
    "imagenet200": imagenet.two_hundred,
    "cifar10": cifar.ten,
    "cifar100": cifar.hundred,
}
