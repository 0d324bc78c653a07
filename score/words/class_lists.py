"""Class names of OOD sets: from a file, from the labels of their images, or from a vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import Vocabulary
from oodcache.cache.shards.shard_set import open_text_rows
from oodcache.cache.store import store
from oodcache.cache.text import counted
from oodcache.score.inputs.labels import composed
from oodcache.score.inputs.views import View
from oodcache.score.words.leak_search import ClassFile
from oodcache.score.words.word_net import WordNet

WORDNET_ID, NUMBER = re.compile(r"n[0-9]{8}"), re.compile(r"[0-9]+")
Named = Mapping[str, tuple[str, ...]]
# Folders of images, in lower case, that are named after no class.
NO_CLASSES = frozenset(
    (
        *("data", "dataset", "image", "images", "img", "imgs", "id", "ood", "unknown"),
        *("test", "train", "training", "val", "validation"),
    )
)


@dataclass(frozen=True)
class NamedClass:
    """A class: its names, the one to show first, and its WordNet id, "" without one."""

    names: tuple[str, ...]
    wordnet_id: str = ""


@dataclass(frozen=True)
class ClassList:
    """The classes of an OOD set, None if they are not known; `source` says from where, or why."""

    classes: tuple[NamedClass, ...] | None
    source: str


@dataclass(frozen=True)
class ClassLists:
    """The class lists of a model's sets; `cache` and `label` are where its vocabularies are.

    A WordNet id is named by `wordnet`, or by a cached vocabulary that has it.
    """

    cache: Path
    label: str
    wordnet: WordNet | None = None
    _opened: dict[Path, Vocabulary | None] = field(default_factory=dict)
    _ids: dict[Path, Named] = field(default_factory=dict)

    def of_file(self, file: ClassFile) -> ClassList:
        """Return the classes of a file; of names with commas, each part is a name as well."""
        pairs = [
            (one if WORDNET_ID.fullmatch(one) else name, _synonyms(name))
            for one, name in zip(file.ids, file.names, strict=True)
        ]
        found = self._listed([key for key, _ in pairs], dict(pairs), str(file.path))
        if found.classes is None:
            raise InputError(f"{file.path}: {found.source}; write their names instead")
        return found

    def of_view(self, view: View) -> ClassList:
        """Return the classes of a set by the labels of its images.

        A whole set whose labels name no class has those of the vocabulary called like it.
        """
        file, dataset = view.file, view.file.path.stem
        places = np.unique(file.label[view.selected])
        labels = [composed(file.label_names[place]) for place in places.tolist() if place >= 0]
        called = self._vocabulary(names.text_path(self.cache, self.label, dataset))
        if not (reason := _nameless(view, labels)):
            by_id = {} if called is None else _by_id(called)
            if view.subset is not None:
                pairs = zip(view.subset.ids, view.subset.names, strict=True)
                by_id |= {one: (name,) for one, name in pairs if name}
            return self._listed(labels, by_id, "labels of its images")
        if called is None or view.subset is not None:
            return ClassList(None, reason)
        keys = [one or name for one, name in zip(called.ids, called.names, strict=True)]
        return self._listed(keys, _by_id(called), f"vocabulary {dataset}")

    def _listed(self, keys: Sequence[str], by_id: Named, source: str) -> ClassList:
        """Return classes from their ids or names; they are not known if an id has no name."""
        classes, nameless = [], []
        for key in dict.fromkeys(keys):
            found = by_id.get(key, ())
            if WORDNET_ID.fullmatch(key):
                found = (*found, *(self._named(key) if not found or self.wordnet else ()))
                classes.append(NamedClass(tuple(dict.fromkeys(found)), key))
                nameless += [] if found else [key]
            else:
                classes.append(NamedClass(found or (key,)))
        if nameless:
            of_all = f"{len(nameless):,} of {counted(len(classes), 'class')}"
            return ClassList(None, f"{of_all} named only by a WordNet id, such as {nameless[0]}")
        return ClassList(tuple(classes), source)

    def _named(self, wordnet_id: str) -> Sequence[str]:
        """Return the names of a WordNet id: WordNet's own, or those of a cached vocabulary."""
        if self.wordnet is not None and (synset := self.wordnet.synset(wordnet_id)):
            return self.wordnet.names(synset)
        found = (by_id[wordnet_id] for by_id in self._ids_of_all() if wordnet_id in by_id)
        return next(found, ())

    def _ids_of_all(self) -> Iterator[Named]:
        """Yield the names of each id of every cached vocabulary, opened once it is needed."""
        for one in store.known(self.cache, self.label):
            if one.kind != "texts":
                continue
            if one.path not in self._ids:
                found = self._vocabulary(one.path)
                self._ids[one.path] = {} if found is None else _by_id(found)
            yield self._ids[one.path]

    def _vocabulary(self, path: Path) -> Vocabulary | None:
        """Return a cached vocabulary, None if it is missing or cannot be read."""
        if path not in self._opened:
            try:
                self._opened[path] = open_text_rows(path).vocabulary
            except InputError:
                self._opened[path] = None
        return self._opened[path]


def _nameless(view: View, labels: Sequence[str]) -> str:
    """Return why a set's labels name no classes, "" if they do."""
    if not labels:
        return "its images have no labels"
    if view.file.identity.has_class_numbers or all(map(NUMBER.fullmatch, labels)):
        return "its labels are class numbers"
    if all(one.lower() in NO_CLASSES for one in labels):
        return f"its labels are no class names, such as {labels[0]!r}"
    return ""


def _synonyms(name: str) -> tuple[str, ...]:
    """Return the names in a name: of "china, chinaware" the whole and both; none of a WordNet id.

    >>> _synonyms("china, chinaware"), _synonyms("n03017168")
    (('china, chinaware', 'china', 'chinaware'), ())
    """
    if WORDNET_ID.fullmatch(name):
        return ()
    parts = [one.strip() for one in name.split(",")]
    return tuple(dict.fromkeys(one for one in (name, *parts) if one))


def _by_id(vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """Return the name of each id of a vocabulary."""
    pairs = zip(vocabulary.ids, vocabulary.names, strict=True)
    return {composed(one): (name,) for one, name in pairs if one}
