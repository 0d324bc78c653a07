"""Scoring of several models into one table, with its provenance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from oodcache.cache.errors import InputError
from oodcache.cache.format import versions
from oodcache.cache.format.sibling import sibling
from oodcache.cache.watch import Hint, Watch
from oodcache.score.evaluation import evaluate
from oodcache.score.inputs.question import Question
from oodcache.score.kernel.choice import in_use
from oodcache.score.measures import groups
from oodcache.score.measures.result import Counterpart, Difference, Result
from oodcache.score.onepass.choosing import picking
from oodcache.score.provenance import (
    of_bootstrap,
    of_code,
    of_draw,
    of_leaks,
    of_models,
    provenance,
)

if TYPE_CHECKING:
    from oodcache.score.measures.differences import Pair


class Measured(NamedTuple):
    """Results of all models, the differences between them, and their provenance.

    `published` has the models' published rows next to your numbers, None if not asked for.
    """

    results: tuple[Result, ...]
    differences: tuple[Difference, ...]
    provenance: dict[str, Any]
    published: tuple[Counterpart, ...] | None = None


def score(
    question: Question,
    watch: Watch,
    *,
    command: str,
    compare_scores: bool = False,
    pairs: Sequence[Pair] = (),
    save_scores: Path | None = None,
) -> Measured:
    """Return the results of `evaluate`, with their provenance.

    `command` is what was typed. `compare_scores` adds the differences of all pairs
    of rows, `pairs` those of named pairs, on the average too. Every image's scores are written to
    `save_scores`. Raises InputError for groups of sets that are not measured.
    """
    groups.check(question.conventions.groups, question.ood_sets)
    keep = compare_scores or bool(pairs) or save_scores is not None
    if keep:  # Most runs keep no scores, and need not import what writes them.
        from oodcache.score.files import writing
    if save_scores is not None:
        writing.check_ending(save_scores)
        _check_savable(question)
        _check_single_bank(question, "--save-scores")
    if compare_scores or pairs:
        _check_single_bank(question, "--compare")
    evaluated = evaluate(question, watch, keep=keep)
    compared: list[Difference] = []
    if compare_scores or pairs:
        from oodcache.score.measures.differences import differences, steps
        from oodcache.score.measures.spectrum.pairs import by_kind

        rows = writing.rows([row for row in evaluated.kept if row.picked])
        for inside, of_kind in by_kind(rows, question.id_set, question.csid):
            compared += differences(of_kind, inside, watch=watch) if compare_scores else []
        compared += steps(rows, pairs, question.id_set) if pairs else []
    if save_scores is not None:
        # All models and templates get the same columns: whatever any of them picked.
        picked = {row.variant.label for row in evaluated.kept if row.picked}
        wanted = [row for row in evaluated.kept if row.variant.label in picked]
        written = writing.save(save_scores, wanted)
        watch.note(Hint(f"wrote {save_scores}: {written:,} rows"))
    code = of_code(question.variants)
    return Measured(
        evaluated.results,
        tuple(compared),
        {
            "command": command,
            "fpr_convention": question.conventions.fpr_convention,
            "selection": picking(question.select_on, question.variants, evaluated.results),
            "models": of_models(evaluated.files),
            "files": provenance(evaluated.files),
            **({"code": code} if code else {}),
            **_of_drop(question),
            **of_draw(question),
            **of_bootstrap(question.conventions),
            **_of_streams(question),
            **of_leaks(question, evaluated.left_out),
            "scores": None if save_scores is None else str(save_scores),
            "versions": versions.of_files(),
            "kernel": in_use().name,
        },
    )


def _of_drop(question: Question) -> dict[str, Any]:
    """Return the list of images to drop, and its SHA-256, if there is one."""
    if question.drop is None:
        return {}
    from oodcache.score.files.drop_list import DropList

    return {"drop": {"path": str(question.drop), "sha256": DropList.read(question.drop).sha256}}


def _of_streams(question: Question) -> dict[str, int]:
    """Return the seed of the streams, if a score learns from them."""
    learns = any(one.definition.stream for one in question.variants)
    return {"stream_seed": question.stream_seed} if learns else {}


def _check_single_bank(question: Question, option: str) -> None:
    """Raise InputError for several banks: an option of single images takes one."""
    if (axis := question.axis) is not None:
        raise InputError(
            f"{option}: takes the images' scores with one bank, and there are several; give one N "
            f"and one draw, such as --bank {axis.name}:{axis.numbers[-1]}"
        )


def _check_savable(question: Question) -> None:
    """Raise InputError if an image would have no score, or several, one for each stream."""
    learning = [one.label for one in question.variants if one.definition.stream]
    if not learning:
        return
    from oodcache.score.streams.order import RATIO, read_all

    for order in read_all(question.streams):
        if order.kind == RATIO:
            raise InputError(
                f"--save-scores: {order.label[:60]} keeps only some of the images, and the others "
                f"have no scores of {learning[0][:80]}; use another --stream, such as shuffle"
            )
        if not order.is_single(len(question.ood_sets)):
            raise InputError(
                f"--save-scores: a file has one score of an image, and {learning[0][:80]} gives "
                f"one in each stream of {order.label[:60]}; give one --ood and one order, such as "
                "--stream shuffle, or --stream drift"
            )


def save(text: str, path: Path) -> None:
    """Write `text` to the file at `path` atomically."""
    with sibling(path) as part:
        part.write_text(text, encoding="utf-8")
