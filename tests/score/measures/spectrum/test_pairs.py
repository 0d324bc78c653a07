"""Claims about rows by kind: scores are compared on the same positives alone."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.score.measures.differences import differences
from oodcache.score.measures.metrics import auroc
from oodcache.score.measures.orders.paired_orders import PairedRow
from oodcache.score.measures.spectrum.pairs import by_kind

GENERATOR = np.random.default_rng(0)
SIZES = {"id": 20, "sun": 15, "v2": 30}


def row(score: str) -> PairedRow:
    scores = {name: GENERATOR.normal(name != "sun", 1, size) for name, size in SIZES.items()}
    return PairedRow(("m", "t", score), scores, {name: name for name in scores})


ROWS = [row("a"), row("b")]


def test_without_csid_sets_the_rows_are_those_of_the_id_set() -> None:
    assert [*by_kind(ROWS, "id", [])] == [("id", ROWS)]


def test_every_kind_has_its_positives_and_the_ood_sets() -> None:
    found = dict(by_kind(ROWS, "id", ["v2"]))
    assert [*found] == ["id", "csid:v2", "full-spectrum"]
    sizes = {name: [len(one) for one in rows[0].scores.values()] for name, rows in found.items()}
    assert sizes == {"id": [20, 15], "csid:v2": [30, 15], "full-spectrum": [50, 15]}
    assert [rows[0].name[2] for rows in found.values()] == [
        *("a", "a [csid:v2]", "a [full-spectrum]"),
    ]


def test_a_difference_is_of_the_pooled_aurocs() -> None:
    for name, rows in by_kind(ROWS, "id", ["v2"]):
        (found,) = differences(rows, name)
        first, second = (auroc(one.scores[name], one.scores["sun"]) for one in rows)
        assert (found.id, found.ood) == (name, "sun")
        assert found.difference == pytest.approx(first - second)
