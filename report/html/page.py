"""The report as one HTML page that works offline: its static part and its script's data.

Names are untrusted: Jinja2 escapes them in HTML, the script's data are packed, and a
Content-Security-Policy allows only the page's own scripts, by their SHA-256. Plotly and the data
are packed with gzip, which makes a page less than half as large.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from oodcache.report.content import Content
from oodcache.report.html.arrays import PackedArrays
from oodcache.report.html.lines import columns, filters, lines
from oodcache.report.html.provenance import making
from oodcache.report.saved.results import Saved
from oodcache.report.streams import courses, pathless
from oodcache.report.sweeps import sweeps
from oodcache.report.tables.grid import (
    NOT_ESTIMABLE,
    as_typed,
    by_row,
    model_names,
    names,
    some,
)
from oodcache.report.tables.hypertext import to_html
from oodcache.report.tables.notes.caption import caption
from oodcache.report.tables.sections import further
from oodcache.score.measures.result import AVERAGE, HEADLINES, Result

NEEDS = ("jinja2", "plotly", "PIL")
FOLDER = Path(__file__).parent / "page"
# More than a figure shows; every further digit adds to a page of a hundred scores.
DIGITS = 6
# The parts of the page's script, in the order in which they run.
SCRIPTS = (
    *("arrays.js", "report.js", "rows.js", "curves.js", "histograms.js", "threshold.js"),
    *("fooled.js", "map.js", "end.js"),
)


def missing_libraries() -> str:
    """Return which required libraries are missing and how to install them, "" if none is."""
    missing = [one for one in NEEDS if not _is_there(one)]
    return f"{', '.join(missing)}: type  pip install 'oodcache[report]'" if missing else ""


def _is_there(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ValueError:  # sys.modules has None in its place.
        return False


def page(saved: Saved, content: Content) -> str:
    """Return the page of results and the content of their images."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    plotly, script, arrays = _plotly(), _script(), PackedArrays()
    results = saved.results
    chosen = {"OOD set": AVERAGE} if any(one.ood == AVERAGE for one in results) else {}
    text = environment.get_template("report.html").render(
        policy=_policy((plotly, script)),
        picks=_picks(results, content),
        style=Markup((FOLDER / "report.css").read_text(encoding="utf-8")),
        title=_title(results),
        summary=_summary(results),
        content=content,
        columns=columns(results),
        filters=filters(results),
        chosen=chosen,
        lines=lines(results),
        caption=caption(results, "Beside"),
        differences=_differences(saved),
        further=Markup(to_html(grids)) if (grids := further(results)) else "",
        sweeps=sweeps(saved),
        streams=any(one.stream for one in results),
        lacks_paths=some(pathless(results)),
        measures=HEADLINES.values(),
        made=making(saved),
        source=saved.path.name,
        data=_compressed(_as_json(_data(saved, content, arrays)).encode()),
        numbers=_compressed(arrays.bytes()),
        plotly=_packed_plotly(),
        script=Markup(script),
    )
    return _written(text)


def _written(text: str) -> str:
    # A byte of a path that is not UTF-8 is a lone surrogate, which UTF-8 cannot encode.
    return text.encode("utf-8", "backslashreplace").decode()


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@cache
def _script() -> str:
    """Return the page's script, of parts: the first opens their one scope, the last ends it."""
    parts = [(FOLDER / one).read_text(encoding="utf-8") for one in SCRIPTS]
    return "".join(parts)


@cache
def _packed_plotly() -> str:
    return _compressed(_plotly().encode())


def _compressed(content: bytes) -> str:
    """Return content as the page unpacks it: gzip, in base64, so no name in it is markup."""
    # Without a time, so that the same results make the same page.
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _policy(scripts: Sequence[str]) -> str:
    sums = (hashlib.sha256(one.encode()).digest() for one in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in sums)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _picks(results: Sequence[Result], content: Content) -> list[dict[str, Any] | None]:
    """Return what each line of the table shows as curves: a row, and an OOD set unless average."""
    places = {row.key: place for place, row in enumerate(content.rows)}
    return [
        {"row": places[key], "ood": "" if one.is_average else one.ood} if key in places else None
        for key, row in by_row(results).items()
        for one in row.values()
    ]


def _as_json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, allow_nan=False, separators=(",", ":"))


def _title(results: Sequence[Result]) -> str:
    first = results[0]
    sets = list(dict.fromkeys(one.ood for one in results if not one.is_average))
    against = ", ".join(sets) if len(sets) < 5 else f"{len(sets)} OOD sets"
    return f"{first.id} against {against}"


def _summary(results: Sequence[Result]) -> str:
    rows = by_row(results)
    models = [shown for model, shown in model_names(rows).items() if model is not None]
    scores = {(*name[:2], as_typed(next(iter(row.values())))) for name, row in rows.items()}
    parts = [f"{len(scores)} scores"]
    if models:
        parts.append(f"{len(models)} models" if len(models) > 3 else " and ".join(models))
    parts.append(f"{results[0].n_id:,} ID images")
    return "; ".join([*parts, f"FPR convention {results[0].fpr_convention}"])


def _differences(saved: Saved) -> list[dict[str, str]]:
    called = names(row for one in saved.differences for row in (one.first, one.second))
    return [
        {
            "first": called[one.first],
            "second": called[one.second],
            "ood": one.ood,
            "difference": f"{100 * one.difference:+.2f}",
            # Its ends may be below 0, so they are joined by a word, not a dash.
            "interval": " to ".join(f"{100 * bound:+.2f}" for bound in one.ci or ())
            or NOT_ESTIMABLE,
            "p": f"{one.p:.3g}",
            "p_holm": f"{one.p_holm:.3g}",
        }
        for one in saved.differences
    ]


def _data(saved: Saved, content: Content, arrays: PackedArrays) -> dict[str, Any]:
    """Return what the script shows; long lists of numbers are added to `arrays`."""
    results = by_row(saved.results)
    called = names(results)
    heat = [
        {
            "name": called[key],
            "score": key[2],
            "cells": {
                ood: {name: getattr(one, name) for name in HEADLINES} for ood, one in row.items()
            },
        }
        for key, row in results.items()
    ]
    rows = [
        {
            **vars(row),
            "name": called[row.key],
            "on_map": arrays.levels(row.on_map),
            "calibration": {
                ood: dict(one.calibration)
                for ood, one in results[row.key].items()
                if isinstance(one.calibration, Mapping)
            },
        }
        for row in content.rows
    ]
    data = {
        "heat": heat,
        "measures": {one.name: one.lower_is_better for one in HEADLINES.values()},
        "ood": list(dict.fromkeys(one.ood for one in saved.results)),
        "thumbnails": content.thumbnails,
        "sweeps": [asdict(one) for one in sweeps(saved)],
        "streams": [asdict(one) for one in courses(saved.results)],
    }
    # Models mostly have the same images.
    paths = list(dict.fromkeys(one.paths for one in content.maps))
    maps = [{**vars(one), "paths": paths.index(one.paths)} for one in content.maps]
    long = arrays.packed({"rows": rows, "maps": maps, "paths": paths})
    return {name: _shortened(one) for name, one in (data | long).items()}


def _shortened(value: Any) -> Any:
    """Return JSON's values with floats rounded to six digits and names as in the HTML."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, str):
        return _written(value)
    if isinstance(value, dict):
        return {_written(key): _shortened(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(one) for one in value]
    return value
