"""Changes between two runs: each row's measures then and now, and what the runs differ in.

A difference is that of the second run minus the first. Rows are paired by model, template, score,
positives and OOD set.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from oodcache.cache.names import own_name
from oodcache.report.findings.ranking import listed, named
from oodcache.report.html.renaming import Named, renamed
from oodcache.report.saved.results import Saved, mapping
from oodcache.report.tables.grid import Key, key, names, percent
from oodcache.score.measures.result import AVERAGE, MEASURES, Measure, Result

Place = tuple[Key, str, str]
_ACCURACY = Measure("id_accuracy", "ID acc", "in %")
COMPARED = (*MEASURES, _ACCURACY)
_APART = ("command", "models", "files", "scores", "fpr_convention", "versions")


@dataclass(frozen=True)
class ChangedMeasure:
    """A measure in two runs, as fractions; None if a run lacks it."""

    heading: str
    old: float | None
    new: float | None

    @property
    def difference(self) -> float | None:
        """Return the new one minus the old one, None if a run lacks it."""
        return None if self.old is None or self.new is None else self.new - self.old


@dataclass(frozen=True)
class ChangedRow:
    """A row of both runs: its name, positives and OOD set, and each measure in both."""

    name: str
    id: str
    ood: str
    measures: tuple[ChangedMeasure, ...]

    @property
    def is_changed(self) -> bool:
        """Return whether a measure that both runs have differs at all."""
        return any(one.difference for one in self.measures)


@dataclass(frozen=True)
class ChangedCondition:
    """What the runs differ in, and how it was in each, as text; "–" for what a run lacks."""

    what: str
    old: str
    new: str


@dataclass(frozen=True)
class Changes:
    """What changed between two runs; `rows` begin with the largest change of AUROC.

    `only_old` and `only_new` name the rows of one run alone, with their OOD set. `convention` is
    the FPR convention of FPR95 in both columns.
    """

    summary: str
    rows: tuple[ChangedRow, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    conditions: tuple[ChangedCondition, ...]
    convention: str


def changes(old: Saved, new: Saved, shown: Named | None = None) -> Changes:
    """Return what changed from the first run to the second.

    `shown` has names to show instead of those of the results.
    """
    shown = shown or {}
    before, after = ({_place(one): one for one in run.results} for run in (old, new))
    called = names(key(one) for run in (old, new) for one in run.results)
    called = {row: renamed(name, shown) for row, name in called.items()}
    convention = new.results[0].fpr_convention
    common = [
        _changed(before[place], one, called[place[0]], convention, shown)
        for place, one in after.items()
        if place in before
    ]
    rows = tuple(sorted(common, key=lambda one: -abs(one.measures[0].difference or 0.0)))
    return Changes(
        _summary(rows, before, after, shown),
        rows,
        tuple(_alone(called, one, shown) for one in before if one not in after),
        tuple(_alone(called, one, shown) for one in after if one not in before),
        tuple(_conditions(old, new, shown)),
        convention,
    )


def _place(one: Result) -> Place:
    return key(one), one.id, one.ood


def _alone(called: Mapping[Key, str], place: Place, shown: Named) -> str:
    return f"{called[place[0]]} on {renamed(place[2], shown)}"


def _changed(old: Result, new: Result, name: str, convention: str, shown: Named) -> ChangedRow:
    measures = (
        ChangedMeasure(each.heading, *(_value(one, each, convention) for one in (old, new)))
        for each in COMPARED
    )
    id_, ood = (renamed(one, shown) for one in (new.id, new.ood))
    return ChangedRow(name, id_, ood, tuple(measures))


def _value(one: Result, measure: Measure, convention: str) -> float | None:
    """Return a measure, FPR95 under one convention for both runs."""
    if measure.name == "fpr95" and one.fpr_convention != convention:
        return one.fpr95_by_convention.get(convention)
    value: float | None = getattr(one, measure.name)
    return value


def _summary(
    rows: Sequence[ChangedRow],
    before: Mapping[Place, Result],
    after: Mapping[Place, Result],
    shown: Named,
) -> str:
    """Return in a sentence how many rows changed, and which AUROC changed most."""
    count, changed = len(rows), sum(one.is_changed for one in rows)
    if not rows:
        return "The two runs have no row in common: no score on the same sets."
    if not changed:
        which = "The only row" if count == 1 else f"Each of the {count:,} rows"
        return f"{which} that both runs have is the same in both, to the last digit."
    common = [(before[place], after[place]) for place in after if place in before]
    pairs = [pair for pair in common if pair[1].ood == AVERAGE] or common
    first, second = max(pairs, key=lambda pair: abs(pair[1].auroc - pair[0].auroc))
    what = f"{changed:,} of the {count:,} rows in both runs changed"
    if changed == count:
        what = f"{'The only row' if count == 1 else f'All {count:,} rows'} in both runs changed"
    if first.auroc == second.auroc:
        return f"{what}; no AUROC did."
    row = named(second, list(after.values()), shown)
    where = "on average" if second.ood == AVERAGE else f"on {renamed(second.ood, shown)}"
    by = f"{100 * (second.auroc - first.auroc):+.2f} points".replace("-", "−")
    numbers = f"from {percent(first.auroc)} % to {percent(second.auroc)} %"
    return f"{what}; most of all the AUROC of {row} {where}, {numbers} ({by})."


def _conditions(old: Saved, new: Saved, shown: Named) -> Iterator[ChangedCondition]:
    """Yield what differs: conventions, sets' sizes, weights, files and versions."""
    yield from _differing(*({"FPR convention": _convention(one)} for one in (old, new)))
    yield from _differing(*(_sizes(one, shown) for one in (old, new)))
    yield from _differing(*(_models(one, shown) for one in (old, new)))
    yield from _differing(*map(_files, (old, new)))
    yield from _differing(*map(_others, (old, new)))


