"""Claims about the page's table."""

from __future__ import annotations

from dataclasses import replace

from samples.report.results import BARE, FIRST, LABELS, MODEL, results

from oodcache.report.html.lines import columns, filters, lines
from oodcache.score.measures.result import StreamMeasures


def test_a_line_has_each_measure_and_the_number_it_is_sorted_by() -> None:
    one = replace(FIRST, auroc=0.94123456, auroc_ci=None, id_accuracy=None)
    (line,) = lines([one])
    shown = dict(zip([each.name for each in columns([one])], line.cells, strict=True))
    assert {name: cell.text for name, cell in shown.items()} == {
        "score": "mcm",
        "OOD set": "iNaturalist",
        "AUROC": "94.12",
        "interval": "not estimable",
        "FPR95": "30.00",
        "AUPR in": "98.00",
        "AUPR out": "71.00",
        "ID acc": "–",
        "ID": "50,000",
        "OOD": "10,000",
    }
    assert shown["AUROC"].sort == 0.94123456
    assert shown["ID"].sort == 50_000
    # What is not known comes after all that is.
    assert shown["ID acc"].sort == -1
    assert shown["score"].sort is None


def test_the_highest_auroc_of_a_set_is_the_best_even_if_two_share_it() -> None:
    rows = [
        replace(FIRST, score=score, parameters={}, ood=ood, auroc=auroc)
        for score, ood, auroc in [
            ("a", "SUN", 0.9),
            ("b", "SUN", 0.9),
            ("c", "SUN", 0.8),
            ("c", "Places", 0.1),
        ]
    ]
    assert [line.best for line in lines(rows)] == [True, True, False, True]


def test_the_best_of_streams_is_among_rows_of_one_order() -> None:
    rows = []
    for score, order, auroc in [
        *(("a", "", 0.9), ("b", "", 0.8)),
        *(("c", "drift", 0.7), ("d", "drift", 0.6), ("c", "id-first", 0.95)),
    ]:
        stream = StreamMeasures(order, 90, {order: {}}) if order else None
        rows.append(replace(FIRST, score=score, parameters={}, auroc=auroc, stream=stream))
    assert [line.cells[0].text for line in lines(rows) if line.best] == ["a", "c (drift)"]
    assert [line.best for line in lines(rows[2:3])] == [True]


def test_only_what_differs_is_filtered_by_and_has_a_column() -> None:
    rows = results("SUN", "Places")
    assert filters(rows) == {"score": list(LABELS), "OOD set": ["SUN", "Places"]}
    assert [one.name for one in columns(rows)][:3] == ["score", "OOD set", "AUROC"]
    more = [*rows, *(replace(one, pretrained="openai") for one in rows)]
    assert filters(more)["model"] == [MODEL, "ViT-B-16/openai"]
    assert [one.name for one in columns(more)][:3] == ["score", "model", "OOD set"]
    assert lines(more)[0].cells[0].small == MODEL
    assert lines(more)[-1].filters["model"] == "ViT-B-16/openai"


def test_scores_of_another_program_have_a_dash_for_a_model() -> None:
    ours, theirs = FIRST, replace(FIRST, **BARE, score="theirs")
    assert filters([ours, theirs])["model"] == [MODEL, "–"]


def test_own_weights_are_filtered_by_their_name() -> None:
    rows = [FIRST, replace(FIRST, model="local", pretrained="mine-01234567")]
    assert filters(rows) == {"model": [MODEL, "mine"]}
    assert [line.filters for line in lines(rows)] == [{"model": MODEL}, {"model": "mine"}]


def test_the_mean_over_shuffles_has_its_deviation_and_is_sorted_by() -> None:
    deviations = {"auroc": 0.0123, "aupr_in": 0.0, "aupr_out": 0.0, "fpr95": 0.004}
    stream = StreamMeasures("shuffle:2", 90, {"shuffle 0": {}, "shuffle 1": {}}, deviations)
    one = replace(FIRST, stream=stream)
    (line,) = lines([one])
    shown = dict(zip([each.name for each in columns([one])], line.cells, strict=True))
    assert (shown["score"].text, shown["AUROC"].text) == ("mcm (shuffle:2)", "94.12 ± 1.23")
    assert (shown["FPR95"].text, shown["FPR95"].sort) == ("30.00 ± 0.40", one.fpr95)
