"""The table of the check: what was measured, the figure, its target, and whether it was met."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HEAD = ("what", "figure", "target", "verdict")
MET, MISSED, NOT_RUN = "met", "MISSED", "not run"


@dataclass(frozen=True)
class Row:
    """A measurement; `is_met` is None without a target, `reason` says why it was not run."""

    what: str
    figure: str = ""
    target: str = ""
    is_met: bool | None = None
    reason: str = ""

    def verdict(self, *, is_cuda: bool) -> str:
        """Return the verdict; what another device gave is none."""
        found = "" if self.is_met is None else (MET if self.is_met else MISSED)
        if self.reason:
            return f"{found or NOT_RUN}: {self.reason}"
        if not is_cuda:
            return f"{NOT_RUN}: no CUDA; on a CPU {found.lower() or 'as shown'}"
        return found or "no target"


def at_most(what: str, value: float, limit: float, unit: str = "") -> Row:
    """Return the row of a value that is to be at most `limit`; NaN is not."""
    return Row(what, f"{value:.2g}{unit}", f"≤ {limit:g}{unit}", value <= limit)


def at_least(what: str, value: float, limit: float, told: str) -> Row:
    """Return the row of a ratio that is to be at least `limit`."""
    is_met = not math.isnan(value) and value >= limit
    return Row(what, f"{value:.3f} ({told})", f"≥ {limit:g}", is_met)


def write(path: Path, row: Row) -> None:
    """Add a row to a file, at once: the process may not live to its end."""
    with path.open("a") as file:
        file.write(json.dumps(asdict(row)) + "\n")


def read(path: Path) -> list[Row]:
    """Return the rows of a file, none if there is none; of a killed writer, the whole ones."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [Row(**json.loads(line)) for line in lines if line.endswith("\n")]


def table(rows: Sequence[Row], *, is_cuda: bool) -> str:
    """Return rows as a Markdown table, as docs/benchmarks.md has it."""
    cells = [(one.what, one.figure, one.target, one.verdict(is_cuda=is_cuda)) for one in rows]
    lines = [HEAD, ("---",) * len(HEAD), *cells]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
