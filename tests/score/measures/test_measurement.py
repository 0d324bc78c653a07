"""Claims about the measurement of other programs' scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from oodcache.cache.watch import Watch
from oodcache.score.measures import measurement
from oodcache.score.measures.metrics import auroc
from oodcache.score.measures.orders.paired_orders import PairedRow
from oodcache.score.measures.result import STANDARD, Conventions

SCORES = {"pets": np.arange(4.0) + 2, "SUN": np.arange(3.0), "DTD": np.arange(5.0)}


def row(*name: str | None) -> PairedRow:
    model, template, score = name
    return PairedRow((model, template, str(score)), SCORES, dict.fromkeys(SCORES, ""))


def test_a_row_has_a_result_for_each_set_and_their_average() -> None:
    rows = [row(None, None, "mcm")]
    found = measurement.results(rows, "pets", conventions=STANDARD, watch=Watch())
    assert [(one.ood, one.n_id, one.n_ood) for one in found] == [
        *(("SUN", 4, 3), ("DTD", 4, 5), ("average", 4, 8))
    ]
    # Pairs of an ID and an OOD image in order; half for each tie.
    assert [one.auroc for one in found] == [11.5 / 12, 15.5 / 20, (11.5 / 12 + 15.5 / 20) / 2]
    assert {(one.model, one.classes, one.template, one.id_accuracy) for one in found} == {
        (None, None, None, None)
    }


def test_saved_scores_keep_their_model_and_template() -> None:
    rows = [row("ViT-B-16/openai", "a {}", "mcm"), row("ViT-B-16/openai", "average", "mcm")]
    found = measurement.results(rows, "pets", conventions=STANDARD, watch=Watch())
    assert [(one.model, one.pretrained, one.templates) for one in found[::3]] == [
        *(("ViT-B-16", "openai", ("a {}",)), ("ViT-B-16", "openai", ()))
    ]


def test_every_resample_of_every_set_is_counted() -> None:
    counted: list[tuple[str, int]] = []

    @contextmanager
    def progress(what: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        counted.append((unit, total))
        yield lambda done: None

    measurement.results(
        [row(None, None, "mcm")],
        *("pets",),
        conventions=Conventions(bootstrap=7),
        watch=Watch(progress=progress),
    )
    assert [total for _, total in counted] == [14]


def test_csid_sets_count_as_id_alone_and_together() -> None:
    rows = [row(None, None, "mcm"), row(None, None, "mine")]
    found = measurement.results(rows, "pets", conventions=STANDARD, watch=Watch(), csid=["DTD"])
    names = ("pets", "csid:DTD", "full-spectrum")
    assert [(one.id, one.score) for one in found] == [
        (name, score) for name in names for score in ("mcm", "mine")
    ]
    whole = np.concatenate([SCORES["pets"], SCORES["DTD"]])
    assert found[-1].auroc == auroc(whole, SCORES["SUN"]) and found[-1].n_id == 9
    assert found[-1].spectrum is not None and found[-1].spectrum.images == {"pets": 4, "DTD": 5}
