"""What the cache has for a model's scores: classes, ID and OOD images, a bank, negatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.negatives import CSP, Negatives, read_negatives
from oodcache.cache.files.texts import TextRows, Vocabulary, open_unread_rows
from oodcache.cache.shards.shard_set import is_complete, open_images, open_text_rows
from oodcache.cache.store import store
from oodcache.score.inputs import labels


@dataclass(frozen=True)
class CachedBank:
    """Labelled images besides the ID set; `has_every_class` if each class has one of them."""

    name: str
    rows: int
    has_every_class: bool


@dataclass(frozen=True)
class CachedNegatives:
    """Mined negatives: the number of `words`, without those of a conjugated pool (`has_pool`)."""

    name: str
    words: int
    has_pool: bool


@dataclass(frozen=True)
class Cached:
    """The finished files of one model, as its scores could use them.

    `label` is its `name/pretrained`; `scale` is None if unknown, `bias` if it has none. `classes`
    is a vocabulary of `count` classes. All labels of `id_set` are among its classes; `ood_sets`
    have no such label, or no labels. Without such labels the ID set is None, and the others are not
    known to be OOD. `negatives` are None if none were mined with the classes.
    """

    label: str
    scale: float | None
    bias: float | None
    classes: str
    count: int
    id_set: str | None = None
    ood_sets: tuple[str, ...] = ()
    bank: CachedBank | None = None
    negatives: CachedNegatives | None = None


def of_model(cache: Path, model: str) -> Cached:
    """Return what is cached for a model; what is begun but incomplete does not count.

    Of several vocabularies it is the one whose classes most sets have as labels, the smallest of
    those. Of several sets whose labels are classes, the first without "train" in its name, by size,
    is the ID set, and the last the bank. Raises InputError if the model or its classes are missing.
    """
    label = store.find_model(cache, model)
    paths: dict[str, list[Path]] = {"images": [], "texts": []}
    for one in store.known(cache, label):
        if one.path.exists() or is_complete(one.path):
            paths[one.kind].append(one.path)
    images = {path.stem: open_images(path) for path in paths["images"]}
    # Images of noise are there for a score to begin with.
    images = {name: one for name, one in images.items() if "noise" not in one.identity.encoding}
    # Names and scale are enough: the vectors of a long word list need not be read for them.
    texts = {
        path.stem: (open_unread_rows if path.exists() else open_text_rows)(path)
        for path in paths["texts"]
    }
    if not texts:
        raise InputError(
            f"{cache / label}: has no class names; add them with: oodcache extract --model "
            f"{names.typed_name(label)} --classes NAME=FILE"
        )
    mined = _negatives(cache, label)
    lists = {words.vocabulary for one in mined for words in one.lists}
    classes = _classes({name: one for name, one in texts.items() if name not in lists} or texts)
    found = {name: _targets(one, texts) for name, one in images.items()}
    name = min(classes, key=lambda one: (-_agreeing(found, one), len(classes[one].names), one))
    return _cached(label, texts[name], images, {one: of[name] for one, of in found.items()}, mined)


def _classes(texts: Mapping[str, TextRows]) -> dict[str, Vocabulary]:
    return {name: one.vocabulary for name, one in texts.items()}


def _agreeing(found: Mapping[str, Mapping[str, labels.Labels]], classes: str) -> int:
    return sum(_is_inside(targets[classes]) for targets in found.values())


def _is_inside(targets: labels.Labels) -> bool:
    """Return whether images have labels, and all of them are classes."""
    return bool(len(targets)) and bool((targets >= 0).all())


def _targets(images: ImageFile, texts: Mapping[str, TextRows]) -> dict[str, labels.Labels]:
    """Return the class of each labelled image under each vocabulary, -1 for none."""
    label = images.label[images.ok & (images.label >= 0)]
    return {name: _matched(images, one.vocabulary)[label] for name, one in texts.items()}


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
    def order(name: str) -> tuple[bool, int, str]:
        return "train" in name.lower(), images[name].rows, name

    classes, model = texts.path.stem, texts.identity.model
    count = len(texts.vocabulary.names)
    inside = sorted((name for name in images if _is_inside(targets[name])), key=order)
    bank = None
    if len(inside) > 1:
        there = np.unique(targets[inside[-1]])
        rows = int(np.count_nonzero(images[inside[-1]].ok))
        bank = CachedBank(inside[-1], rows, len(there) == count)
    return Cached(
        *(label, model.logit_scale, model.logit_bias, classes, count),
        id_set=inside[0] if inside else None,
        ood_sets=tuple(sorted(name for name in images if inside and (targets[name] < 0).all())),
        bank=bank,
        negatives=next((_of(one) for one in mined if one.classes == classes), None),
    )


def _negatives(cache: Path, label: str) -> list[Negatives]:
    """Return the model's files of negatives; a damaged one is reported when it is scored with."""
    found = []
    for one in store.negatives(cache, label):
        with suppress(InputError):
            found.append(read_negatives(one.path))
    return found


def _of(mined: Negatives) -> CachedNegatives:
    words = sum(len(one.words) for one in mined.lists if one.role != CSP)
    return CachedNegatives(mined.name, words, any(one.role == CSP for one in mined.lists))
