"""For each rule of docs/cache-format.md the smallest files that break it."""

import doctest
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from oodcache.cache.errors import RuleError
from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import open_texts
from oodcache.cache.format.block_sums import path_sum
from oodcache.cache.format.container import LIBRARY, write_text
from oodcache.cache.format.rules import RULES
from oodcache.cache.format.structure import columns_sum, summed
from oodcache.cache.store.verification import verify

PAGE = Path(__file__).parents[3] / "docs" / "cache-format.md"
Damage = Callable[[h5py.File], None]


def put(name: str, data: Any = None, **how: Any) -> Damage:
    """Put another dataset in the place of `name`; one that can has the checksum that F4 wants."""
    if name not in ("embeddings", "identity") and np.ndim(data) and not how:
        how = {"fletcher32": True}

    def damage(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, data=data, **how)

    return damage


def recast(name: str, change: Callable[[Any], Any], **how: Any) -> Damage:
    """Put in the place of `name` what `change` makes of its values."""
    return lambda file: put(name, change(file[name][()]), **how)(file)


def link(name: str, target: Any) -> Damage:
    """Put a link, or a group, in the place of `name`."""

    def damage(file: h5py.File) -> None:
        del file[name]
        file[name] = target

    return damage


def group(file: h5py.File) -> None:
    del file["label"]
    file.create_group("label")


def virtual(file: h5py.File) -> None:
    del file["norm"]
    file.create_virtual_dataset("norm", h5py.VirtualLayout((6,), "<f4"))


def rank(file: h5py.File) -> None:
    """Claim 2 to the 66 bytes: in 64 bits that is none."""
    put("embeddings", shape=(2**62, 4), dtype="<f4")(file)


def element(name: str, where: Any, value: Any) -> Damage:
    return lambda file: file[name].__setitem__(where, value)


def renamed(name: str, where: Any, value: Any) -> Damage:
    """Change a name, and the sum with it."""

    def damage(file: h5py.File) -> None:
        file[name][where] = value
        kind = file.attrs["kind"].decode()
        columns = [file[one][:] for one in summed(kind)]
        file.attrs["columns"] = np.bytes_(columns_sum(columns))

    return damage


def repathed(where: int, value: bytes) -> Damage:
    """Change a path, and its checksum with it."""

    def damage(file: h5py.File) -> None:
        file["path"][where] = value
        file.attrs["path_checksum"] = path_sum(file["path"][:])

    return damage


def swapped(name: str, one: int, other: int) -> Damage:
    """Swap two rows: each of them is as good where it was as where it is."""
    return lambda file: file[name].__setitem__([one, other], file[name][[one, other]][::-1])


def of_0_1(damage: Damage) -> Damage:
    """Damage a file as 0.1 wrote them, without checksums."""

    def both(file: h5py.File) -> None:
        damage(file)
        del file.attrs["checksums"], file.attrs["path_checksum"]

    return both


def attribute(name: str, value: Any) -> Damage:
    """Set a root attribute; None deletes it."""

    def damage(file: h5py.File) -> None:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value

    return damage


def reference(file: h5py.File) -> None:
    file.attrs["kind"] = file.ref


def many_links(file: h5py.File) -> None:
    for number in range(100):
        file[f"more{number}"] = h5py.SoftLink("/ok")


def many_attributes(file: h5py.File) -> None:
    for number in range(30):
        file.attrs[f"more{number}"] = 1


def large_attributes(file: h5py.File) -> None:
    for number in range(20):
        file.attrs[f"more{number}"] = np.bytes_(b"x" * 60_000)


def one_large_attribute(file: h5py.File) -> None:
    file.attrs["more"] = np.bytes_(b"x" * 70_000)


def whole_root(file: h5py.File) -> None:
    """Link the root into itself, so that whoever walks the file never comes to an end."""
    link("label", file["/"])(file)


def nested(name: str, levels: int = 1000) -> Damage:
    """Put a dataset of lists of lists in the place of `name`; only its type is nested."""

    def damage(file: h5py.File) -> None:
        kind = h5py.h5t.IEEE_F32LE
        for _ in range(levels):
            kind = h5py.h5t.vlen_create(kind)
        del file[name]
        h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple((6,)))

    return damage


