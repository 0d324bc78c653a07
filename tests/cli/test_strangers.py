"""Claims about what the commands show of a stranger's file whose every text is hostile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from samples import Run
from samples.extract.ghostscript import EPS, install
from samples.extract.tars import write_tar

from oodcache.cache.files.images import ImageBatch, ImageRows, write_images
from oodcache.cache.files.texts import Vocabulary, write_texts
from oodcache.cache.format.identity import Identity, ModelIdentity

EVIL = "\x1b]0;owned\x07\x1b[2J\r\n\t\x9b31m\u202e[bold red]{0}%s"
SHOWN = r"\x1b]0;owned\x07\x1b[2J\r\n\t\x9b31m\u202e[bold red]{0}%s"
FOLDER = Path("embeddings/small/demo")


def identity() -> Identity:
    model = ModelIdentity(
        name="small",
        pretrained="demo",
        requested=EVIL,
        architecture={EVIL: [EVIL]},
        weights=EVIL,
        checkpoint=EVIL,
        logit_scale=10.0,
        logit_bias=None,
    )
    source = {"name": "pets", "fingerprint": EVIL, EVIL: EVIL}
    return Identity(model, source, {EVIL: {EVIL: EVIL}}, {"device": EVIL}, {EVIL: EVIL})


@pytest.fixture
def hostile(oodcache: Run) -> None:
    """Two files of images and one of texts, all of whose texts are hostile."""
    vectors = np.eye(4, dtype=np.float32)
    vectors[2] = 0
    paths = [f"{row}{EVIL}".encode() + b"\xff" for row in range(4)]
    rows = ImageRows(paths, np.array([0, 1, -1, 0]), (f"cat{EVIL}", f"dog{EVIL}"))
    batch = ImageBatch(vectors, np.ones(4, np.float32), {2: f"bad{EVIL}"})
    for name in ("pets", "strays", EVIL):
        write_images(FOLDER / "images" / f"{name}.h5", [batch], rows=rows, identity=identity())
    write_texts(
        FOLDER / "texts" / "names.h5",
        np.eye(4, dtype=np.float32)[None, :2],
        np.ones((1, 2), np.float32),
        vocabulary=Vocabulary((f"cat{EVIL}", f"dog{EVIL}"), ("", ""), (f"a {{}}{EVIL}",)),
        identity=identity(),
    )


SCORE = ("score", "--model", "small/demo", "--classes", "names", "--id", "pets")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("cache", "ls"), [f"images  {SHOWN}"]),
        (("cache", "verify"), [f"{SHOWN}.h5"]),
        (
            ("cache", "info", FOLDER / "images" / "pets.h5"),
            [f"requested: {SHOWN}", f"cat{SHOWN}: 2", f"row 2: 2{SHOWN}", r"\udcff: bad\x1b"],
        ),
        (
            ("cache", "info", FOLDER / "texts" / "names.h5"),
            [f"  a {{}}{SHOWN}", f"  dog{SHOWN}", f"weights: {SHOWN}"],
        ),
        ((*SCORE, "--ood", "strays"), [r"a {}\x1b]0;owned\x07\x1b[2J\r\n\t\x9b31m\u202e[bold"]),
        ((*SCORE, "--ood", "missing"), []),
        (("score", "--model", "none", "--classes", "names", "--id", "pets", "--ood", "strays"), []),
    ],
)
def test_a_hostile_text_is_shown_escaped(
    oodcache: Run, hostile: None, command: tuple[object, ...], words: list[str]
) -> None:
    done = oodcache(*command)
    assert done.status == (0 if words else 1)
    assert done.out + done.err
    for line in (done.out + done.err).split("\n"):
        assert line.isprintable(), repr(line)
    for one in words:
        assert one in done.out


def test_a_broken_file_with_a_hostile_name_is_one_line(oodcache: Run, hostile: None) -> None:
    path = FOLDER / "images" / f"{EVIL}.h5"
    path.write_bytes(path.read_bytes()[:-1])
    for command in (("cache", "info", path), ("cache", "verify", path), ("cache", "ls")):
        done = oodcache(*command)
        assert all(line.isprintable() for line in (done.out + done.err).split("\n"))
        assert "is not a whole HDF5 file: " in done.out + done.err
        assert SHOWN in done.out + done.err


@pytest.mark.slow
def test_no_command_starts_ghostscript(
    oodcache: Run, photos: Path, strays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = install(tmp_path / "gs", monkeypatch)
    names = ["a.jpg", "b.png", "c.tif"]
    for name in names:
        (photos / name).write_bytes(EPS)
    write_tar(Path("t.tar"), *((name, EPS) for name in names), ("good.png", good(photos)))
    Path("list.txt").write_text("".join(f"photos/{name} -1\n" for name in [*names, "cat/1.png"]))
    model = ("--model", "tiny-clip")
    sets = ("pets=photos", "strays=strays", "t=t.tar", "listed=list.txt")
    for more in ((), ("--fast-decode", "--cache", "fast"), ("--workers", "2", "--cache", "two")):
        done = oodcache("extract", *model, "--classes", "pets=photos", *sets, *more)
        assert (done.status, done.err.count("3 could not be decoded")) == (0, 3)
    given = (*model, "--id", "pets")
    calibrate = ("calibrate", *given, "--score", "mcm", "--alpha", "0.1", "-o", "detector.json")
    assert oodcache(*calibrate).status == 0
    judged = oodcache("detect", "detector.json", "photos", "photos/a.jpg")
    assert (judged.status, judged.out.count("error")) == (1, 4)
    assert oodcache("score", *given, "--ood", "strays", "--output", "r.json").status == 0
    for path in [*photos.rglob("*.png"), *strays.iterdir()]:
        path.write_bytes(EPS)
    assert oodcache("report", "r.json", "pets=photos", "strays=strays").status == 0
    oodcache("plot", "fooled", "r.json", "-o", "fooled.png", "--data-root", ".")
    assert not mark.exists()


def good(photos: Path) -> bytes:
    return next((photos / "cat").iterdir()).read_bytes()
