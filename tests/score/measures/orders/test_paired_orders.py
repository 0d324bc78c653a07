"""Claims about differences with rows of streams: order by order, on the same images."""

from __future__ import annotations

from statistics import mean, stdev
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from oodcache.cache.watch import Watch
from oodcache.score.measures.differences import differences
from oodcache.score.measures.orders.paired_orders import PairedRow
from oodcache.score.streams.plan import OrderedRuns
from oodcache.score.streams.runs import StreamRun

RANDOM = np.random.default_rng(0)
IDS, OODS = np.arange(40), np.arange(30)


def run(number: int, id_rows: Any = IDS, ood_rows: Any = OODS) -> StreamRun:
    inside, outside = RANDOM.normal(1, 1, len(id_rows)), RANDOM.normal(0, 1, len(ood_rows))
    return StreamRun(f"shuffle {number}", 70, id_rows, ood_rows, inside, outside)


def stream(name: str, order: str, *runs: StreamRun, ood: str = "strays") -> PairedRow:
    row = OrderedRuns(order, "pets", True, {ood: runs})
    return PairedRow(("m", "a {}", f"{name} ({order})"), {}, {"pets": "", "strays": ""}, row)


def plain(name: str) -> PairedRow:
    scores = {"pets": RANDOM.normal(1, 1, 40), "strays": RANDOM.normal(0, 1, 30)}
    return PairedRow(("m", "a {}", name), scores, {"pets": "", "strays": ""})


def auroc(inside: Any, outside: Any) -> float:
    return float(roc_auc_score([1] * len(inside) + [0] * len(outside), [*inside, *outside]))


ONE = [run(0), run(1), run(2)]
OTHER = [run(0), run(1), run(2)]


def slow_variance(one: Any, other: Any) -> float:
    """Return DeLong's variance of a difference, pair by pair."""

    def won(pair: Any) -> Any:
        inside, outside = pair
        above = inside[:, None] > outside[None, :]
        return above + 0.5 * (inside[:, None] == outside[None, :])

    apart = won(one) - won(other)
    ids, oods = apart.mean(axis=1), apart.mean(axis=0)
    return float(ids.var(ddof=1) / len(ids) + oods.var(ddof=1) / len(oods))


def test_two_streams_differ_by_the_mean_over_their_equal_orders() -> None:
    rows = [stream("a", "shuffle:3", *ONE), stream("b", "shuffle:3", *OTHER)]
    (found,) = differences(rows, "pets")
    each = [
        auroc(one.id_scores, one.ood_scores) - auroc(other.id_scores, other.ood_scores)
        for one, other in zip(ONE, OTHER, strict=True)
    ]
    assert found.difference == pytest.approx(mean(each), abs=1e-12)
    assert found.deviation == pytest.approx(stdev(each), abs=1e-12)
    assert found.orders is not None
    assert [*found.orders] == ["shuffle 0", "shuffle 1", "shuffle 2"]
    assert [*found.orders.values()] == pytest.approx(each, abs=1e-12)
    variance = mean(
        slow_variance((a.id_scores, a.ood_scores), (b.id_scores, b.ood_scores))
        for a, b in zip(ONE, OTHER, strict=True)
    )
    assert found.p == pytest.approx(2 * norm.sf(abs(mean(each)) / variance**0.5), abs=1e-9)


def test_a_score_without_order_is_the_same_in_every_one() -> None:
    other = plain("mcm")
    (found,) = differences([stream("a", "shuffle:3", *ONE), other], "pets")
    own = auroc(other.scores["pets"], other.scores["strays"])
    each = [auroc(one.id_scores, one.ood_scores) - own for one in ONE]
    assert found.difference == pytest.approx(mean(each), abs=1e-12)
    assert found.second == ("m", "a {}", "mcm")


def test_other_orders_are_not_compared_and_pairs_keep_the_order_of_the_rows() -> None:
    rows = [
        *(stream("a", "id-first", run(0)), plain("mcm"), stream("a", "drift", run(0))),
        *(plain("energy"), stream("b", "drift", run(0))),
    ]
    found = [(one.first[2], one.second[2]) for one in differences(rows, "pets")]
    assert found == [
        *(("a (id-first)", "mcm"), ("a (id-first)", "energy"), ("mcm", "a (drift)")),
        *(("mcm", "energy"), ("mcm", "b (drift)"), ("a (drift)", "energy")),
        *(("a (drift)", "b (drift)"), ("energy", "b (drift)")),
    ]


def test_one_order_has_no_deviation() -> None:
    (found,) = differences([stream("a", "drift", run(0)), plain("mcm")], "pets")
    assert found.deviation is None
    assert found.orders is not None and len(found.orders) == 1


def test_a_ratio_is_compared_on_the_images_that_it_drew() -> None:
    other, few = plain("mcm"), run(0, IDS[::2], OODS[5:15])
    (found,) = differences([stream("a", "ratio:2", few), other], "pets")
    own = auroc(other.scores["pets"][::2], other.scores["strays"][5:15])
    difference = auroc(few.id_scores, few.ood_scores) - own
    assert found.difference == pytest.approx(difference, abs=1e-12)


def test_an_ood_set_that_an_order_lacks_has_no_pair_of_it() -> None:
    rows = [stream("a", "file:o.csv", run(0), ood="more"), plain("mcm"), plain("energy")]
    assert [one.first[2] for one in differences(rows, "pets")] == ["mcm"]


def test_without_a_pair_that_is_said() -> None:
    told: list[str] = []
    rows = [stream("a", "drift", run(0)), stream("a", "id-first", run(0))]
    assert differences(rows, "pets", watch=Watch(told.append)) == []
    assert told == ["--compare: no two rows have the same images in the same order"]
