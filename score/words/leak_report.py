"""The leaks of OOD sets among the words of a file of negatives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import Negatives, read_negatives
from oodcache.cache.shards.shard_set import open_images
from oodcache.cache.store import store
from oodcache.cache.subsets import split
from oodcache.score.inputs.files import images_path
from oodcache.score.inputs.views import View
from oodcache.score.words.class_lists import ClassLists
from oodcache.score.words.leak_search import LeakSearch
from oodcache.score.words.leaks import ClassWords, Leaks
from oodcache.score.words.word_net import read_wordnet


def leaks_of_file(
    cache: Path, model: str, negatives: str, named: Sequence[ClassWords]
) -> list[Leaks]:
    """Return the leaks of each set among all words of the negatives: far, near and pools.

    Raises InputError if the negatives are missing.
    """
    label = store.find_model(cache, model)
    there = [one.name for one in store.negatives(cache, label)]
    if negatives not in there:
        raise InputError(
            f"{cache / label}: no negatives {negatives!r} (there are: {', '.join(there) or 'none'})"
            f"; make them with: oodcache negatives --model {model} --classes NAME --words NAME "
            f"-o {negatives}"
        )
    words = _words(read_negatives(names.negatives_path(cache, label, negatives)))
    return [one.leaks(words) for one in named]


def named_sets(
    cache: Path, model: str, ood_sets: Sequence[str], search: LeakSearch
) -> list[ClassWords]:
    """Return the words that name the classes of each set.

    Raises InputError if a set is given twice, or if its images or WordNet's files are missing.
    """
    search.check(ood_sets)
    if twice := [one for place, one in enumerate(ood_sets) if one in ood_sets[:place]]:
        raise InputError(f"--ood {twice[0][:60]!r} is given twice")
    label = store.find_model(cache, model)
    known = None if search.wordnet is None else read_wordnet(search.wordnet)
    lists = ClassLists(cache, label, known)
    found = []
    for typed in ood_sets:
        if typed in search.lists:
            listed = lists.of_file(search.lists[typed])
        else:
            dataset, subset = split(typed)
            images = open_images(images_path(cache, label, model, dataset))
            listed = lists.of_view(View(typed, images, subset))
        found.append(ClassWords(typed, listed, known))
    return found


def _words(negatives: Negatives) -> list[str]:
    return [word for one in negatives.lists for word in (*one.words, *one.near)]
