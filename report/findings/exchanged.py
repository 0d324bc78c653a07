"""The question to ask when an AUROC is below 50 %: is a sign wrong, or are the sets exchanged?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oodcache.report.tables.grid import interval, key, percent
from oodcache.score.measures.result import Result

if TYPE_CHECKING:
    from oodcache.report.html.renaming import Named

CHANCE = 0.5


def question(
    results: Sequence[Result], provenance: Mapping[str, Any], new: Named | None = None
) -> str | None:
    """Return a line about the lowest AUROC whose whole interval is below 50 %, None without one."""
    single = [one for one in results if not one.is_average]
    below = [one for one in single if _is_below(one)]
    if not below:
        return None
    # Imported here: the report's modules take a while, and most results raise no question.
    from oodcache.report.findings.ranking import whose_named
    from oodcache.report.html.renaming import renamed

    new = new or {}
    worst = min(below, key=lambda one: one.auroc)
    bounds = "" if worst.auroc_ci is None else f" ({interval(worst.auroc_ci)})"
    others = _others(len(below) - 1, len(single) - 1)
    row = f"{renamed(key(worst)[2], new)} on {renamed(worst.ood, new)}"
    row += whose_named(worst, results, new)
    what = f"AUROC {percent(worst.auroc)}{bounds} of {row} is below 50"
    return f"{what}{others}: {_cause(single, below, provenance)}"


def _others(below: int, single: int) -> str:
    if below == 0:
        return ""
    if single == 1:
        return ", as is the other"
    return f", as {'is' if below == 1 else 'are'} {below:,} of the other {single:,}"


def _is_below(one: Result) -> bool:
    if one.auroc_ci is None:  # All OOD scores above all ID scores: no variance to estimate.
        return one.auroc == 0
    return one.auroc_ci[1] < CHANCE


def _cause(single: Sequence[Result], below: Sequence[Result], provenance: Mapping[str, Any]) -> str:
    if "lower_is_id" in provenance:  # Scores of another program.
        is_flipped = provenance["lower_is_id"]
        return f"is {'higher' if is_flipped else 'lower'} more ID? " + (
            "omit --lower-is-id" if is_flipped else "use --lower-is-id"
        )
    if 2 * len(below) > len(single):
        return "are --id and --ood exchanged?" + _of_own(below, provenance)
    return "that score ranks OOD images as more ID" + _of_own(below, provenance)


def _of_own(below: Sequence[Result], provenance: Mapping[str, Any]) -> str:
    """Return the question that is to be asked of the code of users' scores."""
    from oodcache.report.saved.results import mapping

    is_own = any(one.score in mapping(provenance.get("code")) for one in below)
    return "; is lower more ID in your own score? then return its negative" if is_own else ""
