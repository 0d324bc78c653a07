"""Class names and prompt templates: ImageNet's, from a file, or from class folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from oodcache.cache import subsets
from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import Vocabulary
from oodcache.cache.names import check_name
from oodcache.extract.sources import clip_benchmark
from oodcache.extract.sources.image_files import aside
from oodcache.extract.texts import word_lists

DEFAULT_TEMPLATE = "a photo of a {}"
OPENAI = "openai"
CONJUGATED = "csp:"


def find(specification: str, templates: Sequence[str]) -> tuple[str, Vocabulary]:
    """Return the name and vocabulary for a known name, NAME=FILE, =FOLDER or =csp:FILE.

    A folder in CLIP_benchmark's layout provides templates if none is given.
    """
    name, equals, source = specification.partition("=")
    if equals:
        check_name(name, "vocabulary")
        ids, names = _from(source)
        if clip_benchmark.has_classes(Path(source)):
            templates = templates or clip_benchmark.templates(Path(source))
    elif name in KNOWN:
        ids, names = KNOWN[name]()
    elif name in subsets.NAMES:
        ids, names = _subset(name)
    else:
        own = "NAME=FILE with one name per line, or NAME=FOLDER with a folder per class"
        if name and Path(name).exists():
            own = f"{Path(name).stem}={name}"
        known = ", ".join((*KNOWN, *subsets.NAMES))
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


def _from(source: str) -> word_lists.Columns:
    """Return ids and names from a file, a folder, or csp:FILE with adjectives."""
    if source.startswith(CONJUGATED):
        return word_lists.conjugated(word_lists.read(Path(source.removeprefix(CONJUGATED))))
    path = Path(source)
    if clip_benchmark.has_classes(path):
        names = clip_benchmark.class_names(path)
        return ("",) * len(names), names
    return _from_folder(path) if path.is_dir() else word_lists.read(path)


def _from_folder(path: Path) -> word_lists.Columns:
    names = sorted(
        one.name
        for one in path.iterdir()
        if one.is_dir() and aside(os.fsencode(one.name), is_folder=True) is None
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
    by_id = dict(zip(*_imagenet(), strict=True))
    return subset.ids, tuple(by_id[one] for one in subset.ids)


def imagenet_ids() -> tuple[str, ...]:
    """Return ImageNet's 1,000 WordNet ids, from timm, in the order of its class numbers."""
    return tuple(_of_timm("imagenet_synsets.txt").read_text().split())


def _imagenet() -> word_lists.Columns:
    """Return the 1,000 WordNet ids and open_clip's names, in the same order."""
    from open_clip import IMAGENET_CLASSNAMES

    return imagenet_ids(), tuple(IMAGENET_CLASSNAMES)


def _imagenet21k() -> word_lists.Columns:
    """Return the 21,841 WordNet ids of ImageNet-21K and each one's first lemma, from timm.

    Its file of lemmas has three more ids, which are not synsets of that release.
    """
    ids = _of_timm("imagenet22k_synsets.txt").read_text().split()
    lemmas = _of_timm("imagenet_synset_to_lemma.txt").read_text("utf-8")
    return tuple(ids), word_lists.first_lemmas(lemmas, ids)


def _of_timm(name: str) -> Path:
    timm = find_spec("timm")
    assert timm is not None and timm.origin is not None, "open_clip depends on timm"
    return Path(timm.origin).parent / "data" / "_info" / name


def _openai_templates() -> list[str]:
    from open_clip import OPENAI_IMAGENET_TEMPLATES

    return [template("{}") for template in OPENAI_IMAGENET_TEMPLATES]


KNOWN = {"imagenet": _imagenet, "imagenet21k": _imagenet21k}
