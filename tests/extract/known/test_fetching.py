"""Claims about fetching: what has its final name is whole, and whatever stops it, it goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from huggingface_hub import file_download
from samples import permissions_bind
from samples.extract.web_server import Site, images, packed, serving

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.extract.known.downloading import PIECE
from oodcache.extract.known.fetching import Counted, Fetched, count, fetch
from oodcache.extract.sources import datasets
from oodcache.extract.sources.known_sets import KNOWN_SETS

QUIET = Watch(lambda line: None, lambda *_: nullcontext(lambda more: None))
COUNT = 12
SUN = images("SUN/images", COUNT, 3 * 10**5)
DTD = [*images("dtd/images/banded", 7), *images("dtd/images/woven", 5), ("dtd/labels/x.txt", b"")]
TEXTURES = packed(DTD)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server that has SUN and Textures, which are of a dozen images; nobody waits to try again.

    Textures have the MD5 of theirs.
    """
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    md5 = hashlib.md5(TEXTURES).hexdigest()
    for name in ("SUN", "Textures"):
        known = KNOWN_SETS[name]
        assert known.archive is not None
        archive = replace(known.archive, md5=md5 if known.archive.md5 else None)
        monkeypatch.setitem(KNOWN_SETS, name, replace(known, images=COUNT, archive=archive))
    with serving(**{"SUN.tar.gz": packed(SUN), "dtd-r1.0.1.tar.gz": TEXTURES}) as started:
        yield started


def fetched(site: Site, root: Path, *names: str) -> list[Fetched]:
    return list(fetch(names or ("SUN",), root, QUIET, site.url))


def refused(site: Site, root: Path, *names: str) -> str:
    with pytest.raises(InputError) as error:
        fetched(site, root, *names)
    return str(error.value)


def tree(root: Path) -> set[str]:
    """Return every file below a root, but the lock."""
    found = (one for one in root.rglob("*") if not one.is_dir() and one.name != "lock")
    return {str(one.relative_to(root)) for one in found}


WHOLE = {f"MOS/{name}" for name, _ in SUN} | {"oodcache-checksums.json"}


def test_what_is_fetched_is_where_extract_looks_and_nothing_else_is_left(
    site: Site, tmp_path: Path
) -> None:
    (found,) = fetched(site, tmp_path)
    assert not found.was_there
    assert (found.counted.images, found.counted.root) == (COUNT, tmp_path / "MOS/SUN/images")
    assert tree(tmp_path) == WHOLE
    listing = datasets.list_images(datasets.find("SUN", tmp_path))
    contents = [listing.contents.read(row) for row in range(listing.rows)]
    assert sorted(contents) == sorted(content for _, content in SUN)


def test_textures_come_with_their_folders_and_hold_their_published_md5(
    site: Site, tmp_path: Path
) -> None:
    fetched(site, tmp_path, "Textures")
    assert tree(tmp_path) == {f"MOS/{name}" for name, _ in DTD} | {"oodcache-checksums.json"}
    listing = datasets.list_images(datasets.find("Textures", tmp_path))
    assert list(listing.images.label_names) == ["banded", "woven"]


def test_the_sha256_of_the_first_archive_is_recorded_and_held_against_the_next(
    site: Site, tmp_path: Path
) -> None:
    fetched(site, tmp_path)
    recorded = json.loads((tmp_path / "oodcache-checksums.json").read_text())["SUN.tar.gz"]
    first = hashlib.sha256(site.files["SUN.tar.gz"]).hexdigest()
    assert recorded["sha256"] == first
    (tmp_path / "MOS/SUN").rename(tmp_path / "moved")
    site.files["SUN.tar.gz"] = packed(images("SUN/images", COUNT, 10))
    said = refused(site, tmp_path)
    second = hashlib.sha256(site.files["SUN.tar.gz"]).hexdigest()
    assert f"differs from the download of {recorded['date']} from {site.url}/SUN.tar" in said
    assert f"its SHA-256 is {second}, not {first}; if it is correct, remove its entry" in said
    assert not (tmp_path / "MOS/SUN").exists()
    (tmp_path / "oodcache-checksums.json").unlink()
    fetched(site, tmp_path)


