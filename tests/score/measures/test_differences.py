"""Claims about the pairs of rows that are tested, and those that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.score.measures import delong
from oodcache.score.measures.differences import differences, steps
from oodcache.score.measures.metrics import auroc
from oodcache.score.measures.orders.paired_orders import PairedRow

RANDOM = np.random.default_rng(0)


def row(score: str, *, model: str = "m/a", images: str = "same", shift: float = 1.0) -> PairedRow:
    scores = {
        "pets": RANDOM.normal(size=40) + shift,
        "strays": RANDOM.normal(size=30),
        "more": RANDOM.normal(size=20),
    }
    return PairedRow((model, "a {}", score), scores, dict.fromkeys(scores, images))


def test_every_two_rows_are_tested_once_for_each_ood_set() -> None:
    rows = [row("mcm"), row("energy"), row("mcm", model="m/b")]
    found = differences(rows, "pets")
    assert [(one.ood, one.first[::2], one.second[::2]) for one in found] == [
        (ood, first, second)
        for ood in ("strays", "more")
        for first, second in (
            (("m/a", "mcm"), ("m/a", "energy")),
            (("m/a", "mcm"), ("m/b", "mcm")),
            (("m/a", "energy"), ("m/b", "mcm")),
        )
    ]
    by_name = {one.name: one for one in rows}
    for one in found:
        first, second = (
            auroc(by_name[name].scores["pets"], by_name[name].scores[one.ood])
            for name in (one.first, one.second)
        )
        assert one.difference == pytest.approx(first - second, abs=1e-12)
        assert one.ci is not None
        assert one.ci[0] <= one.difference <= one.ci[1]


def test_holms_family_is_an_ood_set() -> None:
    found = differences([row("a"), row("b"), row("c")], "pets")
    for ood in ("strays", "more"):
        family = [one for one in found if one.ood == ood]
        assert [one.p_holm for one in family] == delong.holm([one.p for one in family])


def test_equal_ranks_differ_by_nothing() -> None:
    one = row("a")
    again = PairedRow(
        ("m/a", "a {}", "b"), {k: np.exp(v) for k, v in one.scores.items()}, one.images
    )
    for found in differences([one, again], "pets"):
        assert (found.difference, found.p, found.p_holm) == (0, 1, 1)


def test_rows_of_other_images_are_never_paired_and_that_is_said() -> None:
    rows = [
        row("mcm"),
        row("mcm", model="m/b", images="other"),
        row("energy"),
        row("energy", model="m/b", images="other"),
    ]
    notes: list[str] = []
    found = differences(rows, "pets", watch=Watch(notes.append))
    assert [one.first[0] for one in found] == ["m/a", "m/b"] * 2
    assert all(one.first[0] == one.second[0] for one in found)
    for ood in ("strays", "more"):  # A family over both models.
        family = [one for one in found if one.ood == ood]
        assert [one.p_holm for one in family] == delong.holm([one.p for one in family])
    assert notes[0].startswith("pets and strays: different images under m/a; m/b: only scores of")
    assert len(notes) == 2


def test_a_single_row_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="--compare needs at least two scores; add another"):
        differences([row("mcm")], "pets")


def test_a_step_is_the_first_less_the_second_for_each_set_and_their_average() -> None:
    rows = [row("a"), row("b"), row("c")]
    after, before, other = (one.name for one in rows)
    found = steps(rows, [(after, before), (other, before)], "pets")
    assert [(one.ood, one.first, one.second) for one in found] == [
        (ood, first, before) for ood in ("strays", "more", "average") for first in (after, other)
    ]
    by_name = {one.name: one.scores for one in rows}

    def gained(first: tuple[str | None, str | None, str], ood: str) -> float:
        return auroc(by_name[first]["pets"], by_name[first][ood]) - auroc(
            by_name[before]["pets"], by_name[before][ood]
        )

    for one in found:
        sets = ("strays", "more") if one.ood == "average" else (one.ood,)
        expected = np.mean([gained(one.first, name) for name in sets])
        assert one.difference == pytest.approx(expected, abs=1e-12)


def test_a_step_over_one_set_is_tested_as_compare_tests_it() -> None:
    rows = [row("a"), row("b")]
    pairs = [(rows[0].name, rows[1].name)]
    of_set = {one.ood: one for one in steps(rows, pairs, "pets")}
    for one in differences(rows, "pets"):
        assert of_set[one.ood].difference == pytest.approx(one.difference, abs=1e-12)
        assert of_set[one.ood].ci == pytest.approx(one.ci, rel=1e-9)
        assert of_set[one.ood].p == pytest.approx(one.p, rel=1e-9)


def test_holms_family_are_the_steps_of_a_set() -> None:
    rows = [row("a"), row("b"), row("c")]
    names = [one.name for one in rows]
    found = steps(rows, [(names[0], names[1]), (names[1], names[2])], "pets")
    for ood in ("strays", "more", "average"):
        family = [one for one in found if one.ood == ood]
        assert [one.p_holm for one in family] == delong.holm([one.p for one in family])


def test_a_single_ood_set_has_no_average() -> None:
    rows = [row("a"), row("b")]
    for one in rows:
        del one.scores["more"]  # type: ignore[attr-defined]
    assert {one.ood for one in steps(rows, [(rows[0].name, rows[1].name)], "pets")} == {"strays"}


def test_other_images_are_refused_by_name() -> None:
    rows = [row("a"), row("b", model="m/b", images="others")]
    with pytest.raises(InputError) as refused:
        steps(rows, [(rows[1].name, rows[0].name)], "pets")
    assert str(refused.value) == (
        "pets, strays, more: different images under m/b and m/a, but a change is measured on the "
        "same ones; extract both from one folder"
    )


def test_many_pairs_tell_beforehand_what_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    rows = [row("a"), row("b"), row("c")]
    differences(rows, "pets", watch=Watch(notes.append))
    assert notes == []
    monkeypatch.setattr("oodcache.score.measures.differences.MANY", 5)
    differences(rows, "pets", watch=Watch(notes.append))
    assert notes == [
        "--compare: 6 pairs take about 1 minute, 0.022 MB of memory and 0.0025 MB as JSON; "
        "fewer scores take less"
    ]


def test_every_pair_is_counted_as_progress() -> None:
    done: list[int] = []

    @contextmanager
    def progress(name: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        yield done.append
        assert sum(done) == total == 3
        done.clear()

    differences([row("a"), row("b"), row("c")], "pets", watch=Watch(progress=progress))
