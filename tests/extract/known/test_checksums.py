"""Claims about checksums: the published ones hold, and the first of a name holds for all later."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.known import checksums
from oodcache.extract.known.checksums import Recorded, Sums
from oodcache.extract.sources.known_sets import Archive

SUN = Archive("http://example.org/SUN.tar.gz", "SUN")
FOUND = Sums("a" * 32, "b" * 64, 7)
CHANGED = Sums("c" * 32, "d" * 64, 7)


def test_sums_are_those_of_the_whole_file_told_in_megabytes(tmp_path: Path) -> None:
    content, told = b"abcdefg" * 500_000, list[int]()
    (tmp_path / "x").write_bytes(content)
    found = checksums.sums(tmp_path / "x", told.append)
    assert found == Sums(
        hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest(), len(content)
    )
    assert sum(told) == 3


def test_the_first_archive_of_a_name_is_recorded_and_no_later_one(tmp_path: Path) -> None:
    assert checksums.read(tmp_path) == {}
    checksums.record(SUN, "http://mirror/SUN.tar.gz", FOUND, {}, tmp_path)
    today = datetime.now(UTC).date().isoformat()
    recorded = {"SUN.tar.gz": Recorded("http://mirror/SUN.tar.gz", "b" * 64, 7, today)}
    assert checksums.read(tmp_path) == recorded
    checksums.record(SUN, SUN.url, CHANGED, recorded, tmp_path)
    assert checksums.read(tmp_path) == recorded
    places = Archive("http://example.org/Places.tar.gz", "Places")
    checksums.record(places, places.url, CHANGED, recorded, tmp_path)
    assert list(checksums.read(tmp_path)) == ["Places.tar.gz", "SUN.tar.gz"]


def test_what_differs_from_the_first_is_refused_with_both_sums(tmp_path: Path) -> None:
    recorded = {"SUN.tar.gz": Recorded("http://mirror/SUN.tar.gz", "b" * 64, 7, "2026-01-02")}
    checksums.check(SUN, FOUND, recorded, tmp_path)
    with pytest.raises(InputError) as refused:
        checksums.check(SUN, CHANGED, recorded, tmp_path)
    assert str(refused.value) == (
        "SUN.tar.gz: differs from the download of 2026-01-02 from http://mirror/SUN.tar.gz: "
        f"its SHA-256 is {'d' * 64}, not {'b' * 64}; if it is correct, remove its entry from "
        f"{tmp_path}/oodcache-checksums.json"
    )


def test_what_is_not_the_published_archive_is_refused(tmp_path: Path) -> None:
    published = Archive("http://example.org/x.tar.gz", "x", md5="a" * 32)
    checksums.check(published, FOUND, {}, tmp_path)
    words = f"x.tar.gz: its MD5 is {'c' * 32}, not the published {'a' * 32}"
    with pytest.raises(InputError, match=words):
        checksums.check(published, CHANGED, {}, tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"a": 1}', '{"a": {"url": "x"}}', '{"a": {"sha256": null}}']
)
def test_a_list_of_checksums_that_is_not_ours_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "oodcache-checksums.json").write_text(content)
    words = re.escape("oodcache-checksums.json: is not the list of checksums that oodcache writes")
    with pytest.raises(InputError, match=words):
        checksums.read(tmp_path)


def test_a_list_of_checksums_is_plain_json(tmp_path: Path) -> None:
    checksums.record(SUN, SUN.url, FOUND, {}, tmp_path)
    found = json.loads((tmp_path / "oodcache-checksums.json").read_text())
    assert found["SUN.tar.gz"]["sha256"] == "b" * 64
    assert set(found["SUN.tar.gz"]) == {"url", "sha256", "bytes", "date"}
