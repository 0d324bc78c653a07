"""Evaluation of cached files into results: each model, one vocabulary, ID against OOD sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from threading import Event
from typing import TYPE_CHECKING, Any

from oodcache.cache.store import store
from oodcache.cache.watch import Hint, Note, Watch
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Digests, Vectors, processors
from oodcache.score.inputs import bank_classes, equal_classes
from oodcache.score.inputs.accuracy import check_known
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.selection import Prompted, Selection, prompted, tell
from oodcache.score.inputs.views import View, tell_shared
from oodcache.score.inputs.without_texts import select
from oodcache.score.measures import bootstrap
from oodcache.score.measures.comparison import Comparison
from oodcache.score.measures.result import Pick, Result
from oodcache.score.measures.spectrum.kinds import compare_kinds
from oodcache.score.onepass.csid import kinds
from oodcache.score.onepass.default_scores import fitting
from oodcache.score.onepass.onepass import Classes, Scored, score_images
from oodcache.score.onepass.telling import once, tell_constant, tell_draws, tell_time
from oodcache.score.references import References, open_references

if TYPE_CHECKING:
    from oodcache.score.onepass.clean import CleanSets
    from oodcache.score.onepass.kept import Kept
    from oodcache.score.onepass.replays import Replays
    from oodcache.score.provenance import Source
    from oodcache.score.streams.plan import OrderedRuns, StreamPlan

# ID scores sorted at once over all threads, at some fifty bytes each.
AT_ONCE = 2**20
MANY = 20  # Templates that get one progress bar, not one each.


@dataclass(frozen=True)
class Evaluated:
    """The results of all models, their files, the words left out and, if asked for, all scores."""

    results: tuple[Result, ...]
    files: tuple[Source, ...]
    kept: tuple[Kept, ...]
    left_out: tuple[str, ...] = ()


def evaluate(question: Question, watch: Watch, *, keep: bool = False) -> Evaluated:
    """Score every image and compare the ID set with each OOD set, for each model and variant.

    The images are read once per template. With `keep`, all scores are returned too. Raises
    InputError if files are missing or do not fit.
    """
    named: dict[str, str] = {}  # A model may be typed under two of its names.
    for one in question.models:
        named.setdefault(store.find_model(question.cache, one), one)
    of_one = _of_model if question.axis is None else _of_banks
    every = [of_one(question, one, watch, keep) for one in named.values()]
    return Evaluated(
        tuple(result for one in every for result in one.results),
        tuple(file for one in every for file in one.files),
        tuple(kept for one in every for kept in one.kept),
        _left_out(every),
    )


def _left_out(every: Sequence[Evaluated]) -> tuple[str, ...]:
    return tuple(sorted({word for one in every for word in one.left_out}))


def _of_banks(question: Question, model: str, watch: Watch, keep: bool) -> Evaluated:
    """Return the results with each bank of the question's axis, and with none."""
    from oodcache.score.onepass.shot_runs import joined, shot_runs

    selection = select(question, model)
    if selection.bank is not None:
        question = replace(question, variants=bank_classes.variants(question, selection.bank))
    runs, tell = shot_runs(question, has_texts=selection.texts is not None), once(watch.note)
    every: list[Evaluated] = []
    banks = sum(run.bank is not None for run in runs)
    with watch.progress("banks", banks, "banks") as advance:
        for bank, draws in groupby(runs, key=lambda run: run.bank and run.bank.typed):
            told: list[list[str]] = []
            for run in draws:
                told.append([])
                own = Watch(partial(_collect, told[-1], tell))
                every.append(_of_model(run.question, model, own, keep))
                advance(1 if bank else 0)
            tell_draws(told, bank or "", tell)
    found = [(run, one.results) for run, one in zip(runs, every, strict=True)]
    files = {file.path: file for one in every for file in one.files}
    rows = joined(question.variants, found)
    return Evaluated(rows, tuple(files.values()), (), _left_out(every))


def _of_model(question: Question, model: str, watch: Watch, keep: bool) -> Evaluated:
    selection, is_default = select(question, model), bank_classes.are_default(question)
    if selection.bank is not None:
        question = replace(question, variants=bank_classes.variants(question, selection.bank))
    prompts = prompted(selection, question.templates) if selection.texts else []
    tell(selection, question.variants, watch.note)
    equal_classes.tell(prompts, watch.note)
    references = open_references(question, selection, prompts, watch.note)
    if is_default and references.bank is not None:
        name, labels = references.bank.name, references.bank.targets
        fit = fitting(question.variants, name, labels, watch.note)
        question = replace(question, variants=fit)
    if selection.texts is None:
        assert references.bank is not None  # All scores of such a model have one.
        prompts = [references.bank.prompted()]
        equal_classes.tell(prompts, watch.note)
    plan = _planned(question, selection, watch.note)
    clean = _clean(question, selection, watch.note)
    results: list[Result] = []
    kept: list[Kept] = []
    are_many = len(prompts) > MANY
    bar = watch.progress("templates", len(prompts), "templates") if are_many else nullcontext()
    with bar as advance:
        for number, one in enumerate(prompts):
            began = time.monotonic()
            # Notes are the same for every template, and many templates have one bar.
            note = Watch().note if number else watch.note
            own = Watch(note) if are_many else Watch(note, watch.progress)
            images = _Pass(question, selection, one, references, plan, own, clean)
            results += images.compare()
            kept += images.kept() if keep else ()
            if advance is not None:
                advance(1)
            if number == 0:
                tell_time(len(prompts), time.monotonic() - began, watch.note)
    files = (*selection.files, *references.files)
    return Evaluated(tuple(results), files, tuple(kept), references.left_out(question.variants))


