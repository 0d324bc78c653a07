"""Claims about lines along a parameter or the template."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from samples.report.results import BARE, FIRST, MODEL
from samples.report.spectra import shifted

from oodcache.report.saved.results import Saved
from oodcache.report.sweeps import Sweep, sweeps
from oodcache.score.measures.result import Result
from oodcache.score.measures.shots import Shots

MODELS = {MODEL: {"logit_scale": 50.0, "logit_bias": -12.5}}


def result(score: str, auroc: float, ood: str = "SUN", **changes: Any) -> Result:
    parameters = changes.pop("parameters")
    return replace(
        FIRST, score=score, auroc=auroc, ood=ood, fpr95=1 - auroc, parameters=parameters, **changes
    )


def of(*results: Result, models: Any = MODELS) -> list[Sweep]:
    return sweeps(Saved(Path("r.json"), results, (), {"models": models}))


def test_a_temperature_is_a_line_for_each_ood_set_its_numbers_rising() -> None:
    values: list[float | str] = [1.0, 0.1, "learned"]
    rows = [
        result(
            "mcm", 0.5 + 0.1 * place + 0.01 * (ood == "SUN"), ood, parameters={"temperature": one}
        )
        for place, one in enumerate(values)
        for ood in ("SUN", "Places")
    ]
    (sweep,) = of(*rows)
    assert sweep.parameter == "temperature"
    assert [line.ood for line in sweep.lines] == ["SUN", "Places"]
    line = sweep.lines[0]
    assert (line.model, line.template, line.score) == (MODEL, FIRST.template, "mcm")
    assert line.values == (1 / 50, 0.1, 1.0)
    assert line.words == ("learned", None, None)
    assert line.measured["auroc"] == tuple(rows[place].auroc for place in (4, 2, 0))
    assert line.measured["fpr95"] == tuple(rows[place].fpr95 for place in (4, 2, 0))


def test_a_grid_of_two_has_a_line_for_each_value_of_the_other() -> None:
    grid = [
        result("sigmoid-sum", 0.5, parameters={"scale": scale, "bias": bias})
        for scale in (10.0, "learned")
        for bias in ("learned", "none", -5.0)
    ]
    by_scale, by_bias = of(*grid)
    assert (by_scale.parameter, by_bias.parameter) == ("scale", "bias")
    assert [line.values for line in by_scale.lines] == [(10.0, 50.0)] * 3
    assert [line.values for line in by_bias.lines] == [(-12.5, -5.0, 0.0)] * 2
    assert [line.words for line in by_bias.lines] == [("learned", None, "none")] * 2
    assert [line.score for line in by_bias.lines] == ["sigmoid-sum:scale=10", "sigmoid-sum"]


def test_what_stands_for_no_number_stays_a_word_and_comes_first() -> None:
    rows = [
        result("neglabel", 0.9, parameters={"number": one}, negatives="words")
        for one in (2000.0, 500.0, "mined")
    ]
    (sweep,) = of(*rows)
    assert sweep.lines[0].values == ("mined", 500.0, 2000.0)
    rows = [result("mcm", 0.9, parameters={"temperature": one}) for one in ("learned", 1.0)]
    for models in (
        None,
        {},
        {MODEL: None},
        {MODEL: {"logit_scale": "50"}},
        {MODEL: {"logit_scale": 0.0}},
    ):
        (sweep,) = of(*rows, models=models)
        assert sweep.lines[0].values == ("learned", 1.0)


def test_templates_are_a_sweep_of_their_own() -> None:
    rows = [
        result("mcm", 0.9, parameters={"temperature": 1.0}, template=one)
        for one in ("a {}", "learned", "average")
    ]
    (sweep,) = of(*rows)
    assert sweep.parameter == "template"
    assert sweep.lines[0].values == ("a {}", "learned", "average") == sweep.lines[0].words
    assert sweep.lines[0].template is None


def test_what_differs_in_more_than_one_thing_is_no_line() -> None:
    rows = [
        result("mcm", 0.9, parameters={"temperature": 1.0}),
        result("energy", 0.9, parameters={"temperature": 0.1}),
        result("mcm", 0.9, "Places", parameters={"temperature": 0.1}),
        result("mcm", 0.9, parameters={"temperature": 0.2}, pretrained="openai"),
        result("neglabel", 0.9, parameters={"temperature": 0.2}, negatives="one"),
        result("neglabel", 0.9, parameters={"temperature": 0.3}, negatives="two"),
    ]
    assert of(*rows) == []


def test_scores_of_another_program_have_no_line() -> None:
    assert of(replace(FIRST, **BARE, score="one"), replace(FIRST, **BARE, score="two")) == []


def test_a_users_own_score_is_a_line_with_the_models_numbers() -> None:
    values: list[float | str] = [3.0, "learned"]
    rows = [
        result("mine.py:gap", 0.5, parameters={"scale": one, "k": 5.0, "how": "learned"})
        for one in values
    ]
    (sweep,) = of(*rows)
    assert (sweep.parameter, sweep.lines[0].values) == ("scale", (3.0, 50.0))
    assert sweep.lines[0].score == "mine.py:gap:k=5,how=learned"
    others = [result("mine", 0.5, parameters={"how": one}) for one in values]
    assert of(*others)[0].lines[0].values == ("learned", 3.0)


def test_a_line_of_own_weights_has_their_name() -> None:
    mine = {"model": "local", "pretrained": "mine-01234567"}
    rows = [result("mcm", 0.5, parameters={"temperature": one}, **mine) for one in (1.0, 2.0)]
    (sweep,) = of(*rows)
    assert [line.model for line in sweep.lines] == ["mine"]


def test_each_kind_of_positives_is_a_line_of_its_own() -> None:
    grid = [result("mcm", 0.5, parameters={"temperature": one}) for one in (1.0, 0.1)]
    (sweep,) = of(*(one for row in grid for one in shifted(row)))
    assert [line.score for line in sweep.lines] == [
        *("mcm", "mcm [csid:imagenet-r]", "mcm [csid:imagenet-c]", "mcm [full-spectrum]"),
    ]
    assert all(len(line.values) == 2 for line in sweep.lines)


def shot(number: int, auroc: float, alpha: float = 1.0) -> Result:
    draws = {str(seed): {"auroc": auroc + 0.01 * seed, "fpr95": 0.1 * seed} for seed in range(2)}
    of_bank = {"bank": f"train:{number}", "bank_labels": "own", "auroc_ci": None}
    shots = Shots.of(number, draws)
    return result("tip", auroc, parameters={"alpha": alpha}, shots=shots, **of_bank)


def test_shots_are_a_line_for_each_score_with_the_range_over_draws() -> None:
    rows = [shot(number, 0.5 + number / 100) for number in (16, 1, 4)]
    (sweep,) = of(*rows, result("mcm", 0.9, parameters={}))
    (line,) = sweep.lines
    assert (sweep.parameter, line.score, line.values) == ("shots", "tip", (1.0, 4.0, 16.0))
    assert line.measured["auroc"] == (0.51, 0.54, 0.66)
    assert line.ranges["fpr95"] == ((0.0, 0.1),) * 3
    assert line.ranges["auroc"][0] == (0.51, 0.51 + 0.01)


def test_a_parameter_over_shots_is_a_line_for_each_number_and_shots_come_first() -> None:
    rows = [shot(number, 0.5, alpha) for number in (1, 4) for alpha in (1.0, 9.0)]
    by_shots, by_alpha = of(*rows)
    assert (by_shots.parameter, by_alpha.parameter) == ("shots", "alpha")
    assert [one.score for one in by_alpha.lines] == ["tip (1 shot)", "tip (4 shots)"]
    assert [one.values for one in by_shots.lines] == [(1.0, 4.0)] * 2
