"""What is scored: the files of one model that fit together, cut to subsets, and class vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from oodcache.score.inputs import labels
from oodcache.score.inputs.files import (
    check_preprocessing,
    check_same_model,
    images_path,
    vocabulary_path,
)
from oodcache.score.inputs.question import SOURCE, Question, Template
from oodcache.score.inputs.sets import typed_sets
from oodcache.score.inputs.views import View
from oodcache.score.measures.result import AVERAGE
from oodcache.score.onepass.variants import Variant

EACH, COSINE_MEAN = "each", "cosine-mean"
# A mean of unit vectors as short as this is what rounding left of nothing.
SMALLEST_MEAN = 1e-6
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Prompted:
    """Classes of a vocabulary, and `vectors` float32 (K, D) of them by one template, or by several.

    `template` says which or how. `ids` are "" where a class has none.
    """

    vocabulary: str
    template: str
    templates: tuple[str, ...]
    names: tuple[str, ...]
    ids: tuple[str, ...]
    vectors: Vectors


@dataclass(frozen=True)
class Selection:
    """The texts and images of a model that fit together; `classes` are places in the vocabulary.

    `views` are the ID images, then those of each OOD set. `tuning` are the OOD images that settings
    are picked on, and that nothing is measured on.
    """

    texts: TextFile
    classes: npt.NDArray[np.intp]
    views: tuple[View, ...]
    tuning: View | None = None

    @property
    def model(self) -> ModelIdentity:
        """Return the model behind all files."""
        return self.texts.identity.model

    @property
    def label(self) -> str:
        """Return the model's `name/pretrained`, as its folder in the cache is called."""
        return "/".join(self.texts.path.parts[-4:-2])

    @property
    def every_view(self) -> tuple[View, ...]:
        """Return all that is scored: the views, and last what settings are picked on."""
        return self.views if self.tuning is None else (*self.views, self.tuning)

    @property
    def images(self) -> list[ImageFile]:
        """Return the files of all that is scored, each once."""
        return list({view.file.path: view.file for view in self.every_view}.values())

    @property
    def class_ids(self) -> list[str]:
        """Return the id of each class that is scored, "" where it has none."""
        return [self.texts.vocabulary.ids[place] for place in self.classes]

    @property
    def class_names(self) -> list[str]:
        """Return the name of each class that is scored."""
        return [self.texts.vocabulary.names[place] for place in self.classes]

    def match(self, images: ImageFile) -> labels.Labels:
        """Return the class of each of a file's label names, -1 where there is none."""
        if images.identity.has_class_numbers:
            return labels.numbered(images.label_names, self.classes)
        return labels.match(images.label_names, self.class_ids, self.class_names)


def select(question: Question, model: str) -> Selection:
    """Return what the names mean of one of a question's models.

    Raises InputError if files are missing or do not fit.
    """
    cache, classes = question.cache, question.classes
    sets = typed_sets(question.id_set, question.ood_sets, question.select_on)
    inside = sets[0].subset
    label = store.find_model(cache, model)
    by_source = question.class_names == SOURCE
    if by_source:
        classes = _names_of_source(classes, inside)
    texts = open_texts(vocabulary_path(cache, label, model, classes))
    files = {
        name: open_images(images_path(cache, label, model, name))
        for name in dict.fromkeys(one.data_set for one in sets)
    }
    check_same_model(texts, list(files.values()))
    check_preprocessing(list(files.values()))
    for one in sets if by_source else ():
        _check_named(files[one.data_set], one.subset)
    views = tuple(_view(texts, one.typed, files[one.data_set], one.subset) for one in sets)
    for view in views:
        if not len(view.rows):
            raise InputError(f"{view.name}: has no image that could be decoded")
    measured, tuning = (views, None) if question.select_on is None else (views[:-1], views[-1])
    return Selection(texts, _classes_of(texts, inside), measured, tuning)


def open_set(question: Question, selection: Selection, name: str) -> ImageFile:
    """Return another data set of the model; raises InputError where it is missing or unlike."""
    path = images_path(question.cache, selection.label, selection.model.requested, name)
    found = open_images(path)
    check_same_model(selection.texts, [found])
    check_preprocessing([*selection.images, found])
    return found


def prompted(selection: Selection, templates: Sequence[Template]) -> list[Prompted]:
    """Return the class vectors for each of `templates`, "each" being all that are stored.

    "average" is the mean over templates of the unit vectors, renormalised; "cosine-mean" that mean
    as it is, whose product with an image is the mean of its cosines. A tuple of stored ones is
    their average. Without any it is the only template stored, or else the average.
    """
    stored = selection.texts.vocabulary.templates
    wanted: list[Template] = []
    for one in templates or (AVERAGE,):
        alone = len(stored) == 1 and one in (AVERAGE, COSINE_MEAN)
        wanted += stored if alone or one == EACH else (one,)
    return [_prompted(selection, one) for one in dict.fromkeys(wanted)]


