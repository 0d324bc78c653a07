"""A selection: the matching files of one model, cut to subsets, and class vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile, Vocabulary
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.shards.shard_set import open_images, open_texts
from oodcache.cache.store import store
from oodcache.cache.subsets import Subset
from oodcache.cache.watch import Note
from oodcache.score.inputs import bank_classes, labels
from oodcache.score.inputs.files import (
    check_preprocessing,
    check_same_model,
    images_path,
    vocabulary_path,
)
from oodcache.score.inputs.labels import composed
from oodcache.score.inputs.precision import differences
from oodcache.score.inputs.question import SOURCE, Question, Template
from oodcache.score.inputs.sets import typed_sets
from oodcache.score.inputs.source_names import check_named, names_of_source
from oodcache.score.inputs.views import View, Views, divided
from oodcache.score.measures.result import AVERAGE
from oodcache.score.onepass.variants import Variant

EACH, COSINE_MEAN = "each", "cosine-mean"
# A shorter mean of unit vectors is zero up to rounding.
SMALLEST_MEAN = 1e-6
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Prompted:
    """Classes of a vocabulary, and their `vectors` float32 (K, D) for one or several templates.

    `template` is the template or how several are combined. `ids` are "" for classes without one.
    """

    vocabulary: str
    template: str
    templates: tuple[str, ...]
    names: tuple[str, ...]
    ids: tuple[str, ...]
    vectors: Vectors


@dataclass(frozen=True)
class Selection:
    """The matching texts and images of a model; `classes` are places in the vocabulary.

    `views` are the ID images, then each OOD set; `csid` has sets of covariate-shifted ID images.
    `tuning` is the OOD set on which settings are picked; nothing is measured on it. A model without
    texts has the classes of a `bank` instead.
    """

    texts: TextFile | None
    classes: npt.NDArray[np.intp]
    views: tuple[View, ...]
    tuning: View | None = None
    bank: ImageFile | None = None
    csid: Views = ()

    @property
    def reference(self) -> TextFile | ImageFile:
        """Return the file with the classes, which others must match."""
        found = self.texts or self.bank
        assert found is not None, "neither texts nor a bank"
        return found

    @property
    def known_texts(self) -> TextFile:
        """Return the texts of a model that is known to have some."""
        assert self.texts is not None, "a model without texts"
        return self.texts

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Return the names and ids of all classes, scored or not."""
        found = self.reference
        return bank_classes.vocabulary(found) if isinstance(found, ImageFile) else found.vocabulary

    @property
    def model(self) -> ModelIdentity:
        """Return the model of all files."""
        return self.reference.identity.model

    @property
    def label(self) -> str:
        """Return the model's `name/pretrained`, its folder in the cache."""
        return "/".join(self.reference.path.parts[-4:-2])

    @property
    def files(self) -> tuple[TextFile | ImageFile, ...]:
        """Return the texts, if there are any, and the files of all scored views, each once."""
        return (*((self.texts,) if self.texts else ()), *self.images)

    @property
    def every_view(self) -> tuple[View, ...]:
        """Return all scored views, the tuning set last."""
        return self.measured if self.tuning is None else (*self.measured, self.tuning)

    @property
    def measured(self) -> tuple[View, ...]:
        """Return the views that results are of: the ID set, the OOD sets, the csid sets."""
        return (*self.views, *self.csid)

    @property
    def images(self) -> list[ImageFile]:
        """Return the files of all scored views, each once."""
        return list({view.file.path: view.file for view in self.every_view}.values())

    @property
    def class_ids(self) -> list[str]:
        """Return the id of each scored class, "" if it has none."""
        return [self.vocabulary.ids[place] for place in self.classes]

    @property
    def class_names(self) -> list[str]:
        """Return the name of each scored class."""
        return [self.vocabulary.names[place] for place in self.classes]

    def match(self, images: ImageFile) -> labels.Labels:
        """Return the class of each of a file's label names, -1 for none."""
        if self.texts is not None and _has_class_numbers(self.texts, images):
            return labels.numbered(images.label_names, self.classes)
        return labels.match(images.label_names, self.class_ids, self.class_names)


def select(question: Question, model: str) -> Selection:
    """Return the files of a question for one of its models.

    Raises InputError if files are missing or do not match.
    """
    cache, classes = question.cache, question.classes
    sets = typed_sets(question.id_set, question.ood_sets, question.select_on, question.csid)
    inside = sets[0].subset
    label = store.find_model(cache, model)
    by_source = question.class_names == SOURCE
    if by_source:
        classes = names_of_source(classes, inside)
    texts = open_texts(vocabulary_path(cache, label, model, classes))
    files = {
        name: open_images(images_path(cache, label, model, name))
        for name in dict.fromkeys(one.data_set for one in sets)
    }
    check_same_model(texts, list(files.values()))
    check_preprocessing(list(files.values()))
    for one in sets if by_source else ():
        check_named(files[one.data_set], one.subset)
    views = tuple(_view(texts, one.typed, files[one.data_set], one.subset) for one in sets)
    every, tuning, csid = divided(views, len(question.ood_sets), len(question.csid))
    found = places(texts.path, texts.vocabulary, inside)
    return Selection(texts, found, every, tuning, csid=csid)


def open_set(question: Question, selection: Selection, name: str) -> ImageFile:
    """Return another dataset of the model; raise InputError if it is missing or does not match."""
    path = images_path(question.cache, selection.label, selection.model.requested, name)
    found = open_images(path)
    check_same_model(selection.reference, [found])
    check_preprocessing([*selection.images, found])
    return found


