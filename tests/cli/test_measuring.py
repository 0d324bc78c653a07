"""Claims about how to measure: which draw a seed is for."""

from __future__ import annotations

import click
import pytest

from oodcache.cli import measuring


def given(**options: object) -> dict[str, object]:
    unset = {"bank": None, "bank_seed": None, "seed": None, "bootstrap": 0, "output": None}
    unset |= {"shown": None}
    return unset | options


@pytest.mark.parametrize(
    ("options", "seed"),
    [
        ({"bank": "train:4"}, 0),
        ({"bank": "train:4", "seed": 3}, 3),
        ({"bank": "train:4", "seed": 3, "bootstrap": 9}, 0),
        ({"bank": "train:4", "seed": 3, "bootstrap": 9, "bank_seed": 5}, 5),
        ({"bank": "train:4", "bank_seed": 5}, 5),
        ({"bank": "train", "seed": 3, "bootstrap": 9}, 0),
    ],
)
def test_a_bank_is_drawn_by_its_own_seed_or_by_one_that_seeds_nothing_else(
    options: dict[str, object], seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measuring.bank_seed(given(**options)) == seed
    is_misleading = bool(options.get("bootstrap")) and "bank_seed" not in options
    is_misleading &= options["bank"] == "train:4"
    said = "--seed 3 is for --bootstrap; --bank-seed 0 draws --bank train:4\n"
    assert capsys.readouterr().err == said * is_misleading


@pytest.mark.parametrize("bank", [None, "train"])
def test_a_seed_without_a_draw_is_a_usage_error(bank: str | None) -> None:
    with pytest.raises(click.UsageError, match="--bank-seed has no effect without --bank NAME:N"):
        measuring.bank_seed(given(bank=bank, bank_seed=0))
    with pytest.raises(click.UsageError, match="--seed has no effect without --bootstrap N"):
        measuring.conventions(given(bank=bank, seed=0))
