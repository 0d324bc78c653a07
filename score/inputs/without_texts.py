"""A selection for a model that may have no texts: its classes are then those of a bank."""

from __future__ import annotations

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.shards.shard_set import open_images
from oodcache.cache.store import store
from oodcache.score.inputs import bank_classes, selection
from oodcache.score.inputs.files import check_preprocessing, check_same_model, images_path
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.selection import Selection, places
from oodcache.score.inputs.sets import typed_sets
from oodcache.score.inputs.views import View, divided


def select(question: Question, model: str) -> Selection:
    """Return the files of a question for one of its models, with texts or without.

    Raises InputError if files are missing or do not match, or if a score needs texts and the
    model has none.
    """
    identity = _without(question, model)
    if identity is None:
        return selection.select(question, model)
    cache, label = question.cache, identity.label
    sets = typed_sets(question.id_set, question.ood_sets, question.select_on, question.csid)
    names = list(dict.fromkeys(one.data_set for one in sets))
    bank_classes.check(question, label, names, identity.requested)
    assert question.bank is not None
    bank = open_images(images_path(cache, label, model, question.bank.partition(":")[0]))
    files = {name: open_images(images_path(cache, label, model, name)) for name in names}
    check_same_model(bank, list(files.values()))
    check_preprocessing([*files.values(), bank])
    views = tuple(View(one.typed, files[one.data_set], one.subset) for one in sets)
    measured, tuning, csid = divided(views, len(question.ood_sets), len(question.csid))
    classes = places(bank.path, bank_classes.vocabulary(bank), sets[0].subset)
    return Selection(None, classes, measured, tuning, bank, csid)


def check_has_texts(question: Question, model: str, what: str) -> None:
    """Raise InputError if `what` needs texts and a question is of a model without."""
    found = _without(question, model)
    if found is not None:
        raise InputError(
            f"{what} needs class texts, and {found.label} has none; use a model with texts"
        )


def _without(question: Question, model: str) -> ModelIdentity | None:
    """Return the model of a question that it scores without texts; None for every other."""
    cache, label = question.cache, store.find_model(question.cache, model)
    inside = typed_sets(question.id_set, question.ood_sets, question.select_on)[0].data_set
    there = {one.name: one.kind for one in store.known(cache, label)}
    if "texts" in there.values() or there.get(inside) != "images":
        return None
    found = open_images(images_path(cache, label, model, inside)).identity.model
    return found if bank_classes.are_needed(question, found) else None
