"""The study reproduced: its rows next to its published numbers, and the difference by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from oodcache.cache.names import SHORT_NAMES
from oodcache.cache.watch import Watch
from oodcache.report.tables.grid import Grid, Key, by_row, percent
from oodcache.report.tables.measured import measured
from oodcache.report.tables.notes.caption import caption
from oodcache.score import scoring
from oodcache.score.evaluation import evaluate
from oodcache.score.inputs.question import Question, Template
from oodcache.score.measures.result import AVERAGE, Result
from oodcache.study import published
from oodcache.study.published import Published
from oodcache.study.study import PROMPT, Benchmark, prompts
from oodcache.study.tables import Part, Step, StudyRow, by_step, contributions, study_rows, summary

SOFTMAX, LEARNED, MAXIMUM = "mcm", "mcm:temperature=learned", "max-logit"
SIGMOID, SUM, SOFTPLUS, ENERGY = "sigmoid-mcm", "sigmoid-sum", "joint-energy", "energy"
WITH_BIAS, NO_BIAS = (SIGMOID, SUM, SOFTPLUS), ":bias=none"
SCORES = (SOFTMAX, LEARNED, MAXIMUM, ENERGY, *(f"{one}:bias=learned|none" for one in WITH_BIAS))
STUDY, OPEN_CLIP = "the study's README", "open_clip's list of results"


class Reproduced(NamedTuple):
    """The tables of the study, and the results behind them."""

    grids: tuple[Grid, ...]
    scored: scoring.Measured


def reproduce(benchmark: Benchmark, cache: Path, command: str, watch: Watch) -> Reproduced:
    """Return the study's tables, for a benchmark's models and images in the cache.

    `command` is what was typed.
    """
    cached = [prompts(benchmark, model, cache) for model in benchmark.models]
    common = [one for one in cached[0] if all(one in others for others in cached)]
    parts = tuple(_parts(benchmark, common))
    together: list[Template] = [tuple(common)] if len(common) > 1 else []
    templates = [*common, *together]
    scored = scoring.score(
        _question(benchmark, cache, templates).asking(SCORES),
        watch,
        command=command,
        pairs=[(step.after, step.before) for part in parts for step in part.steps if step.before],
    )
    registry = published.rows()
    shown = _shown(benchmark, [one for one in registry if one.source == STUDY])
    rows = by_row(scored.results)
    measured_rows = [one for row in shown for one in rows[row.key].values()]
    grids = (
        study_rows(scored.results, shown, _notes(benchmark, registry, scored.results)),
        measured(measured_rows, caption(measured_rows)),
        by_step(
            scored.results,
            scored.differences,
            parts,
            [contributions(scored.results, _key(model, SOFTMAX)) for model in benchmark.siglips],
        ),
    )
    return Reproduced(grids, scored)


def single(benchmark: Benchmark, cache: Path, use_sigmoid: bool, watch: Watch) -> Grid:
    """Return the table of one model of a benchmark, with a sigmoid or a softmax."""
    (model,) = benchmark.models
    prompts(benchmark, model, cache)  # Rejects a cache without the study's own prompt.
    question = _question(benchmark, cache, [PROMPT])
    score = SIGMOID if use_sigmoid else SOFTMAX
    return summary(evaluate(question.asking([score]), watch).results)


def _question(benchmark: Benchmark, cache: Path, templates: Sequence[Template]) -> Question:
    return Question(
        *(cache, benchmark.models, benchmark.id_set, benchmark.ood_sets),
        classes=benchmark.classes,
        templates=templates,
    )


def _key(model: str, score: str, prompt: str = PROMPT) -> Key:
    return SHORT_NAMES[model], prompt, score


def _shown(benchmark: Benchmark, study: Sequence[Published]) -> list[StudyRow]:
    """Return the study's rows: CLIP and SigLIP with a softmax, then SigLIP with a sigmoid."""
    rows = [
        *(("CLIP, softmax MCM", _key(model, SOFTMAX)) for model in benchmark.clips),
        *(("SigLIP, softmax MCM", _key(model, SOFTMAX)) for model in benchmark.siglips),
        *(("SigLIP, sigmoid MCM", _key(model, SIGMOID)) for model in benchmark.siglips),
    ]
    printed = {(one.model, one.score): one for one in study}
    return [StudyRow(heading, key, printed.get((str(key[0]), key[2]))) for heading, key in rows]


