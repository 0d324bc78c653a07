"""Spellings of a name that count as equal: case, separators, punctuation and plural aside."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from oodcache.score.words.mining import canonical

# Hyphens and dashes, the minus sign and others; a soft hyphen and a zero-width space are nothing.
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u2e3b"
SEPARATORS = str.maketrans({**dict.fromkeys(f"_/{DASHES}", " "), "\u00ad": "", "\u200b": ""})
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
# The s of these endings is no plural's, and neither is that of these words.
SINGULAR = ("ss", "us", "is")
NO_PLURALS = frozenset(
    ("atlas", "bias", "canvas", "christmas", "gas", "lens", "news", "series", "species", "texas")
)
REMEMBERED = 2**17  # Names: the words of a long list, which are compared with every OOD set.
SHORTEST = 3  # Letters of a singular: "gas" is no plural of "ga".


def plain(name: str) -> str:
    """Return a name without case and punctuation, its words apart by single spaces.

    Compatible characters, such as full-width letters and ligatures, are one (NFKC).

    >>> plain("Polka-Dotted"), plain("jack_o'_lantern"), plain("Straße")
    ('polka dotted', 'jack o lantern', 'strasse')
    """
    # Before NFKC, which turns some dashes into others, and after, for full-width ones.
    folded = unicodedata.normalize("NFKC", name.translate(SEPARATORS)).casefold()
    return canonical(unicodedata.normalize("NFKC", folded).translate(SEPARATORS))


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
    if word.endswith(SINGULAR) or word in NO_PLURALS:
        return
    for plural, singular in ENDINGS:
        stem = word.removesuffix(plural)
        if stem != word and len(stem + singular) >= SHORTEST:
            yield stem + singular
