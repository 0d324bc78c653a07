"""Arguments of the public functions: what each must be, and the error for one that is not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial, wraps
from inspect import Signature, signature
from numbers import Integral, Real
from pathlib import Path
from reprlib import Repr
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable

from oodcache.cache.errors import InputError
from oodcache.score.measures.result import Conventions
from oodcache.wording import python_words, reporter

P = ParamSpec("P")
R = TypeVar("R")
Wrong = Callable[[str, Any], str | None]
SHORT = Repr()
SHORT.maxlist = SHORT.maxtuple = SHORT.maxset = SHORT.maxdict = 3
SHORT.maxstring = SHORT.maxother = 60
SHORT.maxlevel = 2


@runtime_checkable
class Folder(Protocol):
    """A cache, of which only its folder is needed."""

    @property
    def folder(self) -> Path: ...


@dataclass(frozen=True)
class Argument:
    """What an argument must be: `wrong` tells what does not fit, `words` what to give.

    `plain` returns a type of NumPy or torch as its name, and any other value as it is.
    """

    words: str
    wrong: Wrong
    plain: Callable[[Any], Any] = lambda value: value


def checked(**own: Argument) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that raises InputError, in one line, for an argument of a wrong type.

    Arguments are known by their names, in KINDS or in `own`; others are left to the function. None
    fits where it is the default. Several texts are passed on as a list, and the numbers, flags and
    texts of NumPy as Python's, a type as its name. Errors of the function itself are told in the
    words of Python.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = None
            with suppress(TypeError):
                bound = _signature(function).bind(*args, **kwargs)
            if bound is None:
                return function(*args, **kwargs)  # Which raises the TypeError with its own name.
            for name, value in bound.arguments.items():
                bound.arguments[name] = _fitting(name, value, _signature(function), own)
            with python_words():
                return function(*bound.args, **bound.kwargs)

        return call

    return decorate


@cache
def _signature(function: Callable[..., Any]) -> Signature:
    return signature(function)


def _fitting(name: str, value: Any, of: Signature, own: Mapping[str, Argument]) -> Any:
    kind = own.get(name, KINDS.get(name))
    if kind is None or (value is None and of.parameters[name].default is None):
        return _plain(value)
    is_one_or_several = isinstance(kind.wrong, partial)
    if is_one_or_several and isinstance(value, Iterator):
        value = list(value)
    value = kind.plain(value)
    if wrong := kind.wrong(name, value):
        raise InputError(f"{wrong}; give {kind.words}")
    if is_one_or_several and not (isinstance(value, str) or callable(value)):
        return [_plain(one) for one in value]
    return reporter(value) if name == "note" else _plain(value)


def _plain(value: Any) -> Any:
    """Return a flag, a number or a text of NumPy, say, as Python's own; others as they are."""
    if _no_flag("", value) is None:
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return str.__str__(value) if isinstance(value, str) else value


def folder_of(cache: Folder | str | Path) -> Path:
    """Return the folder of a cache, or a folder as it is."""
    return cache.folder if isinstance(cache, Folder) else Path(cache)


def found(name: str, value: object) -> str:
    """Return what an argument is, in one short line.

    >>> found("id", ["pets"])
    "id is ['pets'] (list)"
    """
    shown = " ".join(SHORT.repr(value).split())
    named = "" if value is None or isinstance(value, str | bool) else f" ({type(value).__name__})"
    return f"{name} is {shown}{named}"


