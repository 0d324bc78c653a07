"""Claims about unpacking a stranger's archive: what comes out, and what nothing comes out of."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from samples.extract.tars import member
from samples.extract.web_server import images, packed

from oodcache.cache.errors import InputError
from oodcache.extract.known import unpacking
from oodcache.extract.known.unpacking import Limits, unpack

DAMAGES = "page empty text nothing cut crc-cut crc member end header joined tail"
LIMITS = Limits("SUN", 20, 10**6)
SOUND = images("SUN/images", 5)


def unpacked(folder: Path, archive: bytes, limits: Limits = LIMITS) -> dict[str, bytes]:
    """Unpack an archive into a folder below this one; return every file that is there then."""
    path = folder / "x.tar.gz"
    path.write_bytes(archive)
    try:
        unpack(path, folder / "in", limits, lambda more: None)
    finally:
        path.unlink()
    return {str(one.relative_to(folder)): one.read_bytes() for one in files(folder)}


def files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if not one.is_dir()]


def linked(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    link = member(name, kind=kind)
    link.linkname = target
    return link


def claims(size: int, name: str = "SUN/a.jpg", kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return an archive of one header that says it has so many bytes, and many zeros."""
    header = member(name, kind=kind)
    header.size = size
    return gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(3 * 10**6))


def holes() -> tarfile.TarInfo:
    return member("SUN/a.jpg", kind=tarfile.GNUTYPE_SPARSE)


def test_files_come_out_with_their_bytes_in_folders_or_not(tmp_path: Path) -> None:
    found = unpacked(tmp_path, packed([*SOUND, ("./SUN//list.txt", b"x")]))
    wanted = {f"in/{name}": content for name, content in SOUND}
    assert found == {**wanted, "in/SUN/list.txt": b"x"}


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    hidden = [("._SUN", b"x"), ("SUN/images/._0.jpg", b"x"), ("SUN/.DS_Store", b"x")]
    assert set(unpacked(tmp_path, packed([*hidden, *SOUND]))) == {f"in/{name}" for name, _ in SOUND}


def test_nothing_of_the_archives_modes_and_owners_is_taken_over(tmp_path: Path) -> None:
    odd, folder = member("SUN/a.jpg"), member("SUN", kind=tarfile.DIRTYPE)
    odd.mode, odd.uid, folder.mode = 0o4777, 12345, 0
    unpacked(tmp_path, packed([folder, odd]))
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/a.jpg").touch()
    for name in ("", "a.jpg"):
        found, usual = (tmp_path / "in/SUN" / name).stat(), (tmp_path / "plain" / name).stat()
        assert (found.st_mode, found.st_uid) == (usual.st_mode, usual.st_uid)


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        (("../escaped.jpg", b"x"), "member '../escaped.jpg' leads out of the tar"),
        (("SUN/../../escaped.jpg", b"x"), "member 'SUN/../../escaped.jpg' leads out of the tar"),
        (("/tmp/escaped.jpg", b"x"), "member '/tmp/escaped.jpg' leads out of the tar"),
        (("Places/a.jpg", b"x"), "member 'Places/a.jpg' is not in its folder SUN/"),
        (("a.jpg", b"x"), "member 'a.jpg' is not in its folder SUN/"),
        (
            linked("SUN/out", "/etc", tarfile.SYMTYPE),
            "member 'SUN/out' is a link to '/etc', not an image",
        ),
        (
            linked("SUN/in", "images/0.jpg", tarfile.SYMTYPE),
            "member 'SUN/in' is a link to 'images/0.jpg', not an image",
        ),
        (
            linked("SUN/hard", "SUN/images/0.jpg", tarfile.LNKTYPE),
            "member 'SUN/hard' is a link to 'SUN/images/0.jpg', not an image",
        ),
        (member("SUN/disk", kind=tarfile.BLKTYPE), "'SUN/disk' is a device or pipe"),
        (member("SUN/pipe", kind=tarfile.FIFOTYPE), "'SUN/pipe' is a device or pipe"),
        (holes(), "member 'SUN/a.jpg' is a sparse file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_member_is_named_and_leaves_nothing_outside(
    tmp_path: Path, hostile: tarfile.TarInfo | tuple[str, bytes], words: str
) -> None:
    below = tmp_path / "deep"
    below.mkdir()
    with pytest.raises(InputError, match=words.replace("(", ".")):
        unpacked(below, packed([SOUND[0], hostile, *SOUND[1:]]))
    assert {str(one.relative_to(tmp_path)) for one in files(tmp_path)} == {
        "deep/in/SUN/images/0.jpg"
    }


