"""The report as one HTML page that works offline: its static part and its script's data.

Names are untrusted: Jinja2 escapes them in HTML, the script's data are packed, and a
Content-Security-Policy allows only the page's own scripts, by their SHA-256. Plotly and the data
are packed with gzip, which makes a page less than half as large.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from oodcache.report.content import Content
from oodcache.report.findings.changes import changes
from oodcache.report.findings.findings import findings
from oodcache.report.html.arrays import PackedArrays
from oodcache.report.html.assets import FOLDER, packed, packed_plotly, policy, script, style
from oodcache.report.html.data import as_json, data, written
from oodcache.report.html.forest import forest
from oodcache.report.html.lines import columns, filters, lines
from oodcache.report.html.names import wrapper
from oodcache.report.html.opening import opening
from oodcache.report.html.provenance import digests_cut, making
from oodcache.report.html.renaming import (
    Named,
    renamed,
    renamed_data,
    renamed_grid,
    renamed_line,
)
from oodcache.report.html.terms import SLUGS, TERMS
from oodcache.report.saved.results import Saved
from oodcache.report.streams import pathless
from oodcache.report.sweeps import sweeps
from oodcache.report.tables.grid import (
    NOT_ESTIMABLE,
    as_typed,
    by_row,
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


def missing_libraries() -> str:
    """Return which required libraries are missing and how to install them, "" if none is."""
    missing = [one for one in NEEDS if not _is_there(one)]
    return f"{', '.join(missing)}: type  pip install 'oodcache[report]'" if missing else ""


def _is_there(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ValueError:  # sys.modules has None in its place.
        return False


def page(
    saved: Saved,
    content: Content,
    named: Named | None = None,
    earlier: Saved | None = None,
) -> str:
    """Return the page of results and the content of their images.

    `named` has names to show instead of those of the results. With the results of an `earlier` run
    it begins with what changed since.
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
    results, named, arrays = saved.results, named or {}, PackedArrays()
    every = [*results, *(earlier.results if earlier is not None else ())]
    wrapped = wrapper(every, named)
    environment.globals |= {"wrapped": wrapped, "slugs": SLUGS, "percent": percent}
    environment.filters["digests_cut"] = digests_cut
    average = {"OOD set": renamed(AVERAGE, named)}
    grids = [renamed_grid(one, named) for one in further(results)]
    first = opening(results, content, named)
    text = environment.get_template("report.html").render(
        policy=policy(),
        style=Markup(style()),
        title=_title(results, named),
        summary=_summary(results, named),
        findings=findings(saved, named),
        changes=None if earlier is None else changes(earlier, saved, named),
        earlier="" if earlier is None else earlier.path.name,
        points=points,
        forest=forest(results, named),
        terms=TERMS,
        content=content,
        opening=first,
        columns=columns(results),
        filters={
            name: [renamed(one, named) for one in values]
            for name, values in filters(results).items()
        },
        chosen=average if any(one.ood == AVERAGE for one in results) else {},
        lines=[renamed_line(one, named) for one in lines(results)],
        picks=_picks(results, content, named),
        caption=caption(results, "Next to"),
        further=Markup(to_html(grids)) if grids else "",
        differences=[renamed_data(one, named) for one in _differences(saved)],
        sweeps=sweeps(saved),
        streams=any(one.stream for one in results),
        lacks_paths=some(pathless(results)),
        measures=HEADLINES.values(),
        made=making(saved),
        source=saved.path.name,
        data=packed(as_json(data(saved, content, arrays, named)).encode()),
        numbers=packed(arrays.bytes()),
        plotly=packed_plotly(),
        script=Markup(script()),
    )
    return written(text)


def _picks(
    results: Sequence[Result], content: Content, named: Named
) -> list[dict[str, Any] | None]:
    """Return what each line of the table shows as curves: a row, and an OOD set unless average."""
    places = {row.key: place for place, row in enumerate(content.rows)}
    return [
        {"row": places[key], "ood": "" if one.is_average else renamed(one.ood, named)}
        if key in places
        else None
        for key, row in by_row(results).items()
        for one in row.values()
    ]


def points(difference: float) -> str:
    """Return the difference of two fractions in percentage points, with its sign.

    >>> points(0.0123), points(-0.5), points(0.0)
    ('+1.23', '−50.00', '±0.00')
    """
    text = f"{100 * difference:+z.2f}"
    return f"±{text[1:]}" if text == "+0.00" else text.replace("-", "−")


def _title(results: Sequence[Result], named: Named) -> str:
    inside = renamed(results[0].id, named)
    sets = list(dict.fromkeys(one.ood for one in results if not one.is_average))
    whole = ", ".join(renamed(one, named) for one in sets)
    against = whole if len(sets) < 5 else f"{len(sets)} OOD sets"
    return f"{inside} against {against}"


def _summary(results: Sequence[Result], named: Named) -> str:
    rows = by_row(results)
    shown = model_names(rows).items()
    models = [renamed(name, named) for model, name in shown if model is not None]
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
