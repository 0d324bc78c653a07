"""Classes of a bank: those of its labels, for a model that has no texts."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import Vocabulary
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.store import store
from oodcache.cache.text import cut
from oodcache.score.formulas.definition import ANY, BANK, LEARNED
from oodcache.score.formulas.registry import SCORES
from oodcache.score.inputs.question import OPEN_CLIP, PREDICTED, Question
from oodcache.score.onepass.default_scores import default
from oodcache.score.onepass.variants import Variant, parse_all

EVERY_IMAGE = "(every image)"  # The one class of a bank without labels.
TIMM = "timm"  # In `architecture`: an encoder that cannot have texts.


def are_needed(question: Question, model: ModelIdentity) -> bool:
    """Return whether a model without cached texts is to be scored without any.

    Imported images may have texts that are still to be imported: only a bank's scores, typed, do
    without them.
    """
    if TIMM in model.architecture:
        return True
    if not can_do_without(model) or question.classes is not None or question.bank is None:
        return False
    needed = (one.needs for one in question.variants)
    return not are_default(question) and all(one in (BANK, ANY) for one in needed)


def can_do_without(model: ModelIdentity) -> bool:
    """Return whether a model without cached texts may have none: it has no scale for them."""
    return TIMM in model.architecture or model.logit_scale is None


def check(question: Question, label: str, images: Collection[str], requested: str) -> None:
    """Raise InputError for what needs texts in a question about a model without."""
    given = {
        f"--classes {question.classes}": question.classes is not None,
        f"--template {next(iter(question.templates), '')}": bool(question.templates),
        f"--class-names {question.class_names}": question.class_names != OPEN_CLIP,
        f"--negatives {question.negatives}": question.negatives is not None,
        f"--bank-labels {question.bank_labels}": question.bank_labels == PREDICTED,
    }
    for option, is_given in given.items():
        if is_given:
            raise InputError(f"{option}: {label} has no class texts; omit it")
    for variant in () if are_default(question) else question.variants:
        _check_variant(variant, label)
    if question.bank is None:
        what = banks(question.cache, label, images, requested)
        raise InputError(f"{label} has no class texts, so scores take a bank's classes: {what}")


def variants(question: Question, bank: ImageFile) -> tuple[Variant, ...]:
    """Return the scores of a question that a model without texts has with this bank.

    Of the default scores they are those that need no text. Raises InputError if one that was
    typed needs labels, and the bank has none.
    """
    is_labelled = has_labels(bank)
    if are_default(question):
        fit = (one for one in question.variants if _needs_no_text(one))
        return tuple(one for one in fit if is_labelled or one.definition.ignores_classes)
    for one in question.variants:
        definition = one.definition
        if not (is_labelled or definition.ignores_classes or definition.needs == ANY):
            some = _listed([name for name, score in SCORES.items() if score.ignores_classes])
            raise InputError(
                f"bank {question.bank}: has no labels, which {one.score} needs; use a bank in "
                f"class folders, or --score {some}"
            )
    return tuple(question.variants)


def are_default(question: Question) -> bool:
    """Return whether the scores of a question are those without --score."""
    names = default(question.negatives, question.bank)
    return list(question.variants) == parse_all(names)


def has_labels(bank: ImageFile) -> bool:
    """Return whether an image that could be decoded has a label."""
    return bool((bank.label[bank.ok] >= 0).any())


def vocabulary(bank: ImageFile) -> Vocabulary:
    """Return the labels of a bank's images as classes; one class for all if they have none."""
    used = np.unique(bank.label[bank.ok])
    names = tuple(bank.label_names[place] for place in used.tolist() if place >= 0)
    names = names or (EVERY_IMAGE,)
    return Vocabulary(names=names, ids=("",) * len(names), templates=())


def banks(cache: Path, label: str, used: Collection[str], requested: str) -> str:
    """Return what to type for a bank: a cached dataset that is not scored, or how to make one.

    If some are called "train", the others are more likely OOD sets, and are not offered.
    """
    there = (one.name for one in store.known(cache, label) if one.kind == "images")
    others = [name for name in there if name not in used]
    if others := [name for name in others if "train" in name.lower()] or others:
        return f"give --bank {' or '.join(others)}, if it holds training images"
    return (
        "give --bank NAME, training images; make them with: "
        f"oodcache extract --model {shlex.quote(requested)} NAME=FOLDER"
    )


def _check_variant(variant: Variant, label: str) -> None:
    needs = variant.needs
    if needs not in (BANK, ANY):
        what = "negatives, which are texts" if needs else "class texts"
        some = _listed([_typed(one) for one in SCORES if SCORES[one].needs == BANK])
        raise InputError(
            f"--score {variant.label}: needs {what}, and {label} has none; use a score of a bank: "
            f"{some}"
        )
    for name in _learned(variant):
        raise InputError(
            f"--score {variant.label}: its {name} is the model's own, and {label} has no logit "
            f"scale; give a number, such as --score {variant.score}:{name}=0.1"
        )


def _typed(score: str) -> str:
    """Return a score as a model without a scale takes it."""
    (variant,) = parse_all([score])
    return ":".join([score, *(f"{name}=0.1" for name in _learned(variant))])


def _needs_no_text(variant: Variant) -> bool:
    return variant.needs == BANK and not _learned(variant)


def _learned(variant: Variant) -> list[str]:
    """Return the parameters of a built-in score that take the model's own number."""
    if variant.needs == ANY:
        return []
    return [name for name, value in variant.parameters.items() if value == LEARNED]


def _listed(names: Sequence[str]) -> str:
    return cut(list(names), len(names), ", ")
