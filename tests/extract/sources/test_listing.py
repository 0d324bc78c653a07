"""Claims about what tells one list of images from another."""

from __future__ import annotations

from pathlib import Path

from oodcache.cache.names import GROUPS
from oodcache.extract.sources import datasets
from oodcache.extract.sources.listing import fingerprint


def test_a_fingerprint_is_of_every_path_and_size_in_order() -> None:
    whole = fingerprint([b"a", b"b"], [1, 2])
    others = (([b"b", b"a"], [2, 1]), ([b"a", b"b"], [2, 1]), ([b"a"], [1]), ([b"a", b"b"], [1, 3]))
    assert whole == fingerprint([b"a", b"b"], iter([1, 2]))
    assert len({whole, *(fingerprint(paths, sizes) for paths, sizes in others)}) == 5


def test_a_known_sets_group_is_in_its_origin_and_no_other_has_one(tmp_path: Path) -> None:
    for folder in ("SUN", "pets"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").touch()
    known = datasets.list_images(datasets.find("SUN", tmp_path))
    own = datasets.list_images(datasets.find(f"pets={tmp_path / 'pets'}", tmp_path))
    assert known.origin == {"name": "SUN", "fingerprint": own.fingerprint, "group": GROUPS["SUN"]}
    assert own.origin == {"name": "pets", "fingerprint": known.fingerprint}