def stored_as(name: str, kind: h5py.h5t.TypeID, values: Any) -> Damage:
    """Put values of a type that only HDF5's own calls can make in the place of `name`."""

    def damage(file: h5py.File) -> None:
        del file[name]
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_chunk(values.shape)
        how.set_fletcher32()
        space = h5py.h5s.create_simple(values.shape)
        made = h5py.h5d.create(file.id, name.encode(), kind, space, dcpl=how)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, values, kind)

    return damage


def padded_with_blanks(size: int) -> h5py.h5t.TypeID:
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(size)
    kind.set_strpad(h5py.h5t.STR_SPACEPAD)
    return kind


def filtered(name: str, *filters: int) -> Damage:
    """Put a dataset that was never written and has these filters in the place of `name`."""

    def damage(file: h5py.File) -> None:
        kind = file[name].id.get_type()
        del file[name]
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_chunk((6,))
        for one in filters:
            how.set_filter(one, h5py.h5z.FLAG_OPTIONAL)
        h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple((6,)), dcpl=how)

    return damage


def partly(name: str, rows: int) -> Damage:
    """Write the first rows alone, each as a chunk: HDF5 makes up the others."""

    def damage(file: h5py.File) -> None:
        values = file[name][:]
        put(name, shape=(6,), dtype=values.dtype, chunks=(1,), fletcher32=True, fillvalue=1)(file)
        for row in range(rows):
            file[name][row] = values[row]

    return damage


def without_checksums(file: h5py.File) -> None:
    """Turn one header into another with no checksum: HDF5 writes the oldest that it may."""
    values, name = file["norm"][:], file.filename
    del file["norm"]
    file.flush()
    file.close()
    with h5py.File(name, "r+", libver="earliest") as again:
        again.create_dataset("norm", data=values, fletcher32=True)


def overwritten(name: str, before: bytes | None, after: bytes) -> Damage:
    """Overwrite the beginning of a column's one chunk on disk; all of it, with its checksum."""

    def damage(file: h5py.File) -> None:
        chunk, path = file[name].id.get_chunk_info(0), Path(file.filename)
        file.close()
        with path.open("r+b") as raw:
            raw.seek(chunk.byte_offset)
            assert raw.read(chunk.size)[: len(after)] == before or before is None
            raw.seek(chunk.byte_offset)
            raw.write(after or bytes(chunk.size))
        with h5py.File(path) as again:
            assert again[name][:].any() != (not after), "h5py reads what was written"

    return damage


def zeroed(name: str) -> Damage:
    """Lose a chunk and its checksum to zeros: to Fletcher-32 they are their own sum."""
    return overwritten(name, None, b"")


def seen_by_no_fletcher() -> Damage:
    """Make the first label, 0, a -1: the sums of Fletcher-32 are modulo 65,535."""
    return overwritten("label", bytes(8), b"\xff" * 8)


def truth_of_two(file: h5py.File) -> None:
    ok = file["ok"].id
    ok.write(h5py.h5s.ALL, h5py.h5s.ALL, np.full(6, 2, np.uint8), ok.get_type())


def model(field: str, value: Any) -> Damage:
    """Change a field of the identity's model."""
    return fields(lambda identity: identity["model"].update({field: value}))


def fields(change: Callable[[Any], Any]) -> Damage:
    """Change the identity's JSON in place."""

    def damage(file: h5py.File) -> None:
        identity = json.loads(file["identity"][()])
        change(identity)
        text(json.dumps(identity).encode())(file)

    return damage


def text(value: bytes) -> Damage:
    """Put another text in the place of the identity."""

    def damage(file: h5py.File) -> None:
        del file["identity"]
        write_text(file, "identity", value)

    return damage


REFERENCES = {"shape": (6,), "dtype": h5py.ref_dtype, "fletcher32": True}
REGIONS = {"shape": (6,), "dtype": h5py.regionref_dtype, "fletcher32": True}
COMPOUND = np.dtype([("a", "<f4"), ("b", "<f4")])
TWICE = b'{"model": 1, "model": 2}'
EXTERNAL = {"external": [("elsewhere.bin", 0, 24)], "shape": (6,), "dtype": "<f4"}
ABSURD = {
    "shape": (6,),
    "dtype": "S4096",
    "maxshape": (None,),
    "chunks": (1000,),
    "compression": "gzip",
    "fletcher32": True,
}
DEEP = b'{"source": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"

