"""Flat columns of results, a number or a text each, as a data frame has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oodcache.report.tables.grid import key, names
from oodcache.score.measures.result import HEADLINES, MEASURES, Result

LEAKS = ("negative_words", "leaks", "leak_descendants", "leak_ancestors", "leaks_left_out")


def flat(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return a row of columns for each result, the same columns in every row.

    `variant` names the score, and the model and the template if there are several: with `ood` it
    is unique. An interval is two columns, `auroc_low` and `auroc_high`; a parameter is
    `parameter_NAME`. A number that is unknown is NaN, a text None.
    """
    variants = names(map(key, results))
    parameters = _every(one.parameters for one in results)
    tprs = _every(one.fpr_at_tpr for one in results)
    resampled = _every(one.bootstrap or {} for one in results)
    calibrated = _every(one.calibration for one in results if isinstance(one.calibration, Mapping))
    picked = any(one.picked is not None for one in results)
    streamed = any(one.stream is not None for one in results)
    has_bank = any(one.bank is not None for one in results)
    leaking = any(one.leaks is not None for one in results)
    shifted = any(one.spectrum is not None for one in results)
    shot = any(one.shots is not None for one in results)
    has_clean = any(one.clean is not None for one in results)
    accepted = _every(one.selective.values() for one in results if one.selective is not None)
    return [
        {
            "variant": variants[key(one)],
            **{name: getattr(one, name) for name in ("model", "pretrained", "classes", "template")},
            "n_templates": len(one.templates),
            **{name: getattr(one, name) for name in ("id", "ood", "group", "score")},
            **{f"parameter_{name}": one.parameters.get(name) for name in parameters},
            **{name: getattr(one, name) for name in ("fpr_convention", "n_id", "n_ood")},
            "id_accuracy": _number(one.id_accuracy),
            **_measured(one, resampled),
            **{f"fpr_at_tpr_{tpr}": _number(one.fpr_at_tpr.get(tpr)) for tpr in tprs},
            **{f"fpr95_{name}": value for name, value in one.fpr95_by_convention.items()},
            **{name: getattr(one, name) for name in ("ties", "distinct", "shared_images")},
            **_calibrated(one, calibrated),
            **{name: getattr(one, name) for name in ("negatives", "bank", "bank_labels")},
            **(_of_bank(one) if has_bank else {}),
            **(_picked(one) if picked else {}),
            **(_stream(one) if streamed else {}),
            **(_spectrum(one) if shifted else {}),
            **(_leaks(one) if leaking else {}),
            **(_shots(one) if shot else {}),
            **_selective(one, accepted),
            **(_clean(one.clean, tprs, accepted) if has_clean else {}),
        }
        for one in results
    ]


