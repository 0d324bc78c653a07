"""Published numbers next to the user's own, each computed as its source measured it.

A row uses its own score, its prompt, its FPR convention and its order of the images,
whatever else was requested. A score that learns from the stream is replayed only if it was.
Numbers may still differ, because sources load images differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import Negatives, read_negatives
from oodcache.cache.files.texts import TextRows
from oodcache.cache.names import negatives_path
from oodcache.cache.shards.shard_set import open_text_rows
from oodcache.cache.store import store
from oodcache.cache.watch import Watch
from oodcache.score.evaluation import evaluate
from oodcache.score.formulas.definition import DATASET, NEGATIVES, VOCABULARY
from oodcache.score.inputs.files import vocabulary_path
from oodcache.score.inputs.question import Question
from oodcache.score.measures.result import AVERAGE, Compared, Counterpart, Result
from oodcache.score.onepass.variants import Variant, parse
from oodcache.score.streams.order import read
from oodcache.score.words.negatives import NOUN, unlike_paper
from oodcache.study.prompts import extraction, found, remining
from oodcache.study.published import (
    CLASS_COUNT,
    CLASSES,
    ENSEMBLE,
    ID_SET,
    LEARNED,
    OOD_SETS,
    OPENAI,
    Published,
    other_counts,
    rows,
    templates,
)

# Accuracy does not depend on the score: any will do.
ANY = "max-logit"


def counterparts(question: Question, watch: Watch) -> tuple[Counterpart, ...]:
    """Return the published rows of each model with the user's numbers; note models without any.

    A row whose datasets or classes differ from the question's gets no number of the user's.
    """
    found: list[Counterpart] = []
    for model in dict.fromkeys(question.models):
        rows = _of_model(question, model, watch)
        if not rows:
            there = ", ".join(models_published())
            watch.note(f"--published: no numbers for {model}; available: {there}")
        found += rows
    return tuple(found)


def _of_model(question: Question, model: str, watch: Watch) -> tuple[Counterpart, ...]:
    label = store.find_model(question.cache, model)
    of_model = [row for row in rows() if row.model == _of_weights(label)]
    bare = [_bare(row, label) for row in of_model]
    if not of_model or question.id_set != ID_SET:
        return _without(bare, f"measured on all of {ID_SET}; use --id {ID_SET}")
    path = vocabulary_path(question.cache, label, model, question.classes)
    texts = open_text_rows(path)
    if texts.path.stem != CLASSES:
        return _without(bare, f"measured with the classes {CLASSES}; use --classes {CLASSES}")
    own = _Own(question, model, label, texts, watch)
    measured = own.measured(of_model)
    return tuple(own.counterpart(row, measured) for row in of_model)


def models_published() -> tuple[str, ...]:
    """Return the models that have published rows."""
    return tuple(dict.fromkeys(row.model for row in rows()))


def _of_weights(label: str) -> str:
    """Return a model's label without -quickgelu, which OpenAI's weights use under either name."""
    name, _, pretrained = label.partition("/")
    return f"{name.removesuffix('-quickgelu')}/{pretrained}" if pretrained == OPENAI else label


def _bare(row: Published, label: str) -> Counterpart:
    return Counterpart(
        source=row.source,
        model=label,
        method=row.method,
        score=row.score,
        template=row.template,
        fpr_convention=row.fpr_convention,
        accuracy=None if row.accuracy is None else Compared(row.accuracy),
        auroc={name: Compared(one) for name, one in row.auroc.items()},
        fpr95={name: Compared(one) for name, one in row.fpr95.items()},
        missing=(),
        unlike=(),
        note=row.note,
        stream=row.stream,
        settings=row.settings,
        precision=row.precision,
        where=row.where,
    )


def _without(bare: Sequence[Counterpart], why: str) -> tuple[Counterpart, ...]:
    return tuple(replace(one, missing=(why,)) for one in bare)


# What one evaluation measures: stored templates, the score if it needs more than class texts, and
# the order of the images.
Key = tuple[tuple[str, ...], str | None, str | None]
# Results by variant as typed, then by OOD set; or why there are none.
Numbers = Mapping[str, Mapping[str, Result]] | str


@dataclass(frozen=True)
class _Own:
    """One model's numbers, each measured under the conditions of a published row."""

    question: Question
    model: str
    label: str
    texts: TextRows
    watch: Watch

    def measured(self, rows: Sequence[Published]) -> dict[Key, Numbers]:
        """Return the results that rows need; each key reads the images once."""
        wanted: dict[Key, dict[str, Variant]] = {}
        for row in rows:
            if not self._why_not(row):
                variant = self._variant(row)
                wanted.setdefault(self._key(row), {})[variant.label] = variant
        return {key: self._evaluated(key, [*some.values()]) for key, some in wanted.items()}

    def _key(self, row: Published) -> Key:
        definition = self._variant(row).definition
        fitted = row.score if definition.needs or definition.stream else None
        return found(self.texts, templates(row.template)), fitted, row.stream

    def _variant(self, row: Published) -> Variant:
        """Return a row's score, with the word list and the dataset that the user named for it."""
        variant = _variant(row)
        same = (one for one in self.question.variants if _unnamed(one) == _unnamed(variant))
        return next(same, variant) if variant.definition.stream else variant

    def _why_not(self, row: Published) -> str:
        """Return why a row cannot be measured, "" if it can."""
        if not _is_known(row):
            return "not implemented in oodcache"
        if row.template in (LEARNED, ENSEMBLE):
            return "its prompts are not in the registry"
        if row.stream is not None and not _is_typed(row.stream):
            return "no --stream makes its order, which the JSON describes"
        if row.stream is not None and self._variant(row) not in self.question.variants:
            return f"it learns from the stream, which takes a replay: add --score {row.score}"
        if not all(found(self.texts, templates(row.template))):
            are = "OpenAI's 80 templates are" if row.template == OPENAI else f"{row.template!r} is"
            add = f"{are} not cached: {extraction(self.texts, row.template)}"
            mined = self._mined(row)
            return f"{add}; {remining(mined, self.texts, row.template)}" if mined else add
        return ""

    def _mined(self, row: Published) -> Negatives | None:
        """Return the negatives that a row's score needs, None if it needs none or none are read."""
        given = self.question.negatives
        path = None if given is None else negatives_path(self.question.cache, self.label, given)
        if self._variant(row).needs != NEGATIVES or path is None or not path.exists():
            return None
        return read_negatives(path)

    def _evaluated(self, key: Key, variants: Sequence[Variant]) -> Numbers:
        stored, fitted, stream = key
        asked = self.question.ood_sets
        question = Question(
            *(self.question.cache, [self.model], ID_SET),
            ood_sets=[one for one in OOD_SETS if one in asked] or asked[:1],
            variants=variants,
            classes=CLASSES,
            templates=[stored if len(stored) > 1 else stored[0]],
            negatives=self.question.negatives if fitted else None,
            streams=[] if stream is None else [stream],
            stream_seed=0 if stream is None else self.question.stream_seed,
        )
        try:
            evaluated = evaluate(question, Watch(progress=self.watch.progress))
        except InputError as error:
            if fitted is None:
                raise
            # The main table may use other negatives, or none.
            return str(error)
        by_variant: dict[str, dict[str, Result]] = {}
        for one in evaluated.results:
            by_variant.setdefault(Variant(one.score, one.parameters).label, {})[one.ood] = one
        return by_variant

    def counterpart(self, row: Published, measured: Mapping[Key, Numbers]) -> Counterpart:
        """Return a row's counterpart with what was measured for it, or why nothing was."""
        bare = _bare(row, self.label)
        if why := self._why_not(row):
            return replace(bare, missing=(why,))
        numbers = measured[self._key(row)]
        if isinstance(numbers, str):
            return replace(bare, missing=(numbers,))
        results = numbers[self._variant(row).label]
        some = next(iter(results.values()))
        # An average is comparable only over all four sets.
        whole = {*OOD_SETS} <= {*results}
        results = {ood: one for ood, one in results.items() if ood in OOD_SETS or whole}
        return replace(
            bare,
            accuracy=bare.accuracy and _compared(bare.accuracy, some.id_accuracy),
            auroc={
                ood: _compared(one, results[ood].auroc) if ood in results else one
                for ood, one in bare.auroc.items()
            },
            fpr95={
                ood: _compared(one, results[ood].fpr95_by_convention[row.fpr_convention or ""])
                if ood in results
                else one
                for ood, one in bare.fpr95.items()
            },
            missing=self._missing(row, some),
            unlike=tuple(self._unlike(row, some, results)),
        )

    def _missing(self, row: Published, some: Result) -> tuple[str, ...]:
        reasons = []
        if row.accuracy is not None and some.id_accuracy is None:
            reasons.append(f"no accuracy: no image of {ID_SET} has a label among the classes")
        printed = {*row.auroc, *row.fpr95}
        needed = [one for one in OOD_SETS if one in printed or AVERAGE in printed]
        if absent := [one for one in needed if one not in self.question.ood_sets]:
            reasons.append(f"OOD sets missing: {' '.join(f'--ood {one}' for one in absent)}")
        return tuple(reasons)

    def _unlike(self, row: Published, some: Result, results: Mapping[str, Result]) -> Iterator[str]:
        """Yield the known differences from what the source measured."""
        count = len(self.texts.vocabulary.names)
        if count != CLASS_COUNT:
            yield f"{count:,} classes here, not {CLASS_COUNT:,}"
        outside = {ood: one.n_ood for ood, one in results.items() if row.auroc or row.fpr95}
        if others := other_counts({ID_SET: some.n_id, **outside}):
            yield f"image counts differ: {others}"
        mined, stored = self._mined(row), found(self.texts, templates(row.template))
        if mined is None:
            return
        # The others mined 10,000 words, in prompts with a full stop.
        if row.template == NOUN and (settings := unlike_paper(mined)):
            yield f"--negatives {mined.name} has {'; '.join(settings)}"
        elif row.template != NOUN and (mined.templates or (mined.template,)) != stored:
            yield (
                f"--negatives {mined.name} was mined with the classes in {mined.template!r}, and "
                f"is scored here in {row.template!r}; {remining(mined, self.texts, row.template)}"
            )


def _is_known(row: Published) -> bool:
    """Return whether a row is of a score that oodcache has, or of accuracy alone."""
    return row.score is not None or not (row.auroc or row.fpr95)


def _variant(row: Published) -> Variant:
    (variant,) = parse(row.score or ANY)
    return variant


def _unnamed(variant: Variant) -> tuple[str, Mapping[str, float | str]]:
    """Return a score and its parameters, without those that name something in the cache."""
    known = variant.definition.parameters
    named = [name for name, one in known.items() if one.names in (VOCABULARY, DATASET)]
    return variant.score, {key: one for key, one in variant.parameters.items() if key not in named}


def _is_typed(stream: str) -> bool:
    """Return whether an order is one of --stream, rather than a description in words."""
    try:
        read(stream)
    except InputError:
        return False
    return True


def _compared(one: Compared, own: float | None) -> Compared:
    return one if own is None else Compared(one.published, own, own - one.published)
