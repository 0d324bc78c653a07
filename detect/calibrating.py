"""Calibration: a detector made from the cache and written to a file, without click."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.format import versions
from oodcache.cache.format.identity import LOADED_FROM
from oodcache.cache.subsets import split
from oodcache.cache.text import check_ending
from oodcache.cache.watch import Hint, Watch
from oodcache.detect.detector import SavedDetector
from oodcache.detect.file import ENDING, check_replaceable, write_detector
from oodcache.detect.making import Calibration, DetectorRequest, only, printed
from oodcache.detect.probe import probed
from oodcache.extract.model.names.typed import recorded_folder
from oodcache.score.inputs import equal_classes
from oodcache.score.inputs.selection import tell
from oodcache.score.inputs.without_texts import check_has_texts, select
from oodcache.score.kernel.choice import in_use
from oodcache.score.onepass.variants import Variant
from oodcache.score.own.function import OwnScore
from oodcache.score.provenance import provenance
from oodcache.score.references import open_references


def write_calibrated(
    request: DetectorRequest,
    output: Path,
    watch: Watch,
    *,
    overwrite: bool,
    command: Sequence[str],
) -> None:
    """Make a detector, write its file and note its promises; keep an existing file by default."""
    if not overwrite and output.exists():
        raise InputError(f"{output}: exists; use --overwrite, or another -o FILE")
    check_replaceable(output, "another -o FILE")
    check_ending(output, (ENDING,), "")
    made = detector(request, shlex.join(["oodcache", *command]), watch)
    write_detector(output, made)
    for line in promises(made):
        watch.note(line)
    watch.note(Hint(f"wrote {output}"))


def detector(request: DetectorRequest, command: str, watch: Watch) -> SavedDetector:
    """Return the requested detector; it records the `command` that asked for it.

    Raises InputError if files are missing or do not fit, if the score was made or chosen with
    calibration images, or if there are too few of those.
    """
    _check_request(request)
    question = request.sets
    (model,) = question.models
    check_has_texts(question, model, "a detector")
    selection = select(question, model)
    texts = only(selection, question.templates)
    tell(selection, question.variants, watch.note)
    equal_classes.tell([texts], watch.note)
    references = open_references(question, selection, [texts], watch.note)
    calibration = Calibration(request, selection, texts, references, watch)
    view, choice, variant = calibration.chosen(question.variants)
    scorer = calibration.scorer(variant)
    threshold = calibration.threshold(scorer, view)
    scorer = scorer.read(watch.note)
    files = (*selection.files, *references.files)
    identity = view.file.identity
    places = identity.source.get(LOADED_FROM)
    return SavedDetector(
        scorer=scorer,
        threshold=threshold,
        load=loaded_again(selection.model.requested),
        preprocessing=identity.encoding,
        precision=identity.precision,
        calibrated_on=printed(view.name),
        choice=choice,
        provenance={
            "command": printed(command),
            "files": [{**one, "path": printed(one["path"])} for one in provenance(files)],
            "versions": versions.of_files(),
            "kernel": in_use().name,
            **({LOADED_FROM: places} if places else {}),
        },
        probe=probed(scorer),
    )


def _check_judges_alone(variant: Variant) -> None:
    """Raise InputError for a score that cannot judge single images, or be known again."""
    if variant.definition.stream is not None:
        raise InputError(
            f"--score {variant.label}: learns from the stream, so its scores move with the images "
            "before, and no threshold has a conformal promise; calibrate a score of single images"
        )
    if variant.definition.whole:
        raise InputError(
            f"--score {variant.label}: takes all images of a set at once, but a detector judges "
            "each image alone; use a score without whole=True"
        )
    if isinstance(variant.own, OwnScore) and variant.own.sha256 is None:
        raise InputError(
            f"--score {variant.label}: its source is unknown, so a detector could not be held "
            "against it; define it in a file"
        )


def promises(made: SavedDetector) -> list[str]:
    """Return a detector's promises, a line each."""
    threshold, choice, label = made.threshold, made.choice, made.scorer.variant.label
    lines = []
    if choice is not None:
        best = max(one.auroc for one in choice.tried)
        lines.append(
            f"{label}: chosen from {len(choice.tried)} scores, AUROC {100 * best:.2f} on "
            f"{choice.selecting:,} images of {choice.inside} against {choice.outside}"
        )
    n, k = threshold.n, threshold.k
    shown = made.scorer.shown(np.array([threshold.value]))[0]
    lines.append(
        f"{label}: images that score below {shown:.6g} are out, the {_ordinal(k)} lowest of {n:,} "
        f"images of {made.calibrated_on}"
    )
    lines.append(
        f"share of ID images that are out: {100 * k / (n + 1):.2f} % on average over calibration "
        f"sets, at most {100 * threshold.bound:.2f} % for this set with confidence "
        f"{threshold.of_set:g}"
    )
    return lines


def _ordinal(number: int) -> str:
    few = {1: "st", 2: "nd", 3: "rd"} if number % 100 not in (11, 12, 13) else {}
    return f"{number:,}{few.get(number % 10, 'th')}"


def _check_request(request: DetectorRequest) -> None:
    question, select_id = request.question, request.select_id
    variants = question.variants
    for variant in variants:
        _check_judges_alone(variant)
    if len(variants) > 1 and question.select_on is None:
        raise InputError(
            f"--score: {', '.join(one.label for one in variants[:3])}"
            f"{', …' * (len(variants) > 3)} are {len(variants)} scores, but a detector has one; "
            "give one, or an OOD set to choose by with --select-on"
        )
    if question.select_on is None:
        if select_id is not None:
            raise InputError(f"--select-id {select_id}: needs --select-on")
        return
    if len(variants) == 1:
        raise InputError(
            f"--select-on {question.select_on}: {variants[0].label} is the only score; remove the "
            "option, or give several scores, as in --score 'mcm:temperature=1|0.1'"
        )
    inside = split(question.id_set)[0]
    for option, name in (("--select-on", question.select_on), ("--select-id", select_id)):
        if name is not None and name == question.id_set:
            raise InputError(f"{option} {name} is also --id; give another set")
    if select_id is not None and split(select_id)[0] == inside:
        raise InputError(
            f"--select-id {select_id} and --id {question.id_set} are the same dataset; without "
            "--select-id, a random half of --id chooses"
        )
    if select_id == question.select_on:
        raise InputError(f"{question.select_on!r} is both --select-on and --select-id")


def loaded_again(requested: str) -> str:
    """Return a --model that loads it from any working directory."""
    folder = recorded_folder(requested)
    if folder is None or not folder.is_dir():
        return requested
    return printed(f"{requested.partition(':')[0]}:{folder.absolute()}")
