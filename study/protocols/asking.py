"""What is asked of a protocol: checked, as far as it can be, before anything is extracted."""

from __future__ import annotations

from collections.abc import Sequence

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.store import store
from oodcache.score.files.drop_list import DropList
from oodcache.score.formulas.definition import BANK, NEGATIVES
from oodcache.score.inputs.question import Question
from oodcache.score.measures import groups
from oodcache.study.protocols.lines import ProtocolRequest, typed_groups
from oodcache.study.protocols.protocol import Protocol, ProtocolRun

# What to type for a reference that is not given, and how to make it.
GIVE = {
    NEGATIVES: "needs negatives: give --negatives NAME, mined by oodcache negatives",
    BANK: "needs a bank: give --bank NAME, cached training images",
}


def check(protocol: Protocol, questions: Sequence[Question], wanted: ProtocolRequest) -> None:
    """Raise InputError for what `score` would reject, each question being that of a run."""
    for run, question in zip(protocol.runs, questions, strict=True):
        _check_groups(run, question)
        _check_references(protocol, question, wanted)
    if (drop := questions[0].drop) is not None:
        DropList.read(drop)


def _check_groups(run: ProtocolRun, question: Question) -> None:
    own, given = groups.parsed(typed_groups(run)), question.conventions.groups
    if both := [name for name in given if name in own]:
        raise InputError(
            f"--group {both[0][:60]}: the benchmark has a group of this name; choose another"
        )
    groups.check(given, run.outside)


def _check_references(protocol: Protocol, question: Question, wanted: ProtocolRequest) -> None:
    """Raise InputError for negatives or a bank that a score lacks, or that are nowhere."""
    given = {NEGATIVES: question.negatives, BANK: question.bank}
    for one in question.variants:
        if one.needs in given and given[one.needs] is None:
            raise InputError(f"{one.label if one.base else one.score} {GIVE[one.needs]}")
    label = wanted.label
    model = wanted.model
    if question.negatives is not None and not wanted.own_weights:
        there = [] if label is None else [one.name for one in store.negatives(wanted.cache, label)]
        if question.negatives not in there:
            raise InputError(
                f"--negatives {question.negatives[:60]}: not in the cache (there are: "
                f"{', '.join(there)[:200] or 'none'}); make them with: oodcache negatives --model "
                f"{model} --classes NAME --words NAME -o {question.negatives[:60]}"
            )
    bank = (question.bank or "").partition(":")[0]
    if bank and bank not in protocol.data_sets and not wanted.own_weights:
        known = [] if label is None else store.known(wanted.cache, label)
        if bank not in [one.name for one in known if one.kind == "images"]:
            source = bank[:60] if bank in names.KNOWN else f"{bank[:60]}=FOLDER"
            raise InputError(
                f"--bank {bank[:60]}: not in the cache, and no dataset of {protocol.name}; make it "
                f"with: oodcache extract --model {model} {source}"
            )
