"""The cache in Python, for notebooks: files as arrays, evaluations as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.arguments import MODELS, checked
from oodcache.cache.errors import InputError
from oodcache.cache.format.place import shard_paths
from oodcache.cache.shards.shard_set import open_images, open_texts
from oodcache.cache.store import store
from oodcache.cache.text import counted
from oodcache.cache.watch import Note, Watch
from oodcache.extract.imports.adding import Addition
from oodcache.extracting import extract
from oodcache.measuring import conventions_of, evaluated, leak_search
from oodcache.results import Results
from oodcache.score.inputs.files import images_path, vocabulary_path
from oodcache.score.inputs.question import Question
from oodcache.score.measures.result import STANDARD, Conventions
from oodcache.score.own.function import Function
from oodcache.score.words.leak_report import leaks_of_file, named_sets
from oodcache.score.words.leaks import Leaks
from oodcache.wording import noted, to_stderr

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        """Return the sizes: an array may have a million rows."""
        return f"Images({_shape(self.embeddings)}, {counted(len(self.label_names), 'label name')})"


@dataclass(frozen=True, repr=False)
class Texts:
    """A vocabulary: `embeddings` float32 (T, K, D) of unit rows, T templates and K classes."""

    embeddings: Vectors
    templates: tuple[str, ...]
    names: tuple[str, ...]
    ids: tuple[str, ...]
    logit_scale: float
    logit_bias: float | None

    def __repr__(self) -> str:
        """Return the sizes, and the model's scale and bias."""
        scale = f"logit_scale {self.logit_scale:g}, logit_bias {self.logit_bias}"
        templates = counted(len(self.templates), "template")
        return f"Texts({_shape(self.embeddings)}, {templates}, {scale})"


