"""The page's own style and scripts, Plotly among them, and the policy that lets only these run."""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "page"
# The parts of the page's style, a later one over an earlier one, and of its script, as they run.
STYLES = ("report.css", "parts/findings.css", "parts/table.css", "parts/print.css")
SCRIPTS = (
    *("arrays", "start", "table", "heat", "sweeps", "streams", "rows", "curves", "histograms"),
    *("threshold", "fooled", "map", "print", "end"),
)


@cache
def style() -> str:
    """Return the page's style."""
    return "".join((FOLDER / one).read_text(encoding="utf-8") for one in STYLES)


@cache
def script() -> str:
    """Return the page's script, of parts: the first opens their one scope, the last ends it."""
    parts = ((FOLDER / "script" / f"{one}.js").read_text(encoding="utf-8") for one in SCRIPTS)
    return "".join(parts)


@cache
def packed_plotly() -> str:
    """Return Plotly as the page unpacks it."""
    return packed(_plotly().encode())


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def packed(content: bytes) -> str:
    """Return content as the page unpacks it: gzip, in base64, so no name in it is markup."""
    # Without a time, so that the same results make the same page.
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def policy() -> str:
    """Return the Content-Security-Policy: nothing but Plotly and the page's script runs."""
    sums = (hashlib.sha256(one.encode()).digest() for one in (_plotly(), script()))
    allowed = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in sums)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
