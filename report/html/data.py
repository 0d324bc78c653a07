"""The data of the page's script: numbers of results and of their images, with names replaced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from oodcache.report.content import Content
from oodcache.report.html.arrays import PackedArrays
from oodcache.report.html.opening import opening
from oodcache.report.html.renaming import Named, renamed, renamed_data, renamed_row
from oodcache.report.saved.results import Saved
from oodcache.report.streams import courses
from oodcache.report.sweeps import sweeps
from oodcache.report.tables.grid import by_row, model_names, names
from oodcache.score.measures.result import HEADLINES

# More than a figure shows; every further digit adds to a page of a hundred scores.
DIGITS = 6


def data(saved: Saved, content: Content, arrays: PackedArrays, named: Named) -> dict[str, Any]:
    """Return what the script shows; long lists of numbers are added to `arrays`."""
    sets = dict.fromkeys(renamed(one.ood, named) for one in saved.results)
    first = opening(saved.results, content, named)
    found = {
        "heat": _heat(saved, named),
        "measures": {one.name: one.lower_is_better for one in HEADLINES.values()},
        "ood": list(sets),
        "opening": {"row": first.row, "ood": first.ood},
        "thumbnails": content.thumbnails,
        "sweeps": [renamed_data(asdict(one), named) for one in sweeps(saved)],
        "streams": [renamed_data(asdict(one), named) for one in courses(saved.results)],
    }
    long = {"rows": _rows(saved, content, arrays, named), **_maps(content, named)}
    return {name: _shortened(one) for name, one in (found | arrays.packed(long)).items()}


def _heat(saved: Saved, named: Named) -> list[dict[str, Any]]:
    results = by_row(saved.results)
    called = names(results)
    return [
        {
            "name": renamed(called[key], named),
            "score": renamed(key[2], named),
            "cells": {
                renamed(ood, named): {name: getattr(one, name) for name in HEADLINES}
                for ood, one in row.items()
            },
        }
        for key, row in results.items()
    ]


def _rows(
    saved: Saved, content: Content, arrays: PackedArrays, named: Named
) -> list[dict[str, Any]]:
    results = by_row(saved.results)
    called = names(results)
    return [
        {
            **vars(renamed_row(row, named)),
            "name": renamed(called[row.key], named),
            "on_map": arrays.levels(row.on_map),
            "calibration": {
                renamed(ood, named): dict(one.calibration)
                for ood, one in results[row.key].items()
                if isinstance(one.calibration, Mapping)
            },
        }
        for row in content.rows
    ]


def _maps(content: Content, named: Named) -> dict[str, Any]:
    """Return the maps, with the paths of their images apart: models mostly have the same."""
    paths = list(dict.fromkeys(one.paths for one in content.maps))
    shown = model_names(row.key for row in content.rows)
    maps = [
        {
            **vars(one),
            "called": renamed(shown.get(one.model, one.model), named),
            "sets": [renamed(name, named) for name in one.sets],
            "paths": paths.index(one.paths),
        }
        for one in content.maps
    ]
    return {"maps": maps, "paths": paths}


def as_json(values: Mapping[str, Any]) -> str:
    """Return values as JSON without spaces; raise ValueError for NaN and infinities."""
    return json.dumps(values, allow_nan=False, separators=(",", ":"))


def written(text: str) -> str:
    """Return text that can be encoded: a byte of a path that is not UTF-8 is written out."""
    # It is a lone surrogate, which UTF-8 cannot encode.
    return text.encode("utf-8", "backslashreplace").decode()


def _shortened(value: Any) -> Any:
    """Return JSON's values with floats rounded to six digits and names as in the HTML."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, str):
        return written(value)
    if isinstance(value, dict):
        return {written(key): _shortened(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(one) for one in value]
    return value
