"""The cache in Python, for notebooks: files as arrays, evaluations as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.shards.shard_set import open_images, open_texts
from oodcache.cache.store import store
from oodcache.cache.watch import Note
from oodcache.extracting import extract
from oodcache.measuring import conventions_of, evaluated
from oodcache.results import Results, to_stderr
from oodcache.score.inputs.files import images_path, vocabulary_path
from oodcache.score.inputs.question import Question
from oodcache.score.measures.result import STANDARD, Conventions
from oodcache.score.own.function import Function

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Images:
    """A dataset: `embeddings` float32 (N, D) of unit rows, zero if `ok` is False.

    `label` int64 (N,) indexes `label_names`, -1 for none. `paths` are relative to the dataset's
    root.
    """

    embeddings: Vectors
    ok: npt.NDArray[np.bool_]
    label: npt.NDArray[np.int64]
    label_names: tuple[str, ...]
    paths: list[bytes]


@dataclass(frozen=True)
class Texts:
    """A vocabulary: `embeddings` float32 (T, K, D) of unit rows, T templates and K classes."""

    embeddings: Vectors
    templates: tuple[str, ...]
    names: tuple[str, ...]
    ids: tuple[str, ...]
    logit_scale: float
    logit_bias: float | None


@dataclass(frozen=True)
class Cache:
    """A folder of cached embeddings."""

    folder: Path

    extract = extract

    @property
    def models(self) -> list[str]:
        """Return the name/pretrained of each model."""
        return list(dict.fromkeys(one.label for one in store.known(self.folder)))

    def datasets(self, model: str) -> list[str]:
        """Return the names of a model's datasets."""
        return self._names(model, "images")

    def vocabularies(self, model: str) -> list[str]:
        """Return the names of a model's vocabularies."""
        return self._names(model, "texts")

    def images(self, model: str, dataset: str) -> Images:
        """Return a dataset, all in memory; raises InputError if it is not cached."""
        label = store.find_model(self.folder, model)
        file = open_images(images_path(self.folder, label, model, dataset))
        vectors = np.concatenate([*file.blocks(), np.empty((0, file.dimension), np.float32)])
        return Images(vectors, file.ok, file.label, file.label_names, file.paths())

    def texts(self, model: str, vocabulary: str) -> Texts:
        """Return a vocabulary; raises InputError if it is not cached."""
        label = store.find_model(self.folder, model)
        file = open_texts(vocabulary_path(self.folder, label, model, vocabulary))
        found, who = file.vocabulary, file.identity.model
        assert who.logit_scale is not None  # Rule F8.
        return Texts(
            *(file.embeddings, found.templates, found.names, found.ids),
            *(who.logit_scale, who.logit_bias),
        )

    def evaluate(
        self,
        model: str | Sequence[str],
        *,
        id: str,
        ood: str | Sequence[str],
        classes: str | None = None,
        scores: str | Function | Sequence[str | Function] = (),
        template: str | Sequence[str] = (),
        select_on: str | None = None,
        class_names: str = "open_clip",
        negatives: str | None = None,
        bank: str | None = None,
        bank_labels: str = "own",
        bank_seed: int = 0,
        compare: bool = False,
        bootstrap: int | None = None,
        seed: int | None = None,
        conventions: Conventions = STANDARD,
        note: Note = to_stderr,
    ) -> Results:
        """Return the rows of `oodcache score`, one per score and OOD set, in the table's order.

        Each argument is the option of the same name; docs/python.md has a table of them. `scores`
        may have functions of your own (docs/own-score.md). `compare` adds `differences`,
        `bootstrap` intervals of that many resamples drawn with `seed`; the other `conventions` are
        how to measure. `note` is called with each line that a reader should see. Raises
        InputError, in one line, for what is not cached or cannot be measured.
        """
        question = Question(
            *(self.folder, _several(model), _one(id), _several(ood)),
            classes=classes,
            templates=_several(template),
            select_on=select_on,
            class_names=class_names,
            negatives=negatives,
            bank=bank,
            bank_labels=bank_labels,
            bank_seed=bank_seed,
            conventions=conventions_of(conventions, bootstrap, seed),
        )
        return evaluated(question, _scores(scores), compare, note)

    def _names(self, model: str, kind: str) -> list[str]:
        label = store.find_model(self.folder, model)
        return [one.name for one in store.known(self.folder, label) if one.kind == kind]


def open(folder: str | Path = "embeddings", *, create: bool = False) -> Cache:
    """Return the cache at `folder`, made with its parents if `create` is set and it is missing.

    Raises InputError if it is not a folder.
    """
    path = Path(folder)
    if create:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path}: cannot be made a folder: {error.strerror}") from None
    if not path.is_dir():
        raise InputError(
            f"{path}: not a folder; make it with oodcache.open({str(path)!r}, create=True)"
        )
    return Cache(path)


def _one(given: str) -> str:
    if not isinstance(given, str):
        raise InputError(f"id is {type(given).__name__}; give the name of one set, such as 'pets'")
    return given


def _scores(given: str | Function | Sequence[str | Function]) -> tuple[str | Function, ...]:
    return (given,) if isinstance(given, str) or callable(given) else tuple(given)


def _several(given: str | Sequence[str]) -> tuple[str, ...]:
    several = (given,) if isinstance(given, str) else tuple(given)
    if wrong := [one for one in several if not isinstance(one, str)]:
        raise InputError(f"{wrong[0]!r} is {type(wrong[0]).__name__}; expected text, such as 'mcm'")
    return several
