"""What the cache has for a model's scores: classes, ID and OOD images, a bank, negatives."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.negatives import CSP, Negatives, read_negatives
from oodcache.cache.files.texts import TextRows, Vocabulary, open_unread_rows
from oodcache.cache.shards.shard_set import is_complete, open_images, open_text_rows
from oodcache.cache.store import store
from oodcache.cache.watch import Note
from oodcache.score.inputs import bank_classes, labels

File = TypeVar("File")


@dataclass(frozen=True)
class CachedBank:
    """Images besides the ID set, with labels or, of a model without texts, perhaps without.

    `smallest` is the number of images in the smallest of their classes, `rows` without labels;
    `has_every_class` if each class has one of them.
    """

    name: str
    rows: int
    smallest: int
    has_every_class: bool


@dataclass(frozen=True)
class CachedNegatives:
    """Mined negatives: the number of `words`, without those of a conjugated pool (`has_pool`).

    `near` is the number of their nearest words, besides.
    """

    name: str
    words: int
    has_pool: bool
    near: int = 0


@dataclass(frozen=True)
class Cached:
    """The finished files of one model, as its scores could use them.

    `label` is its `name/pretrained`; `scale` is None if unknown, `bias` if it has none. `classes`
    is a vocabulary of `count` classes, or None for a model without texts, whose classes are those
    of the bank's labels. All labels of `id_set` are among the classes; `ood_sets` have no such
    label, or no labels. Without such labels the ID set is None, and the others are not known to be
    OOD. `negatives` are None if none were mined with the classes. `noise` names cached images of
    noise.
    """

    label: str
    scale: float | None
    bias: float | None
    classes: str | None
    count: int
    id_set: str | None = None
    ood_sets: tuple[str, ...] = ()
    bank: CachedBank | None = None
    negatives: CachedNegatives | None = None
    noise: tuple[str, ...] = ()


def of_model(cache: Path, model: str, note: Note) -> Cached:
    """Return what is cached for a model; what is begun but incomplete does not count.

    A damaged file does not count either, nor do negatives whose word lists are not cached: a note
    says how to mend it.

    Of several vocabularies it is the one whose classes most sets have as labels, the smallest of
    those. Of several sets whose labels are classes, the first without "train" in its name, by size,
    is the ID set, and the last the bank. A model without texts has a bank's labels as classes.
    Raises InputError if the model or its classes are missing.
    """
    label = store.find_model(cache, model)
    paths: dict[str, list[Path]] = {"images": [], "texts": []}
    for one in store.known(cache, label):
        if one.path.exists() or is_complete(one.path):
            paths[one.kind].append(one.path)
    images = _opened(paths["images"], open_images, note)
    # Images of noise are there for a score to begin with.
    noise = tuple(name for name, one in images.items() if "noise" in one.identity.encoding)
    images = {name: one for name, one in images.items() if "noise" not in one.identity.encoding}
    texts = _opened(paths["texts"], _unread_texts, note)
    models = [one.identity.model for one in images.values()]
    if not texts and models and bank_classes.can_do_without(models[0]):
        return _without_texts(label, images)
    if not texts:
        raise InputError(
            f"{cache / label}: has no class names; add them with: oodcache extract --model "
            f"{names.typed_name(label)} --classes NAME=FILE"
        )
    mined = _negatives(cache, label, note)
    lists = {words.vocabulary for one in mined for words in one.lists}
    classes = _classes({name: one for name, one in texts.items() if name not in lists} or texts)
    found = {name: _targets(one, _classes(texts)) for name, one in images.items()}
    name = min(classes, key=lambda one: (-_agreeing(found, one), len(classes[one].names), one))
    usable = _with_lists(mined, texts, name, note)
    targets = {one: of[name] for one, of in found.items()}
    return replace(_cached(label, texts[name], images, targets, usable), noise=noise)


def _unread_texts(path: Path) -> TextRows:
    """Open names and scale, which are enough: the vectors of a long word list are not read."""
    return open_unread_rows(path) if path.exists() else open_text_rows(path)


def _opened(
    paths: Sequence[Path], open_file: Callable[[Path], File], note: Note
) -> dict[str, File]:
    """Return the files that can be opened, by name, with a note on each of the others."""
    found = {}
    for path in paths:
        try:
            found[path.stem] = open_file(path)
        except InputError as error:
            remove = shlex.join(["oodcache", "cache", "rm", str(path)])
            note(f"{error}; it is left out: extract it again with --overwrite, or type: {remove}")
    return found


def _without_texts(label: str, images: Mapping[str, ImageFile]) -> Cached:
    """Return what a model without texts has: the bank is the set whose labels most others share.

    Of several it is one with "train" in its name, then the largest. Where no set shares the labels
    of another, only a set called "train" is taken for a bank, and no set for ID or OOD.
    """
    classes = {name: bank_classes.vocabulary(one) for name, one in images.items()}
    found = {name: _targets(one, classes) for name, one in images.items()}

    def order(name: str) -> tuple[int, bool, int, str]:
        others = {one: of for one, of in found.items() if one != name}
        return (_agreeing(others, name), *_by_size(images, name))

    name = max(images, key=order)
    targets = {one: of[name] for one, of in found.items() if one != name}
    inside = [one for one in targets if _is_inside(targets[one])]
    if not inside and "train" not in name.lower():
        return Cached(label, None, None, None, 0)
    is_labelled = bank_classes.has_labels(images[name])
    return Cached(
        *(label, None, None, None, len(classes[name].names) if is_labelled else 0),
        id_set=min(inside, key=lambda one: _by_size(images, one)) if inside else None,
        ood_sets=_outside(targets) if inside else (),
        bank=_bank(images[name], name, found[name][name], classes[name]),
    )


def _by_size(images: Mapping[str, ImageFile], name: str) -> tuple[bool, int, str]:
    return "train" in name.lower(), images[name].rows, name


def _outside(targets: Mapping[str, labels.Labels]) -> tuple[str, ...]:
    """Return the sets without an image of a class."""
    return tuple(sorted(name for name, of in targets.items() if (of < 0).all()))


def _bank(images: ImageFile, name: str, targets: labels.Labels, classes: Vocabulary) -> CachedBank:
    rows = int(np.count_nonzero(images.ok))
    there, sizes = np.unique(targets, return_counts=True)
    smallest = int(sizes.min()) if len(sizes) else rows
    return CachedBank(name, rows, smallest, len(there) == len(classes.names))


def _classes(texts: Mapping[str, TextRows]) -> dict[str, Vocabulary]:
    return {name: one.vocabulary for name, one in texts.items()}


def _agreeing(found: Mapping[str, Mapping[str, labels.Labels]], classes: str) -> int:
    return sum(_is_inside(targets[classes]) for targets in found.values())


def _is_inside(targets: labels.Labels) -> bool:
    """Return whether images have labels, and all of them are classes."""
    return bool(len(targets)) and bool((targets >= 0).all())


def _targets(images: ImageFile, classes: Mapping[str, Vocabulary]) -> dict[str, labels.Labels]:
    """Return the class of each labelled image under each vocabulary, -1 for none."""
    label = images.label[images.ok & (images.label >= 0)]
    return {name: _matched(images, one)[label] for name, one in classes.items()}


def _matched(images: ImageFile, classes: Vocabulary) -> labels.Labels:
    named = (images.label_names, classes.ids, classes.names)
    if images.identity.has_class_numbers or labels.are_numbers(*named):
        return labels.numbered(images.label_names, np.arange(len(classes.names)))
    return labels.match(*named)


def _cached(
    label: str,
    texts: TextRows,
    images: Mapping[str, ImageFile],
    targets: Mapping[str, labels.Labels],
    mined: Sequence[Negatives],
) -> Cached:
    classes, model, words = texts.path.stem, texts.identity.model, texts.vocabulary
    inside = [name for name in images if _is_inside(targets[name])]
    inside.sort(key=lambda name: _by_size(images, name))
    bank = inside[-1] if len(inside) > 1 else None
    return Cached(
        *(label, model.logit_scale, model.logit_bias, classes, len(words.names)),
        id_set=inside[0] if inside else None,
        ood_sets=_outside(targets) if inside else (),
        bank=_bank(images[bank], bank, targets[bank], words) if bank else None,
        negatives=next((of_negatives(one) for one in mined), None),
    )


def _negatives(cache: Path, label: str, note: Note) -> list[Negatives]:
    """Return the model's files of negatives, with a note on each that is damaged."""
    found = []
    for one in store.negatives(cache, label):
        try:
            found.append(read_negatives(one.path))
        except InputError as error:
            remove = shlex.join(["oodcache", "cache", "rm", str(one.path)])
            note(f"{error}; it is left out: mine it again with --overwrite, or type: {remove}")
    return found


def _with_lists(
    mined: Sequence[Negatives], texts: Mapping[str, TextRows], classes: str, note: Note
) -> list[Negatives]:
    """Return the negatives of the classes whose word lists are there, with notes on the others."""
    found = []
    for one in mined:
        missing = [words.vocabulary for words in one.lists if words.vocabulary not in texts]
        if one.classes != classes:
            continue
        if missing:
            model = names.typed_name(one.label)
            add = f"oodcache extract --model {model} --classes {missing[0]}"
            note(
                f"{one.path}: its word list {missing[0][:60]} is not cached; it is left out: "
                f"extract the list again with: {add}=FILE"
            )
            continue
        found.append(one)
    return found


def of_negatives(mined: Negatives) -> CachedNegatives:
    """Return how many words a file of negatives has of each kind."""
    words = sum(len(one.words) for one in mined.lists if one.role != CSP)
    has_pool = any(one.role == CSP for one in mined.lists)
    return CachedNegatives(mined.name, words, has_pool, mined.nearest)
