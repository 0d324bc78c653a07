"""The demo: the commands a user would type, printed and run, on the bundled benchmark.

Handwritten digits zero to seven are in-distribution. Eights and nines, which no model was trained
on, are near OOD; crops of photographs and textures are far OOD. The models' training digits are
extracted too, as a bank.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from oodcache.cache.watch import Hint, Note
from oodcache.extract.demo import embedded
from oodcache.extract.run import rank
from oodcache.report.html.page import missing_libraries

MODELS = ("tiny-clip", "tiny-sigmoid")
CLASSES = "digits"
ID_SET = "digits"
OOD_SETS = ("eight-nine", "photos", "textures")
BANK = "digits-train"
SHOWS = (
    "What it shows: the sigmoid model's learned bias leaves its sigmoid-mcm results equal to those "
    "of max-logit, while the softmax temperature changes AUROC and FPR95 by points."
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
    page = str(results.with_suffix(".html"))
    report = ["report", str(results), "--data-root", str(images), "-o", page]
    return [*extracts, [*score, *outputs], [*report, *where]]


def run(
    oodcache: Callable[[Sequence[str]], object],
    *,
    cache: Path,
    data_root: Path,
    results: Path,
    note: Note,
) -> None:
    """Write the images, then print and run each command; `oodcache` runs one from its arguments."""
    images = data_root / "demo"
    embedded.write_images(images)
    for arguments in commands(cache, images, results):
        note(Hint(""))
        if arguments[0] == "report" and (missing := missing_libraries()):
            note(f"skipping the report, which needs {missing}")
            continue
        if arguments[0] == "extract" and rank.is_in(os.environ):
            arguments = [*arguments, "--shard", "1/1"]  # Everything, whatever the rank.
        note(Hint(f"$ oodcache {shlex.join(arguments)}"))
        oodcache(arguments)
    print(SHOWS)
    if not missing_libraries():
        note(Hint(f"The report (open in a browser): {results.with_suffix('.html')}"))
