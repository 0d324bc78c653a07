"""Claims about files beside the cache, changed at random: no traceback, no number in silence.

What oodcache writes is refused in one line, or read as it was written. What a user writes
(TOML, images, tars, configurations) may say something else: then a command ends with a status.
"""

from __future__ import annotations

import random
import tarfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from samples import Run, SmallModel, write_image
from samples.detect.detectors import made
from samples.report.results import FIRST

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import Negatives, WordList, read_negatives, write_negatives
from oodcache.cache.files.scores import ScoredImages, read_images, write_scores
from oodcache.detect.file import read_detector, write_detector
from oodcache.report.saved import results as saved
from oodcache.report.tables.formats import to_json
from oodcache.score.onepass import ablation

LONGEST = 600
MANY, FEW = 1500, 25
GRID = """[[scores]]
score = ["mcm", "energy"]
temperature = [0.01, 0.1, 1]

[[scores]]
score = "gen"
"""


def mutated(whole: bytes, seed: int) -> bytes:
    """Return bytes with one change, whose kind and place the seed decides."""
    chance = random.Random(seed)
    start, size = chance.randrange(len(whole)), chance.choice((1, 1, 2, 8, 64))
    end, other = min(len(whole), start + size), chance.randrange(len(whole))
    changed = bytearray(whole)
    digits = [at for at, byte in enumerate(whole) if byte in b"0123456789"]
    match seed % 7:
        case 0:
            changed[start] ^= 1 << chance.randrange(8)
        case 1:
            changed[start:end] = chance.randbytes(end - start)
        case 2:
            del changed[start:]
        case 3:
            del changed[start:end]
        case 4:
            changed[start], changed[other] = changed[other], changed[start]
        case 5:
            changed[chance.choice(digits or [start])] = chance.choice(b"0123456789")
        case _:
            changed[start:start] = whole[other : other + size]
    return bytes(changed)


def results(path: Path) -> Callable[[Path], Any]:
    path.write_text(to_json([FIRST, replace(FIRST, ood="SUN", auroc=0.5)], [], {"command": "x"}))
    return lambda one: replace(saved.read(one), path=path)


def detector(path: Path) -> Callable[[Path], Any]:
    write_detector(path, made("mcm").detector)
    return lambda one: repr(read_detector(one))


def negatives(path: Path) -> Callable[[Path], Any]:
    one = ("a {}",)
    words = WordList("nouns", "a" * 64, *one, "negative", 95.0, 20, ("jar", "tin", "zoo"), one)
    of = ("m", "p", "0" * 64, {}, "pets", "c" * 64, "a {}", "15%", (words,), {"numpy": "2"})
    write_negatives(path, Negatives(path, *of, one))
    return lambda one: replace(read_negatives(one), path=path)


def scores(path: Path) -> Callable[[Path], Any]:
    values = {"mcm": np.linspace(0, 1, 40), "energy": np.linspace(5, 6, 40)}
    names = [b"%d.png" % row for row in range(40)]
    columns = (lambda: names, lambda: [b"cat"] * 40, lambda: [b"dog"] * 40)
    write_scores(path, [ScoredImages("m/p", "a {}", "pets", values, *columns)])
    return lambda one: [
        (part.names(), {name: one.tolist() for name, one in part.scores.items()})
        for part in read_images(one)
    ]


def check_line(error: str) -> None:
    assert error.isprintable(), repr(error)
    assert len(error.encode()) < LONGEST, error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "suffix"),
    [(results, ".json"), (detector, ".json"), (negatives, ".json"), (scores, ".h5")],
)
def test_what_oodcache_wrote_is_refused_or_read_as_it_was(
    tmp_path: Path, write: Callable[[Path], Callable[[Path], Any]], suffix: str
) -> None:
    good, changed, outcomes = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}", Counter[str]()
    read = write(good)
    expected, whole = read(good), good.read_bytes()
    for seed in range(MANY):
        changed.write_bytes(mutated(whole, seed))
        try:
            assert read(changed) == expected, f"seed {seed}: silently another file"
            outcomes["equal"] += 1
        except InputError as error:
            check_line(str(error).removeprefix(str(changed)))
            outcomes["refused"] += 1
    assert outcomes["refused"] > MANY / 2


@pytest.mark.slow
def test_a_changed_grid_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    for seed in range(MANY):
        path = tmp_path / "grid.toml"
        path.write_bytes(mutated(GRID.encode(), seed))
        try:
            ablation.read(path)
        except InputError as error:
            check_line(str(error).removeprefix(str(path)))


def jpeg(folder: Path) -> Path:
    write_image(folder / "0.png", 0)
    Image.effect_noise((40, 30), 60).convert("RGB").save(folder / "1.jpg")
    return folder / "1.jpg"


def png(folder: Path) -> Path:
    jpeg(folder)
    return folder / "0.png"


def tar(folder: Path) -> Path:
    images = folder.parent / "images"
    images.mkdir()
    jpeg(images)
    with tarfile.open(folder / "0.tar", "w") as archive:
        for path in sorted(images.iterdir()):
            archive.add(path, path.name)
    return folder / "0.tar"


@pytest.mark.slow
@pytest.mark.parametrize("make", [jpeg, png, tar])
def test_changed_images_and_tars_end_with_a_status_and_a_line(
    oodcache: Run, make: Callable[[Path], Path]
) -> None:
    folder = Path("pictures")
    folder.mkdir()
    path = make(folder)
    whole = path.read_bytes()
    command = ("extract", "--model", "tiny-clip", f"x={folder}", "--workers", 0, "--overwrite")
    for seed in range(FEW):
        path.write_bytes(mutated(whole, seed))
        done = oodcache(*command)
        assert done.status in (0, 1), f"seed {seed}"
        if done.status:
            check_line(done.err.splitlines()[-1])


@pytest.mark.slow
def test_a_changed_configuration_ends_with_a_status_and_a_line(
    oodcache: Run, small_model: SmallModel
) -> None:
    whole = small_model.config.read_bytes()
    Path("names.txt").write_text("cat\ndog\n")
    statuses = set()
    for seed in range(2 * FEW):
        config = Path(small_model.config.name)
        config.write_bytes(mutated(whole, seed))
        done = oodcache(
            *("extract", "--model", config.stem, "--checkpoint", small_model.checkpoint),
            *("--model-config", config, "--classes", "c=names.txt", "--overwrite"),
        )
        assert done.status in (0, 1), f"seed {seed}"
        statuses.add(done.status)
        if done.status:
            check_line(done.err.splitlines()[-1])
    assert statuses == {0, 1}
