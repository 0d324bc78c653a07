"""Findings: what results show in three sentences, the best row, the next one, what to distrust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oodcache.report.findings.cautions import cautions
from oodcache.report.findings.ranking import (
    RankedResults,
    has_several_banks,
    listed,
    named,
    ranking,
    sets_of,
)
from oodcache.report.html.renaming import Named, renamed
from oodcache.report.saved.results import Saved
from oodcache.report.tables.best import turned
from oodcache.report.tables.grid import (
    Key,
    interval,
    key,
    percent,
    ranges_of,
    spread,
)
from oodcache.report.tables.significance import SIGNIFICANT, p_equation
from oodcache.score.measures.result import AVERAGE, Difference, Result


@dataclass(frozen=True)
class Findings:
    """What results show: the best row, the next one, and what to distrust, each as a clause."""

    best: str
    runner_up: str
    cautions: tuple[str, ...]

    @property
    def distrust(self) -> str:
        """Return the cautions as one sentence."""
        if not self.cautions:
            return "The results give no reason for particular caution."
        return f"Be careful: {'; '.join(self.cautions)}."

    @property
    def sentences(self) -> tuple[str, str, str]:
        """Return the three sentences."""
        return self.best, self.runner_up, self.distrust


def findings(saved: Saved, new: Named | None = None) -> Findings:
    """Return what results show; the ranking is by AUROC, on the average if there is one.

    `new` has names to show instead of those of the results.
    """
    new = new or {}
    ranked = ranking(saved.results)
    return Findings(
        _best(ranked, saved.results, new),
        _runner_up(ranked, saved, new),
        cautions(saved.results, ranked, saved.provenance, new),
    )


def _best(ranked: RankedResults, results: Sequence[Result], new: Named) -> str:
    first, *_ = best = ranked.best
    where = f"on {renamed(first.ood, new)}"
    if first.is_average:
        where = f"on average over {len(sets_of(first, results))} OOD sets"
        where += "" if first.ood == AVERAGE else f" ({renamed(first.ood, new)})"
    bounds = [_bounds(one) for one in best]
    number = f"{spread(first, first.auroc, 'auroc')} % {where}"
    if len(set(bounds)) == 1:
        number += f" ({bounds[0]})"
        names = [named(one, results, new) for one in best]
    else:
        names = [f"{named(one, results, new)} ({of})" for one, of in zip(best, bounds, strict=True)]
    if len(ranked.rows) == 1:
        return f"The only score, {names[0]}, has an AUROC of {number}."
    if len(best) == 1:
        return f"The best score is {names[0]}, with an AUROC of {number}."
    return f"The best scores are {listed(names)}, which tie with an AUROC of {number}."


def _bounds(one: Result) -> str:
    ranges = ranges_of(one)
    if ranges is not None and one.shots is not None:
        return f"range over {len(one.shots.draws)} draws {interval(ranges.get('auroc'))}"
    if one.auroc_ci is None:
        return "an interval cannot be estimated"
    return f"95 % interval {interval(one.auroc_ci)}"


def _runner_up(ranked: RankedResults, saved: Saved, new: Named) -> str:
    if not (behind := ranked.runners_up):
        if len(ranked.rows) == 1:
            return "There is no other score to compare it with."
        return "No score is behind: all of them tie."
    best = ranked.best[0]
    lead = percent(best.auroc - behind[0].auroc)
    lead = "less than 0.01" if lead == "0.00" else lead
    far = f"{lead} percentage {'point' if lead == '1.00' else 'points'} behind"
    names = [named(one, saved.results, new) for one in behind]
    what = f"The runner-up, {names[0]}, is {far}"
    if len(behind) > 1:
        what = f"The runners-up, {listed(names)}, tie, {far}"
    tests = [_between(key(best), key(one), best, saved) for one in behind]
    if not any(tests):
        return f"{what}; {_untested(saved, len(behind))}."
    told = [_tested(best, one, new, len(behind)) for one in tests]
    return f"{what}: {_of_each(names, told)}."


def _of_each(names: Sequence[str], told: Sequence[str]) -> str:
    """Return what was told of each row, once if it is the same of all."""
    if len(names) == 1:
        return told[0]
    of: dict[str, list[str]] = {}
    for name, text in zip(names, told, strict=True):
        of.setdefault(text, []).append(name)
    if len(of) == 1:
        return f"for each, {told[0]}"
    return "; ".join(f"for {listed(whose)}, {text}" for text, whose in of.items())


def _tested(best: Result, found: Mapping[str, Difference], new: Named, rows: int) -> str:
    """Return what paired tests of the best row and one of `rows` tied ones found."""
    if not found:
        return "no paired test was made"
    if not best.is_average:
        (only,) = found.values()
        shown = "the two differ" if rows == 1 else "a difference from the best was shown"
        result = shown if only.p_holm < SIGNIFICANT else "no difference was shown"
        return f"{result} (paired DeLong test, Holm-adjusted {p_equation(only.p_holm)})"
    clear = {ood: diff for ood, diff in found.items() if diff.p_holm < SIGNIFICANT}
    groups = {
        "better": [ood for ood, diff in clear.items() if diff.difference > 0],
        "worse": [ood for ood, diff in clear.items() if diff.difference < 0],
    }
    groups = {what: [renamed(one, new) for one in sets] for what, sets in groups.items()}
    told = [f"{what} on {listed(sets)}" for what, sets in groups.items() if sets]
    if unclear := [renamed(ood, new) for ood in found if ood not in clear]:
        told.append(f"not shown to differ on {listed(unclear)}")
    return f"the best is {', '.join(told)} (paired DeLong tests, Holm-adjusted)"


def _untested(saved: Saved, rows: int) -> str:
    """Return why none of `rows` tied rows was tested against the best, or how to test them."""
    if saved.differences:
        return f"no paired test {'of the two' if rows == 1 else 'with the best'} was made"
    whose = "the two differ" if rows == 1 else "they differ from the best"
    if has_several_banks(saved.results):
        return f"whether {whose} was not tested: --compare takes one bank"
    return f"whether {whose} was not tested (use --compare)"


def _between(first: Key, second: Key, best: Result, saved: Saved) -> dict[str, Difference]:
    """Return the tests of two rows by OOD set, as the first minus the second."""
    sets = sets_of(best, saved.results)
    found: dict[str, Difference] = {}
    for one in saved.differences:
        if one.id != best.id or one.ood not in sets:
            continue
        if (one.first, one.second) == (first, second):
            found[one.ood] = one
        elif (one.first, one.second) == (second, first):
            found[one.ood] = turned(one)
    return found
