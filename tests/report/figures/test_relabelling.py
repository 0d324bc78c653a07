"""Claims about names that users replace: OLD is in the results, and no two become one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from samples.report.results import MODEL, results

from oodcache.cache.errors import InputError
from oodcache.report.figures.relabelling import new_names
from oodcache.report.saved.results import Saved

OTHER = "local/mine-01234567"
ROWS = (
    *results("SUN", "Places"),
    *(replace(one, model="local", pretrained="mine-01234567") for one in results("SUN")),
)
SAVED = Saved(Path("r.json"), ROWS, (), {"models": {MODEL: {"requested": "clip"}}})


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("mcm=MCM", {"mcm": "MCM"}),
        ("mcm:temperature=learned=MCM (τ = 1)", {"mcm:temperature=learned": "MCM (τ = 1)"}),
        ("SUN=SUN397", {"SUN": "SUN397"}),
        ("imagenet-val=ImageNet", {"imagenet-val": "ImageNet"}),
        ("a photo of a {}=plain", {"a photo of a {}": "plain"}),
        ("clip=CLIP B/16", {MODEL: "CLIP B/16"}),
        (f"{MODEL}=CLIP", {MODEL: "CLIP"}),
        ("mine=ours", {"mine": "ours"}),
        (f"{OTHER}=ours", {"mine": "ours"}),
    ],
)
def test_a_name_is_replaced_however_it_is_typed(typed: str, found: dict[str, str]) -> None:
    assert new_names([typed], SAVED) == found


def test_the_longest_old_name_counts() -> None:
    rows = (replace(ROWS[0], ood="a"), replace(ROWS[0], ood="a=b"))
    saved = replace(SAVED, results=rows)
    assert new_names(["a=b=c"], saved) == {"a=b": "c"}
    assert new_names(["a=x"], saved) == {"a": "x"}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["mcm"], "--label 'mcm': write OLD=NEW, such as mcm=MCM"),
        (["=x"], "--label '=x': write OLD=NEW, such as mcm=MCM"),
        (["mcm= "], "--label 'mcm= ': OLD= without NEW; write OLD=NEW"),
        (["mcm=a", "mcm=b"], "--label mcm: is given two names; give it one"),
        (
            ["SUN=Places"],
            "--label: the datasets 'SUN' and 'Places' would both be called 'Places'; choose "
            "different names",
        ),
        (
            ["mcm=x", "max-logit=x"],
            "--label: the scores 'mcm' and 'max-logit' would both be called 'x'; choose different "
            "names",
        ),
    ],
)
def test_a_mistake_is_one_line(typed: list[str], says: str) -> None:
    with pytest.raises(InputError) as refused:
        new_names(typed, SAVED)
    assert str(refused.value) == says


def test_an_unknown_name_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(InputError, match="^--label 'msp': not in r.json; there are: SUN, ") as one:
        new_names(["msp=MSP"], SAVED)
    assert "mcm" in str(one.value) and "clip" in str(one.value)
