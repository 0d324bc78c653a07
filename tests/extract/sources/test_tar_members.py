"""Claims about the members of a tar: which are told, where they lie, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples.extract.tars import member, write_tar

from oodcache.cache.errors import InputError
from oodcache.extract.sources.tar_members import Member, members


def walked(path: Path) -> list[Member]:
    with path.open("rb") as file:
        return list(members(path, file))


def content(path: Path, one: Member) -> bytes:
    return path.read_bytes()[one.offset : one.offset + one.size]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_files_bytes_are_where_it_is_said(tmp_path: Path, form: int) -> None:
    names = ["a.jpg", "cat/b.jpg", "deep/" * 15 + "c.jpg"]
    if form != tarfile.USTAR_FORMAT:
        names += ["long/" * 60 + "d.jpg", "größe\n.jpg"]
    files = [(name, name.encode() * 100) for name in names]
    path = write_tar(tmp_path / "x.tar", *files, form=form)
    found = walked(path)
    assert [one.name.decode() for one in found] == names
    assert [content(path, one) for one in found] == [data for _, data in files]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_name_that_is_not_utf8_is_told_as_it_is(tmp_path: Path, form: int) -> None:
    found = walked(write_tar(tmp_path / "x.tar", ("\udcff.jpg", b"x"), form=form))
    assert [one.name for one in found] == [b"\xff.jpg"]


def test_names_are_those_of_a_folders_listing(tmp_path: Path) -> None:
    folder = member(".", kind=tarfile.DIRTYPE)
    path = write_tar(tmp_path / "x.tar", folder, ("./cat//a.jpg", b"x"), ("b.jpg", b""))
    assert [one.name for one in walked(path)] == [b"cat/a.jpg", b"b.jpg"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_no_files(tmp_path: Path, kind: bytes) -> None:
    link = member("a.jpg", kind=kind)
    link.linkname = "/etc/passwd"
    (found,) = walked(write_tar(tmp_path / "x.tar", link))
    is_link = kind in (tarfile.SYMTYPE, tarfile.LNKTYPE)
    assert (found.name, found.other) == (b"a.jpg", "link" if is_link else "device or pipe")


def test_a_file_with_holes_is_no_file(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = member("a.jpg", b"x" * 512)
        info.pax_headers = {"GNU.sparse.size": "9000", "GNU.sparse.map": "0,512"}
        tar.addfile(info, io.BytesIO(b"x" * 512))
    (tmp_path / "x.tar").write_bytes(whole.getvalue())
    (found,) = walked(tmp_path / "x.tar")
    assert found.other == "sparse file"


@pytest.mark.parametrize("name", ["/etc/a.jpg", "../a.jpg", "cat/../../a.jpg", ".."])
def test_a_name_that_leads_out_is_refused_and_named(tmp_path: Path, name: str) -> None:
    path = write_tar(tmp_path / "x.tar", ("ok.jpg", b"x"), (name, b"x"))
    with pytest.raises(InputError) as refused:
        walked(path)
    assert f"x.tar: member {name!r} leads out of the tar" in str(refused.value)


@pytest.mark.parametrize(
    ("pack", "command"),
    [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")],
)
def test_a_compressed_tar_says_how_to_decompress_it(
    tmp_path: Path, pack: Callable[[bytes], bytes], command: str
) -> None:
    path = write_tar(tmp_path / "x.tar", ("a.jpg", b"x"))
    path.write_bytes(pack(path.read_bytes()))
    with pytest.raises(InputError, match=rf"x.tar: is compressed.*decompress it \({command} -dc\)"):
        walked(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty, not a tar"),
        (b"no tar" * 200, "is not a readable tar"),
        (b"short", "is not a readable tar"),
    ],
)
def test_what_is_no_tar_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "x.tar").write_bytes(data)
    with pytest.raises(InputError, match=words):
        walked(tmp_path / "x.tar")


def test_a_tar_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    names = [f"{number}.jpg" for number in range(3)]
    path = write_tar(tmp_path / "x.tar", *((name, b"y" * 700) for name in names))
    whole = path.read_bytes()
    end = 3 * (512 + 1024)
    assert len(walked(path)) == 3
    for cut in (*range(0, end + 512, 100), 512, 1536, end, end + 511):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match="x.tar: is (truncated|empty|not a readable tar)"):
            walked(path)


def test_a_damaged_header_is_no_end(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", ("a.jpg", b"x"), ("b.jpg", b"x"))
    data = bytearray(path.read_bytes())
    data[1024 + 150] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match="has no header that can be read at byte 1,024"):
        walked(path)


def test_tars_joined_by_cat_are_not_half_read(tmp_path: Path) -> None:
    one, other = (write_tar(tmp_path / f"{name}.tar", (f"{name}.jpg", b"x")) for name in "ab")
    (tmp_path / "x.tar").write_bytes(one.read_bytes() + other.read_bytes())
    with pytest.raises(InputError, match="continues after its end mark, like tars joined by cat"):
        walked(tmp_path / "x.tar")


def resized(data: bytes, size: bytes) -> bytes:
    """Return a header's block that claims another size, its checksum made to fit."""
    block = bytearray(data[:512])
    block[124:136] = size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data[512:]


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (b"77777777777\0", "member 'a.jpg' claims 8,589,934,591 bytes at byte 512"),
        (b"\x80" + struct.pack(">3xq", 2**62), "member 'a.jpg' claims 4,611,686"),
        (
            b"\xff" * 11 + b"\x00",
            "not a readable tar: a header claims that -256 bytes",
        ),
    ],
)
def test_a_size_that_cannot_be_is_refused(tmp_path: Path, size: bytes, words: str) -> None:
    path = write_tar(tmp_path / "x.tar", ("a.jpg", b"x"), form=tarfile.GNU_FORMAT)
    path.write_bytes(resized(path.read_bytes(), size))
    with pytest.raises(InputError, match=words):
        walked(path)


