from __future__ import annotations

from dataclasses import replace

import pytest
from samples.report.results import BARE, FIRST, results

from oodcache.report.tables.formats import text
from oodcache.report.tables.grid import Key, fpr_name, interval, names, prompt
from oodcache.report.tables.measured import measured
from oodcache.score.measures.result import StreamMeasures


def test_a_set_that_one_model_lacks_is_a_dash_there() -> None:
    laid = measured([FIRST, replace(FIRST, model="Other", ood="SUN")])
    assert laid.ood_sets == ("iNaturalist", "SUN")
    cell, missing = (("94.12", "30.00"), ("93.00–95.00",)), (("–", "–"),)
    assert [row.cells for row in laid.rows] == [(cell, missing), (missing, cell)]


def test_temperatures_that_differ_late_keep_a_row_each() -> None:
    close = [replace(FIRST, parameters={"temperature": 0.1 + 1e-9 * one}) for one in range(3)]
    assert len(measured(close).rows) == 3


def test_templates_keep_a_row_each_and_a_heading_that_tells_them_apart() -> None:
    templates = [("a {}",), ("the {}",), ("a {}", "the {}"), ("a {}", "the {}")]
    names = ["a {}", "the {}", "average", "cosine-mean"]
    shown = [
        replace(FIRST, template=name, templates=several, id_accuracy=0.1 * place)
        for place, (name, several) in enumerate(zip(names, templates, strict=True))
    ]
    assert [row.heading[1] for row in measured(shown).rows] == [
        "prompt 'a {}': ID accuracy 0.00",
        "prompt 'the {}': ID accuracy 10.00",
        "prompt the average of 2 templates: ID accuracy 20.00",
        "prompt the mean cosine over 2 templates: ID accuracy 30.00",
    ]
    assert measured(shown).labels == ("model", "prompt", "score", "ID acc")
    assert len({row.labels for row in measured(shown).rows}) == 4


def test_scores_of_another_program_have_no_model_and_need_no_name_of_ours() -> None:
    (row,) = measured([replace(FIRST, **BARE, score="column 7")]).rows
    assert (row.heading, row.labels, row.score) == ((), ("column 7",), "column 7")


def test_each_tpr_asked_for_is_a_measure_in_the_order_given() -> None:
    laid = measured([replace(FIRST, fpr_at_tpr={"0.9": 0.25, "0.95": 0.3, "0.995": 0.5})])
    assert laid.measures == ("AUROC", "FPR90", "FPR95", "FPR99.5")
    assert laid.rows[0].cells[0][0] == ("94.12", "25.00", "30.00", "50.00")


@pytest.mark.parametrize(
    ("tpr", "name"), [("0.95", "FPR95"), ("0.5", "FPR50"), ("0.1", "FPR10"), ("0.975", "FPR97.5")]
)
def test_an_fpr_is_called_by_its_tpr_in_percent(tpr: str, name: str) -> None:
    assert fpr_name(tpr) == name


def test_an_interval_that_cannot_be_estimated_is_said_and_no_number() -> None:
    perfect = replace(FIRST, score="max-logit", parameters={}, auroc=1.0, auroc_ci=None)
    rows = measured([FIRST, perfect]).rows
    assert rows[1].cells[0] == (("100.00", "30.00"), ("not estimable",))


def test_without_any_interval_there_is_no_line_for_them() -> None:
    for row in measured(results("SUN", auroc_ci=None)).rows:
        assert [len(cell) for cell in row.cells] == [1]


def test_the_only_template_of_an_average_is_named() -> None:
    assert prompt(replace(FIRST, template="average", templates=("a {}",))) == "'a {}'"


def test_a_row_is_called_by_its_score_and_what_else_tells_it_apart() -> None:
    same = [("a/b", "a {}", "mcm"), ("a/b", "a {}", "energy")]
    assert list(names(same).values()) == ["mcm", "energy"]
    ours: Key = ("a/b", "a {}", "mcm")
    theirs: Key = (None, None, "x")
    assert names([ours, theirs]) == {ours: "mcm · a/b · a {}", theirs: "x · – · –"}


MINE = replace(FIRST, model="local", pretrained="mine-01234567")
AGAIN = replace(FIRST, model="local", pretrained="mine-89abcdef")


def test_own_weights_are_called_by_their_name() -> None:
    rows = measured([FIRST, MINE]).rows
    assert [row.heading[0] for row in rows] == ["ViT-B-16/laion400m_e31", "mine"]
    assert [row.labels[0] for row in rows] == ["ViT-B-16/laion400m_e31", "mine"]
    keys: list[Key] = [(f"{one.model}/{one.pretrained}", "a {}", "mcm") for one in (FIRST, MINE)]
    assert list(names(keys).values()) == ["mcm · ViT-B-16/laion400m_e31", "mcm · mine"]


def test_own_weights_of_one_name_keep_their_hash() -> None:
    rows = measured([MINE, AGAIN]).rows
    assert [row.heading[0] for row in rows] == ["local/mine-01234567", "local/mine-89abcdef"]


def test_each_order_of_a_stream_is_a_row_and_shuffles_show_their_deviation() -> None:
    measures = {"auroc": 0.9, "aupr_in": 0.5, "aupr_out": 0.5, "fpr95": 0.3}
    once = replace(FIRST, stream=StreamMeasures("id-first", 90, {"id-first": measures}))
    deviations = {**measures, "auroc": 0.0123, "fpr95": 0.004, "fpr_at_tpr_0.9": 0.01}
    two = {"shuffle 0": measures, "shuffle 1": measures}
    several = replace(
        FIRST,
        fpr_at_tpr={"0.95": 0.3, "0.9": 0.2},
        stream=StreamMeasures("shuffle:2", 90, two, deviations),
    )
    rows = measured([FIRST, once, several]).rows
    assert [row.score for row in rows] == ["mcm", "mcm (id-first)", "mcm (shuffle:2)"]
    assert rows[1].cells[0][0] == ("94.12", "30.00", "–")
    assert rows[2].cells[0][0] == ("94.12 ± 1.23", "30.00 ± 0.40", "20.00 ± 1.00")


def test_a_ratio_stays_below_the_accuracy_of_its_model() -> None:
    stream = StreamMeasures("ratio:1", 90, {"ratio:1": {}})
    ratio = replace(FIRST, id_accuracy=None, stream=stream)
    first, second = measured([FIRST, ratio]).rows
    assert first.heading == second.heading == ("ViT-B-16/laion400m_e31", "ID accuracy 67.05")
    assert second.labels[-1] == "–"


def test_an_interval_with_a_sign_is_written_so_that_the_sign_can_be_seen_in_latex() -> None:
    below = replace(FIRST, auroc=0.1, auroc_ci=(-0.008, -0.0024))
    assert "$-$0.80 to $-$0.24" in text("latex", [below], [], {})
    assert interval((-0.00001, 0.5)) == "0.00–50.00"