def test_what_is_there_is_left_alone_in_any_layout(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "ImageNet_OOD_dataset/SUN"
    folder.mkdir(parents=True)
    for number in range(COUNT):
        (folder / f"{number}.jpg").touch()
    (found,) = fetched(site, tmp_path)
    assert found.was_there and found.counted.root == folder
    assert site.asked == []


def test_a_folder_with_another_count_is_not_touched(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "MOS/SUN/images"
    folder.mkdir(parents=True)
    (folder / "mine.jpg").touch()
    assert refused(site, tmp_path) == (
        f"{folder}: has 1 image, but SUN has {COUNT}: move or remove it, and run the same "
        "command again"
    )
    assert tree(tmp_path) == {"MOS/SUN/images/mine.jpg"}
    assert site.asked == []


def test_what_is_in_the_way_is_told_before_anything_is_loaded(site: Site, tmp_path: Path) -> None:
    (tmp_path / "MOS").mkdir()
    (tmp_path / "MOS/SUN").touch()
    assert refused(site, tmp_path) == f"{tmp_path}/MOS/SUN: is in the way of SUN: move it elsewhere"
    (tmp_path / "MOS/dtd/imdb").mkdir(parents=True)
    assert "MOS/dtd: is in the way of Textures" in refused(site, tmp_path, "Textures")
    assert site.asked == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "imagenet-val",
            "get it from image-net.org, which requires a login, and put it in {}/imag",
        ),
        ("SSB-hard", "get it from OpenOOD's folder on Google Drive, and put it in {}/images_larg"),
        ("OpenImage-O", "put it in {}/images_largescale/openimage_o"),
        ("sun", "dataset 'sun' is not known (known are: imagenet-val, imagenet-openood, iNat"),
    ],
)
def test_what_cannot_be_fetched_is_told_before_anything_is_loaded(
    site: Site, tmp_path: Path, name: str, words: str
) -> None:
    assert words.format(tmp_path) in refused(site, tmp_path, "SUN", name)
    assert tree(tmp_path) == set()
    assert site.asked == []


def test_a_transfer_that_broke_off_is_gone_on_with_by_the_same_command(
    site: Site, tmp_path: Path
) -> None:
    site.cuts = [2 * PIECE, *[0] * 6]
    assert "run the same command again to resume" in refused(site, tmp_path)
    part = "MOS/.fetch/SUN.tar.gz.part"
    assert tree(tmp_path) == {part, f"{part}.json"}
    site.cuts.clear()
    site.asked.clear()
    fetched(site, tmp_path)
    assert [one.range for one in site.asked] == [f"bytes={2 * PIECE}-"]
    assert tree(tmp_path) == WHOLE


def test_what_a_kill_left_half_unpacked_is_unpacked_again_without_a_download(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "sync", killed)
        with pytest.raises(KeyboardInterrupt):
            fetched(site, tmp_path)
    half = tmp_path / "MOS/.fetch/SUN/SUN/images/half.jpg"
    half.parent.mkdir(parents=True)
    half.touch()
    site.asked.clear()
    fetched(site, tmp_path)
    assert site.asked == []
    assert tree(tmp_path) == WHOLE


def test_what_a_kill_left_after_the_name_was_given_goes(site: Site, tmp_path: Path) -> None:
    fetched(site, tmp_path)
    for name in ("SUN.tar.gz.part", "SUN.tar.gz.part.json"):
        (tmp_path / "MOS/.fetch" / name).touch()
    assert fetched(site, tmp_path)[0].was_there
    assert tree(tmp_path) == WHOLE


