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
from oodcache.report.saved import results as saved
from oodcache.report.tables.grid import as_typed, percent
from oodcache.score.measures.result import AVERAGE, Result

MODELS = ("tiny-clip", "tiny-sigmoid")
CLASSES = "digits"
ID_SET = "digits"
OOD_SETS = ("eight-nine", "photos", "textures")
BANK = "digits-train"
IN_WORDS = {"eight-nine": "eights and nines", "photos": "photos", "textures": "textures"}
WHY = {"eight-nine": ", which look like the digits that the models know,"}


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


def conclusion(results: Sequence[Result]) -> tuple[str, str]:
    """Return what the demo's results show, in two sentences for a newcomer."""
    by_set = {name: max(one.auroc for one in results if one.ood == name) for name in OOD_SETS}
    easy, hard = max(by_set, key=by_set.__getitem__), min(by_set, key=by_set.__getitem__)
    easiest, hardest = percent(by_set[easy]), percent(by_set[hard])
    pairs = f"{100 * by_set[easy]:.0f} of 100 pairs with one of them (AUROC {easiest})"
    first = (
        f"Of the OOD images, {IN_WORDS[easy]} are the easiest to tell from the ID digits: with the "
        f"best score a digit scores higher in {pairs}; {IN_WORDS[hard]}{WHY.get(hard, '')} are "
        f"the hardest (AUROC {hardest})."
    )
    best = [_best(results, model) for model in MODELS]
    named = " and ".join(f"{score} for {model}" for score, model in zip(best, MODELS, strict=True))
    if len(set(best)) > 1:
        return first, f"The best score differs by model, {named}: compare them on your own images."
    return first, f"The best score is {best[0]} for both: compare them on your own images, too."


def _best(results: Sequence[Result], model: str) -> str:
    """Return a model's score with the highest mean AUROC."""
    averages = [one for one in results if one.model == model and one.ood == AVERAGE]
    return as_typed(max(averages, key=lambda one: one.auroc))


def run(
    oodcache: Callable[[Sequence[str]], object],
    *,
    cache: Path,
    data_root: Path,
    results: Path,
    note: Note,
    tell: Callable[[str], None],
) -> None:
    """Write the images, then print and run each command; `oodcache` runs one from its arguments.

    `tell` prints a line of the conclusion.
    """
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
    for line in conclusion(saved.read(results).results):
        tell(line)
    if not missing_libraries():
        note(Hint(f"The report (open in a browser): {results.with_suffix('.html')}"))
