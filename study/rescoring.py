"""Scores of results, computed again from the cache as the results record them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from oodcache.cache.errors import InputError
from oodcache.cache.files.scores import ScoredImages
from oodcache.cache.watch import Watch
from oodcache.report.saved.results import SCORE_AGAIN, Saved, mapping
from oodcache.report.tables.grid import as_typed, key
from oodcache.score.evaluation import evaluate
from oodcache.score.files.writing import parts
from oodcache.score.formulas.registry import SCORES
from oodcache.score.inputs.question import OWN, Question, Template
from oodcache.score.inputs.selection import COSINE_MEAN
from oodcache.score.measures.result import AVERAGE, MEANS, Result
from oodcache.score.onepass.kept import Kept
from oodcache.score.onepass.variants import Variant
from oodcache.score.own.function import Function
from oodcache.score.own.given_again import code_of, given_again, variant_again
from oodcache.score.provenance import draw, left_out
from oodcache.score.words.leak_search import LeakSearch


def rescored(
    saved: Saved, asked: Question, code: Sequence[str | Function], watch: Watch
) -> list[ScoredImages]:
    """Return every image's scores behind the results, from the cache of `asked`.

    `asked` is the question that results in memory answer, with its variants. For results from a
    file it has the cache alone, and scores of the user's own are given again as `code`.
    """
    variants = _variants(saved, asked.variants, code)
    return parts(list(_kept(saved, asked, variants, watch)))


def _variants(
    saved: Saved, known: Sequence[Variant], code: Sequence[str | Function]
) -> dict[str, Variant]:
    """Return every row's variant by its label; a user's own score in a file needs its code."""
    if known:
        return {one.label: one for one in known}
    found = {as_typed(one): Variant(one.score, one.parameters) for one in saved.results}
    own = [label for label, one in found.items() if one.score not in SCORES]
    if not own:
        return found
    held, given = mapping(saved.provenance.get("code")), given_again(code)
    for label in own:
        variant = found[label]
        sha256 = mapping(held.get(variant.score)).get("sha256")
        try:
            score = code_of(variant.score, sha256, given, "score again")
            found[label] = variant_again(variant, score)
        except InputError as error:
            raise InputError(f"{saved.path}: {error}") from None
    return found


def _kept(
    saved: Saved, asked: Question, variants: Mapping[str, Variant], watch: Watch
) -> Iterator[Kept]:
    """Yield every row's scores, recomputed with the settings that the results record.

    `asked` has those that they do not record.
    """
    groups: dict[tuple[str | None, str | None], list[Result]] = {}
    for one in saved.results:
        groups.setdefault(key(one)[:2], []).append(one)
    try:
        drawn, leaks = draw(saved.provenance), LeakSearch(words=left_out(saved.provenance))
    except ValueError as error:
        raise InputError(f"{saved.path}: {error}; {SCORE_AGAIN}") from None
    for (model, template), rows in groups.items():
        labels = dict.fromkeys(map(as_typed, rows))
        told = [one.spectrum for one in rows if one.spectrum is not None]
        fitted = next((one for one in rows if one.bank), rows[0])
        question = replace(
            asked,
            models=[str(model)],
            id_set=told[0].id_set if told else rows[0].id,
            csid=list(dict.fromkeys(name for one in told for name in one.with_source)),
            select_on=None,
            ood_sets=list(dict.fromkeys(one.ood for one in rows if not one.is_average)),
            variants=[variants[label] for label in labels],
            classes=None if template == MEANS else rows[0].classes,
            templates=_templates(str(template), rows[0].templates),
            negatives=next((one.negatives for one in rows if one.negatives), None),
            bank=fitted.bank,
            bank_labels=fitted.bank_labels or OWN,
            leaks=leaks,
            **drawn,
        )
        yield from evaluate(question, Watch(progress=watch.progress), keep=True).kept


def _templates(how: str, templates: tuple[str, ...]) -> list[Template]:
    """Return the template of a row, if it has one; an average is of those cached at the time."""
    if how == MEANS:
        return []
    if how not in (AVERAGE, COSINE_MEAN) or len(templates) < 2:
        return [how]
    return [templates if how == AVERAGE else (how, *templates)]