BROKEN_IMAGES: list[tuple[str, Damage, str]] = [
    ("F1", attribute("format", None), "format is None, not 'oodcache'"),
    ("F1", attribute("format", np.bytes_(b"hd\xff")), r"format is 'hd\udcff', not 'oodcache'"),
    ("F1", attribute("format", "oodcache"), "attribute format is not one value of type bytes"),
    ("F1", attribute("format", h5py.Empty("S1")), "attribute format is not one value of type"),
    ("F1", attribute("version", None), "version is None, but this oodcache reads 1"),
    (
        "F1",
        attribute("version", 2),
        "version is 2, but this oodcache reads 1; install a newer",
    ),
    ("F1", attribute("version", 0), "version is 0, but this oodcache reads 1 (rule"),
    ("F1", attribute("version", True), "attribute version is not one value of type int64"),
    ("F1", attribute("version", "1"), "attribute version is not one value of type int64"),
    ("F1", attribute("version", [1]), "attribute version is not one value of type int64"),
    ("F1", attribute("version", np.void(b"\1")), "attribute version is not one value of type"),
    (
        "F1",
        attribute("kind", np.bytes_(b"shards")),
        "kind is 'shards', expected one of 'images', 'texts', ",
    ),
    ("F1", attribute("kind", 1), "attribute kind is not one value of type bytes"),
    (
        "F1",
        attribute("kind", np.bytes_(b"\x1b[31m")),
        r"kind is '\x1b[31m', expected one of 'images', ",
    ),
    ("F1", reference, "attribute kind is not one value of type bytes"),
    ("F1", many_attributes, "its root has more attributes than its header can hold"),
    ("F1", one_large_attribute, "its root has more attributes than its header can hold"),
    ("F1", large_attributes, "the header of '/' has more than 1048576 bytes"),
    ("F1", without_checksums, "'norm' has a header without a checksum, from before HDF5 1.10"),
    ("F1", many_links, "its root has more links than its header can hold"),
    ("F2", whole_root, "'label' is a Group, not a dataset"),
    (
        "F2",
        attribute("kind", np.bytes_(b"texts")),
        "lacks the datasets ['class_ids', 'class_names', 'temp",
    ),
    ("F2", lambda file: file.__delitem__("ok"), "lacks the datasets ['ok']; expected"),
    ("F2", link("ok", h5py.ExternalLink("x.h5", "/ok")), "'ok' is a soft or external link"),
    ("F2", link("ok", h5py.SoftLink("/label")), "'ok' is a soft or external link"),
    ("F2", link("ok", np.dtype("<f4")), "'ok' is a Datatype, not a dataset"),
    ("F2", group, "'label' is a Group, not a dataset"),
    ("F2", virtual, "'norm' is stored outside the file"),
    ("F2", put("norm", **EXTERNAL), "'norm' is stored outside the file"),
    ("F3", recast("embeddings", np.float64), "'embeddings' is <f8, not little-endian float32"),
    ("F3", recast("embeddings", lambda x: x.astype(">f4")), "'embeddings' is >f4, not little"),
    ("F3", recast("embeddings", lambda x: x[0]), "has shape (4,), expected 2 axes"),
    ("F3", recast("embeddings", lambda x: x[None]), "has shape (1, 6, 4), expected 2 axes"),
    ("F3", recast("embeddings", lambda x: x[:0]), "has shape (0, 4), expected 2 axes"),
    ("F3", recast("embeddings", lambda x: x[:, :0]), "has shape (6, 0), expected 2 axes"),
    ("F3", put("embeddings", h5py.Empty("<f4")), "has shape None, expected 2 axes"),
    ("F3", recast("embeddings", np.array, chunks=(2, 4)), "is not stored in one piece"),
    ("F3", put("embeddings", shape=(6, 4), dtype="<f4"), "claims 96 bytes, but 0 are in the file"),
    ("F3", put("embeddings", shape=(10**12, 768), dtype="<f4"), "but 0 are in the file"),
    ("F3", rank, "'embeddings' claims 73786976294838206464 bytes, but 0 are in the file"),
    ("F3", nested("embeddings"), "'embeddings' is of a vlen type, not little-endian float32"),
    ("F3", put("embeddings", **REFERENCES), "'embeddings' is of a reference type, not little"),
    ("F3", put("embeddings", np.zeros(6, COMPOUND)), "'embeddings' is of a compound type, not"),
    ("F4", nested("norm"), "'norm' is of a vlen type, not float32"),
    ("F4", put("label", **REFERENCES), "'label' is of a reference type, not int64"),
    ("F4", put("path", **REGIONS), "'path' is of a reference type, not bytes"),
    ("F4", stored_as("norm", h5py.h5t.UNIX_D32LE, np.zeros(6, "<i4")), "'norm' is of a time type"),
    (
        "F4",
        stored_as("label_names", padded_with_blanks(4), np.array([b"cat ", b"dog "])),
        "'label_names' is |S4, not bytes",
    ),
    (
        "F4",
        put("label_names", np.array([b"a" * 4097])),
        "holds a value of 4097 bytes; the limit is 4096",
    ),
    (
        "F4",
        filtered("path", 31_999),
        "'path' has filters [31999], not a Fletcher-32 checksum after",
    ),
    ("F4", filtered("path", 1, 1, 3), "'path' has filters [1, 1, 3], not a Fletcher-32 checksum"),
    ("F4", filtered("path", 3, 1), "'path' has filters [3, 1], not a Fletcher-32 checksum after"),
    (
        "F4",
        filtered("ok", 31_999, 3),
        "'ok' has filters [31999, 3], not a Fletcher-32 checksum and",
    ),
    ("F4", partly("label", 5), "'label' claims 72 bytes, but 60 are in the file"),
    ("F4", partly("ok", 5), "'ok' claims 30 bytes, but 25 are in the file"),
    ("F4", attribute("columns", None), "attribute columns is None"),
    ("F4", attribute("columns", np.bytes_(b"\x1b")), r"attribute columns is '\x1b'"),
    ("F4", attribute("columns", 1), "attribute columns is not one value of type bytes"),
    ("F4", element("label", 0, -1), "the SHA-256 of the columns is "),
    ("F4", element("norm", 0, 9), "the SHA-256 of the columns is "),
    ("F4", element("errors", 0, b"not cut"), "the SHA-256 of the columns is "),
    ("F4", element("label_names", 0, b"bird"), "the SHA-256 of the columns is "),
    ("F4", zeroed("label_names"), "the SHA-256 of the columns is "),
    ("F4", zeroed("errors"), "the SHA-256 of the columns is "),
    ("F4", seen_by_no_fletcher(), "the SHA-256 of the columns is "),
    ("F4", recast("label", lambda x: x[:5]), "'label' has shape (5,), not (6,)"),
    ("F4", recast("norm", lambda x: x[:, None]), "'norm' has shape (6, 1), not (6,)"),
    ("F4", put("norm", h5py.Empty("<f4")), "'norm' has shape None, not (6,)"),
    ("F4", put("label_names", h5py.Empty("S1")), "'label_names' has shape None"),
    ("F4", put("label_names", np.bytes_(b"cat")), "'label_names' has shape (), not (1,)"),
    ("F4", recast("norm", np.float64), "'norm' is <f8, not float32"),
    ("F4", recast("label", np.int32), "'label' is <i4, not int64"),
    ("F4", recast("label", lambda x: x.astype(">i8")), "'label' is >i8, not int64"),
    ("F4", recast("ok", np.uint8), "'ok' is |u1, not bool"),
    ("F4", truth_of_two, "'ok' holds a value that is neither true nor false"),
    ("F4", element("norm", 1, np.nan), "'norm' holds an invalid length"),
    ("F4", element("norm", 1, -1), "'norm' holds an invalid length"),
    ("F4", put("label_names", ["cat", "dog"], chunks=(2,)), "'label_names' is |O, not bytes"),
    ("F4", put("path", shape=(10**12,), dtype="S9"), "'path' has shape (1000000000000,), not (6,)"),
    ("F4", put("errors", shape=(10**12,), dtype="S9"), "'errors' has filters [], not a Fletcher-"),
    (
        "F4",
        put("errors", shape=(10**12,), dtype="S9", chunks=(10**6,), fletcher32=True),
        "'errors' claims 9000004000000 bytes, but 0 are in the file",
    ),
    ("F4", put("path", **ABSURD), "'path' claims 4096000 bytes, but 0 are in the file"),
    ("F4", recast("path", np.array, compression="lzf"), "'path' has filters [32000], not a Fle"),
    ("F4", recast("path", np.array), "'path' has filters [3], not a Fletcher-32 checksum after gz"),
    ("F4", recast("path", np.array, compression="gzip"), "'path' has filters [1], not a Fletcher"),
    ("F4", recast("norm", np.array, chunks=(6,)), "'norm' has filters [], not a Fletcher-32 ch"),
    ("F4", recast("norm", np.array, compression="gzip", fletcher32=True), "checksum and no other"),
    ("F5", element("embeddings", (3, 1), np.nan), "row 3 of 'embeddings' holds a value that is"),
    ("F5", element("embeddings", (3, 1), np.inf), "row 3 of 'embeddings' holds a value that is"),
    (
        "F5",
        element("embeddings", (3, 1), 1e38),
        "row 3 of 'embeddings' has norm inf; expected norm 1",
    ),
    ("F5", element("embeddings", 1, 0), "row 1 of 'embeddings' has norm 0.0000; expected norm 1"),
    ("F5", element("embeddings", 5, 1), "row 5 of 'embeddings' has norm 2.0000; expected norm 1"),
    (
        "F5",
        element("embeddings", (2, 0), 1),
        "row 2 of 'embeddings' has norm 1.0000; a row that is not ok",
    ),
    (
        "F5",
        element("embeddings", (2, 0), 1e-30),
        "has norm 0.0000; a row that is not ok must be",
    ),
    ("F5", element("embeddings", (2, 0), np.nan), "row 2 of 'embeddings' holds a value that is"),
    ("F6", element("label", 0, 2), "'label' is from -1 to 2, for 2 names"),
    ("F6", element("label", 0, -2), "'label' is from -2 to 1, for 2 names"),
    ("F7", recast("errors", lambda x: x[:1]), "2 rows are not ok, but 'errors' holds 1"),
    ("F7", element("ok", 2, True), "1 rows are not ok, but 'errors' holds 2"),
    ("F8", text(b"{}"), "'identity': it holds [], not ['encoding', 'model',"),
    ("F8", text(TWICE), "'identity': it has a duplicate key in one object"),
    ("F8", text(b'{"\\n\\u001b": 1}'), r"'identity': it holds ['\n\x1b'], not ['encoding'"),
    ("F8", fields(lambda one: one.update(versions={"\n\x1b": 1})), r"'versions.\n\x1b' is 1, not"),
    ("F8", text(b'{"%s": 1}' % (b"x" * 50_000)), "xxxxxxxxx… (rule"),
    ("F8", text(b"1" * 50_000), "'identity': Exceeds the limit"),
    ("F8", text(b'{"source": NaN}'), "'identity': it contains NaN, which is not JSON"),
    ("F8", text(b'"\\ud800"'), "'identity': 'utf-8' codec can't encode character"),
    ("F8", text(b"no json"), "'identity': Expecting value"),
    ("F8", text(b"\xff"), "'identity': 'utf-8' codec can't decode byte 0xff"),
    ("F8", text(DEEP), "'identity': it is nested deeper than 16 levels"),
    ("F8", text(b'"' + b"x" * 60_000 + b'"'), "'identity' has 60002 bytes; the limit is 60000"),
    ("F8", put("identity", "{}"), "'identity' is |O of shape (), not one text"),
    ("F8", put("identity", np.array([b"{}"])), "'identity' is |S2 of shape (1,), not one text"),
    ("F8", put("identity", h5py.Empty("S1")), "'identity' is |S1 of shape None, not one text"),
    ("F8", put("identity", np.bytes_(b"{}")), "'identity' is not stored in its own header"),
    ("F8", model("logit_scale", 0), "'model.logit_scale' is 0, not a positive number"),
    ("F8", model("logit_bias", "true"), "'model.logit_bias' is 'true', not a number or null"),
    ("F8", model("name", "../.."), "'model.name' is '../..', not a valid folder name"),
    (
        "F8",
        model("pretrained", "\x1b[2J"),
        r"'model.pretrained' is '\x1b[2J', not a valid folder name",
    ),
    (
        "F8",
        fields(lambda one: one["source"].update(name="/etc/passwd")),
        "'source.name' is '/etc/passwd', not a valid folder name",
    ),
    ("F8", model("weights", ["x"]), "'model.weights' is ['x'], not a text"),
    ("F8", fields(lambda one: one.update(vectors={})), "'vectors' is {}, not a text"),
    ("F9", attribute("logit_scale", 11.0), "attribute logit_scale is 11.0, but identity says 10.0"),
    ("F9", attribute("logit_scale", None), "logit_scale is absent, but identity says 10.0"),
    ("F9", attribute("logit_scale", [10.0]), "attribute logit_scale is not one value of type"),
    ("F9", attribute("logit_scale", np.nan), "attribute logit_scale is nan, but identity says"),
    ("F9", attribute("logit_scale", "10.0"), "attribute logit_scale is not one value of type"),
    ("F9", attribute("logit_bias", None), "logit_bias is absent, but identity says -5.0"),
    ("F9", model("logit_bias", None), "attribute logit_bias is -5.0, but identity says absent"),
    ("F10", of_0_1(recast("embeddings", lambda x: -x)), "the SHA-256 of 'embeddings' is"),
    ("F10", fields(lambda one: one.update(vectors="none")), "but identity says 'none'"),
    ("F11", renamed("label_names", 1, b"d\xffg"), r"holds 'd\udcffg', which is not UTF-8 without"),
    ("F11", renamed("label_names", 1, b"d\0g"), r"holds 'd\x00g', which is not UTF-8 without NUL"),
    ("F11", renamed("errors", 1, b"\xff"), r"'errors' holds '\udcff', which is not UTF-8"),
    ("F12", repathed(1, b"/dog/1"), "'path' holds b'/dog/1', which is not below its root"),
    ("F12", repathed(1, b"a/../.."), "'path' holds b'a/../..', which is not below its root"),
    ("F12", repathed(1, b""), "'path' holds b'', which is not below its root"),
    ("F12", repathed(1, b"2.png"), "'path' holds b'2.png' twice"),
    ("F12", repathed(1, b"\x1b/../\n"), r"'path' holds b'\x1b/../\n', which is not below"),
    ("F14", recast("embeddings", lambda x: -x), "rows 0 to 5 of 'embeddings' differ from their"),
    ("F14", swapped("embeddings", 0, 1), "rows 0 to 5 of 'embeddings' differ from their checksum"),
    ("F14", swapped("path", 0, 1), "'path' differs from its checksum"),
    ("F14", attribute("checksums", None), "has the attribute path_checksum, but not checksums"),
    ("F14", attribute("path_checksum", None), "has the attribute checksums, but not path_checksum"),
    ("F14", attribute("checksums", np.zeros(2, "u8")), "checksums is not 1 value of type uint64"),
    ("F14", attribute("checksums", np.zeros(1, "i8")), "checksums is not 1 value of type uint64"),
    ("F14", attribute("path_checksum", 0), "path_checksum is not 1 value of type uint64"),
]
BROKEN_TEXTS: list[tuple[str, Damage, str]] = [
    ("F2", lambda file: file.create_group("\x1b"), r"also contains ['\x1b']; expected"),
    (
        "F2",
        attribute("kind", np.bytes_(b"images")),
        "lacks the datasets ['errors', 'label', 'label_names',",
    ),
    ("F3", recast("embeddings", lambda x: x[0]), "has shape (3, 4), expected 3 axes"),
    ("F3", recast("embeddings", lambda x: x[:0]), "has shape (0, 3, 4), expected 3 axes"),
    ("F4", recast("class_names", lambda x: x[:2]), "'class_names' has shape (2,), not (3,)"),
    ("F4", recast("class_ids", lambda x: x[:2]), "'class_ids' has shape (2,), not (3,)"),
    ("F4", recast("templates", lambda x: x[:1]), "'templates' has shape (1,), not (2,)"),
    ("F4", recast("norm", lambda x: x.T), "'norm' has shape (3, 2), not (2, 3)"),
    ("F5", element("embeddings", (1, 2), 0), "row 5 of 'embeddings' has norm 0.0000"),
    ("F5", element("embeddings", (1, 2, 3), np.nan), "row 5 of 'embeddings' holds a value that is"),
    ("F3", nested("embeddings"), "'embeddings' is of a vlen type, not little-endian float32"),
    ("F4", nested("class_names"), "'class_names' has shape (6,), not (3,)"),
    ("F4", element("norm", (0, 1), 9), "the SHA-256 of the columns is "),
    ("F4", element("class_names", 0, b"bird"), "the SHA-256 of the columns is "),
    ("F4", zeroed("class_names"), "the SHA-256 of the columns is "),
    ("F4", zeroed("class_ids"), "the SHA-256 of the columns is "),
    ("F4", put("class_ids", np.array([b"a" * 4097] * 3)), "'class_ids' holds a value of 4097 byt"),
    ("F8", model("logit_scale", None), "'model.logit_scale' is null, but texts need one"),
    ("F10", recast("embeddings", lambda x: -x), "the SHA-256 of 'embeddings' is"),
    ("F11", renamed("class_names", 0, b"\xff"), r"'class_names' holds '\udcff', which is not UTF"),
    ("F11", renamed("templates", 0, b"\xff{}"), r"'templates' holds '\udcff{}', which is not UTF"),
    ("F11", renamed("templates", 0, b"a photo of a {}"), "holds 'a photo of a {}' twice"),
    ("F11", renamed("templates", 0, b"a photo"), "template 'a photo' contains no {}"),
    ("F11", renamed("class_ids", 0, b""), "'class_ids' holds an empty one among others"),
    ("F11", renamed("class_ids", 0, b"n2"), "'class_ids' holds 'n2' twice"),
]
BROKEN_SHARDS: list[tuple[str, Damage, str]] = [
    ("F2", link("ok", h5py.ExternalLink("x.h5", "/ok")), "'ok' is a soft or external link"),
    ("F4", element("label", 0, -1), "the SHA-256 of the columns is "),
    ("F5", element("embeddings", (3, 1), np.nan), "row 3 of 'embeddings' holds a value that is"),
    ("F10", of_0_1(recast("embeddings", lambda x: -x)), "the SHA-256 of 'embeddings' is"),
    ("F14", recast("embeddings", lambda x: -x), "rows 0 to 3 of 'embeddings' differ from"),
    ("F13", attribute("run", None), "is a shard, but lacks the attribute run"),
    ("F13", attribute("first", None), "is a shard, but lacks the attribute first"),
    ("F13", attribute("total", None), "is a shard, but lacks the attribute total"),
    ("F13", attribute("shard_rows", None), "is a shard, but lacks the attribute shard_rows"),
    ("F13", attribute("first", 0.0), "attribute first is not one value of type int64"),
    (
        "F13",
        attribute("run", np.bytes_(b"\x1b")),
        r"its place is invalid: run is '\x1b', not a SHA",
    ),
    ("F13", attribute("run", np.bytes_(b"0" * 64)), "run is 00000000…, but its identity gives"),
    ("F13", attribute("first", -4), "its place is invalid: row -4 of 6 in shards of 4"),
    ("F13", attribute("first", 8), "its place is invalid: row 8 of 6 in shards of 4"),
    ("F13", attribute("first", 1), "its place is invalid: row 1 does not start a shard of 4 rows"),
    ("F13", attribute("first", 4), "has 4 rows, but rows 4 to 5 are 2"),
    ("F13", attribute("total", 0), "its place is invalid: row 0 of 0 in shards of 4"),
    ("F13", attribute("total", 3), "has 4 rows, but rows 0 to 2 are 3"),
    ("F13", attribute("shard_rows", 0), "its place is invalid: row 0 of 6 in shards of 0"),
    ("F13", attribute("shard_rows", 3), "has 4 rows, but rows 0 to 2 are 3"),
    ("F13", fields(lambda one: one["source"].update(fingerprint="x")), "but its identity gives"),
]
BROKEN_TEXT_SHARDS: list[tuple[str, Damage, str]] = [
    ("F3", recast("embeddings", lambda x: x[None]), "has shape (1, 4, 4), expected 2 axes"),
    ("F2", link("norm", h5py.SoftLink("/embeddings")), "'norm' is a soft or external link"),
    ("F4", recast("norm", lambda x: x[None]), "'norm' has shape (1, 4), not (4,)"),
    ("F4", element("norm", 0, 9), "the SHA-256 of the columns is "),
    ("F4", recast("class_ids", lambda x: x[:2]), "'class_ids' has shape (2,), not (3,)"),
    ("F4", put("templates", np.bytes_(b"a {}")), "'templates' has shape (), not (1,)"),
    ("F5", element("embeddings", 3, 0), "row 3 of 'embeddings' has norm 0.0000"),
    ("F10", recast("embeddings", lambda x: -x), "the SHA-256 of 'embeddings' is"),
    ("F11", renamed("templates", 0, b"a photo"), "template 'a photo' contains no {}"),
    ("F13", recast("templates", lambda x: x[:1]), "total is 6, but its templates and classes ma"),
]
BROKEN = {
    "image_file": BROKEN_IMAGES,
    "text_file": BROKEN_TEXTS,
    "shard_file": BROKEN_SHARDS,
    "text_shard_file": BROKEN_TEXT_SHARDS,
}


