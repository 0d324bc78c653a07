"""Claims about finding and identifying the code of users' scores."""

from __future__ import annotations

import functools
import hashlib
import linecache
import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oodcache
from oodcache.cache.errors import InputError
from oodcache.score.onepass.variants import parse_all
from oodcache.score.own import loading
from oodcache.score.own.function import own_score
from oodcache.score.own.loading import code_name, sha256_of, typed_scores

CODE = '''"""Scores."""
from helper_of_mine import SHARE


def gap(batch, *, k=5):
    """Largest cosine less another."""
    return batch.cosines[:, 0] * SHARE


def _hidden(batch):
    return batch.cosines[:, 0]
'''
CLASS = f"{CODE}\n\nclass Drift:\n    def step(self, batch): ...\n\n\nclass Other: ...\n"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a file of code, with one that it imports beside it."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def written(code: str = CODE) -> Path:
        (tmp_path / "helper_of_mine.py").write_text("SHARE = 2\n")
        path = tmp_path / "mine.py"
        path.write_text(code)
        return path

    yield written
    sys.modules.pop("helper_of_mine", None)


def gap(batch: Any, *, k: int = 5) -> Any:
    return batch.cosines[:, k]


def labels(*given: Any) -> list[str]:
    found = typed_scores(given)
    return [one.label for one in parse_all(found.specifications, found.own)]


def mistake(*given: Any) -> str:
    with pytest.raises(InputError) as error:
        labels(*given)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_function_of_a_file_is_a_score_called_by_the_files_name(write: Write) -> None:
    path = write()
    assert labels(f"{path}:gap", "mcm", f"{path}:gap:k=3|10") == [
        *("mine.py:gap:k=5", "mcm", "mine.py:gap:k=3", "mine.py:gap:k=10")
    ]
    (score,) = typed_scores([f"{path}:gap"]).own.values()
    assert score.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (score.formula, score.source) == ("Largest cosine less another.", str(path))


def test_a_file_runs_once_as_long_as_it_stays_the_same(write: Write, tmp_path: Path) -> None:
    code = f"with open({str(tmp_path / 'log')!r}, 'a') as log: log.write('x')\n"
    path = write(code + "def one(batch): ...\ndef two(batch): ...\n")
    labels(f"{path}:one", f"{path}:two")
    labels(f"{path}:one")
    assert (tmp_path / "log").read_text() == "x"
    path.write_text(code + "def one(batch, *, k=1): ...\n")
    assert labels(f"{path}:one") == ["mine.py:one:k=1"]


def test_a_function_of_a_module_is_called_by_the_modules_name(write: Write) -> None:
    path = write()
    path.rename(path.with_name("module_of_mine.py"))
    sys.path.append(str(path.parent))
    try:
        assert labels("module_of_mine:gap:k=2") == ["module_of_mine:gap:k=2"]
    finally:
        sys.modules.pop("module_of_mine", None)


def test_functions_are_scores_by_their_name_and_specifications_use_it() -> None:
    found = labels("mcm", gap, "gap:k=3|10", "gap")
    assert found == ["mcm", "gap:k=5", "gap:k=3", "gap:k=10"]
    named = oodcache.score(lambda batch: batch.nearest, name="nearest")
    partial = oodcache.score(functools.partial(gap, k=2), name="second")
    assert labels(named, partial) == ["nearest", "second:k=2"]


def test_a_name_of_numpy_is_a_text() -> None:
    named = oodcache.score(lambda batch: batch.nearest, name=np.str_("nearest"))
    assert repr([*typed_scores([named]).own]) == "['nearest']"


def test_the_decorator_marks_a_score_of_whole_sets() -> None:
    @oodcache.score(whole=True)
    def standard(batch: Any) -> Any:
        return batch.nearest

    found = typed_scores([standard, gap]).own
    assert (found["standard"].whole, found["gap"].whole) == (True, False)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (lambda: oodcache.score(3), "takes a function, not 3; write @oodcache.score(name='gap') "),
        (lambda: oodcache.score("gap")(gap), "takes a function, not 'gap'; write @oodcache.score("),
        (lambda: oodcache.score(len), "cannot mark <built-in function len>: "),
        (lambda: oodcache.score(lambda batch: 0, name=3), "must be set to a string"),  # type: ignore[arg-type]
    ],
)
def test_what_is_marked_in_a_wrong_way_is_told_the_right_one(
    mark: Callable[[], Any], words: str
) -> None:
    with pytest.raises(InputError) as error:
        mark()
    assert str(error.value).startswith("oodcache.score ")
    assert words in str(error.value)


def test_a_specification_that_names_a_score_is_no_code() -> None:
    for typed in ("mcm", "mcm:temperature=1", "MSP:x", "mine:k=1", "a b:c", "mine.py"):
        assert code_name(typed) is None
    found = code_name("C:\\my code\\mine.py:gap:k=3")
    assert found is not None
    assert (found.where, found.function, found.settings) == ("C:\\my code\\mine.py", "gap", "k=3")


