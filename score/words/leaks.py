"""Leaks: negative words that name a class of an OOD set, so that a score has seen its test.

A word is a leak if it is a class's name after clean-up (case, separators, punctuation, plural) or,
with WordNet, another lemma of the class's synset. Words below or above a class are counted apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from oodcache.score.words.class_lists import ClassList, NamedClass
from oodcache.score.words.spelling import forms
from oodcache.score.words.word_net import WordNet

NAME, DESCENDANT, ANCESTOR = "name", "descendant", "ancestor"
SPELLING = "spelling"


@dataclass(frozen=True)
class Leak:
    """A word and the class that it is related to.

    `relation` is "name" for a leak; "descendant" for a word below the class, "ancestor" above it.
    """

    word: str
    class_name: str
    relation: str


@dataclass(frozen=True)
class Leaks:
    """The leaks of one OOD set among `words` negatives.

    `names` are leaks; `descendants` and `ancestors` are counted apart, None without WordNet. All
    are None if the set's class names are not known; `source` says where they are from, or why not.
    `compared` is "spelling", or the release of WordNet, which has `in_wordnet` of the `classes`.
    """

    ood: str
    words: int
    classes: int | None
    source: str
    compared: str
    in_wordnet: int | None
    names: tuple[Leak, ...] | None
    descendants: tuple[Leak, ...] | None
    ancestors: tuple[Leak, ...] | None


@dataclass(frozen=True)
class ClassWords:
    """The words that name the classes of the set `ood`, or a synset below or above one of them."""

    ood: str
    listed: ClassList
    wordnet: WordNet | None = None
    _kinds: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Return whether the set has class names."""
        return self.listed.classes is not None

    def is_leak(self, word: str) -> bool:
        """Return whether a word names a class."""
        return NAME in self._kinds_of(word)

    def leaks(self, words: Sequence[str]) -> Leaks:
        """Return the leaks among some words, in their order."""
        classes, wordnet = self.listed.classes, self.wordnet
        related: dict[str, tuple[Leak, ...] | None] = dict.fromkeys((NAME, DESCENDANT, ANCESTOR))
        known = () if classes is None else (NAME,) if wordnet is None else tuple(related)
        for relation in known:
            every = ((word, self._kinds_of(word).get(relation)) for word in words)
            related[relation] = tuple(
                Leak(word, name, relation) for word, name in every if name is not None
            )
        return Leaks(
            *(self.ood, len(words)),
            *(None if classes is None else len(classes), self.listed.source),
            SPELLING if wordnet is None else f"WordNet {wordnet.release}",
            None if wordnet is None or classes is None else sum(map(bool, self._synsets.values())),
            *related.values(),
        )

    def _kinds_of(self, word: str) -> Mapping[str, str]:
        """Return each relation of a word, and the class; a leak has no other relation."""
        if word not in self._kinds:
            own = forms(word)
            found = {
                relation: next((by_form[one] for one in sorted(own) if one in by_form), None)
                for relation, by_form in self._by_form.items()
            }
            there = {relation: name for relation, name in found.items() if name is not None}
            self._kinds[word] = {NAME: there[NAME]} if NAME in there else there
        return self._kinds[word]

    @cached_property
    def _synsets(self) -> dict[NamedClass, set[str]]:
        """Return each class's synsets: that of its id, or every sense of its names."""
        classes, wordnet = self.listed.classes or (), self.wordnet
        return {} if wordnet is None else {one: _synsets_of(one, wordnet) for one in classes}

    @cached_property
    def _by_form(self) -> dict[str, dict[str, str]]:
        """Return the class of each form of a word, by relation; the first of several."""
        found: dict[str, dict[str, str]] = {NAME: {}, DESCENDANT: {}, ANCESTOR: {}}
        for one in self.listed.classes or ():
            _add(found[NAME], one.names, one.names[0])
        for one, synsets in self._synsets.items():
            assert self.wordnet is not None
            wordnet, shown = self.wordnet, one.names[0]
            _add(found[NAME], wordnet.names(synsets), shown)
            _add(found[DESCENDANT], wordnet.names(wordnet.descendants(synsets)), shown)
            _add(found[ANCESTOR], wordnet.names(wordnet.ancestors(synsets)), shown)
        return found


def _synsets_of(one: NamedClass, wordnet: WordNet) -> set[str]:
    synset = wordnet.synset(one.wordnet_id)
    return synset or {each for name in one.names for each in wordnet.senses(name)}


def _add(by_form: dict[str, str], words: Iterable[str], class_name: str) -> None:
    for word in words:
        for form in forms(word):
            by_form.setdefault(form, class_name)
