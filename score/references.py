"""References that scores are fitted to besides the classes: negative labels, and a bank."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextRows
from oodcache.cache.store import store
from oodcache.cache.watch import Note, Watch
from oodcache.score.formulas.definition import ANY, BANK, DATASET, GIVE, NEGATIVES, VOCABULARY
from oodcache.score.formulas.tile import Digests, digests
from oodcache.score.inputs.bank_classes import banks
from oodcache.score.inputs.precision import differences
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.selection import Prompted, Selection, Vectors
from oodcache.score.measures.result import Result
from oodcache.score.onepass.onepass import Classes, fit_all
from oodcache.score.onepass.variants import Variant

if TYPE_CHECKING:
    from oodcache.cache.files.negatives import Negatives
    from oodcache.score.formulas.negative_sums import NegativeSums
    from oodcache.score.inputs.bank_images import BankImages
    from oodcache.score.streams.context import NamedVectors
    from oodcache.score.words.leak_counter import LeakCounter
    from oodcache.score.words.negatives import Mined


@dataclass(frozen=True)
class Fits:
    """Each variant's fit, None if it needs none.

    `of_bank` has the bank images' `digests`, None without a bank.
    """

    each: list[Any]
    of_bank: Digests | None


@dataclass(frozen=True)
class References:
    """The negatives and the bank of one model's scores, None if no score needs them.

    `named` is what parameters name in the cache. `give` has what to type for a reference that a
    user's score reads.
    """

    mined: Mined | None
    sums: NegativeSums | None
    bank: BankImages | None
    named: NamedVectors | None = None
    leaks: LeakCounter | None = None
    give: Mapping[str, str] = field(default_factory=lambda: GIVE)

    @property
    def files(self) -> tuple[ImageFile | TextRows | Negatives, ...]:
        """Return the files behind them."""
        words = () if self.mined is None else (self.mined.negatives,)
        return (*words, *self.vectors)

    @property
    def vectors(self) -> tuple[ImageFile | TextRows, ...]:
        """Return the files with vectors, each once."""
        words = () if self.mined is None else self.mined.files
        bank = () if self.bank is None else (self.bank.view.file,)
        named = () if self.named is None else self.named.files
        return tuple({one.path: one for one in (*words, *bank, *named)}.values())

    def named_by(self, variant: Variant, fitted: Any) -> dict[str, str | None]:
        """Return the fields of a result that name its score's references."""
        used = used_by(variant, fitted)
        negatives = self.sums if NEGATIVES in used else None
        bank = self.bank if BANK in used else None
        return {
            "negatives": negatives.name if negatives else None,
            "bank": bank.name if bank else None,
            "bank_labels": bank.whose_labels if bank else None,
        }

    def counted(self, variant: Variant, rows: Sequence[Result]) -> list[Result]:
        """Return a variant's rows with the leaks among its words, unchanged if it has none."""
        if self.leaks is None or (rows[0].negatives is None and variant.corpus is None):
            return [*rows]
        from oodcache.score.words.used_words import used_words

        assert self.named is not None  # It was opened with the leaks.
        words = used_words(variant, self.mined, self.named)
        sets = {one.ood: one.average_of or (one.ood,) for one in rows}
        counts = {name: self.leaks.count(words, of_each) for name, of_each in sets.items()}
        # The words are the same without the images of --drop.
        return [
            replace(
                one,
                leaks=counts[one.ood],
                clean=None if one.clean is None else replace(one.clean, leaks=counts[one.ood]),
            )
            for one in rows
        ]

    def left_out(self, variants: Sequence[Variant]) -> tuple[str, ...]:
        """Return the words that are left out of any score's, sorted."""
        if self.leaks is None or self.leaks.leaves_out is None:
            return ()
        from oodcache.score.words.used_words import used_words

        named = self.named
        assert named is not None  # It was opened with the leaks.
        every = (used_words(one, self.mined, named) for one in variants if one.has_words)
        return tuple(sorted({word for words in every for word in self.leaks.left_out(words)}))

    def fit(self, variants: Sequence[Variant], classes: Classes, watch: Watch) -> Fits:
        """Return each variant's fit for these classes."""
        if not any(one.definition.fit or one.definition.stream for one in variants):
            return Fits([None] * len(variants), None)
        with watch.progress("fit", len(variants), "scores") as advance:
            bank = None if self.bank is None else self.bank.against(classes, watch.note)
            of_bank = None if bank is None else digests(bank.vectors)
            named = {} if self.named is None else self.named.vectors
            fits = fit_all(variants, classes, self.sums, bank, advance, self.give, named)
            return Fits(fits, of_bank)

    def tell_unused(self, variants: Sequence[Variant], fits: Fits, note: Note) -> None:
        """Note references that were opened for a user's score, and that no score has read."""
        every = zip(variants, fits.each, strict=True)
        used = set[str]().union(*(used_by(variant, fitted) for variant, fitted in every))
        for what, one in ((NEGATIVES, self.sums), (BANK, self.bank)):
            if one is not None and what not in used:
                note(f"--{what} {one.name}: unused by the requested scores")


def used_by(variant: Variant, fitted: Any) -> set[str]:
    """Return the references that a score uses, a user's after its pass: "negatives", "bank"."""
    needs = variant.needs
    used: set[str] = fitted.used if needs == ANY else {needs}
    return used & {NEGATIVES, BANK}


