"""The demo: the commands a user would type, shown and run, on the embedded benchmark.

Handwritten digits zero to seven are in-distribution. Eights and nines, which no model was trained
on, are near; crops of photographs and of textures are far. The digits that the models were trained
on are extracted too, for scores that take a bank.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from oodcache.cache.watch import Note
from oodcache.extract.demo import embedded
from oodcache.extract.run import shares
from oodcache.report.html.page import missing_libraries

MODELS = ("tiny-clip", "tiny-sigmoid")
CLASSES = "digits"
ID_SET = "digits"
OOD_SETS = ("eight-nine", "photos", "textures")
BANK = "digits-train"
SHOWS = (
    "What it shows: the bias that the sigmoid model learned leaves each of its sigmoid-mcm figures "
    "equal to max-logit's, while the temperature of a softmax moves AUROC and FPR95 by points."
)


def commands(cache: Path, images: Path, results: Path) -> list[list[str]]:
    """Return the arguments of each `oodcache` command, in order."""
    where = ["--cache", str(cache)] if cache != Path("embeddings") else []
    folders = [f"{name}={images / name}" for name in (ID_SET, *OOD_SETS, BANK)]
    extracts = [
        ["extract", "--model", model, "--classes", f"{CLASSES}={images / ID_SET}", *where, *folders]
        for model in MODELS
    ]
    models = [part for model in MODELS for part in ("--model", model)]
    oods = [part for name in OOD_SETS for part in ("--ood", name)]
    score = ["score", *models, "--classes", CLASSES, "--id", ID_SET, *oods, *where]
    outputs = ["--format", "json", "--output", str(results)]
    outputs += ["--save-scores", str(results.with_suffix(".h5"))]
    report = ["report", str(results), "--data-root", str(images), "-o", str(_page(results))]
    return [*extracts, [*score, *outputs], [*report, *where]]


def _page(results: Path) -> Path:
    return results.with_suffix(".html")


def run(
    oodcache: Callable[[Sequence[str]], object],
    *,
    cache: Path,
    data_root: Path,
    results: Path,
    note: Note,
) -> None:
    """Write the images, then show and run each command; `oodcache` runs one from its arguments."""
    images = data_root / "demo"
    embedded.write_images(images)
    for arguments in commands(cache, images, results):
        note("")
        if arguments[0] == "report" and (missing := missing_libraries()):
            note(f"no report, which needs {missing}")
            continue
        if arguments[0] == "extract" and shares.are_in(os.environ):
            arguments = [*arguments, "--shard", "1/1"]  # All of it, whichever process this is.
        note(f"$ oodcache {shlex.join(arguments)}")
        oodcache(arguments)
    print(SHOWS)
    if not missing_libraries():
        note(f"The report, for a browser: {_page(results)}")
