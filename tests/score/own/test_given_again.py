"""Claims about a user's code that is given again."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.own import given_again as given_again_module
from oodcache.score.own.given_again import code_among, code_of, given_again
from oodcache.score.own.loading import GROUP


def gap(batch: Any, *, k: int = 5) -> Any:
    return batch.cosines[:, k]


def test_a_function_is_found_by_the_name_of_its_file_or_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def gap(batch): ...\n")
    for given in ([gap], [f"{path}:gap"]):
        (score,) = given_again(given).values()
        for name in ("gap", "mine.py:gap", "package.mine:gap"):
            assert code_of(name, score.sha256, given_again(given), "again").sha256 == score.sha256
            assert code_of(name, None, given_again(given), "again") is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mine.py:gap", "made with 'mine.py:gap', code of your own; add --score FILE.py:gap ("),
        ("gap", "made with 'gap', code of your own; add --score FILE.py:gap (in Python: the fun"),
        ("a.b:gap", "made with 'a.b:gap', code of your own; add --score a.b:gap"),
        ("\x1b[2J:" + 999 * "x", "made with '\\x1b[2J:xxx"),
    ],
)
def test_what_is_missing_is_asked_for_in_one_short_line(name: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        code_of(name, "a" * 64, {}, "score again")
    assert str(error.value).startswith(words)
    assert len(str(error.value)) < 600
    assert "\x1b" not in str(error.value)


def test_another_function_or_other_code_is_rejected() -> None:
    (score,) = given_again([gap]).values()
    with pytest.raises(InputError, match="made with 'mine', code of your own, not gap; add"):
        code_of("mine", score.sha256, {"gap": score}, "score again")
    with pytest.raises(InputError, match="of SHA-256 bbbbbbbb…, but .*changed; .* or score again$"):
        code_of("gap", "b" * 64, {"gap": score}, "score again")


def test_a_packages_score_is_code_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint(name, "package_of_mine:gap", GROUP) for name in ("gap-of-mine", "mcm")]
    monkeypatch.setattr(given_again_module, "entry_points", lambda: points)
    assert code_among(["gap-of-mine:k=3", "gap-of-mine", "MCM", "mcm:temperature=1", "gone"]) == [
        "gap-of-mine"
    ]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("mcm", "--score mcm: it is not code of your own; write FILE.py:FUNCTION"),
        ("mcm:temperature=1", "it is not code of your own"),
        ("{path}:gap:k=3", "its parameters are in the file; write FILE.py:FUNCTION"),
    ],
)
def test_what_is_no_code_or_has_parameters_is_rejected(typed: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        given_again([typed.format(path=__file__)])
    assert words in str(error.value)