def test_two_functions_of_one_name_are_rejected(write: Write, tmp_path: Path) -> None:
    other = oodcache.score(lambda batch: batch.nearest, name="gap")
    assert "two scores are named gap" in mistake(gap, other)
    assert labels(gap, gap) == ["gap:k=5"]
    first = write()
    (tmp_path / "other").mkdir()
    second = tmp_path / "other" / "mine.py"
    second.write_text("def gap(batch): ...\n")
    words = f"two scores are named mine.py:gap ({first} and {second}); give one another name"
    assert mistake(f"{first}:gap", f"{second}:gap") == words


def test_a_function_without_a_name_of_its_own_is_rejected() -> None:
    assert mistake(lambda batch: batch.nearest).startswith("a lambda needs a name as a score: use")
    assert mistake(functools.partial(gap)).startswith("a partial needs a name as a score")
    mcm = oodcache.score(lambda batch: batch.nearest, name="mcm")
    assert mistake(mcm).startswith("mcm is a built-in score; give your function another name")
    assert mistake(5) == "5 is int; expected a score, such as 'mcm'"


@pytest.mark.parametrize(
    ("code", "typed", "words"),
    [
        (CODE, "mine.py:gip", "mine.py: has no function 'gip' (there are: gap)"),
        (CLASS, "mine.py:Nope", "mine.py: has no function 'Nope' (there are: gap, Drift)"),
        (CLASS, "mine.py", "name a function: mine.py:FUNCTION (there are: gap, Drift)"),
        (CODE, "mine.py", "name a function: mine.py:FUNCTION (there are: gap)"),
        ("x = 1\n1 / 0", "mine.py:gap", "mine.py, line 2: ZeroDivisionError: division by zero"),
        ("x = = 1", "mine.py:gap", "mine.py, line 1: SyntaxError: invalid syntax"),
        ("import sys\nsys.exit()", "mine.py:gap", "line 2: it ends Python when it is imported"),
        ("gap = 5", "mine.py:gap", "mine.py: has no function 'gap' (it defines none)"),
        ("def gap(batch, k): ...", "mine.py:gap", "parameter k has no default"),
        (CODE, "mine.py:gap:n=3", "'n=3' sets no parameter of mine.py:gap (parameters: k)"),
        (CODE, "other.py:gap", "other.py: no such file or directory"),
        (CODE, "no_such_module:gap", "no module 'no_such_module'; for a file write"),
        (CODE, "mcn:gap", "no score and no module 'mcn'; did you mean mcm?"),
        (CODE, "json:no_gap", "json: has no function 'no_gap' (there are: "),
    ],
)
def test_code_that_is_no_score_is_rejected_in_one_line(
    write: Write, monkeypatch: pytest.MonkeyPatch, code: str, typed: str, words: str
) -> None:
    monkeypatch.chdir(write(code).parent)
    assert words in mistake(typed)


def test_an_installed_package_offers_scores_by_name(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write()
    path.rename(path.with_name("package_of_mine.py"))
    sys.path.append(str(path.parent))
    points = [EntryPoint("gap-of-mine", "package_of_mine:gap", loading.GROUP)]
    monkeypatch.setattr(loading, "entry_points", lambda: points)
    try:
        assert labels("gap-of-mine:k=1|2") == ["gap-of-mine:k=1", "gap-of-mine:k=2"]
        points.append(EntryPoint("gap-of-mine", "theirs:gap", loading.GROUP))
        words = "two packages offer gap-of-mine: package_of_mine:gap and theirs:gap"
        assert words in mistake("gap-of-mine")
        points[:] = [EntryPoint("broken", "package_of_mine:nothing", loading.GROUP)]
        assert "entry point broken = package_of_mine:nothing: AttributeError" in mistake("broken")
    finally:
        sys.modules.pop("package_of_mine", None)


def test_a_notebooks_function_is_identified_by_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "def cell(batch):\n    return batch.nearest\n"
    linecache.cache["<cell 1>"] = (len(source), None, source.splitlines(True), "<cell 1>")
    names: dict[str, Any] = {}
    exec(compile(source, "<cell 1>", "exec"), names)
    names["cell"].__module__ = None
    assert sha256_of(names["cell"]) == hashlib.sha256(source.encode()).hexdigest()
    del linecache.cache["<cell 1>"]
    assert sha256_of(names["cell"]) is None
    here = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    assert sha256_of(gap) == here


class Scorer:
    def __call__(self, batch: Any) -> Any:
        return batch.nearest

    def gap(self, batch: Any) -> Any:
        return batch.nearest


def test_a_partial_a_wrapper_and_an_instance_are_identified_by_the_users_file() -> None:
    here = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    wrapped = functools.wraps(gap)(functools.partial(functools.partial(gap, k=2)))
    for one in (functools.partial(gap, k=2), wrapped, Scorer(), Scorer().gap):
        assert sha256_of(one) == here
        assert own_score(one, "f").source == __file__


def test_a_pipe_is_no_file_of_code(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mine.py")
    with pytest.raises(InputError, match="is a device or a named pipe; expected a file"):
        typed_scores([f"{tmp_path}/mine.py:gap"])
