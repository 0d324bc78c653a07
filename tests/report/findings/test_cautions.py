"""Claims about what a reader of results is told to distrust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from samples.report.results import BARE, FIRST, rates
from samples.report.spectra import shifted

from oodcache.report.findings.cautions import cautions
from oodcache.report.findings.ranking import ranking
from oodcache.score.measures.result import LeakCount, Pick, Result, StreamMeasures

CALM = replace(FIRST, ties=0)
WORSE = {"auroc": 0.9, "fpr95": 0.4, "fpr95_by_convention": {"strict": 0.4}}
OTHER = replace(CALM, score="max-logit", parameters={}, **WORSE)
LEAKY = LeakCount(1200, 7, None, None, "spelling")


def told(*rows: Result, **provenance: Any) -> tuple[str, ...]:
    return cautions(rows, ranking(rows), provenance)


def test_one_plain_row_asks_for_no_caution() -> None:
    assert told(CALM) == ()


def test_the_best_of_several_rows_is_chosen_on_the_test_images() -> None:
    picked = (
        "the best row was picked by the same images that measure it, so its number is optimistic"
    )
    assert told(CALM, OTHER) == (f"{picked} (use --select-on DATASET)",)
    bare = [replace(one, **BARE) for one in (CALM, OTHER)]
    assert told(*bare) == (picked,)
    pick = Pick("val", 3, 0.9, {})
    chosen = [replace(one, picked=pick) for one in (CALM, OTHER)]
    assert told(*chosen) == ("parameters were picked on val, but the best row on the test images",)


def test_a_flipped_sign_is_the_first_caution() -> None:
    low = replace(CALM, auroc=0.2, auroc_ci=(0.1, 0.3))
    assert told(low, OTHER)[0].startswith("AUROC 20.00 (10.00–30.00) of mcm on iNaturalist is bel")


def test_another_best_row_by_fpr95_is_named_if_it_shows_in_the_table() -> None:
    lower = replace(OTHER, fpr95=0.25, fpr95_by_convention={"strict": 0.25})
    words = "FPR95 ranks another row first, max-logit with ViT-B-16/laion400m_e31 (25.00 % against"
    assert any(one.startswith(words) for one in told(CALM, lower))
    alike = replace(OTHER, fpr95=CALM.fpr95 - 1e-9)
    assert not any(one.startswith("FPR95 ranks") for one in told(CALM, alike))


def test_a_convention_that_swaps_scores_is_counted() -> None:
    rows = rates(CALM, openood=0.5), rates(OTHER, openood=0.3)
    what = "the order by FPR95 depends on the convention (under the convention openood, "
    assert f"{what}1 of 1 pair of scores changes places)" in told(*rows)
    third = rates(replace(OTHER, score="energy", fpr95=0.45), openood=0.2)
    assert f"{what}3 of 3 pairs of scores change places)" in told(*rows, third)


def test_ties_above_a_thousandth_of_the_images_are_told() -> None:
    assert told(replace(CALM, ties=60)) == ()
    assert told(replace(CALM, ties=61)) == (
        "scores tie, most in mcm on iNaturalist (61 of 60,000 images)",
    )


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((50_000, 1000), ()),
        ((50_000, 999), ("some sets have fewer than 1,000 images (iNaturalist 999)",)),
        (
            (10, 20),
            ("every set has fewer than 1,000 images (imagenet-val 10, iNaturalist 20)",),
        ),
    ],
)
def test_small_sets_are_named(counts: tuple[int, int], words: Sequence[str]) -> None:
    one = replace(CALM, n_id=counts[0], n_ood=counts[1])
    average = replace(one, ood="average", n_ood=5)
    assert told(one, average) == tuple(words)


def test_the_full_spectrum_is_no_set_of_its_own() -> None:
    small = [replace(one, n_id=400, n_ood=300) for one in shifted(CALM)]
    small[-1] = replace(small[-1], n_id=1200)
    (few,) = (one for one in told(*small) if "fewer than" in one)
    assert few.startswith("every set has fewer than 1,000 images (imagenet-val 400, iNaturalist 30")
    few_in_all = [replace(one, n_id=900 if one.id == "full-spectrum" else 400) for one in small]
    assert "full-spectrum" not in " ".join(told(*few_in_all))


def test_leaks_unknown_names_and_diagnostics_are_told_apart() -> None:
    assert told(replace(CALM, leaks=LEAKY)) == (
        "negative words name OOD classes (7 of iNaturalist), so these rows are not zero-shot there",
    )
    assert told(replace(CALM, leaks=replace(LEAKY, names=None))) == (
        "negative words may name classes of iNaturalist, whose names are not known",
    )
    assert told(replace(CALM, leaks=replace(LEAKY, names=0))) == ()
    left_out = replace(CALM, leaks=replace(LEAKY, names=0, left_out=7))
    words = "mcm is a diagnostic, without the words that name OOD classes"
    assert told(left_out) == (words,)
    assert f"{words}, and is not ranked" in told(left_out, OTHER)


def test_images_in_two_places_are_counted() -> None:
    assert told(replace(CALM, shared_images=3)) == (
        "some images are both ID and OOD (3 of iNaturalist)",
    )
    in_bank = replace(CALM, bank="train", bank_labels="own", bank_shared_images={"imagenet-val": 2})
    assert told(in_bank) == ("some test images are also in the bank (2 of imagenet-val)",)


def test_the_order_of_a_stream_and_csid_images_are_told() -> None:
    stream = StreamMeasures("shuffle", 60_000, {"shuffle 0": {"auroc": 0.9}})
    assert told(replace(CALM, score="oodd", stream=stream)) == (
        "oodd depends on the order of the images",
    )
    whole = [replace(one, n_id=50_000) for one in shifted(CALM)]
    assert "the ranking is of the ID set alone, without covariate-shifted images" in told(*whole)


def test_images_that_could_not_be_decoded_are_counted_by_their_set() -> None:
    files = [
        {"path": "embeddings/a/b/images/SUN.h5", "failed": 3},
        {"path": "embeddings/c/d/images/SUN.h5", "failed": 2},
        {"path": "embeddings/a/b/images/pets.h5", "failed": 0},
        {"path": "embeddings/a/b/texts/pets.h5", "failed": None},
        *(3, {"failed": "many", "path": "x.h5"}, {"failed": 9}),
    ]
    assert told(CALM, files=files) == (
        "some images could not be decoded and are not counted (3 of SUN)",
    )
    assert told(CALM, files="none") == ()


def test_cautions_have_the_new_names() -> None:
    new = {"mcm:temperature=0.01": "MCM", "max-logit": "Max", "iNaturalist": "iNat", "val": "V"}
    leaky = replace(CALM, leaks=LEAKY, shared_images=3, bank_shared_images={"val": 2}, ties=9000)
    rows = (replace(leaky, n_ood=20), replace(OTHER, fpr95=0.1, picked=Pick("val", 3, 0.9, {})))
    files = [{"path": "images/iNaturalist.h5", "failed": 4}]
    before = "; ".join(told(*rows, files=files))
    after = "; ".join(cautions(rows, ranking(rows), {"files": files}, new))
    for name, other in new.items():
        assert name in before or name.startswith("mcm"), name
        before = before.replace(name, other)
    assert after == before
