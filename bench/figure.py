"""Figures: what was measured, against what, what it is to be, and whether it is.

A ratio is the median over pairs of runs, with the quartiles: both sides of a pair meet the same
machine. The ratio of processor times is beside it, because other work moves it less. A verdict is
by the median of the wall-clock ratios, or by our own figure where the target has a unit.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from os import environ
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.timing import Times

HEAD = ("what", "verdict", "target", "ratio (quartiles)", "processor", "ours", "against")
CHILD = """
import dataclasses, importlib, json, sys
module, path, *arguments = sys.argv[1:]
figures = importlib.import_module(module).main(*([arguments] if arguments else []))
with open(path, "w") as file:
    json.dump([dataclasses.asdict(one) for one in figures or []], file)
"""


@dataclass(frozen=True)
class Spread:
    """The median of several values, and their quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Spread:
        """Return the spread of values."""
        return cls(*np.percentile(values, (25, 50, 75)).tolist())

    def __str__(self) -> str:
        return f"{_ratio(self.median)} ({_ratio(self.low)} to {_ratio(self.high)})"


@dataclass(frozen=True)
class Target:
    """The most that a ratio may be, or the least; with `of_ours`, that our own figure may be."""

    limit: float
    is_least: bool = False
    of_ours: bool = False

    def is_met(self, found: float) -> bool:
        """Return whether a value keeps within the limit."""
        return found >= self.limit if self.is_least else found <= self.limit

    def shown(self, unit: str) -> str:
        """Return the limit as a table has it."""
        sign = "≥" if self.is_least else "≤"
        return f"{sign} {_number(self.limit, unit) if self.of_ours else f'{self.limit:g}'}"


@dataclass(frozen=True)
class Figure:
    """One measurement; `bound` names what ours is measured against, `reason` why it was not run."""

    what: str
    ours: float = float("nan")
    unit: str = "s"
    against: float | None = None
    bound: str = ""
    ratio: Spread | None = None
    processor: float | None = None
    target: Target | None = None
    reason: str = ""

    @property
    def verdict(self) -> str:
        """Return whether the target is met."""
        if self.reason:
            return f"not run: {self.reason}"
        if self.target is None:
            return "no target"
        if self.target.of_ours or self.ratio is None:
            return "met" if self.target.is_met(self.ours) else "missed"
        return "met" if self.target.is_met(self.ratio.median) else "missed"

    @property
    def cells(self) -> tuple[str, ...]:
        """Return its row of the table, as HEAD has it."""
        against = "" if self.against is None else f"{_number(self.against, self.unit)}, "
        return (
            self.what,
            self.verdict,
            "" if self.target is None else self.target.shown(self.unit),
            "" if self.ratio is None else str(self.ratio),
            "" if self.processor is None else _ratio(self.processor),
            "" if self.reason else _number(self.ours, self.unit),
            f"{against}{self.bound}",
        )


def paired(
    what: str, times: Times, bound: str, target: Target | None = None, *, other: int = 1
) -> Figure:
    """Return the figure of the first of several calls against another one, ours / theirs.

    `times` are as `in_turns` returns them.
    """
    ratios = times[:, 0] / times[:, other]
    return Figure(
        what,
        ours=float(np.median(times[:, 0, 0])),
        against=float(np.median(times[:, other, 0])),
        bound=bound,
        ratio=Spread.of(ratios[:, 0]),
        processor=float(np.median(ratios[:, 1])),
        target=target,
    )


def rates(
    what: str, times: Times, bound: str, target: Target | None = None, *, count: float, unit: str
) -> Figure:
    """Return the figure of the rates of two calls that process `count` things, ours / theirs."""
    ratios = times[:, 1] / times[:, 0]
    ours, theirs = (count / np.median(times[:, :2, 0], axis=0)).tolist()
    return Figure(
        *(what, ours, unit, theirs, bound, Spread.of(ratios[:, 0])),
        processor=float(np.median(ratios[:, 1])),
        target=target,
    )


def alone(what: str, values: npt.ArrayLike, unit: str, target: float | None = None) -> Figure:
    """Return the figure of what is measured against nothing, the median of several values."""
    limit = None if target is None else Target(target, of_ours=True)
    return Figure(what, float(np.median(values)), unit, target=limit)


def not_run(what: str, reason: str) -> Figure:
    """Return the figure of what could not be measured."""
    return Figure(what, reason=reason)


def told(*figures: Figure) -> list[Figure]:
    """Print a line for each figure, and return them."""
    for one in figures:
        what, _, _, ratio, processor, ours, against = one.cells
        parts = [ours or one.verdict, against and f"against {against}"]
        parts += [ratio and f"ratio {ratio}", processor and f"{processor} in processor time"]
        print(f"{what}: {', '.join(filter(None, parts))}", flush=True)
    return list(figures)


def table(figures: Sequence[Figure]) -> str:
    """Return all of them as a table in Markdown whose columns are aligned."""
    rows = [HEAD, *(one.cells for one in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "\n".join([f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])])


def in_process(module: str, *arguments: str, **environment: str) -> list[Figure]:
    """Return what the `main` of a benchmark returns, run as a process of its own."""
    with tempfile.NamedTemporaryFile() as file:
        command = [sys.executable, "-c", CHILD, module, file.name, *arguments]
        subprocess.run(command, check=True, env={**environ, **environment})
        return [_read(one) for one in json.load(file)]


def _read(fields: dict[str, Any]) -> Figure:
    kinds = {"ratio": Spread, "target": Target}
    found = {name: kind(**fields[name]) for name, kind in kinds.items() if fields[name]}
    return Figure(**{**fields, **found})


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _number(value: float, unit: str) -> str:
    digits = f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"
    return f"{digits} {unit}"
