"""The code of users' scores: functions, files, modules and entry points, found and identified.

Code is run only if the user names it: no file of results, detector or ablation is passed on here.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import shown
from oodcache.cache.text import bounded
from oodcache.score.formulas.registry import SCORES
from oodcache.score.onepass.variants import canonical
from oodcache.score.own.function import Function, OwnScore, behind
from oodcache.score.own.mistakes import said
from oodcache.score.own.stream import STEP, score_of

GROUP = "oodcache.scores"
FILE = re.compile(r"(?P<where>.*\.py):(?P<function>[^:=|,]+)(?::(?P<settings>.*))?", re.DOTALL)
MODULE = re.compile(r"(?P<where>[^\W\d][\w.]*):(?P<function>[^\W\d]\w*)(?::(?P<settings>.*))?")
NAME_IT = "use def, or oodcache.score(function, name='gap')"
LARGEST = 2**24


@dataclass(frozen=True)
class CodeName:
    """A function's name as typed: of a file or a module, with settings, None if there are none."""

    where: str
    function: str
    settings: str | None
    is_file: bool

    @property
    def name(self) -> str:
        """Return the score's name in results: a file's without its folder."""
        return f"{Path(self.where).name if self.is_file else self.where}:{self.function}"

    @property
    def label(self) -> str:
        """Return the name with its settings."""
        return self.name if self.settings is None else f"{self.name}:{self.settings}"


@dataclass(frozen=True)
class TypedScores:
    """Specifications of scores, and the definitions of those that are the user's own, by name."""

    specifications: list[str] = field(default_factory=list)
    own: dict[str, OwnScore] = field(default_factory=dict)


def code_name(typed: str) -> CodeName | None:
    """Return the function that a specification names, None if it names a score; run nothing.

    >>> code_name("code/mine.py:gap:k=3|10").label
    'mine.py:gap:k=3|10'
    >>> code_name("mcm:temperature=1") is None
    True
    """
    for pattern in (FILE, MODULE):
        found = pattern.fullmatch(typed)
        if found is not None and canonical(found["where"])[0] not in SCORES:
            return CodeName(**found.groupdict(), is_file=pattern is FILE)
    return None


def typed_scores(given: Iterable[str | Function]) -> TypedScores:
    """Return the scores that are given as functions or typed, with the code behind them.

    A specification may use a function by its name. Raises InputError, in one line, for code that
    cannot be run or is no score, and for two scores of one name.
    """
    found = TypedScores()
    several = list(given)
    for one in several:
        if not isinstance(one, str):
            _add(found, of_function(one))
    for one in several:
        found.specifications.append(_resolved(one, found) if isinstance(one, str) else _named(one))
    return found


def of_function(function: Function) -> OwnScore:
    """Return a function in memory as a score; raise InputError if it has no name."""
    name = _named(function)
    if name in SCORES:
        raise InputError(f"{name} is a built-in score; give your function another name: {NAME_IT}")
    return score_of(function, name, sha256=sha256_of(function))


def entry_points() -> list[EntryPoint]:
    """Return the scores that installed packages offer, by name."""
    found = importlib.metadata.entry_points(group=GROUP)
    return sorted(found, key=lambda one: one.name)


def of_entry_point(point: EntryPoint) -> OwnScore:
    """Return a package's score; raise InputError, in one line, if it cannot be loaded."""
    try:
        function = point.load()
    except Exception as error:
        raise InputError(f"entry point {point.name} = {point.value}: {_said(error)}") from error
    return score_of(function, point.name, sha256=sha256_of(function))


def sha256_of(function: Function) -> str | None:
    """Return the SHA-256 of the file that defines a function, or of its source in a notebook.

    A partial's is that of its function, an instance's that of its class. None if there is neither.
    """
    inner = behind(function)
    try:
        file = inspect.getsourcefile(inner)
        if file is not None and Path(file).is_file():
            return hashlib.sha256(Path(file).read_bytes()).hexdigest()
        return hashlib.sha256(inspect.getsource(inner).encode()).hexdigest()
    except (OSError, TypeError):
        return None


