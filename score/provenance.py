"""Provenance of results: each file, and what determined its vectors or words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile, TextRows
from oodcache.cache.format.rules import shown
from oodcache.score.inputs.question import Question
from oodcache.score.measures.result import Conventions
from oodcache.score.onepass.variants import Variant

if TYPE_CHECKING:
    from oodcache.cache.files.negatives import Negatives

    Source = ImageFile | TextFile | TextRows | Negatives

VECTORS = (ImageFile, TextFile, TextRows)  # The other files have words.
# A file of results is untrusted, and each resample takes time.
MOST_RESAMPLES = 100_000


def provenance(files: Sequence[Source]) -> list[dict[str, Any]]:
    """Return what identifies each file: path, weights, vectors and what determined them.

    For images still in shards, the SHA-256 of all vectors is unknown: None.
    """
    return [
        {
            "path": str(one.path),
            "weights": one.identity.model.weights,
            "vectors": one.identity.vectors or None,
            "shards": _of_shards(one.shards),
            "failed": _undecoded(one),
            "source": dict(one.identity.source),
            "precision": dict(one.identity.precision),
            "versions": dict(one.identity.versions),
        }
        if isinstance(one, VECTORS)
        else _of_words(one)
        for one in files
    ]


def of_models(files: Sequence[Source]) -> dict[str, dict[str, Any]]:
    """Return what determines each model's scores, by `name/pretrained`."""
    found = [one.identity.model for one in files if isinstance(one, VECTORS)]
    return {
        one.label: {
            "requested": one.requested,
            "weights": one.weights,
            "logit_scale": one.logit_scale,
            "logit_bias": one.logit_bias,
        }
        for one in found
    }


def of_code(variants: Sequence[Variant]) -> dict[str, dict[str, str | None]]:
    """Return what identifies the code of each of the user's own scores, by name."""
    own = [one.own for one in variants if one.own is not None]
    if not own:
        return {}
    from oodcache.score.own.function import OwnScore

    return {one.name: {"sha256": one.sha256} for one in own if isinstance(one, OwnScore)}


def of_draw(question: Question) -> dict[str, int]:
    """Return the seed and number of draws of a bank NAME:N; nothing if they are 0 and 1."""
    is_drawn = ":" in (question.bank or "")
    found = {"bank_seed": question.bank_seed} if is_drawn and question.bank_seed else {}
    return found | ({"bank_draws": question.bank_draws} if question.bank_draws > 1 else {})


def draw(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `of_draw` recorded; raise ValueError if it is not a seed."""
    seed = provenance.get("bank_seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise ValueError(f"'bank_seed' is {shown(seed)}, not a whole number from 0")
    return {"bank_seed": seed} if "bank_seed" in provenance else {}


def of_bootstrap(conventions: Conventions) -> dict[str, Any]:
    """Return the number of resamples and their seed; nothing without --bootstrap."""
    if not conventions.bootstrap:
        return {}
    return {"bootstrap": {"resamples": conventions.bootstrap, "seed": conventions.seed}}


def resampling(provenance: Mapping[str, Any]) -> Conventions | None:
    """Return conventions with what `of_bootstrap` recorded, None if nothing.

    Raises ValueError if it is no number of resamples with a seed.
    """
    if (told := provenance.get("bootstrap")) is None:
        return None
    given = told if isinstance(told, Mapping) else {}
    resamples, seed = given.get("resamples"), given.get("seed")
    if (
        not (isinstance(resamples, int) and 2 <= resamples <= MOST_RESAMPLES)
        or not (isinstance(seed, int) and seed >= 0)
        or isinstance(seed, bool)
    ):
        what = f"2 to {MOST_RESAMPLES:,} resamples and a seed from 0"
        raise ValueError(f"'bootstrap' is {shown(told)}, not {what}")
    return Conventions(bootstrap=resamples, seed=seed)


def of_leaks(question: Question, left_out: Sequence[str]) -> dict[str, Any]:
    """Return where the class names and synonyms of leaks are from, and the words left out."""
    search = question.leaks
    if not (search.option or search.words):
        return {}
    return {
        "leaks": {
            "lists": {name: str(one.path) for name, one in search.lists.items()},
            "wordnet": None if search.wordnet is None else str(search.wordnet),
            "left_out": list(left_out),
        }
    }


def left_out(provenance: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words that `of_leaks` recorded; raise ValueError if they are no texts."""
    leaks = provenance.get("leaks", {})
    words = leaks.get("left_out") if isinstance(leaks, dict) else None
    if "leaks" in provenance and not isinstance(words, list | tuple):
        raise ValueError(f"'leaks' is {shown(leaks)}, without a list 'left_out'")
    if others := [one for one in words or () if not isinstance(one, str)]:
        raise ValueError(f"'leaks.left_out' has {shown(others[0])}, not a text")
    return tuple(words or ())


def _undecoded(one: Source) -> int | None:
    """Return how many images could not be decoded, None for texts."""
    return int(np.count_nonzero(~one.ok)) if isinstance(one, ImageFile) else None


def _of_shards(sums: Sequence[str]) -> dict[str, Any] | None:
    """Return the number of shards and a SHA-256 over theirs; None if there are none."""
    if not sums:
        return None
    over_all = hashlib.sha256("".join(f"{one}\n" for one in sums).encode())
    return {"count": len(sums), "sha256": over_all.hexdigest()}


def _of_words(negatives: Negatives) -> dict[str, Any]:
    """Return what identifies a file of words; their vectors are in the word lists' files."""
    return {
        "path": str(negatives.path),
        "weights": negatives.weights,
        "vectors": None,
        "shards": None,
        "source": {"name": negatives.name, "keep": negatives.keep, "words": negatives.digest},
        "precision": {},
        "versions": dict(negatives.versions),
    }
