"""Claims about flat columns: one number or text each, the same in every row."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas
import pytest
from samples.report.results import BARE, FIRST, SETS, results
from samples.report.spectra import shifted

from oodcache.report.tables.columns import flat
from oodcache.score.measures.result import Pick, StreamMeasures
from oodcache.score.measures.selective.selective import RiskMeasures, Selective

PLAIN = (str, int, float, type(None))
BOUNDS = dict.fromkeys(("auroc", "aupr_in", "aupr_out", "fpr95", "fpr_at_tpr_0.9"), (0.25, 0.5))


def test_every_row_has_the_same_columns_of_plain_values() -> None:
    shown = [
        replace(FIRST, bootstrap=BOUNDS, calibration={"brier": 0.5}, auroc_ci=None),
        replace(FIRST, **BARE, score="mine", calibration="not a probability"),
        replace(FIRST, score="gap", parameters={"k": 3.0}, picked=Pick("others", 4, 0.5, {})),
    ]
    rows = flat(shown)
    assert len({tuple(row) for row in rows}) == 1
    assert {type(value) for row in rows for value in row.values()} <= set(PLAIN)


def test_an_interval_is_two_columns() -> None:
    (row,) = flat([replace(FIRST, bootstrap=BOUNDS, fpr_at_tpr={"0.95": 0.3, "0.9": 0.2})])
    assert (row["auroc_low"], row["auroc_high"]) == FIRST.auroc_ci
    for name in ("auroc_bootstrap", "aupr_in", "aupr_out", "fpr95", "fpr_at_tpr_0.9"):
        assert (row[f"{name}_low"], row[f"{name}_high"]) == (0.25, 0.5)
    assert (row["fpr_at_tpr_0.9"], row["fpr95_openood"]) == (0.2, 0.2)


def test_what_is_unknown_is_nan_for_a_number_and_none_for_a_text() -> None:
    picked = replace(FIRST, score="gap", parameters={"k": 3.0}, picked=Pick("a", 4, 0.5, {}))
    row, _ = flat([replace(FIRST, auroc_ci=None, id_accuracy=None), picked])
    for name in ("auroc_low", "auroc_high", "id_accuracy", "picked_auroc", "picked_tried"):
        assert math.isnan(row[name]), name
    assert (row["bank"], row["picked_on"], row["parameter_k"]) == (None, None, None)


def test_a_pick_says_how_many_images_of_the_row_it_has_seen() -> None:
    picked = Pick("others", 4, 0.5, {"SUN": 7})
    rows = flat([replace(FIRST, ood=name, picked=picked) for name in ("SUN", "Places")])
    assert [row["picked_shared_images"] for row in rows] == [7, 0]
    assert (rows[0]["picked_on"], rows[0]["picked_tried"], rows[0]["picked_auroc"]) == (
        *("others", 4, 0.5),
    )


def test_a_row_counts_the_images_that_its_bank_has_too() -> None:
    banked = replace(FIRST, bank="train", bank_shared_images={"imagenet-val": 7})
    row, bare = flat([banked, FIRST])
    assert (row["bank_shared_id"], row["bank_shared_ood"]) == (7, 0)
    assert math.isnan(bare["bank_shared_id"])


@pytest.mark.parametrize("models", [("one",), ("one", "two")])
@pytest.mark.parametrize("templates", [("a {}",), ("a {}", "average")])
def test_variant_and_ood_set_are_unique(
    models: tuple[str, ...], templates: tuple[str, ...]
) -> None:
    rows = [
        replace(one, model=model, template=template)
        for model in models
        for template in templates
        for one in results(*SETS)
    ]
    frame = pandas.DataFrame(flat(rows))
    table = frame.pivot(index="variant", columns="ood", values="auroc")
    assert table.shape == (4 * len(models) * len(templates), len(SETS))
    assert not table.isna().any().any()
    name = " · ".join(
        ["mcm", *["one/laion400m_e31"] * (len(models) > 1), *["a {}"] * (len(templates) > 1)]
    )
    assert table.loc[name, "SUN"] == next(one for one in results(*SETS) if one.ood == "SUN").auroc


def test_a_stream_has_its_order_and_each_measures_deviation() -> None:
    deviations = {"auroc": 0.01, "aupr_in": 0.02, "aupr_out": 0.03, "fpr95": 0.04}
    stream = StreamMeasures("shuffle:2", 90, {"shuffle 0": {}, "shuffle 1": {}}, deviations)
    one, other = flat([replace(FIRST, stream=stream), FIRST])
    assert (one["stream"], one["stream_images"], one["fpr95_deviation"]) == ("shuffle:2", 90, 0.04)
    assert other["stream"] is None and math.isnan(other["auroc_deviation"])
    assert one["variant"] == "mcm (shuffle:2)"


def test_csid_rows_have_their_own_accuracy_and_the_drop_with_its_interval() -> None:
    alone, csid, _, full = flat(shifted())
    assert csid["own_accuracy"] == 0.72 and math.isnan(alone["own_accuracy"])
    assert (full["auroc_drop"], full["fpr95_drop"]) == (0.0412, -0.12)
    assert (full["auroc_drop_low"], full["auroc_drop_high"]) == (0.035, 0.047)
    assert math.isnan(full["fpr95_drop_low"]) and math.isnan(csid["auroc_drop"])


def test_a_csid_row_counts_its_images_that_are_in_the_bank() -> None:
    shared = {"imagenet-r": 3, "imagenet-val": 1, "iNaturalist": 2}
    rows = shifted(replace(FIRST, bank="train", bank_labels="own", bank_shared_images=shared))
    assert [one["bank_shared_id"] for one in flat(rows)] == [1, 3, 0, 4]
    assert {one["bank_shared_ood"] for one in flat(rows)} == {2}


def test_clean_numbers_have_every_column_that_those_of_all_images_have() -> None:
    both = {"0.95": 0.3, "0.8": 0.2}
    risk = RiskMeasures(0.1, 0.05, {"0.8": 0.9}, {"0.95": 0.85})
    clean = replace(
        *(FIRST,),
        auroc_ci=(0.5, 0.75),
        fpr_at_tpr={"0.95": 0.25, "0.8": 0.125},
        selective=Selective(5, risk, replace(risk, aurc=0.2), risk),
    )
    whole = replace(clean, fpr_at_tpr=both, auroc_ci=FIRST.auroc_ci)
    row, other = flat([replace(whole, clean=clean), whole])
    assert (row["clean_auroc_low"], row["clean_auroc_high"]) == (0.5, 0.75)
    assert (row["clean_fpr_at_tpr_0.95"], row["clean_fpr_at_tpr_0.8"]) == (0.25, 0.125)
    assert row["clean_selective_with_ood_aurc"] == 0.2
    assert row["clean_selective_id_alone_accuracy_at_tpr_0.95"] == 0.85
    assert all(math.isnan(other[name]) for name in other if name.startswith("clean_"))
