"""Claims about the one line that a mistake of a user's code gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from samples.score.own import IMAGES, scored

from oodcache.cache.errors import InputError
from oodcache.score.own.mistakes import named, said


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_a_long_message_ends_after_a_sentence() -> None:
    advice = "Use a.any() or a.all(). " * 20
    found = said(ValueError(advice))
    assert found.endswith("or a.all(). …")
    assert len(found) < 310
    assert len(said(ValueError("x" * 1000))) < 310


def test_an_ambiguous_truth_value_keeps_numpys_advice() -> None:
    with pytest.raises(ValueError, match="ambiguous") as error:
        bool(np.zeros(3) > 0)
    assert said(error.value) == f"ValueError: {error.value}"


def test_control_characters_and_lines_are_escaped_or_joined() -> None:
    assert said(ValueError("a\nb\x1b[2J")) == "ValueError: a\\nb\\x1b[2J"
    assert said(ValueError()) == "ValueError"
    assert said(UnreadableError()) == "UnreadableError: its message cannot be read"


def test_the_end_of_a_long_path_names_a_function() -> None:
    assert named("f", "", 3) == "f"
    assert named("f", "mine.py", 3) == "f (mine.py, line 3)"
    assert named("f", "a/" * 300 + "mine.py", 3).endswith("/a/mine.py, line 3)")
    assert len(named("f", "a/" * 300 + "mine.py", 3)) < 160


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("no such set"), "InputError: no such set"),
        (UnreadableError(), "UnreadableError: its message cannot be read"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_whatever_a_function_raises_is_one_line_with_its_file_and_line(
    error: BaseException, words: str
) -> None:
    def broken(batch: Any) -> Any:
        raise error

    with pytest.raises(InputError) as found:
        scored(broken, "f")
    line = broken.__code__.co_firstlineno + 1
    assert str(found.value) == f"f ({__file__}, line {line}) raised {words}"


def test_ctrl_c_in_a_function_stops_before_most_tiles_are_begun() -> None:
    calls: list[int] = []

    def stopped(batch: Any) -> Any:
        calls.append(len(batch))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scored(stopped, "f", images=np.tile(IMAGES, (40, 1)), threads=1)
    assert len(calls) < 20