def test_a_member_cannot_turn_the_reader_back(tmp_path: Path) -> None:
    back = member("b", kind=b"Z")  # Of no kind that is known, so that its size is believed.
    back.pax_headers = {"size": "-1024"}
    path = write_tar(tmp_path / "x.tar", ("a.jpg", b"x"), back)
    with pytest.raises(InputError, match=r"x\.tar: "):
        walked(path)


def test_a_long_name_is_not_the_rest_of_a_file(tmp_path: Path) -> None:
    name = member("././@LongLink", kind=tarfile.GNUTYPE_LONGNAME)
    block = name.tobuf(tarfile.GNU_FORMAT)
    path = tmp_path / "x.tar"
    path.write_bytes(resized(block, b"%011o\0" % (3 * 2**20)) + b"a" * 4 * 2**20)
    with pytest.raises(InputError, match="a header claims that 3,145,728 bytes follow"):
        walked(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4607), st.integers(1, 255)), min_size=1, max_size=4))
def test_any_damage_is_told_in_one_line_or_leaves_the_names_whole(
    tmp_path: Path, flips: list[tuple[int, int]]
) -> None:
    path = write_tar(tmp_path / "x.tar", ("größe" * 30, b"x" * 700), ("b.jpg", b"x"))
    data = bytearray(path.read_bytes())
    for place, bits in flips:
        data[place] ^= bits
    path.write_bytes(data)
    try:
        found = walked(path)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert all(one.offset + one.size <= len(data) for one in found if not one.other)


def test_a_name_of_a_megabyte_is_cut_in_the_message(tmp_path: Path) -> None:
    name = "../" + "long/" * 10_000
    path = write_tar(tmp_path / "x.tar", (name, b"x"), form=tarfile.GNU_FORMAT)
    with pytest.raises(InputError, match=r"member '\.\./long/.*\.\.\..* leads out") as refused:
        walked(path)
    assert len(str(refused.value)) - len(str(path)) < 300
