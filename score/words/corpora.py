"""What the parameters of scores name in the cache: whole word lists, and datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.negatives import NEGATIVE
from oodcache.cache.files.texts import TextRows
from oodcache.cache.shards.shard_set import open_images, open_text_rows
from oodcache.score.formulas.definition import DATASET, MINED, VOCABULARY
from oodcache.score.inputs.files import check_same_model, images_path, vocabulary_path
from oodcache.score.inputs.selection import Selection, Vectors
from oodcache.score.inputs.views import View
from oodcache.score.onepass.variants import Variant
from oodcache.score.streams.activated.tanl import NOISE, STREAM
from oodcache.score.streams.context import NamedRows, NamedVectors
from oodcache.score.words.negatives import Mined
from oodcache.score.words.word_pool import ChosenWords, WordPool


@dataclass(frozen=True)
class Corpora:
    """The word lists and datasets of one model, to be named by the scores of a run.

    Words that `leaves_out` are in no corpus.
    """

    cache: Path
    selection: Selection
    mined: Mined | None
    leaves_out: Callable[[str], bool] | None = None

    def open(self, variants: Sequence[Variant]) -> NamedVectors:
        """Return what the scores name.

        Raises InputError, with what to type, for what is missing or of another model.
        """
        vectors: dict[tuple[str, str], NamedRows] = {}
        files: list[TextRows | ImageFile] = []
        for variant in variants:
            for what, name in _named(variant):
                if (what, name) in vectors:
                    continue
                read = self._words if what == VOCABULARY else self._images
                opened, vectors[what, name] = read(variant, name)
                files += opened
        return NamedVectors(vectors, tuple(files))

    def _words(self, variant: Variant, name: str) -> tuple[Sequence[TextRows], NamedRows]:
        """Return the files of a corpus, and all their words but duplicates and class names.

        What "mined" stands for is told.
        """
        opened = self._lists(name)
        pool = WordPool(tuple(opened), (NEGATIVE,) * len(opened), *self._classes)
        pool = replace(pool, leaves_out=self.leaves_out)
        chosen = [
            ChosenWords(at, one.places, len(one.places)) for at, one in enumerate(pool.candidates)
        ]
        parts = [pool.vectors(one) for one in chosen]
        words = tuple(word for one in chosen for word in pool.words(one))
        found = parts[0] if len(parts) == 1 else np.concatenate(parts)
        lists = " and ".join(one.path.stem for one in opened)
        if not words:
            raise InputError(
                f"{variant.score}:corpus={name[:60]}: {lists[:120]} has only class names; name a "
                "word list that is cached"
            )
        if not len(found):
            raise InputError(
                f"{variant.score}:corpus={name[:60]}: every word of {lists[:120]} is a leak; omit "
                "--without-leaks"
            )
        told = ""
        if self.mined is not None and name == MINED:
            of = f"{lists[:120]}, which {self.mined.negatives.name} was mined from"
            told = f"chooses its negatives among {len(found):,} words: {of}"
        return opened, NamedRows(found, told, words)

    def _lists(self, name: str) -> list[TextRows]:
        if name == MINED:
            assert self.mined is not None
            lists = self.mined.negatives.lists
            every = zip(lists, self.mined.files, strict=True)
            return [file for one, file in every if one.role == NEGATIVE]
        selection = self.selection
        path = vocabulary_path(self.cache, selection.label, selection.model.requested, name)
        file = open_text_rows(path)
        check_same_model(selection.known_texts, [file])
        return [file]

    @property
    def _classes(self) -> tuple[Vectors, Sequence[str]]:
        # No distance is measured to them.
        return np.empty((0, 0), np.float32), self.selection.vocabulary.names

    def _images(self, variant: Variant, name: str) -> tuple[Sequence[ImageFile], NamedRows]:
        """Return the file of a dataset and its vectors, however its images were preprocessed.

        Raises InputError for one that is scored: a score may not begin with its test images.
        """
        selection = self.selection
        try:
            path = images_path(self.cache, selection.label, selection.model.requested, name)
        except InputError as error:
            raise InputError(f"{error}, or use {variant.score}:noise={STREAM}") from None
        if any(one.file.path == path for one in selection.every_view):
            other = "DATASET" if name == NOISE else NOISE
            raise InputError(
                f"{variant.score}:noise={name[:60]}: {name[:60]} is scored in this run, so its "
                f"test images would begin the OOD queue; use noise={other} or noise={STREAM}"
            )
        file = open_images(path)
        check_same_model(selection.reference, [file])
        return [file], NamedRows(np.concatenate([*View(name, file, None).blocks()]))


def _named(variant: Variant) -> Iterator[tuple[str, str]]:
    """Yield what a score's parameters name, each as what it is and its name."""
    for name, one in variant.definition.parameters.items():
        value = str(variant.parameters[name])
        if one.names == VOCABULARY or (one.names == DATASET and value != STREAM):
            yield one.names, value
