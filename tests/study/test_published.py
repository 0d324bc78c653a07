from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import pytest
from samples.study.published_tables import OTHERS, RENEG

from oodcache.cache.names import KNOWN
from oodcache.score.measures.result import AVERAGE, FPR_CONVENTIONS
from oodcache.score.onepass.variants import parse
from oodcache.study.published import (
    CLASSES,
    ENSEMBLE,
    ID_SET,
    LEARNED,
    OOD_SETS,
    OPENAI,
    Published,
    rows,
)

COLUMNS = (*OOD_SETS, AVERAGE)
SETAR = "SeTAR's rerun (recomputed from its per-image scores)"
# Typed from the sources: FPR95 and AUROC of each set and of the average, in percent.
TABLES = {
    ("MCM (Ming et al., NeurIPS 2022)", "ViT-B-16/openai", "MCM"): (
        *((30.91, 94.61), (37.59, 92.57), (44.69, 89.77), (57.77, 86.11), (42.74, 90.77)),
    ),
    (SETAR, "ViT-B-16/openai", "MCM"): (
        *((32.07, 94.43), (38.65, 92.37), (43.73, 90.03), (57.89, 86.13), (43.09, 90.74)),
    ),
    (SETAR, "ViT-B-16/openai", "GL-MCM"): (
        *((15.34, 96.62), (30.65, 93.01), (37.76, 90.07), (57.41, 83.73), (35.29, 90.86)),
    ),
    ("source not recorded", "ViT-B-32/openai", "MCM"): (
        *((33.85, 93.62), (40.99, 91.56), (46.71, 89.25), (60.90, 85.03), (45.61, 89.87)),
    ),
    ("NegLabel (Jiang et al., ICLR 2024)", "ViT-B-16/openai", "NegLabel"): (
        *((1.91, 99.49), (20.53, 95.49), (35.59, 91.64), (43.56, 90.22), (25.40, 94.21)),
    ),
}
OOD_POSITIVE = {"MCM": 37.22, "GL-MCM": 41.20}
# Which class is positive at the 95 % point is read from each source's own code.
CONVENTIONS = {
    "OpenOOD-VLM's log": "openood",
    "CLIPN's README (Wang et al., ICCV 2023)": "interpolated",
    "TANL (Zhang et al., CVPR 2026), second-hand": "openood",
    "AdaNeg (Zhang and Zhang, NeurIPS 2024), second-hand": "openood",
    "CSP (Chen et al., NeurIPS 2024), second-hand": "nearest",
}
# Entered before places were noted.
WITHOUT_PLACE = {
    *("MCM (Ming et al., NeurIPS 2022)", SETAR, "source not recorded"),
    *("NegLabel (Jiang et al., ICLR 2024)", "the study's README", "open_clip's list of results"),
}
STUDY = {
    ("ViT-B-16/openai", "softmax MCM"): (68.3, 85.2),
    ("ViT-B-16-SigLIP/webli", "softmax MCM"): (75.1, 86.5),
    ("ViT-B-16-SigLIP/webli", "sigmoid MCM"): (75.1, 89.8),
}
LISTED = {
    "ViT-B-16/laion400m_e31": 67.0,
    "ViT-B-16/openai": 68.3,
    "ViT-B-16/datacomp_xl_s13b_b90k": 73.5,
}


def numbers(row: Published) -> list[float]:
    accuracy = [] if row.accuracy is None else [row.accuracy]
    return [*accuracy, *row.auroc.values(), *row.fpr95.values()]


def name(row: Published) -> tuple[str, str, str]:
    return row.source, row.model, row.method


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.source} {row.method}")
def test_a_row_holds_what_its_fields_may(row: Published) -> None:
    assert row.source and row.method
    model, slash, tag = row.model.partition("/")
    assert model and slash and tag
    assert row.score is None or len(parse(row.score)) == 1
    assert row.template in (OPENAI, LEARNED, ENSEMBLE) or row.template.count("{}") == 1
    assert row.fpr_convention in FPR_CONVENTIONS if row.fpr95 else row.fpr_convention is None
    assert {*row.auroc, *row.fpr95} <= {*COLUMNS}
    assert numbers(row) and all(0 < number < 1 for number in numbers(row))


def test_the_sets_of_the_registry_are_known_to_extract() -> None:
    assert {ID_SET, CLASSES, *OOD_SETS} <= {*KNOWN}


def test_the_tables_are_those_of_the_sources() -> None:
    old = [row for row in rows() if row.source in WITHOUT_PLACE]
    found = {name(row): row for row in old if len(row.auroc) == len(COLUMNS)}
    assert {*found} == {*TABLES}
    for key, pairs in TABLES.items():
        row = found[key]
        assert [*row.fpr95] == [*row.auroc] == [*COLUMNS]
        assert [*row.fpr95.values()] == pytest.approx([fpr / 100 for fpr, _ in pairs], abs=1e-12)
        assert [*row.auroc.values()] == pytest.approx([area / 100 for _, area in pairs], abs=1e-12)
        assert row.fpr_convention == "nearest"


