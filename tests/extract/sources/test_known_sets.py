"""Claims about the table of known sets: what the field publishes of them."""

from __future__ import annotations

import re

from oodcache.extract.sources.known_sets import KNOWN_SETS


def test_counts_are_those_that_the_field_publishes() -> None:
    assert {name: known.images for name, known in KNOWN_SETS.items()} == {
        "imagenet-val": 50_000,
        "imagenet-openood": 45_000,
        "iNaturalist": 10_000,
        "SUN": 10_000,
        "Places": 10_000,
        "Textures": 47 * 120,
        "SSB-hard": 49_000,
        "NINCO": 5_879,
        "OpenImage-O": 15_869,
    }


def test_four_sets_can_be_fetched_each_by_an_archive_of_its_own() -> None:
    archives = {name: known.archive for name, known in KNOWN_SETS.items() if known.archive}
    assert list(archives) == ["iNaturalist", "SUN", "Places", "Textures"]
    assert len({one.name for one in archives.values()}) == len(archives)
    for one in archives.values():
        assert one.url.endswith(f"/{one.name}") and one.name.endswith(".tar.gz")
        assert one.md5 is None or re.fullmatch("[0-9a-f]{32}", one.md5)
    assert archives["Textures"].md5 == "fff73e5086ae6bdbea199a49dfb8a4c1"


def test_every_set_says_who_has_it_and_where_it_goes() -> None:
    for known in KNOWN_SETS.values():
        assert known.origin
        assert not known.place.startswith("/")
    assert KNOWN_SETS["Textures"].place == "MOS/dtd"
    assert KNOWN_SETS["imagenet-val"].place == "imagenet/val"