def _every(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return every key, each once, in order."""
    return list(dict.fromkeys(name for one in mappings for name in one))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _measured(one: Result, resampled: Sequence[str]) -> dict[str, float]:
    """Return the measures, each with its interval: DeLong's for AUROC, otherwise the bootstrap's.

    The bootstrap's interval of AUROC is `auroc_bootstrap_low` and `auroc_bootstrap_high`.
    """
    found: dict[str, float] = {}
    intervals = one.bootstrap or {}
    for measure in MEASURES:
        found[measure.name] = _number(getattr(one, measure.name))
        if measure.name == "auroc":
            found |= _bounds("auroc", one.auroc_ci)
        elif measure.name in resampled:
            found |= _bounds(measure.name, intervals.get(measure.name))
    others = [name for name in resampled if name not in found]
    if "auroc" in resampled:
        found |= _bounds("auroc_bootstrap", intervals.get("auroc"))
    for name in others:
        found |= _bounds(name, intervals.get(name))
    return found


def _bounds(name: str, interval: Sequence[float] | None) -> dict[str, float]:
    low, high = interval or (math.nan, math.nan)
    return {f"{name}_low": low, f"{name}_high": high}


def _calibrated(one: Result, measures: Sequence[str]) -> dict[str, float]:
    """Return the measures of a probability, NaN for a score that is none."""
    found = one.calibration if isinstance(one.calibration, Mapping) else {}
    return {f"calibration_{name}": _number(found.get(name)) for name in measures}


def _of_bank(one: Result) -> dict[str, float]:
    """Return how many ID and OOD images are also in the bank, NaN without a bank."""
    found = one.bank_shared_images
    inside = [one.id] if one.spectrum is None else one.spectrum.images
    sides = {"id": inside, "ood": [one.ood]}
    return {
        f"bank_shared_{side}": math.nan if found is None else sum(found.get(each, 0) for each in of)
        for side, of in sides.items()
    }


def _spectrum(one: Result) -> dict[str, float]:
    """Return the accuracy over own classes and the drops with their intervals, NaN for none."""
    drops = (one.spectrum.drop if one.spectrum else None) or {}
    columns = {"own_accuracy": _number(one.spectrum.own_accuracy if one.spectrum else None)}
    for name in HEADLINES:
        drop = drops.get(name)
        columns[f"{name}_drop"] = _number(drop.value if drop else None)
        columns |= _bounds(f"{name}_drop", (drop.bootstrap or drop.ci) if drop else None)
    return columns


def _shots(one: Result) -> dict[str, float]:
    """Return the images per class, the draws, and each measure's range over them, NaN for none."""
    found = one.shots
    columns = {
        "shots": math.nan if found is None else found.per_class,
        "bank_draws": math.nan if found is None else len(found.draws),
    }
    ranges = (found.ranges if found else None) or {}
    for measure in MEASURES:
        least, most = ranges.get(measure.name, (math.nan, math.nan))
        columns |= {f"{measure.name}_least": least, f"{measure.name}_most": most}
    return columns


def _selective(one: Result | None, names: Sequence[str]) -> dict[str, float]:
    """Return the measures of accepted images, NaN where they are unknown."""
    found = {} if one is None or one.selective is None else one.selective.values()
    return {name: found.get(name, math.nan) for name in names}


def _clean(clean: Result | None, tprs: Sequence[str], accepted: Sequence[str]) -> dict[str, float]:
    """Return the numbers of a row without the dropped images, NaN if nothing was dropped."""
    names = ("n_id", "n_ood", "id_accuracy", *(measure.name for measure in MEASURES))
    found = {name: _number(getattr(clean, name, None)) for name in names}
    found |= _bounds("auroc", None if clean is None else clean.auroc_ci)
    at = {} if clean is None else clean.fpr_at_tpr
    found |= {f"fpr_at_tpr_{tpr}": _number(at.get(tpr)) for tpr in tprs}
    found |= _selective(clean, accepted)
    return {f"clean_{name}": value for name, value in found.items()}


def _stream(one: Result) -> dict[str, Any]:
    """Return the order of a stream, its images, and each measure's deviation over shuffles."""
    found = one.stream
    deviations = (found.deviations if found else None) or {}
    return {
        "stream": found.order if found else None,
        "stream_images": math.nan if found is None else found.images,
        **{f"{one.name}_deviation": _number(deviations.get(one.name)) for one in MEASURES},
    }


def _leaks(one: Result) -> dict[str, float]:
    """Return how many words a score has, and its leaks; NaN without words or if not known."""
    found = one.leaks
    counts = {} if found is None else {"negative_words": found.words, "leaks": found.names}
    if found is not None:
        counts |= {"leak_descendants": found.descendants, "leak_ancestors": found.ancestors}
        counts |= {"leaks_left_out": found.left_out}
    return {name: _number(counts.get(name)) for name in LEAKS}


def _picked(one: Result) -> dict[str, Any]:
    pick = one.picked
    if pick is None:
        unknown = dict.fromkeys(("tried", "auroc", "shared_images"), math.nan)
        return {"picked_on": None, **{f"picked_{name}": nan for name, nan in unknown.items()}}
    return {
        "picked_on": pick.on,
        "picked_tried": pick.tried,
        "picked_auroc": pick.auroc,
        "picked_shared_images": pick.shared_images.get(one.ood, 0),
    }
