"""References that scores are fitted to besides the classes: negative labels, and a bank."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.negatives import Negatives
from oodcache.cache.files.texts import TextRows
from oodcache.cache.store import store
from oodcache.cache.watch import Note, Watch
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Digests, digests
from oodcache.score.inputs.bank_images import BankImages, open_bank
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.selection import Prompted, Selection
from oodcache.score.onepass.onepass import Classes, fit_all
from oodcache.score.onepass.variants import Variant
from oodcache.score.words.negatives import Mined, mining, open_negatives


@dataclass(frozen=True)
class Fits:
    """Each variant's fit, None if it needs none.

    `of_bank` has the bank images' `digests`, None without a bank.
    """

    each: list[Any]
    of_bank: Digests | None


@dataclass(frozen=True)
class References:
    """The negatives and the bank of one model's scores, None if no score needs them."""

    mined: Mined | None
    sums: NegativeSums | None
    bank: BankImages | None

    @property
    def files(self) -> tuple[ImageFile | TextRows | Negatives, ...]:
        """Return the files behind them."""
        words = () if self.mined is None else (self.mined.negatives, *self.mined.files)
        return (*words, *(() if self.bank is None else (self.bank.view.file,)))

    def named_by(self, variant: Variant) -> dict[str, str | None]:
        """Return the fields of a result that name its score's references."""
        needs = variant.definition.needs
        negatives = self.sums if needs == "negatives" else None
        bank = self.bank if needs == "bank" else None
        return {
            "negatives": negatives.name if negatives else None,
            "bank": bank.name if bank else None,
            "bank_labels": bank.whose_labels if bank else None,
        }

    def fit(self, variants: Sequence[Variant], classes: Classes, watch: Watch) -> Fits:
        """Return each variant's fit for these classes."""
        if not any(variant.definition.fit for variant in variants):
            return Fits([None] * len(variants), None)
        with watch.progress("fit", len(variants), "scores") as advance:
            bank = None if self.bank is None else self.bank.against(classes, watch.note)
            of_bank = None if bank is None else digests(bank.vectors)
            return Fits(fit_all(variants, classes, self.sums, bank, advance), of_bank)


def open_references(
    question: Question, selection: Selection, prompts: Sequence[Prompted], note: Note
) -> References:
    """Return the references the scores need, opened and checked; note those given but unused.

    Raises InputError if a reference that a score needs is not given, is missing or does not fit.
    """
    cache, negatives, bank = question.cache, question.negatives, question.bank
    needed = {one.definition.needs: one.score for one in reversed(question.variants)}
    if "negatives" in needed and negatives is None:
        raise InputError(f"{needed['negatives']} needs negatives: {_negatives(cache, selection)}")
    if "bank" in needed and bank is None:
        raise InputError(f"{needed['bank']} needs a bank: {_banks(cache, selection)}")
    mined = sums = images = None
    for option, what, given in (("--negatives", "negatives", negatives), ("--bank", "bank", bank)):
        if given is not None and what not in needed:
            note(f"{option} {given}: unused by the requested scores")
    if negatives is not None and "negatives" in needed:
        mined = open_negatives(cache, selection, negatives)
        sums = NegativeSums(negatives, mined.vectors)
        for line in mined.notes([one.template for one in prompts]):
            note(line)
    if bank is not None and "bank" in needed:
        images = open_bank(question, selection, note)
    return References(mined, sums, images)


def _negatives(cache: Path, selection: Selection) -> str:
    there = [one.name for one in store.negatives(cache) if one.label == selection.label]
    if there:
        return f"give --negatives {' or '.join(there)}"
    return f"give --negatives NAME; make them with: {mining(selection)} --words nouns -o NAME"


def _banks(cache: Path, selection: Selection) -> str:
    used = {one.path.stem for one in selection.images}
    others = [
        one.name
        for one in store.known(cache)
        if (one.label, one.kind) == (selection.label, "images") and one.name not in used
    ]
    if others:
        return f"give --bank {' or '.join(others)}, if it holds training images"
    model = shlex.quote(selection.model.requested)
    return (
        "give --bank NAME, training images; make them with: "
        f"oodcache extract --model {model} NAME=FOLDER"
    )