def test_more_members_than_a_set_can_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="x.tar.gz: has more than 20 members"):
        unpacked(tmp_path, packed(images("SUN", 21)))
    assert len(files(tmp_path)) == 20


@pytest.mark.parametrize(
    ("bomb", "words"),
    [
        (claims(10**12), "unpacks to more than 1 MB with member 'SUN/a.jpg'"),
        (claims(2 * 10**6), "unpacks to more than 1 MB with member 'SUN/a.jpg'"),
        (claims(10**9, kind=tarfile.GNUTYPE_LONGNAME), "1,000,000,000 bytes follow"),
        (claims(0), "unpacks to more than 1 MB"),
        (packed(images("SUN", 5, 10**6)), "unpacks to more than 1 MB with member 'SUN/0.jpg'"),
    ],
    ids=["disk", "size", "name", "zeros", "images"],
)
def test_a_bomb_is_refused_before_it_is_written(tmp_path: Path, bomb: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        unpacked(tmp_path, bomb)
    assert sum(one.stat().st_size for one in files(tmp_path)) == 0


def plain() -> bytes:
    return gzip.decompress(packed(SOUND))


def damaged(archive: bytes, place: int) -> bytes:
    return archive[:place] + bytes([archive[place] ^ 0xFF]) + archive[place + 1 :]


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (b"<!DOCTYPE html><html>", "is not a gzipped tar: it starts with b'<!DOCTYPE html><'"),
        (b"", "is not a gzipped tar: it starts with b''"),
        (gzip.compress(b"no tar" * 1000), "is not a readable tar"),
        (gzip.compress(b""), "is not a readable tar"),
        (packed(SOUND)[:-300], "is truncated or damaged"),
        (packed(SOUND)[:-4], "is truncated or damaged"),
        (damaged(packed(SOUND), -6), "is truncated or damaged: CRC check failed"),
        (gzip.compress(plain()[: 3 * 1024 + 100]), "is truncated or damaged"),
        (gzip.compress(plain()[: 4 * 1024]), "is truncated or damaged"),
        (gzip.compress(damaged(plain(), 4 * 1024 + 5)), "is truncated or damaged"),
        (gzip.compress(plain() + plain()), "continues after its end mark"),
        (gzip.compress(plain()) + b"more", "is truncated or damaged"),
    ],
    ids=[
        "page",
        "empty",
        "text",
        "nothing",
        "cut",
        "crc-cut",
        "crc",
        "member",
        "end",
        "header",
        "joined",
        "tail",
    ],
)
def test_what_is_damaged_or_no_archive_is_refused(
    tmp_path: Path, archive: bytes, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        unpacked(tmp_path, archive)


def test_every_cut_of_an_archive_is_refused(tmp_path: Path) -> None:
    archive = packed(SOUND)
    for length in range(0, len(archive), 7):
        with pytest.raises(InputError):
            unpacked(tmp_path, archive[:length])


def test_progress_comes_to_the_megabytes_of_the_archive(tmp_path: Path) -> None:
    path, told = tmp_path / "x.tar.gz", list[int]()
    path.write_bytes(packed(images("SUN", 5, 10**6)))
    unpack(path, tmp_path / "in", Limits("SUN", 20, 10**8), told.append)
    assert sum(told) == path.stat().st_size // 10**6 == 5


def test_a_python_without_filters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(InputError, match="filters, 3.11.4 or newer; this is 3"):
        unpacking.check_python()


def test_a_tar_in_memory_is_what_the_tests_take_it_for() -> None:
    with tarfile.open(fileobj=io.BytesIO(packed(SOUND)), mode="r:gz") as tar:
        assert tar.getnames() == [name for name, _ in SOUND]
