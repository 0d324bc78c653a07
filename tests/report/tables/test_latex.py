"""Claims about tables in LaTeX as papers have them: rules, marks, arrows and groups."""

from __future__ import annotations

import re
from dataclasses import replace

from samples.report.results import FIRST, SETS, difference, results
from samples.report.spectra import shifted

from oodcache.report.tables.latex import plain, to_latex
from oodcache.report.tables.measured import measured
from oodcache.report.tables.sections import sections
from oodcache.score.measures.shots import Shots

NEAR = [replace(one, group={"SUN": "near", "Places": "far"}.get(one.ood)) for one in results(*SETS)]


def columns(line: str) -> list[tuple[str, int]]:
    """Return the text of each cell of a line, and how many columns it spans."""
    found = []
    for cell in re.split(r"(?<!\\)&", line.removesuffix(r"\\")):
        span = re.fullmatch(r"\\multicolumn\{(\d+)\}\{c\}\{(.*)\}", cell.strip())
        found.append((span[2], int(span[1])) if span else (cell.strip(), 1))
    return found


def test_the_best_is_bold_and_the_second_underlined() -> None:
    lines = to_latex(measured(results("SUN"))).splitlines()
    numbers = [line for line in lines if re.search(r"\d\.\d\d", line)]
    cells = [columns(line) for line in numbers if "scriptsize" not in line]
    assert [line[3][0] for line in cells] == [
        "80.00",
        "83.00",
        r"\underline{86.00}",
        r"\textbf{89.00}",
    ]
    assert {line[4][0] for line in cells} == {"30.00"}  # All equal: none is the best.


def test_headings_have_arrows_and_intervals_are_small() -> None:
    written = to_latex(measured(results("SUN")))
    assert r"model & score & ID acc & AUROC $\uparrow$ & FPR95 $\downarrow$ \\" in written
    assert r"\multicolumn{2}{c}{\scriptsize 79.00--83.00} \\" in written
    assert written.startswith("% In the preamble: \\usepackage{booktabs}\n")


def test_ranges_over_draws_are_small_and_what_the_marks_mean_is_a_comment() -> None:
    draws = {"0": {"auroc": 0.7, "fpr95": 0.2}, "1": {"auroc": 0.9, "fpr95": 0.4}}
    shown = [*results("SUN"), replace(FIRST, ood="SUN", shots=Shots.of(4, draws))]
    written = to_latex(measured(shown))
    assert r"& \scriptsize 70.00--90.00 & \scriptsize 20.00--40.00 \\" in written
    assert "% Bold: the best of each column. Underlined: the second best.\n" in written


def test_near_and_far_sets_are_under_one_heading_and_rules_are_below_names() -> None:
    lines = to_latex(measured(NEAR)).splitlines()
    top = lines.index(r"\toprule")
    assert columns(lines[top + 1]) == [
        *[("", 1)] * 3,
        ("near OOD", 2),
        ("far OOD", 2),
        ("", 6),
    ]
    assert lines[top + 2] == r"\cmidrule(lr){4-5}\cmidrule(lr){6-7}"
    names = [("SUN", 2), ("Places", 2), ("iNaturalist", 2), ("Textures", 2), ("average", 2)]
    assert columns(lines[top + 3])[3:] == names
    rules = "".join(rf"\cmidrule(lr){{{first}-{first + 1}}}" for first in (4, 6, 8, 10, 12))
    assert lines[top + 4] == rules


def test_every_line_has_as_many_columns_as_the_tabular() -> None:
    shown = [*NEAR, *(replace(one, model="RN50") for one in NEAR)]
    for grid in sections(shown, [difference("mcm", "max-logit")]):
        written = to_latex(grid)
        wide = re.search(r"\\begin\{tabular\}\{([lr]+)\}", written)
        assert wide is not None
        for line in written.splitlines():
            if line.endswith(r"\\"):
                assert sum(span for _, span in columns(line)) == len(wide[1]), line


def test_a_model_is_named_once_with_a_rule_before_the_next() -> None:
    shown = [*results("SUN"), *(replace(one, model="RN50") for one in results("SUN"))]
    lines = to_latex(measured(shown)).splitlines()
    assert [line.split(" & ")[0] for line in lines if line.split(" & ")[0].count("/")] == [
        r"ViT-B-16/laion400m\_e31",
        r"RN50/laion400m\_e31",
    ]
    (between,) = [place for place, line in enumerate(lines) if line == r"\midrule"][1:]
    assert lines[between + 1].startswith("RN50")


def test_a_line_that_starts_like_an_argument_is_protected() -> None:
    for name in ("[2em]", "*", " [x]"):
        written = to_latex(measured([replace(one, model=name) for one in results("SUN")]))
        for line in written.split(r"\midrule")[1].splitlines():
            assert not re.match(r"\s*[\[*]", line), line
        assert f"\n{{}}{name}/laion" in written
    assert "\n{}" not in to_latex(measured(results("SUN")))


def test_characters_that_fonts_would_join_stay_apart() -> None:
    assert plain("a--b---c-d") == "a-{}-b-{}-{}-c-d"
    assert plain("``x'' ?`y'") == r"\`{}\`{}x'{}' ?\`{}y'"
    assert plain("1–2") == "1--2" and plain("–-") == "--{}-"


def test_negative_numbers_have_a_sign_and_names_a_hyphen() -> None:
    tests = [difference("mcm", "max-logit", difference=0.09, ci=(-0.008, 0.024))]
    shown = [one for one in results("SUN") if one.score in ("mcm", "max-logit")][::2]
    behind = to_latex(sections(shown, tests)[-1])
    assert r"$-$0.80 to 2.40" in behind or r"$-$2.40 to 0.80" in behind
    drops = to_latex(sections(shifted(), [])[1])
    assert "$-$12.00" in drops and "ViT-B-16" in drops and "$-$16" not in drops


def test_special_characters_are_text() -> None:
    assert plain("↑a_b%{}~^\\<>|±") == (
        r"$\uparrow$a\_b\%\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}"
        r"\textless{}\textgreater{}\textbar{}$\pm$"
    )
    assert r"\textbf{94.12}" not in to_latex(measured([FIRST]))
