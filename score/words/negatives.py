"""Mined negatives, opened for scoring.

They belong to one model: everything that decided the words is compared before they are used.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import (
    CSP,
    NEGATIVE,
    Negatives,
    WordList,
    parse_keep,
    read_negatives,
)
from oodcache.cache.files.stored_prompts import unchanged, vectors_sum
from oodcache.cache.files.texts import TextFile, TextRows
from oodcache.cache.shards.shard_set import open_text_rows
from oodcache.cache.store import store
from oodcache.score.inputs.files import brief, check_same_model, vocabulary_path, vocabulary_source
from oodcache.score.inputs.selection import Prompted, Selection, Vectors
from oodcache.score.measures.result import AVERAGE
from oodcache.score.words.mining import KEEP, PERCENTILE
from oodcache.score.words.word_pool import ChosenWords, WordPool, class_vectors

# The templates of NegLabel's paper: for classes and nouns, and for adjectives.
NOUN, ADJECTIVE = "the nice {}", "This is a {} photo"


@dataclass(frozen=True)
class Mined:
    """A file of negatives that matches the scored classes, and the words' vectors on disk.

    Words that `leaves_out` have no vectors.
    """

    negatives: Negatives
    selection: Selection
    files: tuple[TextRows, ...]
    leaves_out: Callable[[str], bool] | None = None

    def vectors(
        self, *, percentile: float | None = None, number: int | None = None, csp: bool = False
    ) -> Vectors:
        """Return the negatives' unit vectors, float32 (M, D): list by list, by rising distance.

        Conjugated pools are included only with `csp`. With a percentile or a number, the words are
        mined again from the cache, as `oodcache negatives --percentile --keep` would; a number
        counts the words of all included lists together.
        """
        chosen = self._chosen(percentile, number, csp)
        return np.concatenate([self._pool.vectors(one) for one in chosen])

    def words(
        self, *, percentile: float | None = None, number: int | None = None, csp: bool = False
    ) -> list[str]:
        """Return the words of `vectors`, in the same order, with those that are left out."""
        chosen = self._chosen(percentile, number, csp)
        return [word for one in chosen for word in self._pool.words(one)]

    def notes(self, prompts: Sequence[Prompted]) -> list[str]:
        """Return notes if the classes are scored with other templates, or only some are scored."""
        of_file, notes = self.negatives, []
        mined = _how(of_file.template, of_file.templates)
        now = [_how(one.template, one.templates) for one in prompts]
        if others := [one for one in now if one != mined]:
            what = f"mined with the classes in {mined}, scored in {others[0]}"
            notes.append(f"{of_file.path}: {what}")
        notes += differing(of_file.lists, of_file.template)
        scored, there = len(self.selection.classes), len(self.selection.vocabulary.names)
        if scored < there:
            notes.append(
                f"{of_file.path}: mined with all {there:,} classes of {of_file.classes}, scored "
                f"with {scored:,} of them"
            )
        return notes

    @cached_property
    def _pool(self) -> WordPool:
        templates = self.negatives.templates
        of_classes = class_vectors(
            self.selection.known_texts, templates[0] if len(templates) == 1 else templates
        )
        roles = tuple(one.role for one in self.negatives.lists)
        class_names = self.selection.vocabulary.names
        pool = WordPool(self.files, roles, of_classes.vectors, class_names)
        return replace(pool, leaves_out=self.leaves_out)

    def _chosen(self, percentile: float | None, number: int | None, csp: bool) -> list[ChosenWords]:
        lists = self.negatives.lists
        used = [at for at, one in enumerate(lists) if csp or one.role == NEGATIVE]
        if csp and all(one.role != CSP for one in lists):
            command = self.command(csp="--csp CSPWORDS ")
            raise InputError(
                f"{self.negatives.path}: contains no conjugated pool; mine one with: {command}"
            )
        if percentile is None and number is None:
            return [self._stored(at, lists[at].words) for at in used]
        if not 0 <= (percentile or 0) <= 100 or (number is not None and number < 1):
            raise InputError(
                f"{self.negatives.path}: cannot be mined again with percentile {percentile} and "
                f"number {number}: percentiles are 0 to 100, numbers at least 1"
            )
        percentiles = [one.percentile if percentile is None else percentile for one in lists]
        keep, among = parse_keep(self.negatives.keep), list(range(len(lists)))
        if number is not None:
            keep, among = number, used
        chosen = self._pool.choose(percentiles, keep, among, str(self.negatives.path))
        return [one for one in chosen if one.at in used]

    def vectors_of(self, words: Mapping[int, Sequence[str]]) -> Vectors:
        """Return the unit vectors of words of some lists, float32 (M, D), list by list."""
        chosen = (self._stored(at, some) for at, some in words.items())
        return np.concatenate([self._pool.vectors(one) for one in chosen])

    def command(self, *, csp: str = "", nearest: int = 0, keep: str = "") -> str:
        """Return the command that mines such negatives, with what is given besides or instead."""
        of_file, model = self.negatives, self.selection.model.requested
        of_file = replace(of_file, keep=keep or of_file.keep)
        return remined(of_file, model, of_file.classes, csp=csp, nearest=nearest)

    def _stored(self, at: int, words: Sequence[str]) -> ChosenWords:
        """Return words of one list, by their places in its vocabulary."""
        there = self.files[at].vocabulary.names
        # The first of equal names: the others were duplicates.
        places = {name: len(there) - 1 - back for back, name in enumerate(reversed(there))}
        found = np.array([places[word] for word in words], np.intp)
        return ChosenWords(at, found, self.negatives.lists[at].candidates)


def open_negatives(cache: Path, selection: Selection, name: str) -> Mined:
    """Return the negatives called `name` of the scored model.

    Raises InputError if there are none, or if the model, the classes' vectors or a word list's
    vectors have changed since they were mined.
    """
    texts, label = selection.known_texts, selection.label
    requested = selection.model.requested
    there = [one.name for one in store.negatives(cache, label)]
    if name not in there:
        raise InputError(
            f"{cache / label}: no negatives {name!r} (there are: {', '.join(there) or 'none'}); "
            f"make them with: {mining(selection)} --words nouns -o {name}"
        )
    negatives = read_negatives(names.negatives_path(cache, label, name))
    again = f"mine again with: {remined(negatives, requested, texts.path.stem)}"
    _check_mined(negatives, texts, again)
    files = list[TextRows]()
    for one in negatives.lists:
        source = "csp:FILE" if one.role == CSP else "FILE"
        file = open_text_rows(vocabulary_path(cache, label, requested, one.vocabulary, source))
        check_same_model(texts, [file])
        files.append(file)
    held = held_against(negatives, texts, files, again)
    views = [file.under(one.templates) for file, one in zip(files, held.lists, strict=True)]
    return Mined(held, selection, tuple(views))


def held_against(
    negatives: Negatives, texts: TextFile, files: Sequence[TextRows], again: str
) -> Negatives:
    """Return negatives with the templates that they were mined with, also for old files.

    Raises InputError, ending in `again`, if the vectors of those templates, of the classes or of a
    word list, have changed. Templates that were added later do not matter.
    """
    templates = _of_classes(negatives, texts, again)
    lists = [
        _of_list(negatives, words, file, again)
        for words, file in zip(negatives.lists, files, strict=True)
    ]
    return replace(
        negatives,
        class_vectors=vectors_sum(texts, templates),
        templates=templates,
        lists=tuple(lists),
    )


def mining(selection: Selection) -> str:
    """Return the start of the command that mines negatives for these classes."""
    model = shlex.quote(selection.model.requested)
    return f"oodcache negatives --model {model} --classes {selection.known_texts.path.stem}"


def remined(
    negatives: Negatives, model: str, classes: str, *, csp: str = "", nearest: int = 0
) -> str:
    """Return the command that mines such negatives for `classes`, under another name."""
    options = [f"--model {shlex.quote(model)} --classes {classes}"]
    options += [
        f"--{'csp' if one.role == CSP else 'words'} {one.vocabulary}" for one in negatives.lists
    ]
    if negatives.template != AVERAGE:
        options.append(f"--template {shlex.quote(negatives.template)}")
    if negatives.percentile != PERCENTILE:
        options.append(f"--percentile {negatives.percentile:g}")
    if negatives.keep != KEEP:
        options.append(f"--keep {negatives.keep}")
    if nearest := nearest or negatives.nearest:
        options.append(f"--nearest {nearest}")
    same = classes == negatives.classes
    options.append(f"{csp}{'--overwrite ' if same else ''}-o {negatives.name}")
    return f"oodcache negatives {' '.join(options)}{'' if same else f'-{classes}'}"


def differing(lists: Sequence[WordList], template: str) -> list[str]:
    """Return a note if words and classes have different templates, as a list."""
    others = [f"{one.vocabulary} in {one.template!r}" for one in lists if one.template != template]
    if not others:
        return []
    return [
        f"classes in {template!r}, but {', '.join(others)}: the paper uses {NOUN!r} for classes "
        f"and nouns, and {ADJECTIVE!r} for adjectives"
    ]


def unlike_paper(negatives: Negatives) -> list[str]:
    """Return in words each setting that differs from NegLabel's paper; word lists may differ.

    The paper uses "the nice {}" for classes and nouns, and "This is a {} photo" for adjectives.
    """
    lists = [one.template for one in negatives.lists if one.role == NEGATIVE]
    found = {
        f"percentile {negatives.percentile:g}, not {PERCENTILE:g}": negatives.percentile
        != PERCENTILE,
        f"keep {negatives.keep}, not {KEEP}": negatives.keep != KEEP,
        f"classes in {negatives.template!r}, not {NOUN!r}": negatives.template != NOUN,
        f"word lists in {', '.join(map(repr, lists))}, not one in {NOUN!r} and one in "
        f"{ADJECTIVE!r}": sorted(lists) != sorted((NOUN, ADJECTIVE)),
    }
    return [what for what, so in found.items() if so]


def _check_mined(negatives: Negatives, texts: TextFile, again: str) -> None:
    """Raise InputError for negatives of another model, or of other classes than the scored ones."""
    model, path = texts.identity.model, negatives.path
    if negatives.weights != model.weights:
        raise InputError(
            f"{path}: mined with weights {brief(negatives.weights)}, but {texts.path} has "
            f"{brief(model.weights)}: negatives belong to one model; {again}"
        )
    known = negatives.architecture and model.architecture
    if known and negatives.architecture != model.architecture:
        raise InputError(
            f"{path}: mined with another architecture than {texts.path}, though with the same "
            f"weights; {again}"
        )


def _of_classes(negatives: Negatives, texts: TextFile, again: str) -> tuple[str, ...]:
    """Return the templates of the classes; raise InputError if their vectors have changed."""
    path, template = negatives.path, negatives.template
    templates = unchanged(texts, negatives.class_vectors, negatives.templates)
    if templates is None:
        there = {AVERAGE, *texts.vocabulary.templates}
        classes = f"classes {negatives.classes}, whose vectors differ from those of"
        what, joint = f"mined with {classes} {texts.path}", "; "
        missing = [one for one in (template, *negatives.templates) if one not in there]
        if missing and texts.path.stem == negatives.classes:
            add = f"{vocabulary_source(negatives.classes)} --template {shlex.quote(missing[0])}"
            model = shlex.quote(texts.identity.model.requested)
            what = (
                f"mined with template {missing[0]!r}, which {texts.path} does not have; add it "
                f"first: oodcache extract --model {model} --classes {add}; if need be"
            )
            joint = ", then "
        raise InputError(f"{path}: {what}{joint}{again}")
    return templates if template == AVERAGE else (template,)


def _of_list(negatives: Negatives, words: WordList, file: TextRows, again: str) -> WordList:
    """Return a word list with its templates; raise InputError if it has changed since."""
    templates = unchanged(file, words.vectors, words.templates)
    if templates is None or words.template != (AVERAGE if len(templates) > 1 else templates[0]):
        raise InputError(
            f"{negatives.path}: mined from other vectors than {file.path} now contains; {again}"
        )
    there = set(file.vocabulary.names)
    if missing := [word for word in (*words.words, *words.near) if word not in there]:
        raise InputError(
            f"{negatives.path}: the word {missing[0]!r} is not in {file.path}; {again}"
        )
    return replace(words, templates=templates)


def _how(template: str, templates: Sequence[str]) -> str:
    """Return a template in quotes, or how several are combined and how many there are."""
    return f"the {template} of {len(templates)}" if len(templates) > 1 else repr(template)
