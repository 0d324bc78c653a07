"""Claims about the tree: arrows go one way, no circles, small folders, tests mirror modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("api", "cache", "extract", "score", "report", "detect", "study", "cli")
ARROWS = {
    "cache": set(),
    "extract": {"cache"},
    "score": {"cache"},
    "report": {"score", "cache"},
    "detect": {"score", "extract", "cache"},
    "study": {"report", "score", "extract", "cache"},
    "cli": {"study", "detect", "report", "score", "extract", "cache"},
    # What a notebook sees: the public names of the rooms. `python -m oodcache` calls cli.
    "api": {"study", "report", "detect", "score", "extract", "cache"},
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
MOST_ENTRIES, MOST_PARAMETERS = 15, 8
MODULES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
# Fields and constants without logic.
UNTESTED = {
    *("report/content.py", "cache/image_formats.py"),
    *(f"score/streams/{name}.py" for name in ("method", "methods", "context")),
    "score/onepass/kept.py",
    "score/measures/spectrum/spectrum.py",
}
# Run by the commands that use them.
RUN_BY_COMMANDS = {
    *("cli/measuring.py", "cli/options.py", "score/files/other_scores.py", "score/scoring.py"),
    *("detect/calibrating.py", "detect/reloading.py"),
    *(
        "study/demo.py",
        "study/reproducing.py",
        "extract/imports/importing.py",
    ),
    *("cache/watch.py", "cache/text.py"),
    *("cache/store/inspection.py", "cache/store/listing.py", "cache/store/upkeep.py"),
}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def import_name(path: Path) -> str:
    """Return the name that a module of ours is imported by: a folder X is `oodcache.X`."""
    room, *rest = path.relative_to(ROOT).with_suffix("").parts
    parts = [*([] if room == "api" else [room]), *rest]
    return ".".join(["oodcache", *(parts[:-1] if parts[-1] == "__init__" else parts)])


NAMES = {import_name(path): path for path in MODULES}


@cache
def tree(path: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of a module."""
    return tuple(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> Iterator[str]:
    for node in tree(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: a relative import"
            found = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from found & NAMES.keys() or {node.module}


def entered(path: Path) -> set[Path]:
    return {NAMES[name] for name in imports(path) if name in NAMES} - {path}


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_arrows_between_rooms_go_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    allowed = ARROWS[room] | {room} | ({"cli"} if place(path) == "api/__main__.py" else set())
    assert {one.relative_to(ROOT).parts[0] for one in entered(path)} <= allowed


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_every_import_of_ours_is_of_a_file_that_is_there(path: Path) -> None:
    for name in imports(path):
        assert name in NAMES or name.split(".")[0] != "oodcache", f"{place(path)} imports {name}"


def test_files_import_each_other_in_no_circle() -> None:
    tuple(TopologicalSorter({path: entered(path) for path in MODULES}).static_order())


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_a_library_is_known_to_its_room_alone(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for name in imports(path):
        assert room in ONLY.get(name.split(".")[0], {room}), f"{place(path)} imports {name}"


def folders() -> list[Path]:
    """Return the folders of the product, the tests, the docs and the benchmarks."""
    tops = [ROOT / name for name in (*ROOMS, "tests", "docs", "bench")]
    found = [one for top in tops for one in (top, *sorted(top.rglob("*"))) if one.is_dir()]
    return [one for one in found if one.name != "__pycache__"]


@pytest.mark.parametrize("folder", folders(), ids=place)
def test_a_folder_has_at_most_fifteen_entries(folder: Path) -> None:
    if place(folder) in ("cli", "tests/cli"):
        return
    hidden = ("__pycache__", "__init__.py", "py.typed")
    entries = [one.name for one in folder.iterdir() if one.name not in hidden]
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def test_every_folder_of_modules_is_named_in_setup_cfg() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    packages = setup["options"]["packages"].split()
    assert sorted(packages) == sorted(
        {import_name(path.parent / "__init__.py") for path in MODULES}
    )
    mapped = dict(line.split(" = ") for line in setup["options"]["package_dir"].split("\n") if line)
    assert mapped == {import_name(ROOT / room / "__init__.py"): room for room in ROOMS}
    for path in MODULES:
        assert (path.parent / "__init__.py").exists(), path


def test_every_module_has_its_test_file() -> None:
    for path in MODULES:
        if path.stem in ("__init__", "__main__") or place(path) in UNTESTED | RUN_BY_COMMANDS:
            continue
        test = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
        assert test.exists(), place(path)


# What users call with keywords, and what a library calls with its own.
WIDE = {
    *("Cache.add", "Cache.add_texts"),
    "Cache.evaluate",
    *("metrics", "compare"),
    "Results.plot",
    "extract",
    "Detector.load",
    "Detector.make",
    "_Bar.__init__",
    "subplots",
}


def definitions(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Yield every class and function of a module under its name, methods as Class.method."""
    for node in ast.parse(path.read_text()).body:
        yield from _within(node, "")


def _within(node: ast.AST, before: str) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield before + node.name, node
        for child in node.body:
            yield from _within(child, f"{before}{node.name}.")


def test_every_class_name_is_used_once() -> None:
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for name, node in definitions(path):
            if isinstance(node, ast.ClassDef):
                places.setdefault(name.split(".")[-1].lstrip("_"), []).append(place(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_a_function_takes_at_most_eight_parameters_each_by_name(path: Path) -> None:
    for name, node in definitions(path):
        if not isinstance(node, ast.FunctionDef) or name in WIDE:
            continue
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        own = [one for one in given if one.arg not in ("self", "cls")]
        assert len(own) <= MOST_PARAMETERS, f"{place(path)}: {name}"
        if node.args.kwarg is not None and node.args.kwarg.annotation is not None:
            anything = ast.unparse(node.args.kwarg.annotation) == "Any"
            assert not anything or place(path).startswith("cli/"), f"{place(path)}: {name}"


def test_pillow_is_told_which_formats_it_may_open() -> None:
    """Otherwise it opens EPS, and starts Ghostscript on an untrusted program."""
    opened = [
        (place(path), {one.arg for one in node.keywords})
        for path in MODULES
        if "Image.open" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Image.open"
    ]
    assert len(opened) >= 4
    assert [where for where, keywords in opened if "formats" not in keywords] == []
