"""The scoring of several models into one table, and what made it. Knows no click."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from oodcache.cache.format.sibling import sibling
from oodcache.score.choosing import told
from oodcache.score.evaluation import evaluate
from oodcache.score.files import writing
from oodcache.score.measures.differences import Pair, differences, steps
from oodcache.score.measures.result import STANDARD, Conventions, Difference, Result
from oodcache.score.onepass.ablation import read
from oodcache.score.onepass.variants import default, parse_all
from oodcache.score.provenance import of_models, provenance

if TYPE_CHECKING:
    from oodcache.score.measures.result import Counterpart


class Scored(NamedTuple):
    """Results of all models, the differences between them, and their provenance.

    `published` has the published rows of the models with one's own numbers, None if not asked for.
    """

    results: tuple[Result, ...]
    differences: tuple[Difference, ...]
    provenance: dict[str, Any]
    published: tuple[Counterpart, ...] | None = None


def score(
    models: Sequence[str],
    cache: Path,
    *,
    specifications: Sequence[str],
    templates: Sequence[str | tuple[str, ...]] = (),
    ablation: Path | None = None,
    select_on: str | None = None,
    conventions: Conventions = STANDARD,
    command: Sequence[str],
    note: Callable[[str], None],
    compare_scores: bool = False,
    pairs: Sequence[Pair] = (),
    save_scores: Path | None = None,
    **selection: Any,
) -> Scored:
    """Return the results of `evaluate` for every model, each under the same `selection`.

    `command` is what was typed after `oodcache`. The file `ablation` adds scores and templates to
    those named. Of each score the setting that is best on `select_on` is measured, no other.
    `compare_scores` asks for the differences of every two rows, `pairs` for those of named ones and
    on the average; every image's scores go to `save_scores`.
    """
    if save_scores is not None:
        writing.check_ending(save_scores)
    asked = read(ablation) if ablation else None
    shown = default(selection.get("negatives"), selection.get("bank"))
    variants = parse_all(specifications or (() if asked else shown))
    if asked:
        together = {one.label: one for one in (*variants, *asked.variants)}
        variants, templates = list(together.values()), (*templates, *asked.templates)
    evaluated = [
        evaluate(
            *(cache, model),
            variants=variants,
            templates=templates,
            select_on=select_on,
            conventions=conventions,
            keep=compare_scores or bool(pairs) or save_scores is not None,
            note=note,
            **selection,
        )
        for model in dict.fromkeys(models)
    ]
    results = tuple(result for one in evaluated for result in one.results)
    kept = [row for one in evaluated for row in one.kept]
    compared: list[Difference] = []
    if compare_scores or pairs:
        rows = writing.rows([row for row in kept if row.picked])
        inside = selection["id_set"]
        compared = differences(rows, inside, note=note) if compare_scores else []
        compared += steps(rows, pairs, inside) if pairs else []
    if save_scores is not None:
        # All models and templates have the same columns: what was picked under one is of each.
        picked = {row.variant.label for row in kept if row.picked}
        wanted = [row for row in kept if row.variant.label in picked]
        written = writing.save(save_scores, wanted)
        note(f"wrote {save_scores}: {written:,} rows")
    return Scored(
        results,
        tuple(compared),
        {
            "command": shlex.join(["oodcache", *command]),
            "fpr_convention": conventions.fpr_convention,
            "selection": told(select_on, variants, results),
            "models": {
                label: of for one in evaluated for label, of in of_models(one.files).items()
            },
            "files": [file for one in evaluated for file in provenance(one.files)],
            "scores": None if save_scores is None else str(save_scores),
            "versions": {name: version(name) for name in ("oodcache", "numpy", "h5py")},
        },
    )


def save(text: str, path: Path) -> None:
    """Write `text` as the file at `path`, whole or not at all."""
    with sibling(path) as part:
        part.write_text(text, encoding="utf-8")
