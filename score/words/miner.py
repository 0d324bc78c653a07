"""The mining of negatives from cached vocabularies: words far from every class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import (
    CSP,
    NEGATIVE,
    Negatives,
    WordList,
    parse_keep,
    read_negatives,
    write_negatives,
)
from oodcache.cache.files.stored_prompts import vectors_sum
from oodcache.cache.files.texts import TextFile, TextRows
from oodcache.cache.format import versions
from oodcache.cache.shards.shard_set import open_text_rows, open_texts
from oodcache.cache.store import store
from oodcache.cache.watch import Hint, Watch
from oodcache.score.inputs.files import check_same_model, vocabulary_path
from oodcache.score.measures.result import AVERAGE
from oodcache.score.words.ends import too_few
from oodcache.score.words.mining import KEEP, PERCENTILE
from oodcache.score.words.negatives import differing, held_against
from oodcache.score.words.word_pool import ChosenWords, WordPool, class_vectors, template_of


@dataclass(frozen=True)
class MiningRequest:
    """A mining request as typed; without a `percentile`, the 95th is used.

    The `nearest` words are mined too, so many of all lists together; at least 1.
    """

    cache: Path
    model: str
    name: str
    classes: str | None
    words: Sequence[str]
    csp: Sequence[str] = ()
    template: str | None = None
    percentile: float | None = None
    keep: str = KEEP
    nearest: int | None = None


def write_mined(request: MiningRequest, overwrite: bool, watch: Watch) -> None:
    """Mine negatives and write their file.

    Without `overwrite`, an existing file is kept: raises InputError unless it has the same words.
    """
    label = store.find_model(request.cache, request.model)
    path = names.negatives_path(request.cache, label, request.name)
    known = read_negatives(path) if path.exists() and not overwrite else None
    if known is not None and not _is_asked(known, request):
        raise InputError(f"{path}: exists; replace it with --overwrite, or give another -o NAME")
    found = mine(request, watch)
    if known is not None:
        if not _is_same(known, found, request, label):
            raise InputError(
                f"{path}: exists, of other vectors or templates; replace it with --overwrite"
            )
        watch.note(f"{path}: mined already, with the same words")
        return
    write_negatives(path, found)
    words = sum(len(one.words) for one in found.lists)
    candidates = sum(one.candidates for one in found.lists)
    near = f", and the {found.nearest:,} nearest" if found.nearest else ""
    if few := too_few(found):
        watch.note(few)
    watch.note(Hint(f"wrote {path}: {words:,} words of {candidates:,} (--keep {found.keep}){near}"))


def _is_asked(known: Negatives, request: MiningRequest) -> bool:
    """Return whether a file has the lists and the numbers of a request: mining would tell."""
    asked = [*request.words, *request.csp]
    held = [one.vocabulary for one in known.lists], known.keep, known.nearest
    return held == (asked, request.keep, request.nearest or 0)


def _is_same(known: Negatives, found: Negatives, request: MiningRequest, label: str) -> bool:
    """Return whether a file has the words that were found, of vectors that are still there."""
    try:
        held = held_against(known, *_opened(request, label), "")
    except InputError:
        return False
    return held == replace(found, versions=known.versions)


def _opened(request: MiningRequest, label: str) -> tuple[TextFile, tuple[TextRows, ...]]:
    """Return the vocabulary of the classes and the word lists; their models must match."""
    cache, model = request.cache, request.model
    texts = open_texts(vocabulary_path(cache, label, model, request.classes))
    files = tuple(
        open_text_rows(vocabulary_path(cache, label, model, one, file))
        for one, file in _distinct(request.words, request.csp).items()
    )
    check_same_model(texts, files)
    return texts, files


def mine(request: MiningRequest, watch: Watch) -> Negatives:
    """Return the requested negatives, to be written at their path.

    Raises InputError if files are missing or have other weights, or no word would be kept.
    """
    cache, keep, percentile = request.cache, request.keep, request.percentile
    if percentile is not None and not 0 <= percentile <= 100:
        raise InputError(f"--percentile {percentile}: give a number from 0 to 100, such as 95")
    label = store.find_model(cache, request.model)
    try:
        parsed = parse_keep(keep)
    except ValueError as error:
        raise InputError(f"--keep: {error}") from None
    names.check_name(request.name, "negatives")
    texts, files = _opened(request, label)
    of_classes = class_vectors(texts, request.template or AVERAGE)
    roles = (NEGATIVE,) * len(request.words) + (CSP,) * len(request.csp)
    percentiles = [PERCENTILE if percentile is None else percentile] * len(files)
    total = sum(len(one.vocabulary.names) for one in files)
    with watch.progress("mining", total, "words") as advance:
        pool = WordPool(files, roles, of_classes.vectors, of_classes.names, advance)
        chosen = pool.choose(percentiles, parsed, range(len(files)), f"--keep {keep}")
    number = request.nearest
    near = pool.nearest(percentiles, number, chosen, f"--nearest {number}") if number else {}
    lists = tuple(_word_list(pool, one, near.get(one.at), percentiles) for one in chosen)
    if not any(one.words for one in lists if one.role == NEGATIVE):
        raise InputError(f"--keep {keep}: keeps none of so few words; give a larger share")
    summaries = [pool.summary(one, near.get(one.at)) for one in chosen]
    for line in (*summaries, *differing(lists, of_classes.template)):
        watch.note(line)
    made = texts.identity.model
    return Negatives(
        path=names.negatives_path(cache, label, request.name),
        model=made.name,
        pretrained=made.pretrained,
        weights=made.weights,
        architecture=made.architecture,
        classes=texts.path.stem,
        class_vectors=vectors_sum(texts, of_classes.templates),
        template=of_classes.template,
        templates=of_classes.templates,
        keep=keep,
        lists=lists,
        versions=versions.of_arrays(),
    )


def _distinct(words: Sequence[str], csp: Sequence[str]) -> dict[str, str]:
    """Return each vocabulary, and how to write its file for `extract`."""
    if not words:
        raise InputError("no words to mine from; give --words")
    for option, typed in (("--words", words), ("--csp", csp)):  # No name has a comma.
        if several := [one for one in typed if "," in one]:
            each = " ".join(f"{option} {one.strip()}" for one in several[0].split(","))
            raise InputError(f"{option} {several[0]!r}: repeat the option: {each}")
    sources = dict.fromkeys(words, "FILE") | dict.fromkeys(csp, "csp:FILE")
    if len(sources) < len(words) + len(csp):
        given = [*words, *csp]
        twice = next(one for place, one in enumerate(given) if one in given[:place])
        raise InputError(f"vocabulary {twice!r} is given twice")
    return sources


def _word_list(
    pool: WordPool, chosen: ChosenWords, near: ChosenWords | None, percentiles: Sequence[float]
) -> WordList:
    file = pool.files[chosen.at]
    return WordList(
        vocabulary=file.path.stem,
        vectors=file.identity.vectors,
        template=template_of(file),
        templates=file.vocabulary.templates,
        role=pool.roles[chosen.at],
        percentile=percentiles[chosen.at],
        candidates=chosen.candidates,
        words=tuple(pool.words(chosen)),
        near=() if near is None else tuple(pool.words(near)),
    )
