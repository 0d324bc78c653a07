"""Claims about the tree: arrows go one way, the README names every file, tests mirror modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("cli", "extract", "cache", "score", "report")
ARROWS = {
    "cache": set(),
    "score": {"cache"},
    "extract": {"cache"},
    "report": {"cache", "score"},
    "cli": {"cache", "score", "extract", "report", "cli"},
}
ONLY = {
    "h5py": {"cache"},
    "torch": {"extract"},
    "torchvision": {"extract"},
    "open_clip": {"extract"},
    "click": {"cli"},
    "PIL": {"extract", "report"},
    "matplotlib": {"report"},
    "plotly": {"report"},
    "jinja2": {"report"},
    "pyarrow": {"cache"},
    "ray": {"extract"},
    "huggingface_hub": {"extract"},
    "filelock": {"extract"},
}
CLICK_FREE = {
    "calibrating",
    "data_sets",
    "decisions",
    "demo",
    "detecting",
    "exchange",
    "inspection",
    "listing",
    "negatives",
    "notebook",
    "other_scores",
    "progress",
    "reloading",
    "reporting",
    "reproducing",
    "scoring",
    "sources",
    "stopping",
    "study",
    "upkeep",
}
RUN_BY_COMMANDS = {
    *("calibrating", "detecting", "reloading"),
    *("measuring", "options", "other_scores", "progress", "reproducing", "scoring"),
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules() -> list[tuple[str, Path]]:
    return [(room, path) for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))]


def room_of(name: str) -> str | None:
    """Return the room that an import of ours enters, None for a library."""
    if name.split(".")[0] != "oodcache":
        return None
    second = name.split(".")[1] if "." in name else ""
    return second if second in ROOMS else "cli" if second else None


@pytest.mark.parametrize(("room", "path"), modules(), ids=lambda value: str(value).split("/")[-1])
def test_arrows_between_rooms_go_one_way(room: str, path: Path) -> None:
    entered = {found for name in imports(path) if (found := room_of(name))}
    assert entered <= ARROWS[room] | {room}


@pytest.mark.parametrize(("room", "path"), modules(), ids=lambda value: str(value).split("/")[-1])
def test_a_library_is_known_to_its_room_alone(room: str, path: Path) -> None:
    for name in imports(path):
        assert room in ONLY.get(name.split(".")[0], {room}), f"{path} imports {name}"


def test_workflows_know_no_click() -> None:
    for name in CLICK_FREE:
        assert "click" not in set(imports(ROOT / "cli" / f"{name}.py"))


def test_the_readmes_tree_has_a_line_for_every_file() -> None:
    readme = (ROOT / "README.md").read_text()
    others = [
        path for part in ("tests/*.py", "docs/*.md", "bench/*.py") for path in ROOT.glob(part)
    ]
    for path in [*(path for _, path in modules()), *others]:
        if path.name not in ("__init__.py", "__main__.py"):
            assert re.search(rf"^ +{re.escape(path.name)} +\S", readme, re.M), path
    for name in re.findall(r"^ {8}(\S+\.(?:py|md)) ", readme, re.M):
        assert [*ROOT.glob(f"*/{name}")], f"{name} is in the README, not in the tree"


def test_every_module_has_its_test_file() -> None:
    for room, path in modules():
        if path.name in ("__init__.py", "__main__.py"):
            continue
        if room == "cli" and path.stem in RUN_BY_COMMANDS:
            continue
        if (room, path.name) in (("score", "result.py"), ("report", "content.py")):
            continue  # Fields without logic.
        names = {f"test_{path.name}", f"test_{path.stem.removesuffix('_command')}.py"}
        found = {one.name for one in (ROOT / "tests" / room).glob("test_*.py")}
        assert names & found, f"{room}/{path.name} has no test file"
