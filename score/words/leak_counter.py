"""Leaks counted for the rows of a run, and left out of the negatives if that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.score.inputs.selection import Selection
from oodcache.score.inputs.views import View
from oodcache.score.measures.result import LeakCount
from oodcache.score.words.class_lists import ClassLists
from oodcache.score.words.leak_search import LeakSearch
from oodcache.score.words.leaks import ClassWords, Leak
from oodcache.score.words.word_net import read_wordnet


@dataclass(frozen=True)
class LeakCounter:
    """The OOD sets of one model, and the search for their leaks; class names are read when used."""

    cache: Path
    label: str
    search: LeakSearch
    views: tuple[View, ...]
    _counted: dict[tuple[tuple[str, ...], ...], LeakCount] = field(default_factory=dict)

    @cached_property
    def sets(self) -> dict[str, ClassWords]:
        """Return the class words of each OOD set, by its name as typed."""
        wordnet = None if self.search.wordnet is None else read_wordnet(self.search.wordnet)
        lists, files = ClassLists(self.cache, self.label, wordnet), self.search.lists
        listed = {
            one.name: lists.of_file(files[one.name]) if one.name in files else lists.of_view(one)
            for one in self.views
        }
        return {name: ClassWords(name, one, wordnet) for name, one in listed.items()}

    @cached_property
    def leaves_out(self) -> Callable[[str], bool] | None:
        """Return which words are left out: leaks of any set, or those of earlier results.

        None if no word is to be left out. Raises InputError if no set's class names are known.
        """
        if self.search.words:
            return frozenset(self.search.words).__contains__
        if not self.search.leave_out:
            return None
        known = [one for one in self.sets.values() if one.is_known]
        if not known:
            name, one = next(iter(self.sets.items()))
            raise InputError(
                f"--without-leaks: the class names of {name[:60]} are not known "
                f"({one.listed.source[:120]}); give them with --leaks-of {name[:60]}=FILE"
            )
        return lambda word: any(one.is_leak(word) for one in known)

    def left_out(self, words: Sequence[str]) -> list[str]:
        """Return the words that are left out, in their order."""
        return [] if self.leaves_out is None else [*filter(self.leaves_out, words)]

    def count(self, words: Sequence[str], ood_sets: Sequence[str]) -> LeakCount:
        """Return the leaks among a score's words, summed over sets; None if one's are not known."""
        key = tuple(words), tuple(ood_sets)
        if key not in self._counted:  # Most variants of a score have the same words.
            self._counted[key] = self._count(*key)
        return self._counted[key]

    def _count(self, words: Sequence[str], ood_sets: Sequence[str]) -> LeakCount:
        out = frozenset(self.left_out(words))
        kept = [word for word in words if word not in out]
        of_each = [self.sets[name].leaks(kept) for name in ood_sets]
        return LeakCount(
            words=len(kept),
            names=_sum([one.names for one in of_each]),
            descendants=_sum([one.descendants for one in of_each]),
            ancestors=_sum([one.ancestors for one in of_each]),
            compared=of_each[0].compared,
            left_out=None if self.leaves_out is None else len(words) - len(kept),
        )


def leak_counter(cache: Path, selection: Selection, search: LeakSearch) -> LeakCounter:
    """Return the counter of a model's OOD sets; raises InputError for files that do not fit."""
    found = LeakCounter(cache, selection.label, search, selection.views[1:])
    if search.option:
        assert found.sets  # Reads all files before any image is scored.
    return found


def _sum(every: Sequence[tuple[Leak, ...] | None]) -> int | None:
    known = [one for one in every if one is not None]
    return sum(map(len, known)) if len(known) == len(every) else None
