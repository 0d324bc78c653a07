"""Claims about the cut of a run into shards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import Place, Run, shard_folder, share, target_of


def run(identity: Identity, shard_rows: int = 4, dtype: type = np.float32) -> Run:
    return Run("images", identity, np.dtype(dtype), shard_rows)


@given(total=st.integers(1, 10_000), shard_rows=st.integers(1, 10_000))
def test_shards_hold_every_row_once_and_in_order(
    identity: Identity, total: int, shard_rows: int
) -> None:
    places = run(identity, shard_rows).places(total)
    rows = [row for place in places for row in range(place.first, place.first + place.rows)]
    assert rows == list(range(total))
    assert [place.number for place in places] == list(range(1, places[0].count + 1))
    assert len({place.file_name for place in places}) == len(places)


@given(total=st.integers(1, 300), parts=st.integers(1, 20))
def test_every_shard_falls_to_one_share_and_shares_are_even(
    identity: Identity, total: int, parts: int
) -> None:
    places = run(identity, 7).places(total)
    shares = [share(places, part, parts) for part in range(1, parts + 1)]
    assert sorted((place for one in shares for place in one), key=lambda one: one.first) == places
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_key_changes_with_all_that_decides_the_vectors_and_with_nothing_else(
    identity: Identity,
) -> None:
    model = identity.model
    same = [
        replace(identity, versions={"torch": "9"}),
        replace(identity, vectors="aa"),
        replace(identity, precision={**identity.precision, "device": "cuda"}),
        replace(identity, model=replace(model, requested="typed otherwise", checkpoint="x")),
    ]
    assert {run(one).key for one in same} == {run(identity).key}
    others = {
        "other weights": run(replace(identity, model=replace(model, weights="ff"))),
        "another architecture": run(replace(identity, model=replace(model, architecture={}))),
        "another list of inputs": run(
            replace(identity, source={"name": "pets", "fingerprint": "22"})
        ),
        "other preprocessing": run(replace(identity, encoding={"size": 17})),
        "another precision": run(replace(identity, precision={"autocast": "bfloat16"})),
        "another --dtype": run(identity, dtype=np.float16),
        "another --shard-rows": run(identity, 5),
    }
    for words, other in others.items():
        assert other.key != run(identity).key
        assert run(identity).differences(other) == [words]
    assert len({one.key for one in others.values()}) == len(others)


def test_a_folder_of_shards_lies_beside_its_target() -> None:
    target = Path("a/images/v1.5.h5")
    assert shard_folder(target) == Path("a/images/v1.5.shards")
    assert target_of(shard_folder(target)) == target


@pytest.mark.parametrize("place", [("0" * 63, 0, 1, 1), ("0" * 64, 1, 1, 1), ("0" * 64, 0, 1, 0)])
def test_a_place_that_is_none_is_refused(place: tuple[str, int, int, int]) -> None:
    with pytest.raises(ValueError, match="SHA-256|in shards of"):
        Place(*place)
