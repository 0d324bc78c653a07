"""Claims about loading over HTTP, against a server on this machine that misbehaves as asked."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants, file_download, get_session
from huggingface_hub.utils import logging
from samples.extract.web_server import Site, serving

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.extract.known import downloading
from oodcache.extract.known.downloading import PIECE, check_url, download

CONTENT = np.random.default_rng(1).bytes(4 * 10**6)
OTHER = np.random.default_rng(2).bytes(3 * 10**6)


@dataclass
class Told:
    """What a load told: lines, and how far each bar came of how much."""

    notes: list[str] = field(default_factory=list)
    bars: list[list[int]] = field(default_factory=list)

    @property
    def watch(self) -> Watch:
        return Watch(self.notes.append, self.progress)

    @contextmanager
    def progress(self, name: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        self.bars.append([0, total])

        def advance(more: int) -> None:
            self.bars[-1][0] += more

        yield advance


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(**{"x.bin": CONTENT}) as started:
        yield started


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a part; the library does not wait between two tries."""
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    return tmp_path / "x.bin.part"


def load(site: Site, part: Path, told: Told) -> bytes:
    download(f"{site.url}/x.bin", part, told.watch)
    return part.read_bytes()


def break_off(site: Site, part: Path, told: Told) -> str:
    """Load until the server breaks off, and goes on doing so; return what is said."""
    site.cuts = [2 * PIECE + 1000, *[0] * 6]
    with pytest.raises(InputError) as broke:
        download(f"{site.url}/x.bin", part, told.watch)
    site.cuts.clear()
    site.asked.clear()
    return str(broke.value)


def test_what_is_whole_came_by_one_request_and_is_not_asked_for_again(
    site: Site, part: Path, told: Told
) -> None:
    assert load(site, part, told) == CONTENT
    assert load(site, part, told) == CONTENT
    assert [one.range for one in site.asked] == [None]
    assert told.notes == []
    assert told.bars == [[4, 4]]


def test_an_answer_that_is_cut_short_is_gone_on_with_at_once(
    site: Site, part: Path, told: Told
) -> None:
    site.cuts = [3 * PIECE]
    assert load(site, part, told) == CONTENT
    assert [one.range for one in site.asked] == [None, f"bytes={3 * PIECE}-"]
    assert told.notes == ["x.bin: connection lost: retrying"]
    assert told.bars == [[4, 4]]


def test_a_load_that_broke_off_goes_on_where_it_was_if_the_server_has_that_version(
    site: Site, part: Path, told: Told
) -> None:
    said = break_off(site, part, told)
    assert said.startswith(f"{site.url}/x.bin: interrupted at {2 * PIECE:,} of 4,000,000 bytes: ")
    assert said.endswith("; run the same command again to resume")
    assert part.read_bytes() == CONTENT[: 2 * PIECE]
    assert load(site, part, told) == CONTENT
    assert [one.range for one in site.asked] == [f"bytes={2 * PIECE}-"]
    assert site.asked[0].if_range is not None
    assert told.bars[-1] == [4, 4]


def test_a_file_that_changed_meanwhile_is_loaded_anew(site: Site, part: Path, told: Told) -> None:
    break_off(site, part, told)
    site.files["x.bin"] = OTHER
    assert load(site, part, told) == OTHER
    assert [one.range for one in site.asked] == [f"bytes={2 * PIECE}-"]
    assert told.bars[-1] == [3, 3]


@pytest.mark.parametrize("length", [3 * 10**6, PIECE])
def test_a_rest_of_another_file_is_not_taken_from_a_server_that_sends_it(
    site: Site, part: Path, told: Told, length: int
) -> None:
    break_off(site, part, told)
    site.if_range, site.files["x.bin"] = False, OTHER[:length]
    with pytest.raises(InputError, match="the file changed on the server: run the same"):
        load(site, part, told)
    assert load(site, part, told) == OTHER[:length]


def test_a_server_that_ignores_ranges_sends_all_of_it_again(
    site: Site, part: Path, told: Told
) -> None:
    break_off(site, part, told)
    site.ranges, site.cuts = False, [PIECE]
    assert load(site, part, told) == CONTENT
    assert [one.range for one in site.asked] == [f"bytes={2 * PIECE}-", f"bytes={PIECE}-"]
    assert told.bars[-1] == [4, 4]


def test_a_server_that_tells_no_versions_apart_is_asked_for_all_of_it(
    site: Site, part: Path, told: Told
) -> None:
    site.versions = False
    assert break_off(site, part, told).endswith("to start over (this server cannot resume)")
    assert load(site, part, told) == CONTENT
    assert [one.range for one in site.asked] == [None]