def _resolved(typed: str, found: TypedScores) -> str:
    """Return a specification by the name in results; add the code that it names."""
    name = typed.partition(":")[0]
    if name in found.own or canonical(name)[0] in SCORES:
        return typed
    code = code_name(typed)
    if code is not None:
        _add(found, _of_code(code, typed))
        return code.label
    if re.fullmatch(r".*\.py", typed):
        functions = _listed(_functions(Path(typed)))
        raise InputError(f"--score {typed}: name a function: {typed}:FUNCTION ({functions})")
    points = [one for one in entry_points() if one.name == name]
    if len(points) > 1:
        packages = " and ".join(str(one.value) for one in points)
        raise InputError(f"--score {typed}: two packages offer {name}: {packages}")
    if points:
        _add(found, of_entry_point(points[0]))
    return typed


def _add(found: TypedScores, score: OwnScore) -> None:
    other = found.own.setdefault(score.name, score)
    if other.function is not score.function:
        raise InputError(
            f"two scores are named {score.name} ({other.source or '?'} and {score.source or '?'}); "
            f"give one another name"
        )


def _named(function: object) -> str:
    if not callable(function):
        kind = type(function).__name__
        raise InputError(f"{shown(function)[:60]} is {kind}; expected a score, such as 'mcm'")
    name = getattr(function, "__name__", None)
    if not isinstance(name, str) or not name.isidentifier():
        what = "a lambda" if name == "<lambda>" else f"a {type(function).__name__}"
        raise InputError(f"{what} needs a name as a score: {NAME_IT}")
    return str(name)  # NumPy's texts are a subclass.


def _of_code(code: CodeName, typed: str) -> OwnScore:
    module = _file(Path(code.where)) if code.is_file else _module(code.where, typed)
    function = getattr(module, code.function, None)
    if not callable(function):
        own = (
            name
            for name, one in vars(module).items()
            if (inspect.isfunction(one) or (inspect.isclass(one) and hasattr(one, STEP)))
            and one.__module__ == module.__name__
        )
        raise InputError(f"{code.where}: has no function {code.function!r} ({_listed(own)})")
    return score_of(function, code.name, sha256=sha256_of(function))


def _file(path: Path) -> ModuleType:
    """Return a file as a module, run once as long as its content stays the same."""
    content, whole = _read(path), path.absolute()
    digest = hashlib.sha256(f"{whole}\0".encode() + content).hexdigest()
    name = f"oodcache_own_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = str(whole)
    if str(whole.parent) not in sys.path:
        # Last, so that no file beside it hides an installed package.
        sys.path.append(str(whole.parent))
    try:
        exec(compile(content, str(whole), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        line = _line(error, str(whole))
        raise InputError(f"{path}{line}: {_said(error)}") from error
    return module


def _read(path: Path) -> bytes:
    try:
        return bounded(path, LARGEST, "a score")
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _module(name: str, typed: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise InputError(f"--score {typed}: {name}: {_said(error)}") from error
        near = difflib.get_close_matches(name, SCORES, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; for a file write {name}.py:FUNCTION"
        raise InputError(f"--score {typed!r}: no score and no module {name!r}{hint}") from None
    except (Exception, SystemExit) as error:
        raise InputError(f"--score {typed}: {name}: {_said(error)}") from error


def _functions(path: Path) -> Iterator[str]:
    """Yield the names of a file's functions, and classes for a stream, without running it."""
    try:
        tree = ast.parse(_read(path))
    except (SyntaxError, ValueError):
        return
    for one in tree.body:
        parts = one.body if isinstance(one, ast.ClassDef) else []
        has_step = any(isinstance(part, ast.FunctionDef) and part.name == STEP for part in parts)
        if isinstance(one, ast.FunctionDef) or (isinstance(one, ast.ClassDef) and has_step):
            yield one.name


def _listed(names: Iterable[str]) -> str:
    public = [name for name in names if not name.startswith("_")]
    more = ", …" if len(public) > 10 else ""
    return f"there are: {', '.join(public[:10])}{more}" if public else "it defines none"


def _line(error: BaseException, file: str) -> str:
    """Return the line of a file at which it failed to run."""
    number: Any = error.lineno if isinstance(error, SyntaxError) else None
    at = error.__traceback__
    while at is not None and number is None:
        number = at.tb_lineno if at.tb_frame.f_code.co_filename == file else None
        at = at.tb_next
    return "" if number is None else f", line {number}"


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "it ends Python when it is imported; guard that with: if __name__ == '__main__'"
    return said(error)
