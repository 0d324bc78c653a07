"""Claims about scores in memory: they are measured as the same numbers in files are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.score import arrays
from oodcache.score.files import other_scores
from oodcache.score.measures.result import Conventions

RNG = np.random.default_rng(0)
SIZES = ((1, 90), (0, 70), (0, 50))
ID, SUN, DTD = (RNG.normal(mean, size=count).round(1) for mean, count in SIZES)
MINE = [one + RNG.normal(size=len(one)) / 2 for one in (ID, SUN, DTD)]
CONVENTIONS = Conventions(bootstrap=20, seed=3, tprs=(0.95, 0.8), fpr_convention="nearest")
SEVERAL = (
    {"mcm": ID, "mine": MINE[0]},
    {"SUN": {"mcm": SUN, "mine": MINE[1]}, "DTD": {"mcm": DTD, "mine": MINE[2]}},
)


def measured(id_scores: Any, ood_scores: Any, **changes: Any) -> Any:
    lower = changes.pop("lower_is_id", False)
    given = arrays.arrays(id_scores, ood_scores, changes.pop("id", "id"), lower_is_id=lower)
    whole: dict[str, Any] = {
        **{"conventions": CONVENTIONS, "compare_scores": False, "command": "", "watch": Watch()},
        **changes,
    }
    return arrays.measure(given, lower_is_id=lower, **whole)


@pytest.mark.parametrize("lower_is_id", [False, True])
def test_results_are_those_of_the_same_numbers_in_files(tmp_path: Path, lower_is_id: bool) -> None:
    for name, place in (("id", 0), ("SUN", 1), ("DTD", 2)):
        np.savez(tmp_path / f"{name}.npz", mcm=(ID, SUN, DTD)[place], mine=MINE[place])
    of_files = other_scores.measure(
        {
            "--id": [str(tmp_path / "id.npz")],
            "--ood": [str(tmp_path / "SUN.npz"), str(tmp_path / "DTD.npz")],
        },
        columns=["mcm", "mine"],
        lower_is_id=lower_is_id,
        conventions=CONVENTIONS,
        compare_scores=True,
        command="",
        watch=Watch(),
    )
    found = measured(*SEVERAL, lower_is_id=lower_is_id, compare_scores=True)
    assert found.results == of_files.results
    assert found.differences == of_files.differences
    assert len(found.results) == 6


def test_one_score_needs_no_name() -> None:
    (row,) = measured(ID, SUN).results
    assert (row.id, row.ood, row.score, row.n_id, row.n_ood) == ("id", "ood", "score", 90, 70)
    rows = measured(ID, {"SUN": SUN, "DTD": DTD}, id="pets").results
    assert [(one.id, one.ood) for one in rows] == [
        *(("pets", "SUN"), ("pets", "DTD"), ("pets", "average"))
    ]
    assert rows[0].auroc == row.auroc


def test_mappings_may_be_by_set_by_score_or_of_one_set() -> None:
    by_set = measured(*SEVERAL).results
    by_score = {
        score: {name: one[score] for name, one in SEVERAL[1].items()} for score in SEVERAL[0]
    }
    assert measured(SEVERAL[0], by_score).results == by_set
    of_one = measured(SEVERAL[0], SEVERAL[1]["SUN"]).results
    assert [one.auroc for one in of_one] == [one.auroc for one in by_set if one.ood == "SUN"]


@pytest.mark.parametrize("convert", [list, tuple, np.float32, np.float16, np.asfortranarray])
def test_any_list_of_numbers_is_taken(convert: Callable[[Any], Any]) -> None:
    halves = np.round(4 * ID) / 4, np.round(4 * SUN) / 4
    assert measured(*map(convert, halves)).results == measured(*halves).results


def test_given_arrays_are_copied() -> None:
    own = ID.copy()
    given = arrays.arrays(own, SUN, "id", lower_is_id=False)
    own[:] = 0
    assert given.rows["score"]["id"].tolist() == ID.tolist()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_tensors_become_float64(dtype: torch.dtype) -> None:
    values = [0.5, -1.25, 3.0]  # Exact in all types.
    tensor = torch.tensor(values, dtype=dtype, requires_grad=True)
    for given in (tensor, list(tensor)):
        found = arrays.numbers(given, "id_scores")
        assert (found.tolist(), found.dtype) == (values, np.float64)


@pytest.mark.parametrize(
    ("id_scores", "ood_scores", "words"),
    [
        ([0.1, float("nan")], SUN, "id_scores: row 1, from 0, is NaN, which has no rank"),
        (ID, {"SUN": []}, "ood_scores['SUN']: contains no scores"),
        (ID, np.zeros((3, 2)), "ood_scores: contains float64 of shape (3, 2); expected one number"),
        (ID, "sun.csv", "ood_scores: contains <U7 of shape ()"),
        (ID, None, "ood_scores: NoneType of Python objects; give numbers"),
        (ID, [[1.0], [2.0, 3.0]], "ood_scores: list is no array: setting an array element"),
        (ID, [2**60], "ood_scores: has integers of 2**53 or more"),
        (np.ma.masked_array(ID, ID < 0), SUN, "id_scores: is a masked array; give one without"),
        (ID, {}, "ood_scores is empty; ood_scores: give an array"),
        ({}, SUN, "ood_scores is ndarray; ood_scores: give an array; {set: array}"),
        ({"mcm": ID}, {"SUN": SUN}, "ood_scores has 'SUN', but id_scores has 'mcm'; "),
        ({"mcm": ID}, {"SUN": {"mine": SUN}}, "ood_scores['SUN'] has 'mine', but id_scores has"),
        ({"mcm": ID}, {"SUN": {"mcm": SUN}, "DTD": DTD}, "ood_scores['DTD'] is ndarray"),
        ({"mcm": ID}, {"SUN": {"mcm": ["x"]}}, "ood_scores['SUN']['mcm']: contains <U1 of shape"),
        ({1: ID}, {1: SUN}, "score 1 is no name; give text, such as 'mine'"),
        (ID, {"average": SUN}, "'average' is reserved for averages in results"),
        (ID, {"id": SUN}, "'id' is both the ID set and an OOD set; give another: id='pets'"),
    ],
)
def test_a_mistake_names_the_argument(id_scores: Any, ood_scores: Any, words: str) -> None:
    with pytest.raises(InputError) as error:
        measured(id_scores, ood_scores)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value).encode()) < 600


def test_scores_of_other_images_are_not_compared() -> None:
    given = ({"a": ID, "b": ID}, {"SUN": {"a": SUN, "b": SUN[1:]}})
    assert len(measured(*given).results) == 2
    with pytest.raises(InputError, match="'SUN' has 70 images with 'a', but 69 with 'b'; a comp"):
        measured(*given, compare_scores=True)


def test_scores_by_dataset_have_no_image_names() -> None:
    given = arrays.arrays(*SEVERAL, "id", lower_is_id=True)
    found = given.parts()
    assert [(one.model, one.data_set, len(one), [*one.scores]) for one in found] == [
        ("", "id", 90, ["mcm", "mine"]),
        ("", "SUN", 70, ["mcm", "mine"]),
        ("", "DTD", 50, ["mcm", "mine"]),
    ]
    assert found[1].scores["mcm"].tolist() == (-SUN).tolist()
    assert [*found[0].paths()] == []


def shifted(csid_scores: Any, id_scores: Any = ID, **changes: Any) -> Any:
    given = arrays.arrays(
        *(id_scores, changes.pop("ood", {"SUN": SUN}), changes.pop("id", "id")),
        lower_is_id=changes.pop("lower_is_id", False),
        csid_scores=csid_scores,
    )
    how: Any = {"conventions": CONVENTIONS, "compare_scores": False, "command": ""}
    return arrays.measure(given, lower_is_id=False, watch=Watch(), **how | changes)


def test_csid_scores_count_as_id() -> None:
    found = {one.id: one for one in shifted({"DTD": DTD}).results}
    assert [*found] == ["id", "csid:DTD", "full-spectrum"]
    (expected,) = measured(np.concatenate([ID, DTD]), {"SUN": SUN}).results
    assert found["full-spectrum"].auroc == expected.auroc
    assert found["full-spectrum"].fpr95_by_convention == expected.fpr95_by_convention
    assert found["id"] == measured(ID, {"SUN": SUN}).results[0]
    turned = {one.id: one for one in shifted({"DTD": DTD}, lower_is_id=True).results}
    assert turned["csid:DTD"].auroc == pytest.approx(1 - found["csid:DTD"].auroc)


def test_scores_are_compared_on_each_kind_of_positives() -> None:
    given = arrays.arrays(
        {"mcm": ID, "mine": MINE[0]},
        {"SUN": {"mcm": SUN, "mine": MINE[1]}},
        "id",
        lower_is_id=False,
        csid_scores={"DTD": {"mcm": DTD, "mine": MINE[2]}},
    )
    found = arrays.measure(
        given,
        **{"lower_is_id": False, "conventions": Conventions(), "compare_scores": True},
        **{"command": "", "watch": Watch()},
    )
    assert [one.id for one in found.differences] == ["id", "csid:DTD", "full-spectrum"]
    for one in found.differences:
        first, second = (row.auroc for row in found.results if row.id == one.id)
        assert one.difference == pytest.approx(first - second)


@pytest.mark.parametrize(
    ("csid_scores", "changes", "words"),
    [
        (DTD, {}, "csid_scores is ndarray; give {set: array}"),
        ({"DTD": DTD}, {"id_scores": {"a": ID}, "ood": {"a": SUN}}, "csid_scores is dict; give"),
        ({"SUN": DTD}, {}, "'SUN' is in ood_scores and in csid_scores"),
        ({"id": DTD}, {}, "'id' is both the ID set and"),
        ({"DTD": [np.nan]}, {}, "csid_scores['DTD']"),
        ({"DTD": DTD}, {"id": "full-spectrum"}, "is reserved for rows on csid images"),
        ({"DTD": DTD}, {"id": "csid:x"}, "is reserved for rows on csid images"),
    ],
)
def test_csid_scores_that_do_not_fit_are_refused(
    csid_scores: Any, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as error:
        shifted(csid_scores, **changes)
    assert words in str(error.value)
