"""What to type next: one line on stderr that a command ends with, ready to paste."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.watch import Hint
from oodcache.cli.options import is_within, note, typed_line
from oodcache.report.tables import formats
from oodcache.score.measures.result import MEANS, Result
from oodcache.score.onepass.variants import Variant

if TYPE_CHECKING:
    from oodcache.cache.store.listing import Listed

SHORT = 400  # Characters of a line that is still easy to paste.
ALPHA, FEWEST = "0.05", 19  # Images that calibrate needs for this share.
EXAMPLE = "siglip2"  # The model of the help's examples.


def follow(words: Sequence[str]) -> None:
    """Print the command to type next, unless another command runs this one."""
    line = f"next: {shlex.join(['oodcache', *words])}"
    if not is_within() and len(line) <= SHORT:
        note(Hint(line))


def after_model(cache: Path, model: str) -> None:
    """Print what to type once a model has new files: the scores to start with, if all is there."""
    if is_within():
        return
    from oodcache.score import starting
    from oodcache.score.inputs import cached

    with suppress(InputError):  # No class names yet, or damaged negatives.
        found = cached.of_model(cache, model, note)
        for line in starting.next_steps(found, cache):
            note(Hint(line))


def after_negatives(given: Mapping[str, Any]) -> None:
    """Print a comparison with the negatives that were mined, if the model's sets are known."""
    from oodcache.cache.files.negatives import read_negatives
    from oodcache.score import starting
    from oodcache.score.inputs import cached

    with suppress(InputError):
        found = cached.of_model(given["cache"], given["model"], lambda text: None)
        if found.id_set is None or not found.ood_sets:
            return
        words = ["score", "--model", given["model"], "--classes", given["classes"]]
        words += ["--id", found.id_set]
        words += [part for name in found.ood_sets for part in ("--ood", name)]
        path = names.negatives_path(given["cache"], found.label, given["name"])
        score = starting.of_words("neglabel", cached.of_negatives(read_negatives(path)))
        words += ["--negatives", given["name"], "--score", "mcm", "--score", score]
        follow([*words, *names.typed_cache(given["cache"])])


def of_data_root(data_root: Path) -> list[str]:
    """Return the option that names a data root, nothing for the default one."""
    return [] if data_root == Path("data") else ["--data-root", str(data_root)]


def after_listing(files: Sequence[Listed], cache: Path) -> None:
    """Print the command that chooses scores for the first model with images."""
    for one in files:
        if one.kind == "images" and one.state == "complete":
            follow(["scores", "--for", names.typed_name(one.model), *names.typed_cache(cache)])
            return


def after_results(
    context: click.Context, given: Mapping[str, Any], results: Sequence[Result]
) -> None:
    """Print the report of saved results, otherwise a detector of the best score or how to save."""
    output, form = given["output"], given["form"]
    is_json = output is not None and (form or formats.by_ending(output)) == "json"
    if is_json:
        follow(["report", str(output), *_of_results_cache(given)])
    elif "models" in given and (best := _best(results)) is not None:
        follow(_calibration(given, best))
    elif output is None and form in (None, "table"):
        follow([*shlex.split(typed_line(context))[1:], "--output", "results.json"])


def _of_results_cache(given: Mapping[str, Any]) -> list[str]:
    return names.typed_cache(given["cache"]) if "cache" in given else []


def _best(results: Sequence[Result]) -> Result | None:
    """Return the row of the highest mean AUROC among those that calibrate can repeat."""
    usable = [
        one
        for one in results
        if one.stream is None
        and one.spectrum is None
        and one.template != MEANS
        and one.n_id >= FEWEST
        and one.auroc > 0.5
        and not one.bank_shared_images
    ]
    averages = [one for one in usable if one.ood == "average"]
    return max(averages or usable, key=lambda one: one.auroc, default=None)


def _calibration(given: Mapping[str, Any], best: Result) -> list[str]:
    """Return the command that makes a detector of a row of results."""
    words = ["calibrate", "--model", names.typed_name(f"{best.model}/{best.pretrained}")]
    words += ["--classes", given["classes"]] if given["classes"] else []
    words += ["--id", given["id_set"], "--score", Variant(best.score, best.parameters).label]
    words += ["--template", str(best.template)] if given["templates"] else []
    words += ["--class-names", given["class_names"]] if given["class_names"] != "open_clip" else []
    words += ["--negatives", best.negatives] if best.negatives else []
    words += ["--bank", best.bank] if best.bank else []
    words += ["--bank-labels", best.bank_labels] if best.bank_labels == "predicted" else []
    seed = given["bank_seed"] or (not given["bootstrap"] and given["seed"])
    words += ["--seed", str(seed)] if best.bank and ":" in best.bank and seed else []
    return [*words, "--alpha", ALPHA, "-o", "detector.json", *names.typed_cache(given["cache"])]