@dataclass(frozen=True)
class Cache:
    """A folder of cached embeddings."""

    folder: Path

    extract = extract

    @property
    def models(self) -> list[str]:
        """Return the name/pretrained of each model."""
        return list(dict.fromkeys(one.label for one in store.known(self.folder)))

    @checked()
    def datasets(self, model: str) -> list[str]:
        """Return the names of a model's datasets; raises InputError if it has no files."""
        return self._names(model, "images")

    @checked()
    def vocabularies(self, model: str) -> list[str]:
        """Return the names of a model's vocabularies; raises InputError if it has no files."""
        return self._names(model, "texts")

    @checked()
    def images(self, model: str, dataset: str) -> Images:
        """Return a dataset, all in memory: `embeddings` float32 (N, D), `ok`, `label`, `paths`.

        `model` is any part of its name that no other has. Raises InputError if it is not cached.
        """
        label = store.find_model(self.folder, model)
        file = open_images(images_path(self.folder, label, model, dataset))
        vectors = np.concatenate([*file.blocks(), np.empty((0, file.dimension), np.float32)])
        return Images(vectors, file.ok, file.label, file.label_names, file.paths())

    @checked()
    def texts(self, model: str, vocabulary: str) -> Texts:
        """Return a vocabulary: `embeddings` float32 (T, K, D), T `templates`, K `names`.

        `model` is any part of its name that no other has. Raises InputError if it is not cached.
        """
        label = store.find_model(self.folder, model)
        file = open_texts(vocabulary_path(self.folder, label, model, vocabulary))
        found, who = file.vocabulary, file.identity.model
        assert who.logit_scale is not None  # Rule F8.
        return Texts(
            *(file.embeddings, found.templates, found.names, found.ids),
            *(who.logit_scale, who.logit_bias),
        )

    @checked(model=MODELS)
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
        csid: str | Sequence[str] = (),
        drop: str | Path | None = None,
        class_names: str = "open_clip",
        negatives: str | None = None,
        bank: str | None = None,
        bank_labels: str = "own",
        bank_seed: int = 0,
        bank_draws: int = 1,
        stream: str | Sequence[str] = (),
        stream_seed: int = 0,
        leaks_of: Mapping[str, str | Path] | None = None,
        wordnet: str | Path | None = None,
        without_leaks: bool = False,
        compare: bool = False,
        bootstrap: int | None = None,
        seed: int | None = None,
        group: Mapping[str, Sequence[str]] | None = None,
        selective: bool = False,
        conventions: Conventions | str = STANDARD,
        note: Note = to_stderr,
    ) -> Results:
        """Return the rows of `oodcache score`, one per score and OOD set, in the table's order.

        `model` is one of the cache, or several; `id` is a set, `"NAME"`, `"NAME:SUBSET"` or
        `"NAME:@FILE"`, `ood` one or several. `classes` is a cached vocabulary, None the only one;
        `template` has its templates, or "average" (the default of several), "cosine-mean", "each".
        `class_names` is "open_clip" or "source". `scores` are texts or functions of your own
        (docs/own-score.md), () the default ones. `select_on` is an OOD set that picks parameters.
        `csid` is a set of covariate-shifted ID images, or several: rows on them have `csid:NAME` as
        `id`, and those on all ID images together `full-spectrum`. `drop` is a list of images, a
        path or DATASET:PATH per line: each row's `clean` is the row without them.
        `negatives` and `bank` (`"NAME"`, or `"NAME:N"` for N images per class, drawn with
        `bank_seed`) are what some scores need; `bank_labels` is "own" or "predicted". With several
        N, `"NAME:1|2|4"`, each has its rows, whose `shots` tell N; with `bank_draws` they are means
        over so many draws. `stream` is the order of the images, or several, for scores that learn
        from it: "shuffle:5" or as `--stream`; `stream_seed` is its first seed. `leaks_of` maps OOD
        sets to files with their class names, `wordnet` is a folder with WordNet's data.noun,
        `without_leaks` leaves out negatives that name OOD classes: such rows are diagnostics, no
        zero-shot results.

        `compare` adds `differences`, `bootstrap` intervals of that many resamples drawn with
        `seed`, `group` averages of your own over some OOD sets, {"NAME": ["SET", "SET"]},
        `selective` the errors among accepted images. The other `conventions` are how to measure.
        `note` is called with each line that a reader should see.
        Raises InputError, in one line, for what is not cached or cannot be measured.
        """
        question = Question(
            *(self.folder, _several(model), id, _several(ood)),
            classes=classes,
            templates=_several(template),
            select_on=select_on,
            class_names=class_names,
            negatives=negatives,
            bank=bank,
            bank_labels=bank_labels,
            bank_seed=bank_seed,
            bank_draws=bank_draws,
            streams=_several(stream),
            stream_seed=stream_seed,
            conventions=conventions_of(conventions, bootstrap, seed, group, selective),
            csid=_several(csid),
            leaks=leak_search(leaks_of, wordnet, without_leaks),
            drop=None if drop is None else Path(drop),
        )
        return evaluated(question, _scores(scores), compare, note)

    @checked()
    def leaks(
        self,
        model: str,
        negatives: str,
        ood: str | Sequence[str],
        *,
        leaks_of: Mapping[str, str | Path] | None = None,
        wordnet: str | Path | None = None,
    ) -> list[Leaks]:
        """Return the leaks of each OOD set among mined words: `oodcache negatives --leaks-of`.

        `ood` is a set, `"NAME"` or `"NAME:SUBSET"`, or several. `leaks_of` and `wordnet` are as in
        `evaluate`. The `names` of a `Leaks` are its leaks, None if the class names are not known.
        Raises InputError for what is missing.
        """
        search = leak_search(leaks_of, wordnet)
        named = named_sets(self.folder, model, _several(ood), search)
        return leaks_of_file(self.folder, model, negatives, named)

    @checked()
    def add(
        self,
        model: str,
        name: str,
        vectors: Any,
        *,
        labels: Any = None,
        label_names: Sequence[str] | None = None,
        paths: Sequence[str | bytes | Path] | None = None,
        weights: str | None = None,
        logit_scale: float | None = None,
        logit_bias: float | None = None,
        dtype: str = "float32",
        overwrite: bool = False,
        note: Note = to_stderr,
    ) -> Path:
        """Write image embeddings as the dataset `name` and return the file: `cache import`.

        `vectors` are floats (N, D): an array of NumPy, torch or pandas, or a list. Rows of another
        length than 1 are normalised, with a note. `labels` (N,) are integers, -1 for none, named
        by `label_names` or by their numbers, or names, None for none. `paths` names the rows.
        `model` is one of the cache (any part of its name that no other has): the vectors count as
        that model's. For a new one give `weights`, any name of its weights; texts of it will need
        `logit_scale` (exponentiated) and, if it has one, `logit_bias`. `dtype` is float32 or
        float16. Raises InputError if anything does not fit, or the file is there with other
        contents, unless `overwrite`. `note` is called with each line for the user.
        """
        told = Addition(
            *(self.folder, model, name, weights, logit_scale, logit_bias, dtype, overwrite)
        )
        return told.images(vectors, labels, label_names, paths, Watch(noted(note)))

    @checked()
    def add_texts(
        self,
        model: str,
        name: str,
        vectors: Any,
        *,
        names: Sequence[str],
        ids: Sequence[str] | None = None,
        template: str | Sequence[str] = "{}",
        weights: str | None = None,
        logit_scale: float | None = None,
        logit_bias: float | None = None,
        dtype: str = "float32",
        overwrite: bool = False,
        note: Note = to_stderr,
    ) -> Path:
        """Write text embeddings, such as learned prompts, as a vocabulary; return the file.

        `vectors` are floats (K, D), or (T, K, D) for T templates: `names` are K class
        names, `ids` (K,) what labels call them, if not by name; `template` has T texts with one {}.
        `model`, `name`, `weights`, `logit_scale`, `logit_bias`, `dtype`, `overwrite` and `note` are
        as in `add`. Raises InputError if anything does not fit, or the file has other contents.
        """
        told = Addition(
            *(self.folder, model, name, weights, logit_scale, logit_bias, dtype, overwrite)
        )
        return told.texts(vectors, names, ids, template, noted(note))

    def _names(self, model: str, kind: str) -> list[str]:
        label = store.find_model(self.folder, model)
        there = [one for one in store.known(self.folder, label) if one.kind == kind]
        return [one.name for one in there if one.path.exists() or shard_paths(one.path)]


@checked()
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


def _shape(vectors: Vectors) -> str:
    return " x ".join(f"{size:,}" for size in vectors.shape)


def _scores(given: str | Function | Sequence[str | Function]) -> tuple[str | Function, ...]:
    return (given,) if isinstance(given, str) or callable(given) else tuple(given)


def _several(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
