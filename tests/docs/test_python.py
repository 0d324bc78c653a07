"""Claims about docs/python.md: the blocks of each section run in order, as typed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samples import Run, write_image

import oodcache as package

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
TITLES = re.findall(r"^## (.*)", PAGE, re.M)
SECTIONS = re.split(r"^## .*", PAGE, flags=re.M)[1:]


CODE = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", PAGE, re.S))


def public() -> Iterator[tuple[str, Any]]:
    """Yield each public name of the package, and each public method of its classes."""
    for name in dir(package):
        one = getattr(package, name)
        yield name, one
        for method, found in vars(one).items() if inspect.isclass(one) else ():
            is_code = isinstance(found, (classmethod, property)) or inspect.isfunction(found)
            if is_code and not method.startswith("_"):
                yield f"{name}.{method}", getattr(found, "fget", None) or getattr(one, method)


@pytest.mark.parametrize("name", [name for name, _ in public()])
def test_every_public_name_is_explained_by_its_docstring_and_on_the_page(name: str) -> None:
    found = dict(public())[name]
    assert inspect.getdoc(found)
    last = name.rpartition(".")[2]
    ways = (rf"\.{last}\b", rf"`{last}\b") if "." in name or inspect.isfunction(found) else (last,)
    assert any(re.search(way, CODE) for way in ways), f"docs/python.md does not name {name}"
    if inspect.isroutine(found):
        signature = inspect.signature(found)
        given = [one for one in signature.parameters.values() if one.name != "self"]
        assert all(one.annotation is not one.empty for one in given)
        assert signature.return_annotation is not signature.empty


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photos/pets/{cat,dog}, photos/strays and photos/new."""
    folder = tmp_path_factory.mktemp("notebook")
    for seed in range(66):
        place = "new" if seed >= 60 else ("pets/cat", "pets/dog", "strays")[seed // 20]
        write_image(folder / "photos" / place / f"{seed}.png", seed)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS, ids=TITLES)
def test_the_blocks_of_a_section_run_in_order(
    section: str, photos: Path, oodcache: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, photos, monkeypatch)
    extract = ("extract", "--model", "tiny-clip", "--classes", "pets=photos/pets")
    done = oodcache(*extract, "pets=photos/pets", "strays=photos/strays")
    assert done.status == 0, done.err
    run(section)


@pytest.mark.slow
def test_the_whole_page_runs_from_top_to_bottom(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, photos, monkeypatch)
    run(PAGE)


def enter(folder: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `folder` the working directory, with the photos in it."""
    (folder / "photos").symlink_to(photos / "photos")
    monkeypatch.chdir(folder)


def run(page: str) -> None:
    """Run the blocks of a page in order, in one namespace."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.S):
        exec(block, names)