def test_the_time_of_a_change_stands_in_for_a_weak_etag(site: Site, part: Path, told: Told) -> None:
    changed = "Mon, 02 Nov 2020 10:00:00 GMT"
    site.versions, site.headers = False, {"ETag": 'W/"1"', "Last-Modified": changed}
    break_off(site, part, told)
    load(site, part, told)
    assert [one.if_range for one in site.asked] == [changed]


def test_a_part_from_elsewhere_is_not_gone_on_with(site: Site, part: Path, told: Told) -> None:
    break_off(site, part, told)
    site.files["mirror/x.bin"] = OTHER
    download(f"{site.url}/mirror/x.bin", part, told.watch)
    assert part.read_bytes() == OTHER
    assert [one.range for one in site.asked] == [None]


@pytest.mark.parametrize("beside", ["{", "[]", '{"url": 1}', None])
def test_a_part_of_nobody_knows_what_is_loaded_anew(
    site: Site, part: Path, told: Told, beside: str | None
) -> None:
    part.write_bytes(b"nobody knows")
    if beside is not None:
        part.with_name("x.bin.part.json").write_text(beside)
    assert load(site, part, told) == CONTENT


def test_a_part_that_is_longer_than_the_whole_is_loaded_anew(
    site: Site, part: Path, told: Told
) -> None:
    load(site, part, told)
    part.write_bytes(CONTENT + b"x")
    assert load(site, part, told) == CONTENT


def test_what_is_packed_stays_packed_whatever_the_server_calls_it(
    site: Site, part: Path, told: Told
) -> None:
    packed = gzip.compress(b"a" * 1000)
    site.files["x.bin"], site.headers = packed, {"Content-Encoding": "gzip"}
    assert load(site, part, told) == packed


def test_a_file_that_has_moved_is_followed_and_gone_on_with(
    site: Site, part: Path, told: Told
) -> None:
    site.moved["x.bin"] = "new/x.bin"
    site.files["new/x.bin"] = site.files.pop("x.bin")
    break_off(site, part, told)
    told.notes.clear()
    assert load(site, part, told) == CONTENT
    assert [one.range for one in site.asked] == [f"bytes={2 * PIECE}-"] * 2
    assert told.notes == []


@pytest.mark.slow
def test_a_line_that_breaks_hundreds_of_times_ends_in_one_that_goes_on(
    site: Site, part: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "PIECE", 1000)
    site.cuts = [1000] * 2000
    with pytest.raises(InputError, match="broke too often; run the same command again to resume"):
        load(site, part, told)
    site.cuts.clear()
    assert load(site, part, told) == CONTENT


def test_a_refusal_of_the_server_is_one_line(site: Site, part: Path, told: Told) -> None:
    with pytest.raises(InputError) as refused:
        download(f"{site.url}/none", part, told.watch)
    assert str(refused.value) == (
        f"{site.url}/none: the server answered 404 Not Found: try later, or give another server "
        "with --mirror URL"
    )


def test_no_server_is_said_with_what_to_do(part: Path, told: Told) -> None:
    with pytest.raises(InputError) as refused:
        download("http://127.0.0.1:9/x.bin", part, told.watch)
    assert str(refused.value) == (
        "http://127.0.0.1:9/x.bin: cannot be reached: [Errno 111] Connection refused: check the "
        "network, or give another server with --mirror URL"
    )
    assert told.notes == ["x.bin: no answer: retrying"] * 5


def test_what_has_no_room_is_refused_before_it_is_loaded(
    site: Site, part: Path, told: Told
) -> None:
    site.headers = {"Content-Length": str(10**18)}
    with pytest.raises(InputError, match=r"2,000,000,000,000\.0 MB are needed, but .* free: free"):
        load(site, part, told)
    assert not part.exists()


def test_a_machine_that_is_told_to_stay_offline_does(
    site: Site, part: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="x.bin: HF_HUB_OFFLINE is set: unset it to fetch"):
        load(site, part, told)
    assert site.asked == []


def test_the_library_is_given_back_as_it_was(site: Site, part: Path, told: Told) -> None:
    def state() -> tuple[object, ...]:
        return get_session().event_hooks, constants.DOWNLOAD_CHUNK_SIZE, logging.get_verbosity()

    before = state()
    load(site, part, told)
    assert state() == before


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://a/b", "file:///etc", "http://", "http://a:b/", "http://[::", "http://a b"],
)
def test_what_is_no_url_of_a_web_server_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="is not a URL: expected http://… or https://…"):
        check_url(url)
