"""Claims about the words of Python: an argument's name stands for the option's."""

from __future__ import annotations

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Hint
from oodcache.wording import below_tables, in_python, noted, python_words


@pytest.mark.parametrize(
    ("typed", "ours"),
    [
        ("--select-on a: no", "select_on a: no"),
        ("are --id and --ood exchanged?", "are id and ood exchanged?"),
        ("is lower more ID? use --lower-is-id", "is lower more ID? use lower_is_id=True"),
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


def test_an_error_keeps_its_cause() -> None:
    with pytest.raises(InputError, match="^bank is empty$") as error, python_words():
        raise InputError("--bank is empty")
    assert str(error.value.__cause__) == "--bank is empty"


def test_a_hint_stays_a_hint() -> None:
    found: list[str] = []
    note = noted(found.append)
    note(Hint("add --bank x"))
    note("no --bank")
    assert found == ["add bank x", "no bank"]
    assert [isinstance(one, Hint) for one in found] == [True, False]


def test_notes_below_tables_name_what_results_have() -> None:
    assert below_tables("--format json has all 3 pairs, with unadjusted p.") == (
        "differences has all 3 pairs, with unadjusted p."
    )
