"""Claims about names of methods that unit embeddings have nothing for."""

from __future__ import annotations

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.formulas.registry import SCORES
from oodcache.score.onepass.unsuited import UNSUITED, reason
from oodcache.score.onepass.variants import ALIASES, parse


@pytest.mark.parametrize("name", UNSUITED)
def test_a_method_without_its_input_is_rejected_in_one_line_with_the_reason(name: str) -> None:
    with pytest.raises(InputError) as error:
        parse(name)
    said = str(error.value)
    assert said == (
        f"--score {name!r}: no score {name!r}: it {reason(name)}; list the scores with: "
        "oodcache scores"
    )
    assert "\n" not in said
    assert len(said) < 240


@pytest.mark.parametrize("typed", ["ReAct", "ASH_S", "scale:p=0.9", "ODIN"])
def test_names_are_known_in_any_case_and_with_parameters(typed: str) -> None:
    with pytest.raises(InputError, match="activations after a ReLU|needs gradients"):
        parse(typed)


def test_no_score_of_ours_is_called_unsuited() -> None:
    assert not UNSUITED.keys() & {*SCORES, *ALIASES}


def test_any_other_name_has_no_reason() -> None:
    assert reason("mcm") == reason("") == ""
