"""The map of the product: every module with the first line of its docstring (make map)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("api", "extract", "cache", "score", "report", "detect", "study", "cli")


def first_line(path: Path) -> str:
    """Return the first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


def lines(root: Path = ROOT) -> Iterator[str]:
    """Yield a line for each room, sub-room and module, indented by its depth."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py"), key=_place):
            *folders, name = path.relative_to(root).parts
            if name != "__init__.py":
                yield f"{'    ' * len(folders)}{name:<22}  {first_line(path)}"
            else:
                yield f"{'    ' * (len(folders) - 1)}{folders[-1] + '/':<22}  {first_line(path)}"


def _place(path: Path) -> tuple[tuple[bool, str], ...]:
    """Return what a folder's own line is first by, then its modules, then its folders."""
    *folders, name = path.parts
    last = (False, "" if name == "__init__.py" else name)
    return (*((True, one) for one in folders), last)


if __name__ == "__main__":
    print("\n".join(lines()))