def _no_text(name: str, value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else found(name, value)


def _no_path(name: str, value: Any) -> str | None:
    is_path = isinstance(value, os.PathLike) or (isinstance(value, str) and value)
    return None if is_path else found(name, value)


def _no_cache(name: str, value: Any) -> str | None:
    return None if isinstance(value, Folder) else _no_path(name, value)


def _no_device(name: str, value: Any) -> str | None:
    return None if type(value).__name__ == "device" else _no_text(name, value)  # Torch's.


def _none_of(of_one: Wrong, least: int, name: str, value: Any) -> str | None:
    """Return what is wrong with one, or with the first of several that does not fit."""
    if isinstance(value, str) or callable(value):
        return of_one(name, value)
    if isinstance(value, bytes | Mapping) or not isinstance(value, Iterable):
        return found(name, value)
    each = [*value]
    if len(each) < least:
        return found(name, value)
    wrong = (of_one(f"{name}[{place}]", one) for place, one in enumerate(each))
    return next(filter(None, wrong), None)


def _no_score(name: str, value: Any) -> str | None:
    return None if callable(value) else _no_text(name, value)


def _no_places(name: str, value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return found(name, value)
    wrong = (_no_text(f"a key of {name}", one) for one in value)
    wrong_paths = (_no_path(f"{name}[{SHORT.repr(one)}]", path) for one, path in value.items())
    return next(filter(None, [*wrong, *wrong_paths]), None)


def _no_groups(name: str, value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return found(name, value)
    wrong = (_no_text(f"a key of {name}", one) for one in value)
    wrong_sets = (
        found(f"{name}[{SHORT.repr(one)}]", sets)
        for one, sets in value.items()
        if not isinstance(sets, list | tuple)
    )
    return next(filter(None, [*wrong, *wrong_sets]), None)


def _whole(least: int) -> Wrong:
    def wrong(name: str, value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
            return found(name, value)
        return None

    return wrong


def _no_number(name: str, value: Any) -> str | None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return None if is_number else found(name, value)


def _no_share(name: str, value: Any) -> str | None:
    return _no_number(name, value) or (None if 0 <= value <= 1 else found(name, value))


def _no_flag(name: str, value: Any) -> str | None:
    return None if type(value).__name__ in ("bool", "bool_") else found(name, value)  # NumPy's.


def _no_list(name: str, value: Any) -> str | None:
    return None if isinstance(value, Iterable) else found(name, value)


def _no_reporter(name: str, value: Any) -> str | None:
    is_one = value is None or _no_flag(name, value) is None or callable(value)
    return None if is_one else found(name, value)


def _no_conventions(name: str, value: Any) -> str | None:
    return None if isinstance(value, Conventions) else _no_text(name, value)


def text(words: str) -> Argument:
    """Return the kind of a text that is not empty."""
    return Argument(words, _no_text)


def texts(words: str, *, least: int = 0) -> Argument:
    """Return the kind of one text or several, at least `least`."""
    return Argument(f"{words}, or a list of them", partial(_none_of, _no_text, least))


def scores_of(*, least: int = 0) -> Argument:
    """Return the kind of one score or several, at least `least`."""
    words = "a score, such as 'mcm' or a function of your own, or a list of them"
    return Argument(words, partial(_none_of, _no_score, least))


def _choice(*known: str) -> Argument:
    def wrong(name: str, value: Any) -> str | None:
        return None if isinstance(value, str) and value in known else found(name, value)

    def plain(value: Any) -> Any:
        """Return the name of a type: np.float16, np.dtype("float16"), torch.float16."""
        if not isinstance(value, type) and not type(value).__name__.lower().endswith("dtype"):
            return value
        name = getattr(value, "__name__", str(value)).split(".")[-1]
        return name if name in known else value

    return Argument(f"one of {', '.join(map(repr, known))}", wrong, plain)


ANYTHING = Argument("anything", lambda name, value: None)
ANY_OOD = texts("the name of a set, such as 'strays'")
MODELS = texts("the name of a model in the cache", least=1)
PLACES = Argument("a dict of datasets and folders, such as {'pets': 'photos/pets'}", _no_places)
ONE_TEMPLATE = text("one template, such as 'a photo of a {}'")
OWN_SCORES = Argument(
    "the function of the score, or FILE.py:FUNCTION", partial(_none_of, _no_score, 1)
)
SET = text("the name of one set, such as 'pets'")
_PATH = Argument("a path", _no_path)
_FOLDER = Argument("the path of a folder", _no_path)
_FLAG = Argument("True or False", _no_flag)
_COUNT = Argument("a whole number, at least 1", _whole(1))
_WHOLE = Argument("a whole number from 0", _whole(0))
_NUMBER = Argument("a number", _no_number)
_REPORTER = Argument("True, False, None or a function", _no_reporter)
_LIST = Argument("a list, one for each row", _no_list)
_NAME = text("a name: text")

KINDS: Mapping[str, Argument] = {
    "model": text("the name of a model in the cache, or a part of it that no other has"),
    "models": texts("the name of a model"),
    "dataset": text("the name of a dataset in the cache, such as 'pets'"),
    "vocabulary": text("the name of a vocabulary in the cache, such as 'pets'"),
    "name": _NAME,
    "id": SET,
    "ood": texts("the name of a set, such as 'strays'", least=1),
    "classes": text(
        "the name of a vocabulary in the cache; cache.extract(MODEL, classes=[…], name=NAME) makes "
        "one of a list of names"
    ),
    "scores": scores_of(),
    "template": texts("a template, such as 'a photo of a {}'"),
    "templates": texts("a template"),
    "select_on": SET,
    "csid": texts("the name of a set, such as 'pets-drawn'"),
    "select_id": SET,
    "class_names": _choice("open_clip", "source"),
    "negatives": text("the name of negatives that oodcache negatives made"),
    "bank": text("the name of a set, or 'NAME:N' for N images per class"),
    "bank_draws": _COUNT,
    "bank_labels": _choice("own", "predicted"),
    "conventions": Argument(
        "oodcache.Conventions(…), or the name of an FPR convention, such as 'openood'",
        _no_conventions,
    ),
    "group": Argument("a dict of lists of OOD sets: {'scenes': ['SUN', 'Places']}", _no_groups),
    "leaks_of": Argument("a dict of OOD sets and files, such as {'dtd': 'dtd.txt'}", _no_places),
    "stream": texts("an order, such as 'shuffle:5'"),
    **dict.fromkeys(("bank_seed", "stream_seed", "workers"), _WHOLE),
    **dict.fromkeys(("batch_size", "shard_rows"), _COUNT),
    **dict.fromkeys(("compare", "selective", "lower_is_id", "overwrite", "create"), _FLAG),
    **dict.fromkeys(("retry_failed", "fast_decode", "exif", "without_leaks"), _FLAG),
    **dict.fromkeys(("note", "progress"), _REPORTER),
    **dict.fromkeys(("path", "drop", "checkpoint", "config", "model_config"), _PATH),
    **dict.fromkeys(("folder", "data_root", "wordnet"), _FOLDER),
    "cache": Argument("what oodcache.open returns, or its folder", _no_cache),
    **dict.fromkeys(("logit_scale", "logit_bias"), _NUMBER),
    **dict.fromkeys(("image_column", "label_column", "model_name", "preprocess_id"), _NAME),
    **dict.fromkeys(("weights", "measure", "form", "parameter"), _NAME),
    **dict.fromkeys(("labels", "label_names", "paths", "names", "ids"), _LIST),
    "max_bad": Argument("a share from 0 to 1", _no_share),
    "device": Argument("a device, such as 'cpu' or 'cuda:1'", _no_device),
    "precision": _choice("float32", "bfloat16", "float16"),
    "dtype": _choice("float32", "float16"),
}