def prompted(selection: Selection, templates: Sequence[Template]) -> list[Prompted]:
    """Return the class vectors for each of `templates`; "each" means all stored ones.

    "average" is the renormalised mean over templates of the unit vectors; "cosine-mean" the mean
    itself, whose product with an image is the mean of its cosines. A tuple of stored templates is
    their average, or their mean if it begins with "cosine-mean". By default it is the only stored
    template, or the average of several.
    """
    stored = selection.vocabulary.templates
    wanted: list[Template] = []
    for one in templates or (AVERAGE,):
        alone = len(stored) == 1 and one in (AVERAGE, COSINE_MEAN)
        wanted += stored if alone or one == EACH else (one,)
    return [_prompted(selection, one) for one in dict.fromkeys(wanted)]


def _prompted(selection: Selection, template: Template) -> Prompted:
    texts, stored = selection.known_texts, selection.vocabulary.templates
    if isinstance(template, tuple):
        how = COSINE_MEAN if template[0] == COSINE_MEAN else AVERAGE
        templates = template[1:] if how == COSINE_MEAN else template
        if unknown := [one for one in templates if one not in stored]:
            raise _unknown(texts, unknown[0])
        vectors = _combined(selection, how, templates)
    elif template in stored:
        how, templates = template, (template,)
        vectors = texts.embeddings[stored.index(template), selection.classes]
    elif template in (AVERAGE, COSINE_MEAN):
        how, templates, vectors = template, stored, _combined(selection, template, stored)
    else:
        raise _unknown(texts, template)
    names, ids = tuple(selection.class_names), tuple(selection.class_ids)
    return Prompted(texts.path.stem, how, templates, names, ids, vectors)


def _unknown(texts: TextFile, template: str) -> InputError:
    stored = texts.vocabulary.templates
    there = "; ".join(stored[:3]) + (f"; … ({len(stored)})" if len(stored) > 3 else "")
    return InputError(
        f"{texts.path}: has no template {template!r}; give --template average, each, "
        f"cosine-mean or a stored one: {there}"
    )


def _combined(selection: Selection, how: str, templates: tuple[str, ...]) -> Vectors:
    """Return the mean over stored templates of each class's vectors, renormalised if "average"."""
    texts = selection.known_texts
    mean = np.zeros((len(selection.classes), texts.embeddings.shape[-1]))
    for one in templates:
        # One by one: a copy of 80 templates would take more memory than everything else.
        mean += texts.embeddings[texts.vocabulary.templates.index(one), selection.classes]
    mean /= len(templates)
    if how == AVERAGE:
        norm = np.linalg.norm(mean, axis=1, keepdims=True)
        if (norm < SMALLEST_MEAN).any():
            name = selection.class_names[int(norm.argmin())]
            raise InputError(
                f"{texts.path}: the templates of class {name!r} cancel out, so they have no "
                "average; use --template each or cosine-mean"
            )
        mean /= norm
    vectors: Vectors = mean.astype(np.float32)
    return vectors


def places(path: Path, vocabulary: Vocabulary, subset: Subset | None) -> npt.NDArray[np.intp]:
    """Return the places in the vocabulary of all classes, or of a subset's, by id or name."""
    names = vocabulary.names
    if subset is None:
        return np.arange(len(names))
    places = {composed(name): place for place, name in enumerate(names)}
    places |= {composed(one): place for place, one in enumerate(vocabulary.ids) if one}
    if missing := [one for one in subset.ids if one not in places]:
        raise InputError(
            f"{path}: has no class {missing[0]!r} of {subset.name} ({len(missing)} of "
            f"{len(subset.ids)} are missing); use --classes with a vocabulary that has their ids"
        )
    return np.array([places[one] for one in subset.ids])


def _has_class_numbers(texts: TextFile, images: ImageFile) -> bool:
    """Return whether a set's labels are class numbers, in a list or as names of folders."""
    vocabulary = texts.vocabulary
    return images.identity.has_class_numbers or labels.are_numbers(
        images.label_names, vocabulary.ids, vocabulary.names
    )


def _view(texts: TextFile, typed: str, file: ImageFile, subset: Subset | None) -> View:
    """Return the images of a set; class numbers are looked up in the vocabulary."""
    if subset is None or not _has_class_numbers(texts, file):
        return View(typed, file, subset)
    numbers = tuple(str(place) for place in places(texts.path, texts.vocabulary, subset).tolist())
    return View(typed, file, subset, numbers=numbers)


def tell(selection: Selection, variants: Sequence[Variant], note: Note) -> None:
    """Report what a reader of the results should know about the files."""
    texts, images = selection.texts, selection.images
    with_texts = () if texts is None else (texts,)
    for line in differences((images[0], *with_texts, *images[1:])):
        note(line)
    inside = selection.views[0].file
    is_folder = not inside.identity.has_class_numbers
    if texts is not None and is_folder and _has_class_numbers(texts, inside):
        last = len(inside.label_names) - 1
        note(f"{inside.path.stem}: folders 0 … {last} are the class numbers of {texts.path.stem}")
    imported = [one.path.stem for one in images if one.identity.is_imported]
    if 0 < len(imported) < len(images):
        note(f"{', '.join(imported)}: imported, perhaps preprocessed differently from the others")
    for view in selection.every_view:
        if view.failed:
            of = view.failed + len(view.rows)
            note(f"{view.name}: {view.failed:,} of {of:,} images could not be decoded")
    needs_bias = [one.label for one in variants if _has_bias(one) or _has_bias(one.base)]
    if needs_bias and selection.model.logit_bias is None:
        note(f"{selection.model.label} has no bias: b = 0 is used in {', '.join(needs_bias)}")


def _has_bias(one: Variant | None) -> bool:
    """Return whether a formula has the model's bias; in a softmax it cancels."""
    given = {} if one is None else one.parameters
    return given.get("bias") == "learned" and given.get("form") != "softmax"
