"""Claims about the words of Python: an argument's name stands for the option's."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

import oodcache as package
from oodcache.cache.errors import InputError
from oodcache.cache.watch import Hint
from oodcache.score.own.batch import MissingReferenceError
from oodcache.wording import in_python, noted, python_words


@pytest.mark.parametrize(
    ("typed", "ours"),
    [
        ("--select-on a: no", "select_on a: no"),
        ("are --id and --ood exchanged?", "are id and ood exchanged?"),
        ("is lower more ID? use --lower-is-id", "is lower more ID? use lower_is_id=True"),
        ("--format json has all 3 pairs", ".differences has all 3 pairs"),
        ("Use --explain for 2 more notes.", "See .notes for 2 more notes."),
        ("use --select-on DATASET.", "use select_on=DATASET."),
        ("a.x: ends in '.x'; use .json, or give --format", "a.x: ends in '.x'; use .json"),
        ("give --bank NAME, training images", "give bank=NAME, training images"),
        ("give --bank a or b-2, if it holds", "give bank='a' or 'b-2', if it holds"),
        ("a/b: give --classes mine or pets", "a/b: give classes='mine' or 'pets'"),
        ("give --negatives nouns", "give negatives='nouns'"),
        ("class names: give --classes too", "class names: give classes too"),
        (
            "no images 'a'; make them with: oodcache extract --model m a=FOLDER",
            "no images 'a'; make them with: cache.extract('m', 'FOLDER', name='a')",
        ),
        (
            "make it with: oodcache extract --model m --classes imagenet",
            "make it with: cache.extract('m', classes='imagenet')",
        ),
        (
            "oodcache extract --model m --classes NAME=FILE NAME=FOLDER",
            "cache.extract('m', 'FOLDER', classes=[…], name='NAME')",
        ),
        (
            "no thumbnails of a: add --data-root FOLDER or a=FOLDER",
            "no thumbnails of a: give data_root=FOLDER or images={'a': FOLDER}",
        ),
        (
            "add --score FILE.py:gap (in Python: the function)",
            "add scores=gap, the function, or scores='FILE.py:gap'",
        ),
        ("--ood 'a,b': repeat the option: --ood a --ood b", "ood 'a,b': give a list of them"),
        ("none; type: oodcache extract --model a", "none; type: oodcache extract --model a"),
        ("use --overwrite, or another --cache", "use overwrite=True, or another cache"),
        ("try --workers 2 and --fast-decode", "try workers=2 and fast_decode=True"),
        ("made with --dtype float16;", "made with dtype=float16;"),
        ("--max-bad 0.5. --bank 16-shot", "max_bad=0.5. bank 16-shot"),
        ("give --name run-7, or", "give model_name run-7, or"),
        ("see: oodcache cache info --overwrite x", "see: oodcache cache info --overwrite x"),
        ("x--id, --unknown and -o", "x--id, --unknown and -o"),
    ],
)
def test_options_are_named_as_arguments(typed: str, ours: str) -> None:
    assert in_python(typed) == ours


def test_an_error_in_other_words_has_the_cause_of_the_first_and_no_second_traceback() -> None:
    with pytest.raises(InputError, match="^bank is empty$") as error, python_words():
        raise InputError("--bank is empty") from ValueError("why")
    assert str(error.value.__cause__) == "why"
    with pytest.raises(InputError) as error, python_words():
        raise InputError("--bank is empty")
    assert (error.value.__cause__, error.value.__suppress_context__) == (None, True)


def test_a_score_that_misses_its_bank_says_so_in_the_words_of_python() -> None:
    with pytest.raises(InputError) as error, python_words():
        raise MissingReferenceError("dist needs a bank: give --bank a or b")
    assert str(error.value) == "dist needs a bank: give bank='a' or 'b'"


def test_a_hint_stays_a_hint() -> None:
    found: list[str] = []
    note = noted(found.append)
    note(Hint("add --bank x"))
    note("no --bank")
    assert found == ["add bank x", "no bank"]
    assert [isinstance(one, Hint) for one in found] == [True, False]


@pytest.mark.slow
def test_no_error_or_note_in_python_names_an_option_of_the_command(
    cache: package.Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cache.folder)
    said: list[str] = []
    ask = partial(cache.evaluate, "one", id="pets", ood="strays", note=said.append)
    make = partial(package.Detector.make, cache, "one", id="pets", alpha=0.1, note=said.append)
    new = {"name": "new", "vectors": np.eye(4), "note": said.append}
    add = partial(cache.add, **{"model": "one", **new})
    path = add()
    results = ask(scores=["mcm", "energy"], compare=True, bootstrap=2)
    mistakes: list[Callable[[], object]] = [
        *(partial(cache.images, "one", "cats"), partial(cache.texts, "one", "cats")),
        *(partial(cache.datasets, "three"), partial(ask, classes="cats"), partial(ask, ood="pets")),
        *(partial(ask, scores=one) for one in ("mcn", "knn", "neglabel", "mcm:k=3", "mcm,energy")),
        *(partial(ask, ood=one) for one in ("pets,strays", ["strays", "strays"], "new:imagenet10")),
        *(partial(ask, template=one) for one in ("x", ["each", "y"])),
        *(partial(ask, scores="mcm", **{name: "pets"}) for name in ("select_on", "bank")),
        *(partial(ask, class_names="source"), partial(ask, bank="new:3", scores="knn")),
        *(partial(ask, scores="mcm", compare=True), partial(ask, negatives="few", scores="eoe")),
        *(partial(make, scores=["mcm", "energy"]), partial(make, scores="mcm", select_on="strays")),
        *(partial(add, overwrite=False, vectors=-np.eye(4)), partial(add, model="three")),
        *(partial(add, logit_scale=5.0), partial(add, labels=["a", "?", "b", "c"])),
        partial(add, labels=[0, 1, 2, 3], label_names=["a"]),
        *(partial(results.save, "x.xlsx"), partial(results.plot, "classes", ood="average")),
        *(partial(results.plot, scores="mcn"), partial(results.plot, models="three")),
        *(partial(results.plot, "reliability", scores="energy"), partial(results.plot, ood="x")),
        *(partial(package.Results.load, path), partial(package.Detector.load, path)),
    ]
    for mistake in mistakes:
        try:
            mistake()
        except package.InputError as error:
            said.append(str(error))
    assert len(said) > len(mistakes) - 5
    said += [*results.notes, repr(results), results.latex(), results._repr_html_()]
    option = re.compile(r"(?<![\w-])--[a-z]")
    assert [one for one in said if option.search(one.partition("oodcache ")[0])] == []
