"""Claims about the page's own files: all are there, in one scope, and nothing else may run."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re

from oodcache.report.html.assets import (
    FOLDER,
    SCRIPTS,
    STYLES,
    packed,
    packed_plotly,
    policy,
    script,
    style,
)


def test_every_style_and_script_of_the_folder_is_in_the_page() -> None:
    scripts = {one.relative_to(FOLDER).as_posix() for one in FOLDER.rglob("*.js")}
    assert scripts == {f"script/{one}.js" for one in SCRIPTS}
    assert {one.relative_to(FOLDER).as_posix() for one in FOLDER.rglob("*.css")} == {*STYLES}
    assert style().count("{") == style().count("}") > 100


def test_the_script_is_one_function_that_the_first_part_opens_and_the_last_ends() -> None:
    assert script().startswith('"use strict";\n(async () => {\n')
    assert script().count("(async () => {") == script().count("})().catch(") == 1
    assert "})().catch(" in (FOLDER / "script" / f"{SCRIPTS[-1]}.js").read_text()


def test_every_class_of_a_script_has_a_style_of_its_own_part_of_the_page() -> None:
    """A class that two parts style is one of them by accident."""
    of_figures = {"meter", "chip", "pick", "thumb", "card"}
    findings = (FOLDER / "parts" / "findings.css").read_text()
    assert not of_figures & set(re.findall(r"\.([a-z]+)", findings))
    assert all(f".{one}" in style() for one in of_figures)


def test_what_is_packed_unpacks_to_the_same_bytes_and_is_no_markup() -> None:
    content = b"</script>\xff\x00" * 9
    assert gzip.decompress(base64.b64decode(packed(content))) == content
    assert re.fullmatch("[A-Za-z0-9+/]+=*", packed(content))
    assert packed(content) == packed(content)


def test_only_plotly_and_the_script_may_run() -> None:
    plotly = gzip.decompress(base64.b64decode(packed_plotly()))
    sums = [
        base64.b64encode(hashlib.sha256(one).digest()).decode()
        for one in (plotly, script().encode())
    ]
    assert re.findall("'sha256-([^']+)'", policy()) == sums
    assert policy().startswith("default-src 'none';")
