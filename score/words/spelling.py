"""Spellings of a name that count as equal: case, separators, punctuation and plural aside."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from oodcache.score.words.mining import canonical

SEPARATORS = str.maketrans(dict.fromkeys("_-/\u2010\u2011\u2012\u2013", " "))
# Plurals that the endings below miss.
IRREGULAR = {
    **{"children": "child", "feet": "foot", "geese": "goose", "lice": "louse", "mice": "mouse"},
    **{"oxen": "ox", "people": "person", "teeth": "tooth"},
    **{"calves": "calf", "elves": "elf", "halves": "half", "hooves": "hoof", "knives": "knife"},
    **{"leaves": "leaf", "lives": "life", "loaves": "loaf", "scarves": "scarf"},
    **{"shelves": "shelf", "thieves": "thief", "wives": "wife", "wolves": "wolf"},
}
# Each ending of a plural, and what a singular has instead: WordNet's rules for nouns, and -oes.
ENDINGS = (
    *(("ches", "ch"), ("shes", "sh"), ("ses", "s"), ("xes", "x"), ("zes", "z")),
    *(("oes", "o"), ("ies", "y"), ("men", "man"), ("s", "")),
)
# The s of these is no plural's.
SINGULAR = ("ss", "us", "is")
REMEMBERED = 2**17  # Names: the words of a long list, which are compared with every OOD set.
SHORTEST = 3  # Letters of a singular: "gas" is no plural of "ga".


def plain(name: str) -> str:
    """Return a name in lower case, without punctuation, its words apart by single spaces.

    >>> plain("Polka-Dotted"), plain("jack_o'_lantern")
    ('polka dotted', 'jack o lantern')
    """
    return canonical(name.translate(SEPARATORS))


@lru_cache(REMEMBERED)
def forms(name: str) -> frozenset[str]:
    """Return the plain name, and with its last word in the singular if that may be a plural.

    Two names are equal if they share a form. A name of nothing but punctuation has none.

    >>> sorted(forms("Potted_Plants")), sorted(forms("glass"))
    (['potted plant', 'potted plants'], ['glass'])
    """
    whole = plain(name)
    if not whole:
        return frozenset()
    before, space, last = whole.rpartition(" ")
    return frozenset({whole, *(f"{before}{space}{one}" for one in _singulars(last))})


def _singulars(word: str) -> Iterator[str]:
    """Yield what `word` may be the plural of."""
    if word in IRREGULAR:
        yield IRREGULAR[word]
    if word.endswith(SINGULAR):
        return
    for plural, singular in ENDINGS:
        stem = word.removesuffix(plural)
        if stem != word and len(stem + singular) >= SHORTEST:
            yield stem + singular
