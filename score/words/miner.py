"""Negatives mined from cached vocabularies: the words of each that are far from the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import CSP, NEGATIVE, Negatives, WordList, parse_keep
from oodcache.cache.shards.shard_set import open_text_rows, open_texts
from oodcache.cache.store import store
from oodcache.cache.watch import Note, Progress
from oodcache.score.inputs.files import check_same_model, vocabulary_path
from oodcache.score.measures.result import AVERAGE
from oodcache.score.words.mining import KEEP, PERCENTILE
from oodcache.score.words.negatives import differing
from oodcache.score.words.word_pool import Chosen, Pool, choose, class_vectors, template_of


def mine(
    cache: Path,
    model: str,
    *,
    classes: str | None,
    words: Sequence[str],
    csp: Sequence[str] = (),
    template: str | None = None,
    percentile: float | None = None,
    keep: str = KEEP,
    name: str,
    note: Note,
    progress: Progress = lambda description, total, unit: nullcontext(lambda rows: None),
    versions: Mapping[str, str],
) -> Negatives:
    """Return the negatives of the vocabularies `words` and `csp`, to be written at their path.

    Without a percentile it is the 95th. `note` is told what was left out and kept of each list.
    Raises InputError for what is not in the cache, or of other weights, and where nothing would be
    kept.
    """
    if percentile is not None and not 0 <= percentile <= 100:
        raise InputError(f"--percentile {percentile}: wants a number from 0 to 100, such as 95")
    label, parsed = store.find_model(cache, model), _parsed(keep)
    names.check_name(name, "negatives")
    texts = open_texts(vocabulary_path(cache, label, model, classes))
    files = tuple(
        open_text_rows(vocabulary_path(cache, label, model, one, file))
        for one, file in _distinct(words, csp).items()
    )
    check_same_model(texts, files)
    of_classes = class_vectors(texts, template or AVERAGE)
    roles = (NEGATIVE,) * len(words) + (CSP,) * len(csp)
    percentiles = [PERCENTILE if percentile is None else percentile] * len(files)
    with progress("mining", sum(len(one.vocabulary.names) for one in files), "words") as advance:
        pool = Pool(files, roles, of_classes.vectors, texts.vocabulary.names, advance)
        chosen = choose(pool, percentiles, parsed, range(len(files)), f"--keep {keep}")
    lists = tuple(_word_list(pool, one, percentiles) for one in chosen)
    if not any(one.words for one in lists if one.role == NEGATIVE):
        raise InputError(f"--keep {keep}: of so few words none is kept; give a larger share")
    for line in (*map(pool.told, chosen), *differing(lists, of_classes.template)):
        note(line)
    made = texts.identity.model
    return Negatives(
        path=names.negatives_path(cache, label, name),
        model=made.name,
        pretrained=made.pretrained,
        weights=made.weights,
        architecture=made.architecture,
        classes=texts.path.stem,
        class_vectors=texts.identity.vectors,
        template=of_classes.template,
        keep=keep,
        lists=lists,
        versions=versions,
    )


def _parsed(keep: str) -> Fraction | int:
    try:
        return parse_keep(keep)
    except ValueError as error:
        raise InputError(f"--keep: {error}") from None


def _distinct(words: Sequence[str], csp: Sequence[str]) -> dict[str, str]:
    """Return each vocabulary, and as what its file is to be extracted."""
    if not words:
        raise InputError("there are no words to choose from; give --words")
    sources = dict.fromkeys(words, "FILE") | dict.fromkeys(csp, "csp:FILE")
    if len(sources) < len(words) + len(csp):
        given = [*words, *csp]
        twice = next(one for place, one in enumerate(given) if one in given[:place])
        raise InputError(f"vocabulary {twice!r} is given twice: its words count once")
    return sources


def _word_list(pool: Pool, chosen: Chosen, percentiles: Sequence[float]) -> WordList:
    file = pool.files[chosen.at]
    return WordList(
        vocabulary=file.path.stem,
        vectors=file.identity.vectors,
        template=template_of(file),
        role=pool.roles[chosen.at],
        percentile=percentiles[chosen.at],
        candidates=chosen.candidates,
        words=tuple(pool.words(chosen)),
    )
