"""Claims about the fine-grained datasets' counts and files."""

from __future__ import annotations

from oodcache.extract.known.fine_grained import FINE_GRAINED
from oodcache.extract.known.splits import READERS


def test_counts_are_those_of_the_test_sets_and_every_file_has_a_reader() -> None:
    assert {name: known.images for name, known in FINE_GRAINED.items()} == {
        "cub200": 5_794,
        "stanford-cars": 8_041,
        "food101": 25_250,
        "oxford-pet": 3_669,
    }
    assert [known.split for known in FINE_GRAINED.values()] == [*READERS]
