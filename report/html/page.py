"""The report as one HTML page that works offline: its static part and its script's data.

Names are untrusted: Jinja2 escapes them in HTML, `<`, `>` and `&` are escaped in JSON, and a
Content-Security-Policy allows only the page's own scripts, by their SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from oodcache.report.content import Content
from oodcache.report.findings.changes import changes
from oodcache.report.findings.findings import findings
from oodcache.report.html.forest import forest
from oodcache.report.html.lines import columns, filters, lines
from oodcache.report.html.names import pieces, shortened
from oodcache.report.html.provenance import making
from oodcache.report.html.terms import SLUGS, TERMS
from oodcache.report.saved.results import Saved
from oodcache.report.streams import courses, pathless
from oodcache.report.sweeps import sweeps
from oodcache.report.tables.grid import (
    NOT_ESTIMABLE,
    as_typed,
    by_row,
    key,
    model_names,
    names,
    percent,
    some,
)
from oodcache.report.tables.hypertext import to_html
from oodcache.report.tables.notes.caption import caption
from oodcache.report.tables.sections import further
from oodcache.report.tables.significance import p_value
from oodcache.score.measures.result import AVERAGE, HEADLINES, Result

NEEDS = ("jinja2", "plotly", "PIL")
FOLDER = Path(__file__).parent / "page"
# More than a figure shows; every further digit adds to a page of a hundred scores.
DIGITS = 6
# The parts of the page's style, a later one over an earlier one, and of its script, as they run.
STYLES = ("report.css", "parts/findings.css", "parts/table.css", "parts/print.css")
SCRIPTS = ("report.js", "parts/print.js", "rows.js", "curves.js", "threshold.js", "fooled.js")
IN_SCRIPT = {ord(one): f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"}


def missing_libraries() -> str:
    """Return which required libraries are missing and how to install them, "" if none is."""
    missing = [one for one in NEEDS if not _is_there(one)]
    return f"{', '.join(missing)}: type  pip install 'oodcache[report]'" if missing else ""


def _is_there(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ValueError:  # sys.modules has None in its place.
        return False


def page(saved: Saved, content: Content, earlier: Saved | None = None) -> str:
    """Return the page of results and the content of their images.

    With the results of an `earlier` run it begins with what changed since.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    plotly, script = _plotly(), _script()
    results = saved.results
    every = [*results, *(earlier.results if earlier is not None else ())]
    environment.globals |= {"wrapped": _wrapper(every), "slugs": SLUGS, "percent": percent}
    chosen = {"OOD set": AVERAGE} if any(one.ood == AVERAGE for one in results) else {}
    text = environment.get_template("report.html").render(
        policy=_policy((plotly, script)),
        style=Markup(_style()),
        title=_title(results),
        summary=_summary(results),
        findings=findings(saved),
        changes=None if earlier is None else changes(earlier, saved),
        earlier="" if earlier is None else earlier.path.name,
        points=points,
        forest=forest(results),
        terms=TERMS,
        content=content,
        columns=columns(results),
        filters=filters(results),
        chosen=chosen,
        lines=lines(results),
        caption=caption(results, "Next to"),
        differences=_differences(saved),
        further=Markup(to_html(grids)) if (grids := further(results)) else "",
        sweeps=sweeps(saved),
        streams=any(one.stream for one in results),
        lacks_paths=some(pathless(results)),
        measures=HEADLINES.values(),
        made=making(saved),
        source=saved.path.name,
        data=Markup(_as_script(_data(saved, content))),
        plotly=Markup(plotly),
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
def _style() -> str:
    return "".join((FOLDER / one).read_text(encoding="utf-8") for one in STYLES)


@cache
def _script() -> str:
    """Return the page's script: its parts, in one scope of their own."""
    parts = [(FOLDER / one).read_text(encoding="utf-8") for one in SCRIPTS]
    return "\n".join(['"use strict";', "(() => {", *parts, "})();"])


def _policy(scripts: Sequence[str]) -> str:
    sums = (hashlib.sha256(one.encode()).digest() for one in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in sums)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _as_script(data: Mapping[str, Any]) -> str:
    """Return JSON that is safe within a script element, whatever names it contains."""
    compact = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return compact.translate(IN_SCRIPT)


def _wrapper(results: Sequence[Result]) -> Callable[[str], Any]:
    """Return what writes a name as HTML that wraps well; one that is cut has its whole in a title.

    The keyboard reaches a name that is cut.
    """
    from markupsafe import Markup

    called = names(map(key, results))
    sets = (one.ood for one in results)
    short = {
        **shortened(called.values()),
        **shortened(part for row in called for part in row if part is not None),
        **shortened(sets),
    }

    def wrapped(name: str) -> Any:
        shown = short.get(name, name)
        parts = [Markup("<wbr>").join(pieces(one)) for one in shown.split(" · ")]
        if len(parts) > 1:  # A line breaks between parts first.
            part = Markup('<span class="part">{}</span>')
            text = Markup(" · ").join(part.format(one) for one in parts)
        else:
            (text,) = parts
        if shown == name:
            return Markup("<span>{}</span>").format(text) if "<" in text else text
        cut = Markup('<span class="cut" tabindex="0" title="{}" data-whole="{}">{}</span>')
        return cut.format(name, name, text)

    return wrapped


def points(difference: float) -> str:
    """Return the difference of two fractions in percentage points, with its sign.

    >>> points(0.0123), points(-0.5), points(0.0)
    ('+1.23', '−50.00', '±0.00')
    """
    text = f"{100 * difference:+z.2f}"
    return f"±{text[1:]}" if text == "+0.00" else text.replace("-", "−")


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
            "p": p_value(one.p),
            "p_holm": p_value(one.p_holm),
        }
        for one in saved.differences
    ]


def _data(saved: Saved, content: Content) -> dict[str, Any]:
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
            **asdict(row),
            "name": called[row.key],
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
        "rows": rows,
        "thumbnails": content.thumbnails,
        "sweeps": [asdict(one) for one in sweeps(saved)],
        "streams": [asdict(one) for one in courses(saved.results)],
    }
    return {name: _shortened(one) for name, one in data.items()}


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
