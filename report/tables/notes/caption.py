"""The notes below a table: what was compared, how, and what a reader could misread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oodcache.report.tables.grid import (
    NOT_ESTIMABLE,
    as_typed,
    asked_tprs,
    by_row,
    fpr_name,
    in_words,
    key,
    percent,
    prompts,
    ranges_of,
    some,
    whose,
)
from oodcache.report.tables.notes.leak_notes import leak_notes, leaks_meaning
from oodcache.report.tables.notes.reversals import reversals
from oodcache.report.tables.notes.shot_notes import banks, shot_notes
from oodcache.report.tables.notes.stream_notes import keeps_some, stream_notes
from oodcache.report.tables.spectrum import pooled, spectrum_notes
from oodcache.score.measures.result import MEANS, Pick, Result
from oodcache.score.measures.spectrum.spectrum import FULL
from oodcache.score.onepass.variants import Variant

Picked = tuple[Result, Pick]

MEANING = {
    "strict": "the highest threshold that keeps at least {share} of ID",
    "nearest": "the threshold that keeps the share of ID nearest to {share}, ties to the lowest",
    "openood": "OOD is positive: the share of ID lost at the first threshold that finds at least "
    "{share} of OOD",
    "interpolated": "linear on the ROC curve, at the right end of a flat run at {share} of ID",
}
TIES = 0.001


def caption(results: Sequence[Result], where: str = "Below") -> list[str]:
    """Return the notes: sets and prompt, measures, intervals, then what applies to these results.

    `where` tells where a table has the interval of an AUROC, "" if it has none.
    """
    lines = [_compared(results), _convention(results)]
    lines += [_intervals(results, where)] if where else []
    notes_of = (_copies, leak_notes, stream_notes, spectrum_notes, shot_notes, _choice, reversals)
    for notes in (*notes_of, _ties, _in_bank, _shared, _sigmoid):
        lines += notes(results)
    return lines


def short_caption(results: Sequence[Result], where: str = "Below") -> list[str]:
    """Return at most three notes: sets and prompt, measures, the most important further one.

    The last tells how many more `caption` has; `where` is that of `caption`.
    """
    first_ones = (_copies, leak_notes, stream_notes, shot_notes)
    by_importance = (*first_ones, _in_bank, _shared, reversals, _choice)
    notes_of = (*by_importance, _ties, _sigmoid, spectrum_notes)
    first, *hidden = [line for notes in notes_of for line in notes(results)] or [""]
    count = (
        f" Use --explain for {len(hidden)} more note{'s' * (len(hidden) > 1)}." if hidden else ""
    )
    how = _convention(results) + (f" {_intervals(results, where)}" if where else "")
    return [_compared(results), how, *filter(None, [f"{first}{count}"])]


def _compared(results: Sequence[Result]) -> str:
    alone = [one for one in results if one.spectrum is None] or results
    parts = [f"ID {alone[0].id} ({_id_images(alone)} images)", *pooled(results)]
    are_means = any(one.template == MEANS for one in results)
    # A bank without labels has no classes.
    if results[0].classes is not None and not (are_means and results[0].id_accuracy is None):
        parts.append(f"classes {results[0].classes}")
        parts += ["accuracy by the nearest class mean of the bank"] if are_means else []
    written = prompts(results)
    if len(written) == 1 and not are_means:
        parts.append(f"prompt {written[0]}")
    negatives = {one.negatives for one in results if one.negatives is not None}
    for what, given in (("negatives", sorted(negatives)), ("bank", banks(results))):
        parts += [f"{what} {' and '.join(given)}"] if given else []
    parts += leaks_meaning(results)
    on = dict.fromkeys(one.picked.on for one in results if one.picked is not None)
    parts += [f"parameters picked on {' and '.join(on)}"] if on else []
    return f"{', '.join(parts)}."


def _id_images(results: Sequence[Result]) -> str:
    """Return how many ID images the rows have; a note of its own tells what a ratio keeps."""
    single = [one for one in results if not one.is_average] or results
    whole = [one for one in single if not keeps_some(one)]
    counts = sorted({one.n_id for one in single})
    if not whole and len(counts) > 1:
        return f"{counts[0]:,} to {counts[-1]:,}"
    return " or ".join(dict.fromkeys(f"{one.n_id:,}" for one in whole or single))


def _convention(results: Sequence[Result]) -> str:
    names = [fpr_name(tpr) for tpr in asked_tprs(results)]
    share = f"{names[0].removeprefix('FPR')} %" if len(names) == 1 else "the named share"
    convention = results[0].fpr_convention
    return (
        f"{in_words(['AUROC', *names])} in %, ID positive. FPR convention: {convention} "
        f"({MEANING[convention].format(share=share)})."
    )


def _intervals(results: Sequence[Result], where: str) -> str:
    """Return what stands beside an AUROC; rows over draws, which have their range, are named."""
    drawn = [one for one in results if ranges_of(one) is not None]
    if len(drawn) == len(results):
        return f"{where} each number: its range over the draws."
    scores = [Variant(one.score, one.parameters).label for one in drawn]
    of = some(list(dict.fromkeys(scores)))
    ranges = f" {where} each number of the rows over draws ({of}): their range." if of else ""
    return _of_delong([one for one in results if ranges_of(one) is None], where) + ranges


def _of_delong(results: Sequence[Result], where: str) -> str:
    whose = "95 % DeLong intervals on the logit scale"
    if all(one.auroc_ci is None for one in results):
        return f"{whose} are {NOT_ESTIMABLE}: no AUROC here has a variance above 0."
    line = f"{where} each AUROC: {whose}"
    missing = [one for one in results if one.auroc_ci is None]
    others = [_has_other_id_images(one, results) for one in missing]
    reasons = ["if the variance is 0"] * (not all(others))
    reasons += ["for an average over sets with different ID images"] * any(others)
    return f"{line}; {NOT_ESTIMABLE} {' or '.join(reasons)}." if reasons else f"{line}."


def _has_other_id_images(one: Result, results: Sequence[Result]) -> bool:
    """Return whether an average has no interval though its sets have."""
    row = by_row(results)[key(one)].values() if one.is_average else ()
    sets = [other for other in row if not other.is_average and _is_over(one, other)]
    return any(other.auroc_ci is not None for other in sets)


def _is_over(average: Result, one: Result) -> bool:
    if average.average_of is not None:
        return one.ood in average.average_of
    return average.group in (None, one.group)


def _copies(results: Sequence[Result]) -> Iterator[str]:
    """Yield the csid sets that have every number of the ID set, so probably its images."""
    numbers: dict[str, dict[tuple[object, ...], tuple[float, ...]]] = {}
    for one in results:
        if not one.is_average and one.id != FULL:
            row = (one.model, one.pretrained, one.template, as_typed(one), one.ood)
            measured = (one.n_id, one.auroc, one.aupr_in, one.aupr_out, one.fpr95)
            numbers.setdefault(one.id, {})[row] = measured
    ids = {one.spectrum.id_set for one in results if one.spectrum is not None}
    for name in (one for one in ids if one in numbers):
        if all(auroc == 1 for _, auroc, *_ in numbers[name].values()):
            continue  # Other images may be told apart without an error, too.
        if copies := [one for one, own in numbers.items() if own == numbers[name] and one != name]:
            yield (
                f"Every number of {some(copies)} is that of {name}: are these the same images? The "
                "full spectrum would count them twice."
            )


def _choice(results: Sequence[Result]) -> Iterator[str]:
    rows = [next(iter(row.values())) for row in by_row(results).values()]
    picked = [(one, one.picked) for one in rows if one.picked is not None]
    if picked:
        yield from _picked(picked, results)
    elif len(rows) > 1:
        line = "To pick the best of these rows by these test images would be optimistic"
        # `oodcache metrics` has no such option.
        ours = all(one.classes is not None for one in rows)
        yield f"{line}; use --select-on DATASET." if ours else f"{line}."


def _picked(picked: Sequence[Picked], results: Sequence[Result]) -> Iterator[str]:
    on = " and ".join(dict.fromkeys(pick.on for _, pick in picked))
    had_choice = [pair for pair in picked if pair[1].tried > 1]
    named = [
        f"{key(one)[2]} at {percent(pick.auroc)} out of {pick.tried:,} settings"
        f"{whose(one, results)}"
        for one, pick in had_choice
    ]
    yield (
        f"Parameters were picked by AUROC on {on} (no column here; same ID images): "
        f"{some(named) or 'no score has several settings'}."
    )
    models: dict[str | None, list[Picked]] = {}
    for pair in picked:
        models.setdefault(key(pair[0])[0], []).append(pair)
    best = [max(group, key=lambda pair: pair[1].auroc) for group in models.values()]
    if len(best) < len(picked):
        named = [f"{key(one)[2]} at {percent(p.auroc)}{whose(one, results)}" for one, p in best]
        yield f"Best row on {on}: {some(named)}."
    shared = {name: count for _, pick in picked for name, count in pick.shared_images.items()}
    if shared:
        named = [f"{count:,} of {name}" for name, count in shared.items()]
        yield (
            f"Test images that also picked parameters on {on} (equal embeddings): {some(named)}."
        )


def _ties(results: Sequence[Result]) -> Iterator[str]:
    # An average counts its ID images once, but the ties of each of its sets.
    shares = [(one.ties / (one.n_id + one.n_ood), one) for one in results if not one.is_average]
    tied = sorted((pair for pair in shares if pair[0] > TIES), key=lambda pair: -pair[0])
    if tied:
        named = [
            f"{key(one)[2]} on {one.ood}{whose(one, results)}: "
            f"{one.ties:,} of {one.n_id + one.n_ood:,}"
            for _, one in tied
        ]
        yield (
            f"More than 0.1 % of the images have tied scores ({some(named)}); "
            "a tie counts half in AUROC."
        )


def _shared(results: Sequence[Result]) -> Iterator[str]:
    by_id: dict[str, dict[str, int]] = {}
    for one in results:
        if one.shared_images and not one.is_average and one.id != FULL:
            most = by_id.setdefault(one.id, {})
            most[one.ood] = max(one.shared_images, most.get(one.ood, 0))
    for name, most in by_id.items():
        named = [f"{count:,} of {ood}" for ood, count in most.items()]
        yield (
            f"Images also in {name} (equal embeddings), counted as both ID and OOD: {some(named)}."
        )


def _in_bank(results: Sequence[Result]) -> Iterator[str]:
    banks: dict[str, dict[str, int]] = {}
    for one in results:
        if one.bank is not None and one.bank_shared_images:
            most = banks.setdefault(one.bank, {})
            for name, count in one.bank_shared_images.items():
                most[name] = max(count, most.get(name, 0))
    for bank, most in banks.items():
        named = [f"{count:,} of {name}" for name, count in most.items()]
        yield (
            f"Images also in the bank {bank} (equal embeddings), which are no test of its scores: "
            f"{some(named)}."
        )


def _sigmoid(results: Sequence[Result]) -> Iterator[str]:
    # Another program's scores may have that name.
    if any(one.score == "sigmoid-mcm" and one.model is not None for one in results):
        yield (
            "sigmoid-mcm increases with the largest cosine, so it ranks images as max-logit does, "
            "whatever its scale and bias."
        )