def _planned(question: Question, selection: Selection, note: Note) -> StreamPlan | None:
    """Return the streams to replay, None if no score learns from them."""
    if not any(one.definition.stream for one in question.variants):
        return None
    from oodcache.score.onepass.replays import planned

    return planned(question, selection, note)


def _clean(question: Question, selection: Selection, note: Note) -> CleanSets | None:
    """Return the sets without the images of --drop, None without."""
    if question.drop is None:
        return None
    from oodcache.score.onepass.clean import clean_sets

    return clean_sets(question, selection, note)


def _collect(told: list[str], tell: Note, text: str) -> None:
    """Keep a note until all draws have told theirs; tell a hint, such as how long it takes, now."""
    if isinstance(text, Hint):
        tell(text)
    else:
        told.append(text)


class _Pass:
    """All images of a selection, scored with one set of class vectors."""

    def __init__(
        self,
        question: Question,
        selection: Selection,
        prompt: Prompted,
        references: References,
        plan: StreamPlan | None,
        watch: Watch,
        clean: CleanSets | None,
    ) -> None:
        self._clean = clean
        self._selection, self._prompt, self._variants = selection, prompt, question.variants
        self._references, self._watch = references, watch
        self._conventions = question.conventions
        self._classes = Classes.of(prompt.vectors, selection.model)
        self._fits = references.fit(self._variants, self._classes, watch)
        self._scored: list[Scored] = []
        self._digests: dict[str, Digests] = {}
        self._streams: Replays | None = None
        if plan is not None:
            from oodcache.score.onepass.replays import Replays

            self._streams = Replays(plan, self._classes, watch)
        for view in selection.every_view:
            self._score(view)
        if self._streams is not None:
            self._streams.scored(self._variants, self._fits.each, tuple(self._scored))
        tell_constant(self._variants, self._scored, watch.note)
        # The indices of the variants to compare, and how each was picked.
        self._compared: Mapping[int, Pick | None] = dict.fromkeys(range(len(self._variants)))
        if selection.tuning is not None:
            self._compared = self._picked(selection.tuning.name, self._scored.pop())

    def _picked(self, tuning: str, scored: Scored) -> dict[int, Pick]:
        from oodcache.score.onepass.choosing import picks

        outside = {view.name: self._digests[view.name] for view in self._selection.measured[1:]}
        what = f"{tuning}, which parameters are picked on"
        shared_images = tell_shared(outside, self._digests[tuning], what, self._watch.note)
        inside = self._selection.views[0].name
        own = {tuning: self._digests[tuning]}
        tell_shared(own, self._digests[inside], inside, self._watch.note)
        return picks(
            *(self._variants, self._scored[0].scores, scored.scores),
            on=tuning,
            shared_images=shared_images,
        )

    def _score(self, view: View) -> None:
        def watched(advance: Callable[[int], None]) -> Iterator[Vectors]:
            for block in view.blocks():
                yield block
                advance(len(block))

        with self._watch.progress(f"score {view.name}", len(view.rows), "images") as advance:
            scored = score_images(
                *(watched(advance), len(view.rows), self._classes, self._variants),
                fits=self._fits.each,
                keep=None if self._streams is None else self._streams.room(view.name),
            )
        # An image in two sets must tie with itself, in the ID set before any other.
        is_csid = view.name in [one.name for one in self._selection.csid]
        for other in reversed(self._scored if is_csid else self._scored[:1]):
            scored.tie(other)
        self._scored.append(scored)
        self._digests[view.name] = scored.digests

    def compare(self) -> list[Result]:
        """Return the results of every variant, or of the picked ones, in order."""
        for place in self._compared:
            if self._streams is not None and self._variants[place].definition.stream:
                self._streams.prepare(place, self._conventions)
        self._references.tell_unused(self._variants, self._fits, self._watch.note)
        outside = self._selection.views[1:]
        named = {
            view.name: one for view, one in zip(self._selection.measured, self._scored, strict=True)
        }
        positives = kinds(self._selection, self._classes, named, self._watch.note)
        every, _ = positives
        check_known(every[0].accuracy, self._selection.views[0], self._conventions)
        left = None
        if self._clean is not None:
            left = self._clean.of_pass(self._classes, named, self._fits.of_bank)
        common = self._common()
        bank_shared = self._bank_shared_images()
        places = [one for one in self._compared if not self._variants[one].definition.stream]
        resamples = self._conventions.bootstrap * len(outside) * len(places) * len(every)
        watched = bootstrap.watched(self._watch.progress, self._prompt.template, resamples)
        threads = min(processors(), max(1, AT_ONCE // self._scored[0].scores.shape[1]))
        stopped = Event()
        groups = {view.name: view.group for view in outside}
        alone = {"id": every[0].id, "id_accuracy": every[0].accuracy}
        alone |= {"n_id": len(self._selection.views[0].rows)}
        in_streams = {"conventions": self._conventions, "groups": groups}
        in_streams |= {"shared_images": every[0].shared_images, "outcomes": every[0].outcomes}
        with watched as advance, ThreadPoolExecutor(threads) as pool:

            def of_variant(place: int) -> list[Result]:
                variant, picked = self._variants[place], self._compared[place]
                refer = self._references.named_by(variant, self._fits.each[place])
                of_score = {
                    **{"score": variant.score, "parameters": variant.parameters, "picked": picked},
                    "bank_shared_images": bank_shared if refer["bank"] else None,
                }
                fields = common | of_score | refer
                if self._streams is not None and variant.definition.stream:
                    return self._streams.results(place, fields | alone, in_streams)
                how = Comparison(
                    *(self._conventions, groups),
                    probability=self._shown(place) if variant.definition.probability else None,
                    advance=lambda done: _unless(stopped, advance, done),
                )
                scores = self._by_view(place)
                rows = compare_kinds(fields, *positives, scores, how)
                return rows if left is None else left.beside(rows, fields, scores, how)

            try:
                # NumPy releases the interpreter's lock to sort.
                found = [*pool.map(of_variant, self._compared)]
            finally:
                # After an error the pool still waits for its threads: stop a long bootstrap.
                stopped.set()
        variants = [self._variants[place] for place in self._compared]
        counted = [*map(self._references.counted, variants, found)]
        return [row for one in every for rows in counted for row in rows if row.id == one.id]

    def _common(self) -> dict[str, Any]:
        """Return the fields of a result that variants and OOD sets share."""
        model = self._selection.model
        return {
            "model": model.name,
            "pretrained": model.pretrained,
            "classes": self._prompt.vocabulary,
            "template": self._prompt.template,
            "templates": self._prompt.templates,
            "fpr_convention": self._conventions.fpr_convention,
        }

    def _bank_shared_images(self) -> dict[str, int]:
        """Return how many images of each set are also in the bank, of sets that have any."""
        if self._fits.of_bank is None or self._references.bank is None:
            return {}
        what = f"the bank {self._references.bank.name}: they are no test of its scores"
        found = tell_shared(self._digests, self._fits.of_bank, what, self._watch.note)
        return {name: count for name, count in found.items() if count}

    def kept(self) -> list[Kept]:
        """Return every variant's scores."""
        return [one for place in range(len(self._variants)) for one in self._kept(place)]

    def _kept(self, place: int) -> Iterator[Kept]:
        """Yield the rows of one variant: one, or that of each order of a stream."""
        from oodcache.score.onepass.kept import Kept

        views = self._selection.measured
        rows: Sequence[OrderedRuns | None] = self._replayed(place) or (None,)
        for row in rows:
            yield Kept(
                self._selection.model.label,
                self._prompt.template,
                self._variants[place],
                self._by_view(place) if row is None else row.scores,
                {view.name: view for view in views},
                self._shown(place),
                {view.name: one.best for view, one in zip(views, self._scored, strict=True)},
                self._prompt.names,
                picked=place in self._compared,
                stream=row,
            )

    def _replayed(self, place: int) -> list[OrderedRuns] | None:
        """Return the rows of a score that learns from the stream, None for any other."""
        learns = self._variants[place].definition.stream
        return self._streams.rows(place) if learns and self._streams is not None else None

    def _by_view(self, place: int) -> dict[str, Scores]:
        """Return a variant's score of each view's images, the ID images first."""
        return {
            view.name: one.scores[place]
            for view, one in zip(self._selection.measured, self._scored, strict=True)
        }

    def _shown(self, place: int) -> Callable[[Scores], Scores]:
        return partial(self._classes.shown, self._variants[place])


class _StoppedError(Exception):
    """Raised in a worker whose result is no longer needed."""


def _unless(stopped: Event, advance: Callable[[int], None], done: int) -> None:
    if stopped.is_set():
        raise _StoppedError
    advance(done)