def _convention(saved: Saved) -> str:
    return listed([*dict.fromkeys(one.fpr_convention for one in saved.results)])


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[ChangedCondition]:
    for what in dict.fromkeys((*old, *new)):
        if old.get(what) != new.get(what):
            yield ChangedCondition(what, old.get(what, "–"), new.get(what, "–"))


def _sizes(saved: Saved, shown: Named) -> dict[str, str]:
    """Return how many images each set has; several counts if rows differ."""
    counts: dict[str, dict[str, None]] = {}
    for one in saved.results:
        counts.setdefault(f"images of {renamed(one.id, shown)} (ID)", {})[f"{one.n_id:,}"] = None
        if not one.is_average:
            ood = renamed(one.ood, shown)
            counts.setdefault(f"images of {ood} (OOD)", {})[f"{one.n_ood:,}"] = None
    return {what: " or ".join(of) for what, of in counts.items()}


def _models(saved: Saved, shown: Named) -> dict[str, str]:
    """Return what determines each model's scores, from untrusted provenance."""
    found = {}
    for model, facts in mapping(saved.provenance.get("models")).items():
        for name in ("weights", "logit_scale", "logit_bias"):
            if name in mapping(facts):
                called = shown.get(own_name(model), model)
                found[f"{name.replace('_', ' ')} of {called}"] = _text(facts[name])
    return found


def _files(saved: Saved) -> dict[str, str]:
    """Return what identifies the content of each file, by its name in the cache."""
    found, made = {}, dict[str, dict[str, None]]()
    files = saved.provenance.get("files")
    for file in map(mapping, files if isinstance(files, list) else ()):
        path = file.get("path")
        if isinstance(path, str):
            where = "/".join(PurePath(path).parts[-4:])
            if file.get("failed"):
                found[f"undecodable images of {where}"] = _text(file["failed"])
            for name in ("vectors", "sha256", "shards", "precision"):
                if file.get(name) is not None:
                    found[f"{name} of {where}"] = _text(file[name])
            for library, version in mapping(file.get("versions")).items():
                made.setdefault(f"{library} that made the files", {})[_text(version)] = None
    return found | {what: " or ".join(of) for what, of in made.items()}


def _others(saved: Saved) -> dict[str, str]:
    found = {
        name.replace("_", " "): _text(value)
        for name, value in saved.provenance.items()
        if name not in _APART and value is not None
    }
    versions = mapping(saved.provenance.get("versions")).items()
    return found | {f"version of {name}": _text(version) for name, version in versions}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
