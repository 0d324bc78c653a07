"""Claims about saved scores that version 0.1 wrote as text, which every later reader must read."""

from __future__ import annotations

import hashlib
from pathlib import Path

from oodcache.score.files.reading import read

KEPT = Path(__file__).parent / "version1" / "scores.csv"
NAMES = ("mcm", "mcm:temperature=learned", "energy", "neglabel:groups=2", "knn:k=2")


def test_the_kept_scores_are_the_ones_that_were_kept() -> None:
    digest = hashlib.sha256(KEPT.read_bytes()).hexdigest()
    assert digest == "56fdfa431e98dd9ee3c61dac9fcf1ead20a43510bc7c000ade1d515b34c585d8"


def test_the_kept_scores_are_read() -> None:
    pets, strays = read(KEPT)
    assert (pets.model, pets.template, pets.data_set) == ("kept/one", "a {}", "pets")
    assert (strays.model, strays.template, strays.data_set) == ("kept/one", "a {}", "strays")
    assert tuple(pets.scores) == tuple(strays.scores) == NAMES
    assert {len(one) for one in pets.scores.values()} == {7}
    assert {len(one) for one in strays.scores.values()} == {6}
    assert pets.scores["mcm"][:2].tolist() == [1.8011648396059585, 0.13935255865471874]
    assert strays.scores["knn:k=2"][-1] == -1.2371201248002637


def test_a_shown_column_of_the_kept_scores_is_read() -> None:
    pets, _ = read(KEPT, ["neglabel:groups=2 shown"])
    assert pets.scores["neglabel:groups=2 shown"][1] == 3.380429484160927e-22
