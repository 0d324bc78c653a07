"""Claims about which rows and OOD sets a figure is drawn of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples.report.results import BARE, FIRST, SETS, VARIANTS, results

from oodcache.cache.errors import InputError
from oodcache.report.figures.choice import Default, FigureChoice, FigureRows, chosen
from oodcache.report.saved.results import Saved

FIRST_MODEL, SECOND = "ViT-B-16/laion400m_e31", "ViT-L-14/openai"
ROWS = [
    replace(one, model=model, pretrained=pretrained, template=template)
    for model, pretrained in (("ViT-B-16", "laion400m_e31"), ("ViT-L-14", "openai"))
    for template in ("a photo of a {}", "average")
    for one in results(*SETS)
]
PROVENANCE = {"models": {SECOND: {"requested": "large"}, FIRST_MODEL: 3}}
SAVED = Saved(Path("r.json"), tuple(ROWS), (), PROVENANCE)


def choose(
    choice: FigureChoice, default: Default | None = None, saved: Saved = SAVED
) -> FigureRows:
    return chosen(saved, choice, default or Default(), "roc")


def keys(choice: FigureChoice, default: Default | None = None) -> list[Any]:
    return list(choose(choice, default).rows())


def refused(choice: FigureChoice, default: Default | None = None, saved: Saved = SAVED) -> str:
    with pytest.raises(InputError) as caught:
        choose(choice, default, saved)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_by_default_it_is_every_model_the_first_template_and_no_average() -> None:
    found = choose(FigureChoice())
    labels = ["mcm", "mcm:temperature=learned", "sigmoid-mcm", "max-logit"]
    assert list(found.rows()) == [
        (model, "a photo of a {}", one) for model in (FIRST_MODEL, SECOND) for one in labels
    ]
    assert found.ood_sets == ("iNaturalist", "SUN", "Places", "Textures")
    assert found.labels()[:4] == [f"{one} · {FIRST_MODEL}" for one in labels]
    assert len(found.results) == 2 * len(VARIANTS) * len(SETS)
    assert set(found.rows()[FIRST_MODEL, "a photo of a {}", "mcm"]) == set(found.ood_sets)
    assert found.left_out == ""


def test_a_kind_of_one_model_names_those_left_out() -> None:
    found = choose(FigureChoice(), Default(models=1))
    assert {one[0] for one in found.rows()} == {FIRST_MODEL}
    assert found.labels() == ["mcm", "mcm:temperature=learned", "sigmoid-mcm", "max-logit"]
    assert found.left_out == f"left out {SECOND}: choose with --model"
    assert choose(FigureChoice(models=(SECOND,)), Default(models=1)).left_out == ""


def test_a_default_has_so_many_rows_and_what_was_named_may_be_more() -> None:
    two, three = Default(scores=2), ("max-logit", "mcm", "sigmoid-mcm")
    found = choose(FigureChoice(), two)
    assert list(found.rows()) == [
        (model, "a photo of a {}", "mcm") for model in (FIRST_MODEL, SECOND)
    ]
    others = "mcm:temperature=learned, sigmoid-mcm, max-logit"
    assert found.left_out == f"left out {others}: choose with --score"
    asked = choose(FigureChoice(models=(FIRST_MODEL,), scores=three), two)
    assert tuple(one[2] for one in asked.rows()) == three
    assert asked.left_out == ""
    alone = choose(FigureChoice(), Default(scores=1, models=1))
    assert [one[2] for one in alone.rows()] == ["mcm"]
    assert alone.left_out == f"left out {SECOND}: choose with --model"


def test_more_models_than_rows_are_the_first_ones() -> None:
    models = [f"m{number}" for number in range(5)]
    rows = tuple(replace(one, model=model) for model in models for one in results("SUN"))
    saved = replace(SAVED, results=rows)
    found = choose(FigureChoice(), Default(scores=3), saved)
    assert [one[0] for one in found.rows()] == [f"{one}/laion400m_e31" for one in models[:3]]
    assert found.left_out.startswith("left out m3/laion400m_e31, m4/laion400m_e31: choose with")
    named = FigureChoice(models=[f"{one}/laion400m_e31" for one in models])
    assert [one[2] for one in choose(named, Default(scores=3), saved).rows()] == ["mcm"] * 5


def test_several_models_and_templates_are_told_apart() -> None:
    models, templates = (SECOND, FIRST_MODEL), ("average", "a photo of a {}")
    found = choose(FigureChoice(models=models, templates=templates, scores=("mcm",)))
    assert set(found.labels()) == {
        f"mcm · {model} · {template}"
        for model in (FIRST_MODEL, SECOND)
        for template in ("a photo of a {}", "average")
    }


def test_a_model_may_be_named_as_it_was_for_a_score() -> None:
    assert {one[0] for one in keys(FigureChoice(models=("large",)))} == {SECOND}


def test_a_score_may_be_written_as_a_grid_or_with_its_defaults() -> None:
    asked = FigureChoice(models=(FIRST_MODEL,), scores=("mcm:temperature=learned|1",))
    assert [one[2] for one in keys(asked)] == ["mcm:temperature=learned", "mcm"]
    plain = FigureChoice(models=(SECOND,), scores=("mcm:temperature=1.0",))
    assert [one[2] for one in keys(plain)] == ["mcm"]


def test_sets_come_in_the_order_asked_for_and_an_average_is_one() -> None:
    assert choose(FigureChoice(ood_sets=("average", "SUN"))).ood_sets == ("average", "SUN")


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        (
            FigureChoice(models=("x",)),
            f"--model 'x': not in r.json; there are: {FIRST_MODEL}, {SECOND}",
        ),
        (
            FigureChoice(templates=("a\n{}",)),
            r"--template 'a\n{}': not in r.json; there are: a photo of a {}, average",
        ),
        (
            FigureChoice(scores=("mcm:temperature=2",)),
            "--score 'mcm:temperature=2': not in r.json; there are: mcm, "
            "mcm:temperature=learned, sigmoid-mcm, max-logit",
        ),
        (
            FigureChoice(scores=("mcm:temperature=1|2",)),
            "--score 'mcm:temperature=1|2': not in r.json; there are: mcm, "
            "mcm:temperature=learned, sigmoid-mcm, max-logit",
        ),
        (
            FigureChoice(ood_sets=("NINCO",)),
            "--ood 'NINCO': not in r.json; there are: iNaturalist, SUN, Places, Textures, average",
        ),
    ],
)
def test_what_is_not_there_is_refused_naming_what_is(choice: FigureChoice, says: str) -> None:
    assert refused(choice) == says


def test_of_images_there_is_no_average() -> None:
    assert refused(FigureChoice(ood_sets=("average",)), Default(averages=False)) == (
        "--ood average: roc needs images, and an average has none; there are: iNaturalist, "
        "SUN, Places, Textures"
    )
    averages = replace(SAVED, results=tuple(one for one in ROWS if one.ood == "average"))
    assert refused(FigureChoice(), Default(averages=False), averages) == (
        "r.json: only averages, but roc needs images"
    )
    assert choose(FigureChoice(), saved=averages).ood_sets == ("average",)


def test_a_figure_of_one_score_refuses_several() -> None:
    one = Default(scores=1)
    assert [key[2] for key in keys(FigureChoice(), one)] == ["mcm"]
    assert refused(FigureChoice(scores=("mcm", "max-logit")), one) == (
        "roc shows one score under one template; choose one of "
        f"{FIRST_MODEL}, a photo of a {{}}, mcm, max-logit"
    )
    assert SECOND in refused(FigureChoice(models=(FIRST_MODEL, SECOND), scores=("mcm",)), one)


def test_of_probabilities_the_first_is_drawn_and_another_score_refused() -> None:
    default = Default(scores=1, probability=True)
    turned = replace(SAVED, results=tuple(sorted(ROWS, key=lambda one: one.score != "max-logit")))
    assert [one[2] for one in choose(FigureChoice(), default, turned).rows()] == ["mcm"]
    assert refused(FigureChoice(scores=("max-logit",)), default) == (
        "--score max-logit: not a probability, which roc needs; there are: mcm, "
        "mcm:temperature=learned, sigmoid-mcm"
    )
    assert "'x': not in r.json" in refused(FigureChoice(scores=("x",)), default)
    logits = replace(SAVED, results=tuple(one for one in ROWS if one.score == "max-logit"))
    assert refused(FigureChoice(), default, logits) == (
        "r.json: roc needs a score that is a probability, such as mcm"
    )


def test_scores_of_another_program_have_neither_model_nor_template_nor_probability() -> None:
    bare = replace(FIRST, **BARE)
    saved = replace(SAVED, results=(bare, replace(bare, score="$other$")))
    assert choose(FigureChoice(), saved=saved).labels() == ["mcm", "$other$"]
    assert "there are: none" in refused(FigureChoice(models=("x",)), saved=saved)
    assert "needs a score that is a probability" in refused(
        FigureChoice(), Default(probability=True), saved
    )


def test_no_more_than_a_line_is_named() -> None:
    many = tuple(replace(FIRST, ood=f"{number}" * 300) for number in range(50))
    says = refused(FigureChoice(ood_sets=("x",)), saved=replace(SAVED, results=many))
    assert says.endswith(" and 30 more")
    assert len(says) < 20 * 220 + 100


def test_a_users_own_score_is_chosen_by_its_code_or_its_label() -> None:
    grid = [
        replace(FIRST, score=score, parameters={"k": float(k), "flip": 1.0})
        for score in ("mine.py:gap", "lead")
        for k in (3, 10)
    ]
    saved = Saved(Path("r.json"), (FIRST, *grid), (), {})

    def labels(*scores: str) -> list[str]:
        return [one[2] for one in choose(FigureChoice(scores=scores), saved=saved).rows()]

    both = ["mine.py:gap:k=3,flip=1", "mine.py:gap:k=10,flip=1"]
    for typed in ("mine.py:gap", "code/mine.py:gap", "gap", "code/mine.py:gap:k=3|10"):
        assert labels(typed) == labels("gap:flip=1") == both
    assert labels("code/mine.py:gap:k=10") == both[1:]
    assert labels("mcm", both[0]) == ["mcm", both[0]]
    assert labels("code/lead.py:lead:k=3") == ["lead:k=3,flip=1"]
    words = refused(FigureChoice(scores=["gap:k=4"]), None, saved)
    assert "there are: mcm, mine.py:gap:k=3" in words


def test_own_weights_are_chosen_by_their_name() -> None:
    mine = [replace(one, model="local", pretrained="mine-01234567") for one in results(*SETS)]
    saved = Saved(Path("r.json"), (*ROWS, *mine), (), PROVENANCE)
    found = choose(FigureChoice(models=("mine",)), saved=saved)
    assert {one[0] for one in found.rows()} == {"local/mine-01234567"}
