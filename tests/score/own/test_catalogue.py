"""Claims about the list of scores."""

from __future__ import annotations

import hashlib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.formulas.registry import SCORES
from oodcache.score.own import catalogue
from oodcache.score.own.catalogue import described, listed


def gap(batch: Any, *, k: int = 5) -> Any:
    """Return the largest cosine less the k-th.

    An example.
    """
    return batch.cosines[:, 0] - batch.cosines[:, k]


def test_scores_of_packages_follow_the_built_in_ones_with_their_docstrings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def point(name: str, value: str) -> EntryPoint:
        return EntryPoint(name, value, "oodcache.scores")

    points = [point("gone", "no_such:x"), point("mcm", "a:b"), point("theirs", "theirs:gap")]
    monkeypatch.setattr(catalogue, "entry_points", lambda: points)
    monkeypatch.setattr(EntryPoint, "load", lambda self: {"theirs:gap": gap}[self.value])
    notes: list[str] = []
    found = dict(listed(notes.append))
    assert [*found] == [*SCORES, "theirs"]
    assert found["mcm"]["formula"] == SCORES["mcm"].formula
    assert found["theirs"] == {
        "docstring": "Return the largest cosine less the k-th. An example.",
        "parameters": "k = 5",
    }
    assert notes == [
        "entry point gone = no_such:x: KeyError: 'no_such:x'",
        "entry point mcm = a:b: hidden by the built-in score",
    ]


def test_code_is_described_with_its_file_and_sha256(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def lead(batch):\n    '''Lead.'''\n")
    assert described(f"{path}:lead") == (
        "mine.py:lead",
        {
            "docstring": "Lead.",
            "parameters": "none",
            "takes": "each image alone",
            "code": str(path),
            "SHA-256": hashlib.sha256(path.read_bytes()).hexdigest(),
        },
    )


def test_a_built_in_score_is_described_by_any_of_its_names() -> None:
    assert described("MSP") == ("mcm", SCORES["mcm"].facts)
    with pytest.raises(InputError, match="no score 'mcn'; did you mean mcm"):
        described("mcn")
