"""Claims about figures: ratios are of pairs, verdicts by their medians, tables are Markdown."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bench.figure import Figure, Spread, Target, alone, in_process, not_run, paired, rates, table

# Runs × (ours, theirs, another) × (wall clock, processor): the second run met a busy machine.
TIMES = np.array(
    [
        [[1.0, 2.0], [2.0, 2.0], [1.0, 1.0]],
        [[12.0, 2.2], [10.0, 2.0], [5.0, 1.0]],
        [[1.8, 1.8], [2.0, 2.0], [1.0, 1.0]],
    ]
)


def test_a_ratio_is_the_median_over_pairs_and_not_of_medians() -> None:
    found = paired("x", TIMES, "the product")
    # Pairs: 0.5, 1.2, 0.9. The ratio of the medians would be 0.9, too; of the sums 1.06.
    assert found.ratio == Spread(pytest.approx(0.7), 0.9, pytest.approx(1.05))
    assert found.processor == 1.0
    assert (found.ours, found.against) == (1.8, 2.0)


def test_pairs_are_taken_before_the_median() -> None:
    times = np.array([[[1.0, 1.0], [1.0, 1.0]], [[4.0, 1.0], [2.0, 1.0]], [[9.0, 1.0], [3.0, 1.0]]])
    found = paired("x", times, "the product")
    assert found.ratio is not None
    assert found.ratio.median == 2.0
    assert found.ours == 4.0
    assert found.against == 2.0


def test_another_side_can_be_named() -> None:
    found = paired("x", TIMES, "the other", other=2)
    assert found.ratio is not None
    assert found.ratio.median == 1.8
    assert found.against == 1.0


def test_rates_are_the_other_way_round() -> None:
    found = rates("x", TIMES, "a loop", count=10, unit="images/s")
    assert found.ratio is not None
    assert found.ratio.median == pytest.approx(1 / 0.9)
    assert found.ours == pytest.approx(10 / 1.8)
    assert found.against == 5.0


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        (Target(0.9), "met"),
        (Target(0.89), "missed"),
        (Target(0.9, is_least=True), "met"),
        (Target(0.91, is_least=True), "missed"),
        (Target(1.8, of_ours=True), "met"),
        (Target(1.7, of_ours=True), "missed"),
        (None, "no target"),
    ],
)
def test_a_verdict_is_by_the_median_of_wall_clock_ratios(
    target: Target | None, verdict: str
) -> None:
    assert paired("x", TIMES, "the product", target).verdict == verdict


def test_a_figure_alone_is_held_against_its_own_limit() -> None:
    assert alone("start-up", [0.2, 0.3, 0.24], "s", 0.25).verdict == "met"
    assert alone("start-up", [0.2, 0.3, 0.26], "s", 0.25).verdict == "missed"
    assert alone("start-up", 0.26, "s").verdict == "no target"


def test_a_table_is_aligned_markdown_with_a_row_a_figure() -> None:
    figures = [
        paired("24 variants", TIMES, "the product", Target(0.8)),
        alone("memory", 1314.4, "MB", 400),
        not_run("a peer", "it is not installed"),
    ]
    head, rule, *rows = table(figures).splitlines()
    assert {len(line) for line in (head, rule, *rows)} == {len(head)}
    assert set(rule) == {"|", "-"}
    assert [place for place, one in enumerate(rule) if one == "|"] == [
        place for place, one in enumerate(head) if one == "|"
    ]
    assert [[cell.strip() for cell in row.strip("|").split("|")] for row in rows] == [
        [
            *("24 variants", "missed", "≤ 0.8", "0.90 (0.70 to 1.05)", "1.00"),
            *("1.80 s", "2.00 s, the product"),
        ],
        ["memory", "missed", "≤ 400 MB", "", "", "1,314 MB", ""],
        ["a peer", "not run: it is not installed", "", "", "", "", ""],
    ]


def test_figures_come_back_whole_from_a_process_with_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "measuring.py").write_text(
        "import os\n"
        "from bench.figure import Figure, Spread, Target\n"
        "def main(arguments=()):\n"
        "    what = ' '.join([os.environ['KERNEL'], *arguments])\n"
        "    return [Figure(what, 1.5, ratio=Spread(1, 2, 3), target=Target(2)), Figure('y')]\n"
    )
    monkeypatch.setenv("PYTHONPATH", ":".join([str(tmp_path), *sys.path]))
    first, second = in_process("measuring", "one", KERNEL="numpy")
    assert first == Figure("numpy one", 1.5, ratio=Spread(1, 2, 3), target=Target(2))
    assert second.what == "y"
    assert second.target is None


def test_a_benchmark_without_figures_returns_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "printing.py").write_text("def main():\n    print('a line')\n")
    monkeypatch.setenv("PYTHONPATH", ":".join([str(tmp_path), *sys.path]))
    assert in_process("printing") == []
