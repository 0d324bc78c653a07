"""Claims about banks of several numbers of images, and draws."""

from __future__ import annotations

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.onepass.shot_axis import DrawnBank, ShotAxis, axis


@pytest.mark.parametrize("bank", [None, "train", "train:4", "train:none"])
def test_a_single_bank_is_no_axis(bank: str | None) -> None:
    assert axis(bank, 1) is None


def test_each_number_is_taken_once_in_the_order_typed() -> None:
    assert axis("train:4|1|4", 1) == ShotAxis("train", (4, 1), 1)
    assert axis("train:4", 3) == ShotAxis("train", (4,), 3)


def test_draws_have_consecutive_seeds() -> None:
    assert list(ShotAxis("train", (1, 8), 2).banks(5)) == [
        DrawnBank("train:1", 1, 5),
        DrawnBank("train:1", 1, 6),
        DrawnBank("train:8", 8, 5),
        DrawnBank("train:8", 8, 6),
    ]


@pytest.mark.parametrize("bank", ["train:1|", "train:0|2", "train:1|x", "train:|", "train:1|-2"])
def test_what_is_no_number_is_rejected(bank: str) -> None:
    with pytest.raises(InputError) as error:
        axis(bank, 1)
    assert str(error.value) == (
        f"--bank {bank}: give NAME:N for N images per class, or NAME:1|2|4 for several N"
    )


def test_draws_of_what_is_not_drawn_are_rejected() -> None:
    with pytest.raises(InputError) as error:
        axis("train", 3)
    assert str(error.value) == (
        "--bank-draws 3: nothing is drawn, because the bank train is whole; give --bank NAME:N, "
        "such as --bank train:4"
    )
    with pytest.raises(InputError, match="because there is no bank; give --bank NAME:N, such as"):
        axis(None, 2)
