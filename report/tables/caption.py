"""The lines below a table: what was compared, how, and what a reader could take for a finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oodcache.report.tables.grid import (
    NOT_ESTIMABLE,
    asked_tprs,
    by_row,
    fpr_name,
    key,
    percent,
    prompt,
    prompts,
)
from oodcache.score.inputs.question import bank_label
from oodcache.score.measures.result import FPR_CONVENTIONS, Pick, Result

Swings = npt.NDArray[np.float64]
Picked = tuple[Result, Pick]

MEANING = {
    "strict": "the highest threshold that keeps at least {share} of ID",
    "nearest": "the threshold that keeps the share of ID nearest to {share}, ties to the lowest",
    "openood": "OOD is positive here: the first threshold that finds at least {share} of OOD, and "
    "the share of ID lost by it",
    "interpolated": "linear on the ROC curve, at the right end of a flat run at {share} of ID",
}
TIES, NAMED = 0.001, 5


def caption(results: Sequence[Result], where: str = "Below") -> list[str]:
    """Return the lines: sets and prompt, measures, error bars, how the best row is or was chosen.

    Then come those that not every table has: what holds of these scores and these images. `where`
    says where a table has the interval of an AUROC.
    """
    lines = [_compared(results), _convention(results), _intervals(results, where)]
    lines += _choice(results)
    lines += _reversals(results)
    lines += _ties(results)
    lines += _shared(results)
    # Results of another program may have a score of that name.
    if any(one.score == "sigmoid-mcm" and one.model is not None for one in results):
        lines.append(
            "sigmoid-mcm rises with the largest cosine: it ranks as max-logit does, whatever its "
            "scale and bias."
        )
    return lines


def _compared(results: Sequence[Result]) -> str:
    counts = " or ".join(dict.fromkeys(f"{one.n_id:,}" for one in results))
    parts = [f"ID {results[0].id} ({counts} images)"]
    if results[0].classes is not None:
        parts.append(f"classes {results[0].classes}")
    written = prompts(results)
    if len(written) == 1:
        parts.append(f"prompt {written[0]}")
    negatives = {one.negatives for one in results if one.negatives is not None}
    banks = {bank_label(one.bank, one.bank_labels) for one in results if one.bank is not None}
    for what, given in (("negatives", negatives), ("bank", banks)):
        parts += [f"{what} {' and '.join(sorted(given))}"] if given else []
    return f"{', '.join(parts)}."


def _convention(results: Sequence[Result]) -> str:
    names = [fpr_name(tpr) for tpr in asked_tprs(results)]
    share = f"{names[0].removeprefix('FPR')} %" if len(names) == 1 else "the named share"
    convention = results[0].fpr_convention
    return (
        f"{_listed(['AUROC', *names])} in %, ID positive. FPR convention: {convention} "
        f"({MEANING[convention].format(share=share)})."
    )


def _intervals(results: Sequence[Result], where: str) -> str:
    whose = "95 % DeLong intervals on the logit scale"
    if all(one.auroc_ci is None for one in results):
        return f"{whose} are {NOT_ESTIMABLE}: no AUROC here has a variance above 0."
    line = f"{where} each AUROC: {whose}"
    if any(one.auroc_ci is None for one in results):
        line += f"; {NOT_ESTIMABLE} where the variance is 0"
    return f"{line}."


def _choice(results: Sequence[Result]) -> Iterator[str]:
    """Yield what was picked, and on what; without that, whose images the best row is chosen on."""
    rows = [next(iter(row.values())) for row in by_row(results).values()]
    picked = [(one, one.picked) for one in rows if one.picked is not None]
    if picked:
        yield from _picked(picked, results)
    elif len(rows) > 1:
        line = "The best of these rows is chosen on the images that measure it: it is optimistic"
        # `oodcache metrics` has no such option.
        ours = all(one.classes is not None for one in rows)
        yield f"{line}; --select-on DATASET picks on others." if ours else f"{line}."


def _picked(picked: Sequence[Picked], results: Sequence[Result]) -> Iterator[str]:
    on = " and ".join(dict.fromkeys(pick.on for _, pick in picked))
    had_choice = [pair for pair in picked if pair[1].tried > 1]
    named = [
        f"{key(one)[2]} of {pick.tried:,} settings with {percent(pick.auroc)}{_whose(one, results)}"
        for one, pick in had_choice
    ]
    yield (
        f"Parameters were picked by AUROC on {on}, which is in no column (the ID images are those "
        f"of the table): {_some(named[:NAMED], len(named)) or 'no score had a choice'}."
    )
    best = [max(group, key=lambda pair: pair[1].auroc) for group in _by_model(picked)]
    if len(best) < len(picked):
        named = [
            f"{key(one)[2]} with {percent(pick.auroc)}{_whose(one, results)}" for one, pick in best
        ]
        yield f"The best of these rows on {on}: {_some(named[:NAMED], len(named))}."
    shared = {name: count for _, pick in picked for name, count in pick.shared_images.items()}
    if shared:
        named = [f"{count:,} of {name}" for name, count in shared.items()]
        yield (
            f"Images that are in {on} as well (equal vectors), and so measure what they picked: "
            f"{_some(named[:NAMED], len(named))}."
        )


def _by_model(picked: Sequence[Picked]) -> list[list[Picked]]:
    groups: dict[str | None, list[Picked]] = {}
    for pair in picked:
        groups.setdefault(key(pair[0])[0], []).append(pair)
    return list(groups.values())


def _reversals(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line if FPR95 orders the scores of a column otherwise in another convention.

    Numbers are compared as the table shows them, so that nothing unseen is called a difference.
    """
    force = results[0].fpr_convention
    columns: dict[tuple[str | None, ...], list[Result]] = {}
    for one in results:
        columns.setdefault((*key(one)[:2], one.ood), []).append(one)
    known = set.intersection(*(set(one.fpr95_by_convention) for one in results))
    found = [
        _Reversal(group, other, _swings(group, force, other))
        for other in FPR_CONVENTIONS
        for group in columns.values()
        if other != force and {force, other} <= known
    ]
    counts = {name: sum(one.pairs for one in found if one.convention == name) for name in known}
    changed = [f"in {counts[name]:,} with {name}" for name in FPR_CONVENTIONS if counts.get(name)]
    if changed:
        most = max(found, key=lambda one: float(one.swings.max()))
        pairs = sum(len(group) * (len(group) - 1) // 2 for group in columns.values())
        yield (
            f"The order by FPR95 depends on the convention: of {pairs:,} pairs of scores in a "
            f"column it changes {_listed(changed)}, {most.said(force, results)}."
        )


@dataclass(frozen=True)
class _Reversal:
    """The scores of a column, and how far the order of each pair changes with a convention."""

    group: Sequence[Result]
    convention: str
    swings: Swings

    @property
    def pairs(self) -> int:
        """Return how many pairs change; each stands in both halves of the matrix."""
        return int(np.count_nonzero(self.swings)) // 2

    def said(self, force: str, results: Sequence[Result]) -> str:
        """Return in words the pair that changes most."""
        places = divmod(int(self.swings.argmax()), len(self.group))
        pair = sorted(
            (self.group[place] for place in places),
            key=lambda one: one.fpr95_by_convention[self.convention],
        )
        ahead, behind = (key(one)[2] for one in pair)
        now, then = (
            " against ".join(percent(one.fpr95_by_convention[name]) for one in pair)
            for name in (self.convention, force)
        )
        return (
            f"most for {ahead} and {behind} on {pair[0].ood}{_whose(pair[0], results)}: with "
            f"{self.convention} {ahead} is ahead, {now}, with {force} behind, {then}"
        )


def _swings(group: Sequence[Result], force: str, other: str) -> Swings:
    """Return, for each pair whose order is reversed, the smaller of its two distances, else 0."""
    distances = []
    for name in (force, other):
        shown = np.round([one.fpr95_by_convention[name] for one in group], 4)
        distances.append(shown[:, None] - shown[None, :])
    smaller = np.minimum(np.abs(distances[0]), np.abs(distances[1]))
    return np.where(distances[0] * distances[1] < 0, smaller, 0.0)


def _ties(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line if more than 0.1 % of the images that a score ranks have another's score."""
    # An average counts its ID images once, but ties in each of its sets.
    shares = [(one.ties / (one.n_id + one.n_ood), one) for one in results if not one.is_average]
    tied = sorted((pair for pair in shares if pair[0] > TIES), key=lambda pair: -pair[0])
    if tied:
        named = [
            f"{key(one)[2]} on {one.ood}{_whose(one, results)}: "
            f"{one.ties:,} of {one.n_id + one.n_ood:,}"
            for _, one in tied[:NAMED]
        ]
        yield (
            f"More than 0.1 % of the images share another's score ({_some(named, len(tied))}); "
            "a tie counts half in AUROC."
        )


def _shared(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line if images of an OOD set are ID images as well."""
    most: dict[str, int] = {}
    for one in results:
        if one.shared_images and not one.is_average:
            most[one.ood] = max(one.shared_images, most.get(one.ood, 0))
    if most:
        named = [f"{count:,} of {ood}" for ood, count in [*most.items()][:NAMED]]
        yield (
            f"Images that are in {results[0].id} as well (equal vectors), and counted on both "
            f"sides: {_some(named, len(most))}."
        )


def _whose(one: Result, results: Sequence[Result]) -> str:
    """Return the model and prompt of a row, in brackets, where the table has several of them."""
    model, _, _ = key(one)
    parts = []
    if model is not None and len({key(each)[0] for each in results}) > 1:
        parts.append(model)
    if model is not None and len(prompts(results)) > 1:
        parts.append(f"prompt {prompt(one)}")
    return f" ({', '.join(parts)})" if parts else ""


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _some(named: Sequence[str], total: int) -> str:
    more = f" and {total - len(named):,} more" if total > len(named) else ""
    return ", ".join(named) + more