def columns(*numbers: Sequence[str]) -> list[dict[str, float]]:
    """Return the printed numbers of each measure by OOD set, as fractions."""
    return [
        {name: float(one) / 100 for name, one in zip(COLUMNS, each, strict=True) if one != "-"}
        for each in zip(*numbers, strict=True)
    ]


def test_the_reruns_are_those_of_reneg_in_both_conventions() -> None:
    found = {
        (row.method, row.fpr_convention): row
        for row in rows()
        if row.source == "ReNeg's rerun" and "drift" not in row.method
    }
    assert {*found} == {(method, one) for method in RENEG for one in ("strict", "openood")}
    for method, printed in RENEG.items():
        strict, openood, auroc = columns(*(one.split() for one in printed.split(", ")))
        for convention, fpr95 in (("strict", strict), ("openood", openood)):
            row = found[method, convention]
            assert row.fpr95 == pytest.approx(fpr95, abs=1e-12)
            assert row.auroc == pytest.approx(auroc, abs=1e-12)


@pytest.mark.parametrize(("source", "method"), OTHERS)
def test_the_other_rows_are_those_of_their_sources(source: str, method: str) -> None:
    (row,) = (one for one in rows() if (one.source, one.method) == (source, method))
    fpr95, auroc = columns(*(one.split() for one in OTHERS[source, method].split(", ")))
    assert row.fpr95 == pytest.approx(fpr95, abs=1e-12)
    assert row.auroc == pytest.approx(auroc, abs=1e-12)
    assert row.fpr_convention == CONVENTIONS.get(source, "openood")


def test_averages_that_are_not_the_means_of_their_sets_are_noted() -> None:
    said = "the averages, as quoted, are not the means of the sets"
    for row in rows():
        for measure in (row.auroc, row.fpr95):
            if len(measure) == len(COLUMNS):
                mean = sum(measure[one] for one in OOD_SETS) / len(OOD_SETS)
                # Each of the numbers was rounded to 0.0001.
                is_mean = measure[AVERAGE] == pytest.approx(mean, abs=1.01e-4)
                assert is_mean != (said in row.note), row.method
    (noted,) = (row for row in rows() if said in row.note)
    assert noted.method == "TANL, drift P-T-I-S" and "second-hand" in noted.source


def test_every_row_tells_where_it_stands_and_how_it_was_made() -> None:
    assert {row.source for row in rows() if not row.where} == WITHOUT_PLACE
    for row in rows():
        if row.where:
            assert re.search(r" at [0-9a-f]{7}, [\w/.-]+", row.where), row.where
            assert row.settings and row.precision
        assert ("quote" in row.where) == row.source.endswith(", second-hand")


def test_rows_have_an_order_exactly_if_their_score_learns_from_the_stream() -> None:
    for row in rows():
        learns = row.score is not None and parse(row.score)[0].definition.stream is not None
        assert (row.stream is not None) == (learns or row.method == "AdaNeg with LAPT's prompts")
    orders = {row.method: row.stream for row in rows() if row.source == "ReNeg's rerun"}
    assert orders["AdaNeg, float32"] == "shuffle:3"
    assert orders["TANL (paper's settings), ID first"] == "id-first"
    assert orders["TANL (paper's settings), OOD first"] == "ood-first"


def test_the_orders_of_a_drift_are_those_of_their_names() -> None:
    drifts = [row for row in rows() if "drift" in row.method]
    assert len(drifts) == 8
    for row in drifts:
        order = re.search(r"\(([^)]*)\)", row.stream or "")
        assert order is not None and row.method.endswith(f"drift {order[1]}")


def test_averages_with_ood_positive_stand_apart() -> None:
    found = [row for row in rows() if row.source == SETAR and row.fpr_convention == "openood"]
    assert {row.method: row.fpr95 for row in found} == {
        method: {AVERAGE: pytest.approx(percent / 100, abs=1e-12)}
        for method, percent in OOD_POSITIVE.items()
    }
    assert not any(row.auroc for row in found)


def test_accuracies_are_those_of_the_study_and_of_open_clip() -> None:
    study = {
        (row.model, row.method): (row.accuracy, row.auroc)
        for row in rows()
        if row.source == "the study's README"
    }
    assert study == {
        key: (pytest.approx(accuracy / 100), {AVERAGE: pytest.approx(area / 100)})
        for key, (accuracy, area) in STUDY.items()
    }
    listed = [row for row in rows() if row.source == "open_clip's list of results"]
    assert {row.model: row.accuracy for row in listed} == pytest.approx(
        {model: percent / 100 for model, percent in LISTED.items()}
    )
    assert {row.template for row in listed} == {"openai"}


def test_every_row_was_typed_here_and_none_twice() -> None:
    known = len(TABLES) + len(OOD_POSITIVE) + len(STUDY) + len(LISTED)
    assert len(rows()) == known + 2 * len(RENEG) + len(OTHERS)
    assert max(Counter((*name(row), row.fpr_convention) for row in rows()).values()) == 1


def test_what_is_not_verified_says_so() -> None:
    for row in rows():
        assert ("unverified" in row.note) == (row.source == "the study's README")


def test_fractions_are_the_floats_that_they_are_written_as() -> None:
    for number in (number for row in rows() for number in numbers(row)):
        assert number == float(f"{number:.4f}")
