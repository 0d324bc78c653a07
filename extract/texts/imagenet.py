"""ImageNet's classes: their WordNet ids, in the order of the class numbers, and their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from oodcache.extract.texts.word_lists import Columns, first_lemmas

WORDNET_ID = re.compile(r"n[0-9]{8}")
PREFIXED = re.compile(r"n[0-9]{8}[-_](\S.*)")


def ids() -> tuple[str, ...]:
    """Return ImageNet's 1,000 WordNet ids, from timm, in the order of its class numbers."""
    return tuple(_of_timm("imagenet_synsets.txt").read_text().split())


def thousand() -> Columns:
    """Return the 1,000 WordNet ids and open_clip's names, in the same order."""
    from open_clip import IMAGENET_CLASSNAMES

    return ids(), tuple(IMAGENET_CLASSNAMES)


def renditions() -> tuple[str, ...]:
    """Return the 200 WordNet ids of ImageNet-R, from timm: OpenOOD's ImageNet-200, in its order."""
    return tuple(_of_timm("imagenet_r_synsets.txt").read_text().split())


def two_hundred() -> Columns:
    """Return the 200 WordNet ids of ImageNet-200 and open_clip's names, in the same order."""
    by_id = dict(zip(*thousand(), strict=True))
    return renditions(), tuple(by_id[one] for one in renditions())


def whole() -> Columns:
    """Return the 21,841 WordNet ids of ImageNet-21K and each one's first lemma, from timm.

    Its file of lemmas has three more ids, which are not synsets of that release.
    """
    every = _of_timm("imagenet22k_synsets.txt").read_text().split()
    lemmas = _of_timm("imagenet_synset_to_lemma.txt").read_text("utf-8")
    return tuple(every), first_lemmas(lemmas, every)


def named(wanted: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return whose names they are and the name of each WordNet id, None if an id is unknown.

    They are open_clip's names if all are among the 1,000, otherwise first lemmas.
    """
    for source, table in (("ImageNet", thousand), ("ImageNet-21K", whole)):
        by_id = dict(zip(*table(), strict=True))
        if all(one in by_id for one in wanted):
            return source, tuple(by_id[one] for one in wanted)
    return None


def _of_timm(name: str) -> Path:
    timm = find_spec("timm")
    assert timm is not None and timm.origin is not None, "open_clip depends on timm"
    return Path(timm.origin).parent / "data" / "_info" / name
