"""Cautions: what a reader of results should distrust, each as a short clause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from oodcache.cache.text import counted
from oodcache.report.findings.exchanged import question
from oodcache.report.findings.ranking import RankedResults, named, whose_named
from oodcache.report.html.renaming import Named, renamed
from oodcache.report.saved.results import mapping
from oodcache.report.tables.grid import by_row, in_words, key, percent, some
from oodcache.report.tables.notes.caption import TIES
from oodcache.report.tables.notes.reversals import swaps
from oodcache.report.tables.notes.stream_notes import keeps_some
from oodcache.score.measures.result import Result
from oodcache.score.measures.spectrum.spectrum import FULL

FEW = 1000  # Images of a set; with fewer, an interval is several points wide.


def cautions(
    results: Sequence[Result],
    ranking: RankedResults,
    provenance: Mapping[str, Any],
    new: Named | None = None,
) -> tuple[str, ...]:
    """Return what to distrust, the gravest first, each without a period.

    `new` has names to show instead of those of the results.
    """
    new = new or {}
    asked = question(results, provenance, new)
    found = [] if asked is None else [asked]
    for of in (_leaks, _shared, _in_bank, _picked):
        found += of(results, new)
    found += _by_fpr(ranking, results, new)
    for of in (_conventions, _ties, _few, _streams, _shifted):
        found += of(results, new)
    found += _undecoded(provenance, new)
    return tuple(found)


def _names(names: Iterable[str], new: Named) -> str:
    return some([renamed(one, new) for one in names])


def _counts(counts: Mapping[str, int], new: Named) -> str:
    return some([f"{count:,} of {renamed(name, new)}" for name, count in counts.items()])


def _leaks(results: Sequence[Result], new: Named) -> Iterator[str]:
    single = [one for one in results if one.leaks is not None and not one.is_average]
    left_in = [one for one in single if not one.is_diagnostic]
    counts: dict[str, int] = {}
    for one in left_in:
        assert one.leaks is not None
        if one.leaks.names:
            counts[one.ood] = max(one.leaks.names, counts.get(one.ood, 0))
    if counts:
        of = _counts(counts, new)
        yield f"negative words name OOD classes ({of}), so these rows are not zero-shot there"
    unknown = dict.fromkeys(one.ood for one in left_in if one.leaks and one.leaks.names is None)
    if unknown:
        of = _names(unknown, new)
        yield f"negative words may name classes of {of}, whose names are not known"
    if diagnostic := dict.fromkeys(key(one)[2] for one in results if one.is_diagnostic):
        several = len(diagnostic) > 1
        what = f"{_names(diagnostic, new)} {'are diagnostics' if several else 'is a diagnostic'}"
        ranked = all(one.is_diagnostic for one in results)
        unranked = "" if ranked else f", and {'are' if several else 'is'} not ranked"
        yield f"{what}, without the words that name OOD classes{unranked}"


def _shared(results: Sequence[Result], new: Named) -> Iterator[str]:
    most: dict[str, int] = {}
    for one in results:
        if one.shared_images and not one.is_average and one.id != FULL:
            most[one.ood] = max(one.shared_images, most.get(one.ood, 0))
    if most:
        of = _counts(most, new)
        yield f"some images are both ID and OOD ({of})"


def _in_bank(results: Sequence[Result], new: Named) -> Iterator[str]:
    most: dict[str, int] = {}
    for one in results:
        for name, count in (one.bank_shared_images or {}).items():
            most[name] = max(count, most.get(name, 0))
    if most:
        of = _counts(most, new)
        yield f"some test images are also in the bank ({of})"


def _picked(results: Sequence[Result], new: Named) -> Iterator[str]:
    rows = [next(iter(row.values())) for row in by_row(results).values()]
    if len(rows) < 2:
        return
    if any(one.picked is not None for one in rows):
        names = dict.fromkeys(one.picked.on for one in rows if one.picked is not None)
        on = in_words([renamed(one, new) for one in names])
        yield f"parameters were picked on {on}, but the best row on the test images"
        return
    ours = all(one.classes is not None for one in rows)
    what = "the best row was picked by the same images that measure it, so its number is optimistic"
    yield f"{what} (use --select-on DATASET)" if ours else what


def _by_fpr(ranking: RankedResults, results: Sequence[Result], new: Named) -> Iterator[str]:
    """Yield the row with the lowest FPR95 if it is not the best by AUROC."""
    lowest = min(ranking.rows, key=lambda one: (one.fpr95, -one.auroc))
    best = min(ranking.best, key=lambda one: one.fpr95)
    if percent(lowest.fpr95) != percent(best.fpr95):
        yield (
            f"FPR95 ranks another row first, {named(lowest, results, new)} "
            f"({percent(lowest.fpr95)} % against {percent(best.fpr95)} %)"
        )


def _conventions(results: Sequence[Result], new: Named) -> Iterator[str]:
    if (found := swaps(results)) is not None:
        name, count = max(found.counts.items(), key=lambda one: one[1])
        changes = "changes places" if count == 1 else "change places"
        yield (
            f"the order by FPR95 depends on the convention (under the convention {name}, "
            f"{count:,} of {counted(found.pairs, 'pair')} of scores {changes})"
        )


def _ties(results: Sequence[Result], new: Named) -> Iterator[str]:
    single = [one for one in results if not one.is_average]
    most = max(single, key=lambda one: one.ties / (one.n_id + one.n_ood), default=None)
    if most is not None and most.ties / (most.n_id + most.n_ood) > TIES:
        of = most.n_id + most.n_ood
        where = f"{renamed(most.ood, new)}{whose_named(most, results, new)}"
        yield (
            f"scores tie, most in {renamed(key(most)[2], new)} on {where} "
            f"({most.ties:,} of {of:,} images)"
        )


def _few(results: Sequence[Result], new: Named) -> Iterator[str]:
    counts: dict[str, int] = {}
    for one in results:
        # A ratio keeps some of the images; an average and the full spectrum sum them.
        if not one.is_average and not keeps_some(one):
            counts |= ({} if one.id == FULL else {one.id: one.n_id}) | {one.ood: one.n_ood}
    few = [f"{renamed(name, new)} {count:,}" for name, count in counts.items() if count < FEW]
    if few:
        which = "every set has" if len(few) == len(counts) > 1 else "some sets have"
        which = "the only known set has" if len(counts) == 1 else which
        yield f"{which} fewer than {FEW:,} images ({some(few)})"


def _undecoded(provenance: Mapping[str, Any], new: Named) -> Iterator[str]:
    """Yield the files of images with some that were not decoded; untrusted, as the file says."""
    files = provenance.get("files")
    counts: dict[str, int] = {}
    for file in files if isinstance(files, list) else ():
        count, path = mapping(file).get("failed"), mapping(file).get("path")
        if isinstance(count, int) and count > 0 and isinstance(path, str):
            name = PurePath(path).stem
            counts[name] = max(count, counts.get(name, 0))
    if counts:
        of = _counts(counts, new)
        yield f"some images could not be decoded and are not counted ({of})"


def _streams(results: Sequence[Result], new: Named) -> Iterator[str]:
    names = [*dict.fromkeys(one.score for one in results if one.stream is not None)]
    if names:
        depend = "depends" if len(names) == 1 else "depend"
        yield f"{_names(names, new)} {depend} on the order of the images"


def _shifted(results: Sequence[Result], new: Named) -> Iterator[str]:
    if any(one.spectrum is not None for one in results):
        yield "the ranking is of the ID set alone, without covariate-shifted images"