def open_references(
    question: Question, selection: Selection, prompts: Sequence[Prompted], note: Note
) -> References:
    """Return the references the scores need, opened and checked; note those given but unused.

    Raises InputError if a reference that a score needs is not given, is missing or does not fit.
    """
    cache, negatives, bank = question.cache, question.negatives, question.bank
    needed = {one.needs: one for one in reversed(question.variants)}
    if NEGATIVES in needed and negatives is None:
        both_ends_needed = needed[NEGATIVES].definition.ends
        told = _negatives(cache, selection, with_near=both_ends_needed)
        told += _or_corpus(needed[NEGATIVES], cache, selection)
        raise InputError(f"{_named(needed[NEGATIVES])} needs negatives: {told}")
    if BANK in needed and bank is None:
        raise InputError(f"{_named(needed[BANK])} needs a bank: {_banks(cache, selection)}")
    own = ANY in needed
    for what, given in ((NEGATIVES, negatives), (BANK, bank)):
        if given is not None and what not in needed and not own:
            note(f"--{what} {given}: unused by the requested scores")
    found = References(None, None, None)
    if any(map(_takes_words, question.variants)):
        found = _with_words(question, selection, prompts, note)
    if bank is not None and (own or BANK in needed):
        from oodcache.score.inputs.bank_images import open_bank

        found = replace(found, bank=open_bank(question, selection, note))
    for line in differences(found.vectors, (*selection.images, *selection.files)):
        note(line)
    if not own:
        return found
    give = {NEGATIVES: _negatives(cache, selection), BANK: _banks(cache, selection)}
    return replace(found, give=give)


def _takes_words(variant: Variant) -> bool:
    """Return whether a score compares with words, or names something in the cache."""
    parameters = variant.definition.parameters.values()
    return variant.has_words or any(one.names in (VOCABULARY, DATASET) for one in parameters)


def _with_words(
    question: Question, selection: Selection, prompts: Sequence[Prompted], note: Note
) -> References:
    """Return the references of scores that compare with words; told by notes."""
    from oodcache.score.formulas.negative_sums import NegativeSums
    from oodcache.score.words.corpora import Corpora
    from oodcache.score.words.ends import both_ends
    from oodcache.score.words.leak_counter import leak_counter
    from oodcache.score.words.negatives import open_negatives

    cache, negatives, variants = question.cache, question.negatives, question.variants
    mined = sums = leaks = leaves_out = None
    if selection.texts is not None and any(one.has_words for one in variants):
        leaks = leak_counter(cache, selection, question.leaks)
        leaves_out = leaks.leaves_out
    if negatives is not None and any(one.needs in (NEGATIVES, ANY) for one in variants):
        mined = replace(open_negatives(cache, selection, negatives), leaves_out=leaves_out)
        ends = _some(partial(both_ends, mined), mined)
        sums = NegativeSums(negatives, _some(mined.vectors, mined), ends)
        for line in mined.notes(prompts):
            note(line)
    in_cache = Corpora(cache, selection, mined, leaves_out).open(variants)
    return References(mined, sums, None, in_cache, leaks=leaks)


def _some(choose: Callable[..., Vectors], mined: Mined) -> Callable[..., Vectors]:
    """Return `choose`, which raises InputError if all its words are left out."""

    def checked(**which: float | None) -> Vectors:
        vectors = choose(**which)
        if not len(vectors) and mined.leaves_out is not None:
            raise InputError(f"{mined.negatives.path}: all words are leaks; omit --without-leaks")
        return vectors

    return checked


def _named(variant: Variant) -> str:
    return variant.label if variant.base else variant.score


def _or_corpus(variant: Variant, cache: Path, selection: Selection) -> str:
    """Return what to type if a cached word list will do instead, "" if the score takes none."""
    parameters = variant.definition.parameters.items()
    key = next((name for name, one in parameters if one.names == VOCABULARY), None)
    if key is None or selection.texts is None:
        return ""
    every = [one.name for one in store.known(cache, selection.label) if one.kind == "texts"]
    lists = [one[:60] for one in every if one != selection.texts.path.stem][:3] or ["NAME"]
    return f"; or name a cached word list: {variant.score}:{key}={' or '.join(lists)}"


def _negatives(cache: Path, selection: Selection, *, with_near: bool = False) -> str:
    """Return what to type for negatives; with `near`, for those that have nearest words."""
    if selection.texts is None:
        return f"{selection.label} has no texts to mine"
    from oodcache.score.words.negatives import mining

    there = [one.name for one in store.negatives(cache, selection.label)]
    if with_near:
        return _with_near(cache, selection)
    if there:
        return f"give --negatives {' or '.join(there)}"
    return f"give --negatives NAME; make them with: {mining(selection)} --words nouns -o NAME"


def _with_near(cache: Path, selection: Selection) -> str:
    """Return which negatives have nearest words, or how to mine some that do."""
    from oodcache.cache.files.negatives import read_negatives
    from oodcache.score.words.ends import RELEASED, left
    from oodcache.score.words.negatives import mining, remined

    readable = []
    for one in store.negatives(cache, selection.label):
        with suppress(InputError):
            readable.append(read_negatives(one.path))
    if there := [one.name for one in readable if one.nearest]:
        return f"give --negatives {' or '.join(there)}"
    classes = selection.known_texts.path.stem
    same = next((one for one in readable if one.classes == classes and left(one)), None)
    if same is None:
        command = f"{mining(selection)} --words nouns --nearest {RELEASED} -o NAME"
        return f"give --negatives NAME with nearest words; make them with: {command}"
    number = min(RELEASED, left(same))
    command = remined(same, selection.model.requested, classes, nearest=number)
    return f"{same.name[:60]} has no nearest words; add them with: {command}"


def _banks(cache: Path, selection: Selection) -> str:
    used = {one.path.stem for one in selection.images}
    return banks(cache, selection.label, used, selection.model.requested)