def test_every_rule_has_a_file_that_breaks_it() -> None:
    assert {rule for broken in BROKEN.values() for rule, *_ in broken} == set(RULES)


def test_every_rule_is_a_heading_of_the_page_word_for_word() -> None:
    headings = re.findall(r"^### (F\d+): (.+)$", PAGE.read_text(), re.M)
    assert headings == list(RULES.items())


def test_the_session_of_the_page_is_true(image_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(image_file.parent)
    outcome = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert outcome.failed == 0
    assert outcome.attempted > 10


def refusal(path: Path, damage: Damage) -> RuleError:
    """Break the file and return what its verification raises."""
    with h5py.File(path, "r+", libver=LIBRARY) as file:
        damage(file)
    with pytest.raises(RuleError) as refused:
        verify(path)
    return refused.value


@pytest.mark.parametrize("sound", BROKEN)
def test_the_files_that_are_broken_here_break_no_rule_before(
    request: pytest.FixtureRequest, sound: str
) -> None:
    path: Path = request.getfixturevalue(sound)
    with h5py.File(path, "r+", libver=LIBRARY):
        pass
    verify(path)


@pytest.mark.parametrize(
    ("sound", "rule", "damage", "words"),
    [(sound, *one) for sound, broken in BROKEN.items() for one in broken],
)
def test_a_file_that_breaks_a_rule_is_refused_in_one_line_that_names_it(
    request: pytest.FixtureRequest, sound: str, rule: str, damage: Damage, words: str
) -> None:
    path: Path = request.getfixturevalue(sound)
    error = refusal(path, damage)
    assert str(error).startswith(f"{path}: ")
    assert words in str(error)
    assert str(error).endswith(f"(rule {rule})")
    assert "\n" not in str(error)
    assert error.rule == rule


def test_images_are_not_taken_for_texts(image_file: Path, text_file: Path) -> None:
    with pytest.raises(RuleError, match=r"kind is 'images', expected 'texts' .rule F1"):
        open_texts(image_file)
    with pytest.raises(RuleError, match=r"kind is 'texts', expected 'images' .rule F1"):
        open_images(text_file)


def test_other_attributes_and_those_of_datasets_are_let_be(image_file: Path) -> None:
    with h5py.File(image_file, "r+") as file:
        file.attrs["note"] = "mine"
        file.attrs["reference"] = file["ok"].ref
        file["ok"].attrs["reference"] = file.ref
        for number in range(100):
            file["ok"].attrs[f"note{number}"] = ["x" * 1000]
        file["label"].attrs["note"] = "mine"
    verify(image_file)