@pytest.mark.parametrize(
    ("name", "archive", "words"),
    [
        ("SUN", packed(SUN[:-1]), "SUN.tar.gz: has 11 images in SUN, but SUN has 12"),
        ("SUN", packed([*SUN, ("SUN/images/x.png", b"")]), "has 13 images in SUN, but SUN has"),
        ("SUN", packed([("SUN", b"")]), "SUN.tar.gz: has no folder SUN"),
        ("SUN", b"<html>", "is not a gzipped tar: it starts with b'<html>'"),
        ("SUN", packed(SUN)[:-1000], "is truncated or damaged"),
        ("SUN", packed([*SUN, ("../x.jpg", b"x")]), "member '../x.jpg' leads out of the tar"),
        ("Textures", packed(DTD[1:]), "dtd-r1.0.1.tar.gz: its MD5 is "),
    ],
)
def test_an_archive_that_is_refused_goes_and_leaves_nothing_with_the_final_name(
    site: Site, tmp_path: Path, name: str, archive: bytes, words: str
) -> None:
    known = KNOWN_SETS[name].archive
    assert known is not None
    right, site.files[known.name] = site.files[known.name], archive
    said = refused(site, tmp_path / "in", name)
    assert words in said
    assert said.endswith(
        f"; the archive was removed, and {tmp_path}/in/MOS/{known.folder} was not created"
    )
    assert tree(tmp_path) == set()
    site.files[known.name] = right
    assert not fetched(site, tmp_path / "in", name)[0].was_there


def test_a_set_after_one_that_fails_is_not_begun_and_one_before_it_stays(
    site: Site, tmp_path: Path
) -> None:
    del site.files["dtd-r1.0.1.tar.gz"]
    assert "404 Not Found" in refused(site, tmp_path, "SUN", "Textures", "Places")
    assert tree(tmp_path) == WHOLE
    assert [one.path for one in site.asked] == ["/SUN.tar.gz", "/dtd-r1.0.1.tar.gz"]


def test_a_second_fetch_into_one_data_root_says_so_and_stops(site: Site, tmp_path: Path) -> None:
    (tmp_path / "MOS/.fetch").mkdir(parents=True)
    with FileLock(tmp_path / "MOS/.fetch/lock"):
        assert refused(site, tmp_path) == (
            f"{tmp_path}: another oodcache data fetch is running there: wait until it ends"
        )
    fetched(site, tmp_path)


def test_checksums_that_are_damaged_are_told_and_cost_no_archive(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "oodcache-checksums.json").write_text("{")
    assert "is not the list of checksums that oodcache writes" in refused(site, tmp_path)
    assert site.asked == []


def test_a_mirror_that_is_no_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'/mnt/SUN.tar.gz' is not a URL"):
        list(fetch(["SUN"], tmp_path, QUIET, "/mnt"))


@permissions_bind
def test_a_data_root_that_is_closed_is_one_line(site: Site, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert refused(site, tmp_path) == (
            f"{tmp_path}/MOS: cannot be written: Permission denied: give another --data-root"
        )
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_the_place_of_the_data_root_is_one_line(site: Site, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert refused(site, tmp_path / "x") == (
        f"{tmp_path}/x/MOS/.fetch: cannot be written: Not a directory: give another --data-root"
    )


def counted(name: str, data_root: Path) -> Counted:
    source = datasets.known(name, data_root)
    assert source is not None
    return count(source)


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_images_are_counted_where_extract_looks_for_them(tmp_path: Path) -> None:
    touch(tmp_path / "MOS/SUN", "images/a.jpg", "images/deep/b.jpg", "images/x.txt", "c.jpg")
    assert counted("SUN", tmp_path) == Counted("SUN", tmp_path / "MOS/SUN/images", 2, 10_000)


def test_of_a_list_the_lines_are_counted_and_the_files_that_are_not_there(tmp_path: Path) -> None:
    touch(tmp_path / "images_largescale/ninco", "a.jpg", "not-listed.jpg")
    path = tmp_path / "benchmark_imglist/imagenet/test_ninco.txt"
    path.parent.mkdir(parents=True)
    path.write_text("ninco/a.jpg -1\nninco/b.jpg -1\nninco/c.jpg -1\n")
    assert counted("NINCO", tmp_path) == Counted("NINCO", path, 3, 5_879, missing=2)


def test_a_set_is_whole_if_no_image_is_missing_or_too_many() -> None:
    assert Counted("x", Path(), 3, 3).is_whole
    assert not Counted("x", Path(), 4, 3).is_whole
    assert not Counted("x", Path(), 3, 3, missing=1).is_whole


def test_a_folder_without_any_image_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "MOS/SUN", "x.txt")
    with pytest.raises(InputError, match=r"MOS/SUN: contains no images \(left out: 1 \.txt\)"):
        counted("SUN", tmp_path)
