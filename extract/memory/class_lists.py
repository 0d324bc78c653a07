"""Class names from Python: what --classes takes, a list of names, or a mapping."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from pathlib import Path
from typing import Any

from oodcache.cache import subsets
from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import Vocabulary
from oodcache.cache.names import check_name
from oodcache.cache.watch import Note
from oodcache.extract.texts import mappings, spoken, vocabularies

Classes = str | os.PathLike[str] | Iterable[str] | Mapping[Any, Any]


def vocabulary(
    classes: Classes,
    name: str | None,
    templates: str | Sequence[str],
    note: Note,
    data_root: Path | None = None,
) -> tuple[str, Vocabulary]:
    """Return the name and vocabulary of `classes`; lists, mappings and bare paths need a `name`.

    Prompts say names as they do those of a file. Raises InputError, with the place, for a value
    that is no name, is blank or repeats.
    """
    several = as_templates(templates)
    if isinstance(classes, (str, os.PathLike)):
        typed = _typed(os.fspath(classes), name)
        return vocabularies.find(typed, several, note, data_root=data_root)
    if name is None:
        raise InputError('classes is a list: give it a name, such as name="pets"')
    check_name(name, "vocabulary")
    if isinstance(classes, (Iterator, KeysView, ValuesView)):
        classes = list(classes)
    if not isinstance(classes, (Mapping, list, tuple)):
        if not hasattr(classes, "tolist"):
            raise InputError(f"classes is {type(classes).__name__}: expected {mappings.FORMS}")
        classes = classes.tolist()
    try:
        ids, names = mappings.columns(classes)
    except ValueError as error:
        raise InputError(f"classes: {error}") from None
    _check(ids, names)
    ids, names = spoken.spoken((ids, names), name, note)
    return name, Vocabulary(names, ids, vocabularies.expand(several))


def as_templates(templates: str | Sequence[str]) -> tuple[str, ...]:
    """Return one template or several as a tuple; raise InputError for what is no text."""
    several = (templates,) if isinstance(templates, str) else tuple(templates)
    for place, one in enumerate(several):
        if not isinstance(one, str):
            raise InputError(
                f"template[{place}] is {type(one).__name__}: expected a text with {{}}"
            )
    return several


def _typed(classes: str, name: str | None) -> str:
    """Return NAME=PATH for the path of a file or folder, and anything else as it is."""
    is_known = classes in vocabularies.KNOWN or classes in subsets.NAMES
    if name is None or "=" in classes or is_known or not Path(classes).exists():
        return classes
    return f"{name}={classes}"


def _check(ids: Sequence[str], names: Sequence[str]) -> None:
    """Raise InputError for blank names, and for names or ids that repeat."""
    keys = ids if any(ids) else names
    first: dict[str, int] = {}
    for place, (key, name) in enumerate(zip(keys, names, strict=True)):
        if not key.strip() or not name.strip() or "\0" in name:
            raise InputError(f"classes[{place}] is {name[:40]!r}: expected a name")
        if (before := first.setdefault(key, place)) != place:
            raise InputError(f"classes[{place}] repeats classes[{before}], {key[:40]!r}")