def _parts(benchmark: Benchmark, common: Sequence[str]) -> Iterator[Part]:
    """Yield the changes: first step by step, then one factor at a time."""
    clips, siglips = benchmark.clips, benchmark.siglips
    if siglips:
        yield Part("step by step, to SigLIP with a sigmoid", tuple(_chain(benchmark)))
    first, *others = benchmark.models
    start = _key(first, SOFTMAX)
    if len(others) > 1:
        steps = (Step(SHORT_NAMES[one], start, _key(one, SOFTMAX)) for one in others)
        yield Part(f"checkpoint, from {SHORT_NAMES[first]}, {SOFTMAX}", tuple(steps))
    yield Part(
        "temperature of the softmax, from 1 on the cosines to the learned one",
        tuple(
            Step(SHORT_NAMES[one], _key(one, SOFTMAX), _key(one, LEARNED))
            for one in benchmark.models
        ),
    )
    yield Part("aggregation, from the maximum", tuple(_aggregations(benchmark)))
    if siglips:
        yield Part(
            "bias, from the learned one to none",
            tuple(
                Step(f"{SHORT_NAMES[one]}, {score}", _key(one, score), _key(one, score + NO_BIAS))
                for one in siglips
                for score in WITH_BIAS
            ),
        )
    asked = [*((one, SOFTMAX) for one in clips[-1:]), *((one, SIGMOID) for one in siglips[:1])]
    prompted = {one: repr(one) for one in common[1:]} | {AVERAGE: "the average of these"}
    if len(common) > 1:
        yield Part(
            f"prompt, from {PROMPT!r}",
            tuple(
                Step(
                    f"{SHORT_NAMES[model]}, {score}: {words}",
                    _key(model, score),
                    _key(model, score, prompt),
                )
                for model, score in asked
                for prompt, words in prompted.items()
            ),
        )


def _chain(benchmark: Benchmark) -> Iterator[Step]:
    """Yield the steps from the study's first row to its last, each from the one before."""
    sigmoid = benchmark.siglips[0]
    clips = list(dict.fromkeys((*benchmark.clips[:1], *benchmark.clips[-1:])))
    rows = [(f"checkpoint: {SHORT_NAMES[one]}", _key(one, SOFTMAX)) for one in (*clips, sigmoid)]
    rows += [
        (f"{what}: {score}", _key(sigmoid, score))
        for what, score in (
            ("temperature", LEARNED),
            ("aggregation", MAXIMUM),
            ("sigmoid", SIGMOID + NO_BIAS),
            ("bias", SIGMOID),
        )
    ]
    (change, before), *others = rows
    yield Step(f"{change}, {SOFTMAX}", None, before)
    for change, after in others:
        yield Step(change, before, after)
        before = after
    yield Step(
        f"in total, from {SOFTMAX} of {SHORT_NAMES[sigmoid]}",
        _key(sigmoid, SOFTMAX),
        _key(sigmoid, SIGMOID),
    )


def _aggregations(benchmark: Benchmark) -> Iterator[Step]:
    for model in benchmark.clips:
        yield Step(f"{SHORT_NAMES[model]}: {ENERGY}", _key(model, MAXIMUM), _key(model, ENERGY))
    for model in benchmark.siglips:
        for score in (SUM, SOFTPLUS, ENERGY):
            yield Step(f"{SHORT_NAMES[model]}: {score}", _key(model, SIGMOID), _key(model, score))


def _notes(
    benchmark: Benchmark, registry: Sequence[Published], results: Sequence[Result]
) -> list[str]:
    study = [one for one in registry if one.source == STUDY]
    counts = {one.ood: one.n_ood for one in results} | {one.id: one.n_id for one in results}
    others = published.other_counts(counts)
    differing = [f"Image counts differ: {others}; see oodcache data check"] if others else []
    if benchmark.is_embedded:
        printed = "; ".join(
            f"{one.model} {one.method} {percent(one.accuracy)} and {percent(one.auroc[AVERAGE])}"
            for one in study
        )
        return [
            "The bundled benchmark uses other models and images than the study. The study's "
            f"accuracy and average AUROC, for reference: {printed}.",
            *differing,
        ]
    listed = ", ".join(
        f"{one.model.split('/')[1]} {percent(one.accuracy)}"
        for one in registry
        if one.source == OPEN_CLIP
    )
    return [
        f"study: as printed in {STUDY}. Its inputs were not released: a difference may come from "
        "its weights, its images or how they were loaded.",
        "The study does not name its CLIP weights: its scripts load laion400m_e31 and "
        f"datacomp_xl_s13b_b90k, but {percent(study[0].accuracy)} % is what open_clip lists for "
        f"openai (80 prompts: {listed}).",
        *differing,
    ]
