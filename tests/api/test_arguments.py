"""Claims about the arguments of all public functions: a wrong type is an error of one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from samples.detect.detectors import made

import oodcache as package
from oodcache.arguments import checked
from oodcache.detect.file import write_detector

Calls = dict[str, Callable[..., object]]
IMAGES = np.eye(4, dtype=np.float32)
# Two kinds of value, of no library: what an argument of any type but these is not.
NOTHING, NESTED = object(), [[object()]]
OF_MODELS = [("extract", "images"), ("extract", "classes"), ("extract", "model")]
OF_MODELS += [("make", "model"), ("load", "model")]
LISTS = ("labels", "paths", "ids", "names", "label_names")


def quiet(text: str) -> None:
    pass


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    """Return every public function with arguments of the right types, and an empty cache."""
    cache = package.open(tmp_path / "empty", create=True)
    write_detector(tmp_path / "detector.json", made().detector)
    detector = package.Detector.load(tmp_path / "detector.json", note=quiet)
    results = package.compare({"a": [3, 2], "b": [1, 2]}, {"a": [1, 2], "b": [1, 2]})
    own: dict[str, Any] = {"weights": "mine", "logit_scale": 1.0, "note": quiet}
    sets = {"id": "pets", "ood": "strays"}
    return {
        "open": partial(package.open, cache.folder),
        "metrics": partial(package.metrics, [3, 2], [1, 2]),
        "compare": partial(package.compare, {"a": [3], "b": [1]}, {"a": [1], "b": [1]}),
        "datasets": partial(cache.datasets, "one"),
        "vocabularies": partial(cache.vocabularies, "one"),
        "images": partial(cache.images, "one", "pets"),
        "texts": partial(cache.texts, "one", "animals"),
        "evaluate": partial(cache.evaluate, "one", **sets),
        "add": partial(cache.add, "one", "new", IMAGES, **own),
        "add_texts": partial(cache.add_texts, "one", "new", IMAGES, names=[*"abcd"], **own),
        "extract": partial(cache.extract, "tiny-clip", name="new"),
        "make": partial(package.Detector.make, cache, "one", id="pets", scores="mcm", alpha=0.1),
        "load": partial(package.Detector.load, tmp_path / "detector.json"),
        "save": partial(detector.save, tmp_path / "other.json"),
        "predict": partial(detector.predict, IMAGES),
        "predict_iter": partial(detector.predict_iter, IMAGES),
        "results.load": partial(package.Results.load, tmp_path / "results.json"),
        "results.save": partial(results.save, tmp_path / "results.json"),
        "results.report": partial(results.report, tmp_path / "results.html"),
        "results.plot": partial(results.plot, "roc"),
    }


def every_argument(calls: Calls) -> list[tuple[str, str]]:
    """Return each function with each of its arguments."""
    every = [(one, name) for one in calls for name in inspect.signature(calls[one].func).parameters]  # type: ignore[attr-defined]
    every.remove(("predict_iter", "images"))  # Read when the first decision is asked for.
    return every


def message(call: Callable[[], object]) -> str:
    """Return the error of a call."""
    with pytest.raises(package.InputError) as error:
        call()
    return str(error.value)


def with_value(call: Callable[..., object], name: str, value: object) -> Callable[[], object]:
    """Return a call with another value of one of its arguments."""
    assert isinstance(call, partial)
    bound = inspect.signature(call.func).bind(*call.args, **call.keywords)
    bound.arguments[name] = value
    return lambda: call.func(*bound.args, **bound.kwargs)


def check_names(calls: Calls, function: str, name: str) -> None:
    """Assert that each wrong value of an argument is an error of one line that names it."""
    for value in (NOTHING, NESTED, 3.5j):
        if value is NESTED and name in LISTS:
            continue  # A list, as it must be; what is in it has tests of its own.
        words = message(with_value(calls[function], name, value))
        assert "\n" not in words, (function, name)
        assert len(words.encode()) < 600, (function, name)
        assert name in words or name == "images", (function, name, words)


def test_every_argument_of_a_wrong_type_is_named_in_one_line(calls: Calls) -> None:
    for function, name in every_argument(calls):
        if (function, name) not in OF_MODELS:
            check_names(calls, function, name)


@pytest.mark.slow
def test_so_is_every_argument_that_is_read_by_torch(calls: Calls) -> None:
    for function, name in OF_MODELS:
        check_names(calls, function, name)


WRONG: list[tuple[str, str, object, str]] = [
    ("evaluate", "classes", ["cat", "dog"], "classes is ['cat', 'dog'] (list); give the name"),
    ("evaluate", "id", ["pets"], "id is ['pets'] (list); give the name of one set, such as"),
    ("evaluate", "id", None, "id is None; give the name of one set, such as 'pets'"),
    ("evaluate", "ood", [], "ood is [] (list); give the name of a set, such as 'strays', or"),
    ("evaluate", "ood", None, "ood is None; give"),
    ("evaluate", "ood", ["strays", 5], "ood[1] is 5 (int); give"),
    ("evaluate", "ood", "", "ood is ''; give"),
    ("evaluate", "model", None, "model is None; give the name of a model in the cache, or a l"),
    ("evaluate", "scores", None, "scores is None; give a score, such as 'mcm' or a function"),
    ("evaluate", "scores", {"mcm": 1}, "scores is {'mcm': 1} (dict); give a score"),
    ("evaluate", "select_on", ["cat"], "select_on is ['cat'] (list); give the name of one"),
    ("evaluate", "bank", ["a"], "bank is ['a'] (list); give the name of a set, or 'NAME:N'"),
    ("evaluate", "negatives", ["a"], "negatives is ['a'] (list); give the name of negatives"),
    ("evaluate", "leaks_of", "a.txt", "leaks_of is 'a.txt'; give a dict of OOD sets and files"),
    ("evaluate", "leaks_of", {"a": 3}, "leaks_of['a'] is 3 (int); give a dict of OOD sets an"),
    ("evaluate", "wordnet", 3, "wordnet is 3 (int); give the path of a folder"),
    ("evaluate", "without_leaks", "no", "without_leaks is 'no'; give True or False"),
    ("evaluate", "bank_labels", "mine", "bank_labels is 'mine'; give one of 'own', 'predicte"),
    ("evaluate", "template", 3, "template is 3 (int); give a template, such as 'a photo of"),
    ("evaluate", "compare", "no", "compare is 'no'; give True or False"),
    ("evaluate", "conventions", 3, "conventions is 3 (int); give oodcache.Conventions(…), or"),
    ("evaluate", "conventions", "mine", "fpr_convention is 'mine', not one of strict, neare"),
    ("images", "dataset", ["x"], "dataset is ['x'] (list); give the name of a dataset"),
    ("texts", "vocabulary", None, "vocabulary is None; give the name of a vocabulary"),
    ("add", "name", 3, "name is 3 (int); give a name: text"),
    ("add", "overwrite", 1, "overwrite is 1 (int); give True or False"),
    ("extract", "name", 3, "name is 3 (int)"),
    ("extract", "workers", "0", "workers is '0'; give a whole number from 0"),
    ("extract", "batch_size", True, "batch_size is True; give a whole number, at least 1"),
    ("extract", "max_bad", 5, "max_bad is 5 (int); give a share from 0 to 1"),
    ("extract", "model", None, "model is a NoneType: expected a name, or (module, preproce"),
    ("make", "model", ["m"], "model is a list of 1: expected a name, or (module"),
    ("make", "id", 5, "id is 5 (int); give the name of one set"),
    ("make", "scores", [], "scores is [] (list); give a score"),
    ("results.report", "images", "data/demo", "images is 'data/demo'; give a dict of dataset"),
    ("results.report", "images", {"pets": 3}, "images['pets'] is 3 (int); give a dict"),
    ("open", "folder", "", "folder is ''; give the path of a folder"),
    ("predict_iter", "batch_size", 0, "batch_size is 0 (int); give a whole number, at least 1"),
    ("metrics", "id_scores", torch.empty(3, device="meta"), "id_scores: Tensor is no array"),
    (
        *("metrics", "id_scores", np.ma.masked_array([1.0, 2.0], [0, 1])),
        "id_scores: is a masked array; give one without gaps",
    ),
]


def test_what_is_wrong_is_shown_with_what_to_give(calls: Calls) -> None:
    for function, argument, value, words in WRONG:
        assert message(with_value(calls[function], argument, value)).startswith(words)


def test_docstrings_name_their_arguments_and_the_error() -> None:
    methods: list[Callable[..., object]] = [package.Cache.evaluate, package.Cache.add]
    methods += [package.Cache.add_texts, package.Results.plot, package.Detector.predict_iter]
    for method in (*methods, package.Results.load, package.open):
        told = inspect.getdoc(method) or ""
        names = [one for one in inspect.signature(method).parameters if one != "self"]
        assert [one for one in names if f"`{one}`" not in told] == [], method
        assert "Raises InputError" in " ".join(told.split()), method


def test_the_shown_value_is_cut(calls: Calls) -> None:
    for value in (["x" * 900] * 900, np.zeros((99, 99)), {"x" * 900: 3}):
        assert len(message(with_value(calls["evaluate"], "classes", value)).encode()) < 600


def test_the_name_of_an_fpr_convention_is_conventions() -> None:
    (row,) = package.metrics([3, 2, 1], [0, 2], conventions="openood")
    assert row.fpr_convention == "openood"


def test_an_iterator_of_texts_is_all_of_them(cache: package.Cache) -> None:
    rows = cache.evaluate("one", id="pets", ood=iter(["strays"]), scores=iter(["mcm", "energy"]))  # type: ignore[arg-type]
    assert [row.score for row in rows] == ["mcm", "energy"]


def test_what_numpy_has_reaches_a_function_as_pythons_own() -> None:
    @checked()
    def given(
        id: Any, ood: Any, compare: Any, bank_seed: Any, alpha: Any, logit_scale: Any, max_bad: Any
    ) -> list[Any]:
        """Return all arguments."""
        return [id, ood, compare, bank_seed, alpha, logit_scale, max_bad]

    found = given(
        *(np.str_("a"), np.array(["b", "c"]), np.bool_(True), np.uint8(2), np.float32(0.25)),
        *(np.int64(10), np.longdouble(0.5)),
    )
    assert repr(found) == "['a', ['b', 'c'], True, 2, 0.25, 10, 0.5]"


def outcome(call: Callable[[], object]) -> str:
    """Return what a call returns, or its error."""
    try:
        return repr(call())
    except package.InputError as error:
        return str(error)


def test_a_number_or_flag_of_numpy_is_taken_for_pythons_everywhere(calls: Calls) -> None:
    given = {"alpha": 0.25, "confidence": 0.5, "logit_scale": 10.0, "logit_bias": -2.0}
    given |= {"bootstrap": 50, "bank_seed": 2, "seed": 3}
    calls["save"]()  # So that its file is there for both.
    for function, name in every_argument(calls):
        default = inspect.signature(calls[function].func).parameters[name].default  # type: ignore[attr-defined]
        value = given.get(name, default)
        if isinstance(value, bool | int | float):
            own = {bool: np.bool_, int: np.uint16, float: np.float32}[type(value)](value)  # type: ignore[operator]
            ours, numpys = (outcome(with_value(calls[function], name, one)) for one in (value, own))
            assert ours == numpys, (function, name)


def test_evaluate_records_numbers_of_numpy_as_pythons(cache: package.Cache) -> None:
    of_numpy: dict[str, Any] = {"ood": np.array(["strays"]), "compare": np.bool_(False)}
    of_numpy |= {"bank": np.str_("pets"), "bank_labels": "predicted", "bank_seed": np.uint8(2)}
    rows = cache.evaluate(np.str_("one"), id="pets", scores="knn:k=1", note=None, **of_numpy)  # type: ignore[arg-type]
    assert (rows[0].ood, type(rows[0].ood)) == ("strays", str)
    assert "bank_seed=2" in str(rows.provenance["command"])


def test_a_checked_function_keeps_its_signature_and_its_type_errors() -> None:
    @checked()
    def one(id: str, *, ood: str = "b") -> str:
        """Return both."""
        return id + ood

    assert (one("a"), one.__doc__, str(inspect.signature(one))) == (
        *("ab", "Return both."),
        "(id: 'str', *, ood: 'str' = 'b') -> 'str'",
    )
    with pytest.raises(
        TypeError, match=r"one\(\) got an unexpected keyword argument 'odd'"
    ) as wrong:
        one("a", odd="b")  # type: ignore[call-arg]
    assert wrong.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "given", "plain"),
    [
        ("shard_rows", np.int64(5), 5),
        ("bank_seed", np.uint8(0), 0),
        ("logit_scale", np.float32(0.5), 0.5),
        ("logit_scale", 10, 10),
        ("max_bad", np.float32(0.5), 0.5),
        ("dtype", np.float16, "float16"),
        ("dtype", np.dtype("float16"), "float16"),
        ("dtype", torch.float16, "float16"),
        ("dtype", "float16", "float16"),
        ("precision", torch.bfloat16, "bfloat16"),
    ],
)
def test_numbers_and_types_of_numpy_and_torch_are_passed_on_as_pythons(
    name: str, given: Any, plain: Any
) -> None:
    @checked()
    def passed(
        shard_rows: Any = None,
        bank_seed: Any = None,
        logit_scale: Any = None,
        max_bad: Any = None,
        dtype: Any = None,
        precision: Any = None,
    ) -> dict[str, Any]:
        return dict(locals())

    found = passed(**{name: given})[name]
    assert (found, type(found)) == (plain, type(plain))


@pytest.mark.parametrize(
    "other", [np.float64, torch.float64, torch.int8, "torch.float16", np.array]
)
def test_a_type_that_is_no_choice_is_shown(other: Any) -> None:
    @checked()
    def passed(dtype: Any) -> None:
        raise AssertionError

    with pytest.raises(package.InputError, match="^dtype is .*; give one of"):
        passed(other)