def _prompted(selection: Selection, template: Template) -> Prompted:
    texts, stored = selection.texts, selection.texts.vocabulary.templates
    if isinstance(template, tuple):
        how, templates, vectors = AVERAGE, template, _combined(selection, AVERAGE, template)
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
        f"{texts.path}: holds no template {template!r}; give --template average, each, "
        f"cosine-mean or one of its own: {there}"
    )


def _combined(selection: Selection, how: str, templates: tuple[str, ...]) -> Vectors:
    """Return the mean over stored templates of each class's vectors, renormalised or as it is."""
    texts = selection.texts
    mean = np.zeros((len(selection.classes), texts.embeddings.shape[-1]))
    for one in templates:
        # One after the other: a copy of 80 templates takes more memory than all else.
        mean += texts.embeddings[texts.vocabulary.templates.index(one), selection.classes]
    mean /= len(templates)
    if how == AVERAGE:
        norm = np.linalg.norm(mean, axis=1, keepdims=True)
        if (norm < SMALLEST_MEAN).any():
            name = selection.class_names[int(norm.argmin())]
            raise InputError(
                f"{texts.path}: the templates of class {name!r} cancel each other out: they have "
                "no average; give --template each or cosine-mean"
            )
        mean /= norm
    vectors: Vectors = mean.astype(np.float32)
    return vectors


def _classes_of(texts: TextFile, subset: Subset | None) -> npt.NDArray[np.intp]:
    """Return the places of the classes that are scored: all, or those of the ID subset."""
    vocabulary = texts.vocabulary
    if subset is None:
        return np.arange(len(vocabulary.names))
    return _places(texts, subset)


def _places(texts: TextFile, subset: Subset) -> npt.NDArray[np.intp]:
    """Return the places in the vocabulary of a subset's classes."""
    places = _by_id_or_name(texts.vocabulary)
    if missing := [one for one in subset.ids if one not in places]:
        raise InputError(
            f"{texts.path}: has no class {missing[0]!r} of {subset.name} ({len(missing)} of its "
            f"{len(subset.ids)} are missing); give --classes a vocabulary with their ids"
        )
    return np.array([places[one] for one in subset.ids])


def _view(texts: TextFile, typed: str, file: ImageFile, subset: Subset | None) -> View:
    """Return the images of a set; where labels are numbers, the vocabulary says which are whose."""
    if subset is None or not file.identity.has_class_numbers:
        return View(typed, file, subset)
    numbers = tuple(str(place) for place in _places(texts, subset).tolist())
    return View(typed, file, subset, numbers=numbers)


def _check_named(images: ImageFile, subset: Subset | None) -> None:
    """Refuse a subset's own vocabulary for labels that are numbers of the whole one."""
    if subset is not None and images.identity.has_class_numbers:
        raise InputError(
            f"{images.path}: its labels are class numbers, which count the classes of the whole "
            f"vocabulary: --class-names {SOURCE} has another; leave it out"
        )


def _by_id_or_name(vocabulary: Vocabulary) -> dict[str, int]:
    """Return each class's place by its id and, where no id is the same, by its name."""
    by_name = {name: place for place, name in enumerate(vocabulary.names)}
    return by_name | {one: place for place, one in enumerate(vocabulary.ids) if one}


def _names_of_source(classes: str | None, subset: Subset | None) -> str:
    """Return the vocabulary that has the classes of the ID subset by its source's names."""
    if subset is None or not all(subset.names):
        what = subset.name if subset else "a whole data set"
        raise InputError(
            f"--class-names source: {what} has no names of its own; "
            "--id NAME:imagenet10 and NAME:imagenet20 have"
        )
    if classes not in (None, "imagenet", subset.name):
        raise InputError(
            f"--class-names source wants the names of {subset.name}, --classes {classes} others: "
            "give one of the two"
        )
    return subset.name


def tell(selection: Selection, variants: Sequence[Variant], note: Note) -> None:
    """Say what a reader of the numbers should know of the files."""
    texts = selection.texts
    images = selection.images
    everything: tuple[ImageFile | TextFile, ...] = (images[0], texts, *images[1:])
    files = [file for file in everything if not file.identity.is_imported]
    for file in files:
        if file.identity.precision != files[0].identity.precision:
            note(f"{file.path}: computed in another precision than {files[0].path}")
    imported = [one.path.stem for one in images if one.identity.is_imported]
    if 0 < len(imported) < len(images):
        note(f"{', '.join(imported)}: imported, perhaps preprocessed otherwise than the others")
    for view in selection.every_view:
        if view.failed:
            of = view.failed + len(view.rows)
            note(f"{view.name}: {view.failed:,} of {of:,} images could not be decoded")
    needs_bias = [one.label for one in variants if one.parameters.get("bias") == "learned"]
    if needs_bias and texts.identity.model.logit_bias is None:
        note(f"{texts.identity.model.label} has no bias: b = 0 is used in {', '.join(needs_bias)}")
