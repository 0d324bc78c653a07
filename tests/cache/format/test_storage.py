"""Claims about one dataset's storage that test_rules.py's smallest files do not make."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from oodcache.cache.errors import RuleError
from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import open_texts
from oodcache.cache.format.block_sums import path_sum
from oodcache.cache.format.container import LIBRARY
from oodcache.cache.format.rules import LONGEST
from oodcache.cache.format.structure import columns_sum
from oodcache.cache.store.verification import verify

MEGABYTE = 2**20
Damage = Callable[[h5py.File], None]
REFUSE = """
import resource, sys
from pathlib import Path
from oodcache.cache.errors import RuleError
from oodcache.cache.format.structure import columns_sum
from oodcache.cache.files.texts import open_texts
from oodcache.cache.store.verification import verify
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + 100 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    verify(Path(sys.argv[1]))
except RuleError as error:
    print(error)
"""


def fletcher(data: bytes) -> bytes:
    """Return the Fletcher-32 of its definition, in the order in which HDF5 stores it."""
    one = two = 0
    for high, low in zip(data[::2], [*data[1::2], 0][: (len(data) + 1) // 2], strict=True):
        one = (one + (high << 8 | low)) % 65_535
        two = (two + one) % 65_535
    return (two << 16 | one).to_bytes(4, "little")


def packed_path(packed: bytes, *, size: int, skipped: int = 0) -> Damage:
    """Put `packed`, under a right checksum, in the place of the one chunk of six paths."""

    def damage(file: h5py.File) -> None:
        del file["path"]
        how = {"compression": "gzip", "fletcher32": True, "chunks": (6,)}
        column = file.create_dataset("path", (6,), f"S{size}", **how)
        column.id.write_direct_chunk((0,), packed + fletcher(packed), skipped)

    return damage


def zeros(size: int) -> Damage:
    """Put `size` zeros, packed, in the place of the paths."""

    def damage(file: h5py.File) -> None:
        packer = zlib.compressobj(9)
        packed = b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(size // MEGABYTE))
        packed_path(packed + packer.flush(), size=4096)(file)

    return damage


def attribute(file: h5py.File) -> None:
    """Say in 150 MB what the format is."""
    del file.attrs["format"]
    file.attrs["format"] = np.bytes_(b"x" * 150 * MEGABYTE)


def name(file: h5py.File) -> None:
    """Name a label in 150 MB."""
    del file["label_names"]
    names = np.array([b"b" * 150 * MEGABYTE])
    file.create_dataset("label_names", data=names, chunks=(1,), fletcher32=True)


def json(file: h5py.File) -> None:
    """Nest the identity 100 million deep."""
    del file["identity"]
    file["identity"] = np.bytes_(b"[" * 100 * MEGABYTE)


def links(file: h5py.File) -> None:
    for number in range(50_000):
        file[f"{number}"] = h5py.SoftLink("/")


def types(file: h5py.File) -> None:
    """Nest a type; h5py would take hundreds of megabytes to say which."""
    kind = h5py.h5t.IEEE_F32LE
    for _ in range(3000):
        kind = h5py.h5t.vlen_create(kind)
    del file["norm"]
    h5py.h5d.create(file.id, b"norm", kind, h5py.h5s.create_simple((6,)))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured and limited as Linux does")
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            zeros(45 * MEGABYTE),
            "'path' from row 0 is not gzip of 24576 bytes",
        ),
        (zeros(1000 * MEGABYTE), "'path' claims 24576 bytes, but 1019"),
        (attribute, "its root has more attributes than its header can hold"),
        (name, "'label_names' holds a value of 157286400 bytes; the limit is 4096 (rule F4)"),
        (json, "'identity' is not stored in its own header (compact) (rule F8)"),
        (links, "its root has more links than its header can hold"),
        (types, "'norm' is of a vlen type, not float32"),
    ],
)
def test_a_hostile_file_is_refused_within_a_hundred_megabytes(
    image_file: Path, damage: Damage, words: str
) -> None:
    with h5py.File(image_file, "r+", libver=LIBRARY) as file:
        damage(file)
    command = [sys.executable, "-c", REFUSE, image_file]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert run.stderr == ""
    assert run.stdout.count("\n") == 1
    assert words in run.stdout


@pytest.mark.parametrize(
    ("packed", "skipped"),
    [
        (zlib.compress(bytes(59)), 0),  # One byte short, one too long, cut off, no gzip, as it is.
        (zlib.compress(bytes(61)), 0),
        (zlib.compress(bytes(range(60)))[:-4], 0),
        (b"no gzip at all", 0),
        (zlib.compress(bytes(range(60)))[:-1] + b"x", 0),
        (bytes(60), 1),
    ],
)
def test_paths_that_do_not_unpack_to_their_own_length_are_refused(
    image_file: Path, packed: bytes, skipped: int
) -> None:
    with h5py.File(image_file, "r+", libver=LIBRARY) as file:
        packed_path(packed, size=10, skipped=skipped)(file)
    file = open_images(image_file)
    with pytest.raises(RuleError, match=r"'path' from row 0 is not gzip of 60 bytes .rule F4"):
        file.paths()


@pytest.mark.parametrize(
    "how",
    [
        {"compression": "gzip", "shuffle": True, "chunks": (6,)},
        {"compression": "gzip", "shuffle": True, "chunks": (4,)},
        {"compression": "gzip", "chunks": (1,)},
        {"compression": "gzip", "compression_opts": 0, "chunks": (5,)},
        {"compression": "gzip", "chunks": (6,), "maxshape": (None,)},
        {"compression": "gzip", "chunks": (100,), "maxshape": (None,)},
    ],
)
def test_paths_come_back_however_they_are_cut_and_packed(image_file: Path, how: object) -> None:
    expected = open_images(image_file).paths()
    with h5py.File(image_file, "r+", libver=LIBRARY) as file:
        values = file["path"][:]
        del file["path"]
        file.create_dataset("path", data=values, fletcher32=True, **how)
    verify(image_file)
    assert open_images(image_file).paths() == expected


def test_a_value_of_the_most_bytes_is_good(image_file: Path) -> None:
    longest = b"a" * LONGEST
    with h5py.File(image_file, "r+", libver=LIBRARY) as file:
        paths = [longest, *file["path"][1:].tolist()]
        del file["path"]
        how = {"fletcher32": True, "compression": "gzip"}
        file.create_dataset("path", data=np.array(paths), **how)
        file.attrs["path_checksum"] = path_sum(np.array(paths))
    verify(image_file)
    assert open_images(image_file).paths()[0] == longest


def test_one_dataset_under_two_names_is_read_as_two(text_file: Path) -> None:
    with h5py.File(text_file, "r+", libver=LIBRARY) as file:
        names = [file[one][:] for one in ("norm", "class_names", "class_names", "templates")]
        del file["class_ids"]
        file["class_ids"] = file["class_names"]
        file.attrs["columns"] = np.bytes_(columns_sum(names))
    verify(text_file)
    vocabulary = open_texts(text_file).vocabulary
    assert vocabulary.ids == vocabulary.names == ("cat", "dog", "größer")


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (b"\4\2\2\2\1\0\x08", "'label' has chunks of length 0 (rule F1)"),
        (b"\4\2\2\2\1\6\0", "'label' has chunks of length 0 (rule F1)"),
        (b"\4\2\2\0\1\6\x08", "'label' has chunks of length 0 (rule F1)"),
        (b"\4\2\2\2\0\6\x08", "'label' has chunks of length 0 (rule F1)"),
        (
            b"\3\2\2\2\1\6\x08",
            "'label' has chunks from before HDF5 1.10, without a checksum (rule F1)",
        ),
    ],
)
def test_chunks_that_hdf5_would_divide_by_are_refused_before_it_reads_them(
    image_file: Path, layout: bytes, words: str
) -> None:
    with h5py.File(image_file) as file:
        address = file.id.links.get_info(b"label").u
    whole = image_file.read_bytes()
    place = whole.index(b"\4\2\2\2\1\6\x08", address)  # Chunks of 6 values of 8 bytes.
    image_file.write_bytes(whole[:place] + layout + whole[place + len(layout) :])
    with pytest.raises(RuleError) as refused:
        verify(image_file)
    assert str(refused.value) == f"{image_file}: {words}"


def test_a_header_that_goes_on_in_itself_comes_to_an_end(image_file: Path) -> None:
    whole = image_file.read_bytes()
    root = whole.index(b"OHDR")
    place = whole.index(b"\x10\x10\0\0", root)  # A message of 16 bytes: where it goes on.
    itself = struct.pack("<QQ", place - 4, 4 + 20 + 4)
    image_file.write_bytes(whole[: place + 4] + itself + whole[place + 20 :])
    with pytest.raises(RuleError, match="the header of '/' has more than 1048576 bytes .rule F1"):
        verify(image_file)
