"""Scores to start with on one model: which, why, and the command, from what is cached for it.

A reason is arithmetic with the model's own scale and bias, or names the paper of the score.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from oodcache.cache.names import FOLDER, typed_cache, typed_name
from oodcache.cache.text import counted
from oodcache.score.formulas.registry import SCORES
from oodcache.score.inputs.cached import Cached, CachedBank, CachedNegatives
from oodcache.score.onepass.variants import parse
from oodcache.score.streams.activated.tanl import NOISE
from oodcache.score.streams.methods import STREAM_SCORES
from oodcache.score.words.ends import runnable

CLIPS, NEAR = 100.0, 2.0  # CLIP's scale, whose temperature neglabel has, and what is near it.
LONGEST_COMMAND = 400  # Characters that are still easy to copy.
NEIGHBOURS = int(SCORES["knn"].defaults["k"])
GROUPS = int(SCORES["neglabel"].defaults["groups"])


@dataclass(frozen=True)
class Start:
    """A score to start with, as `--score` takes it, and why."""

    score: str
    why: str


def starts(cached: Cached) -> list[Start]:
    """Return the scores to start with, in the order in which to read their rows."""
    if cached.classes is None:
        return list(_of_images(cached.bank))
    return [*_of_classes(cached), *_of_negatives(cached), *_of_bank(cached)]


def of_streams(cached: Cached) -> str:
    """Return which scores that learn from the stream the files allow, "" if none.

    They are in no command: each sees other test images, which the scores to start with do not.
    """
    if cached.classes is None:
        return ""
    # With one class the default base is 1 for every image.
    names = ["oodd" if cached.count > 1 else "oodd:base=max-logit"]
    others = [name for name in STREAM_SCORES if parse(name)[0].needs == "negatives"]
    names += filter(None, (_runnable(cached, name) for name in others))
    told = (
        f"also there: {', '.join(names)}; each image's score sees other test images, those before "
        "it in a stream, so show several orders: --stream shuffle:5 --stream id-first"
    )
    if cached.negatives is None or _has_noise(cached):
        return told
    add = f"oodcache extract --model {typed_name(cached.label)} {NOISE}"
    return f"{told}; tanl needs images of noise: {add}"


def _runnable(cached: Cached, name: str) -> str:
    """Return a score with negatives as it runs with the cached files, "" if it does not."""
    mined = cached.negatives
    if mined is None or (name == "tanl" and not _has_noise(cached)):
        return ""
    return runnable(mined.near, mined.words) if STREAM_SCORES[name].ends else name


def _has_noise(cached: Cached) -> bool:
    return NOISE in cached.noise


def facts(cached: Cached) -> str:
    """Return in one line what the choice rests on.

    >>> facts(Cached("a/b", 50.0, None, "pets", 2, "pets", ("strays",)))
    'a/b: scale 50, no bias; 2 classes of pets; ID pets; OOD strays; no bank, no negatives'
    """
    scale = "scale unknown" if cached.scale is None else f"scale {cached.scale:.4g}"
    bias = "no bias" if cached.bias is None else f"bias {cached.bias:.4g}"
    if cached.classes is None:
        return f"{cached.label}: {'; '.join(['no class texts', *_sets(cached)])}"
    classes = f"{counted(cached.count, 'class')} of {cached.classes}"
    mined = cached.negatives
    more = f"negatives {mined.name} ({mined.words:,})" if mined else "no negatives"
    *sets, bank = _sets(cached)
    return f"{cached.label}: {'; '.join([f'{scale}, {bias}', classes, *sets, f'{bank}, {more}'])}"


def _sets(cached: Cached) -> list[str]:
    """Return which sets are ID, OOD and the bank."""
    bank = cached.bank
    whose = "classes" if cached.classes else "bank's classes"
    sets = [f"ID {cached.id_set or f'unknown: no images have the {whose} as labels'}"]
    sets += [f"OOD {', '.join(cached.ood_sets)}"] if cached.ood_sets else []
    if bank is None:
        return [*sets, "no bank"]
    of = f" of {counted(cached.count, 'class')}" if cached.count and not cached.classes else ""
    return [*sets, f"bank {bank.name} ({counted(bank.rows, 'image')}{of})"]


def command(cached: Cached, cache: Path = FOLDER) -> str:
    """Return the command that compares them; ID, OOD, BANK stand for sets that are not known."""
    words = ["oodcache", "score", "--model", typed_name(cached.label)]
    words += ["--classes", cached.classes] if cached.classes else []
    words += ["--id", cached.id_set or "ID"]
    words += [part for name in cached.ood_sets or ("OOD",) for part in ("--ood", name)]
    words += ["--negatives", cached.negatives.name] if cached.negatives else []
    bank = cached.bank.name if cached.bank else None if cached.classes else "BANK"
    words += ["--bank", bank] if bank else []
    words += [part for one in starts(cached) for part in ("--score", one.score)]
    return shlex.join([*words, *typed_cache(cache)])


def of_words(score: str, mined: CachedNegatives, *settings: str) -> str:
    """Return a score of negatives as it runs with these: a few words make fewer groups."""
    groups = [f"groups={mined.words}"] if mined.words < GROUPS else []
    return _written(score, [*settings, *groups])


def source(score: str) -> str:
    """Return the paper of a score."""
    return SCORES[score].source.split(";")[0]


def next_steps(cached: Cached, cache: Path = FOLDER) -> list[str]:
    """Return what to type after an extraction, a command a line.

    There is none if the ID or the OOD images are not known, and no long one: the other prints it.
    """
    if cached.id_set is None or not cached.ood_sets:
        return []
    why = shlex.join(["oodcache", "scores", "--for", typed_name(cached.label), *typed_cache(cache)])
    line = f"next: {command(cached, cache)}"
    return [line, f"why: {why}"] if len(line) <= LONGEST_COMMAND else [f"next: {why}"]


def _of_classes(cached: Cached) -> Iterator[Start]:
    count, scale, bias = cached.count, cached.scale, cached.bias
    if count > 1:
        why = f"the baseline: softmax of the cosines at temperature 1, {source('mcm')}"
        same = "; with two classes no temperature changes a rank" if count == 2 else ""
        yield Start("mcm", why + same)
    if count > 2 and scale not in (None, 1.0):
        yield Start("mcm:temperature=learned", _own_temperature(scale or 1.0))
    why = "the largest cosine: no temperature and no bias can change its ranks"
    only = "; a softmax of one class is 1 for every image" if count == 1 else ""
    yield Start("max-logit", why + only)
    if bias is not None and scale is not None:
        yield Start(
            "sigmoid-mcm",
            "ranks exactly as max-logit, whatever scale and bias; its value is the model's "
            f"probability of a class, {_half(scale, bias)}",
        )


def _own_temperature(scale: float) -> str:
    ends = ("the margin over the runner-up", "the largest cosine minus the mean")
    near, far = ends if scale > 1 else ends[::-1]
    what = f"the softmax at the model's own temperature, 1/{scale:.4g} = {1 / scale:.4g}"
    return f"{what}, which ranks nearer to {near}; temperature 1 nearer to {far}"


def _half(scale: float, bias: float) -> str:
    """Return where the sigmoid is one half."""
    cosine = -bias / scale
    never = "" if abs(cosine) <= 1 else ", which no image can have"
    return f"0.5 at the cosine {cosine:.4g}{never}"


def _of_negatives(cached: Cached) -> Iterator[Start]:
    mined, scale = cached.negatives, cached.scale or CLIPS
    if mined is None:
        return
    is_clips = abs(math.log(scale / CLIPS)) <= math.log(NEAR)
    settings = ["temperature=0.01|learned"] * (not is_clips)
    own = f"; its temperature 0.01 is 1/{CLIPS:g}, this model's is 1/{scale:.4g} = {1 / scale:.4g}"
    what = f"{mined.words:,} negative labels compete with the classes, {source('neglabel')}"
    yield Start(of_words("neglabel", mined, *settings), what + own * (not is_clips))
    if cached.bias is not None:
        why = "the same contest with the model's sigmoids; far below 0 the bias cancels here too"
        yield Start("neglabel-sigmoid", why)
    if mined.has_pool:
        yield Start(of_words("csp", mined), f"neglabel with its larger pool, {source('csp')}")


def _of_bank(cached: Cached) -> Iterator[Start]:
    bank = cached.bank
    if bank is None:
        return
    yield _knn(bank)
    yield Start("vim", f"the classes, and what lies outside the bank's subspace, {source('vim')}")
    if bank.has_every_class:
        yield _mahalanobis(bank)


def _of_images(bank: CachedBank | None) -> Iterator[Start]:
    """Yield the scores of a model without texts: those of a bank that need no scale either."""
    yield Start("knn", _distance("the bank")) if bank is None else _knn(bank)
    why = f"what lies outside the bank's subspace, the part of vim without a scale, {source('vim')}"
    yield Start("residual", why)
    if bank is not None and bank.has_every_class:
        yield _mahalanobis(bank)


def _knn(bank: CachedBank) -> Start:
    few = [f"k={bank.smallest}"] if bank.smallest < NEIGHBOURS else []
    size = counted(bank.smallest, "image")
    more = f"; with a larger k a neighbour lies outside the smallest class, of {size}"
    return Start(_written("knn", few), _distance(bank.name) + more * bool(few))


def _distance(bank: str) -> str:
    return f"the distance to images of {bank}, without a text, {source('knn')}"


def _mahalanobis(bank: CachedBank) -> Start:
    why = f"{bank.name} has labels, which give each class a mean, {source('mahalanobis')}"
    return Start("mahalanobis", why)


def _written(score: str, settings: Sequence[str]) -> str:
    """Return a score with its parameters, as typed."""
    return ":".join([score, ",".join(settings)] if settings else [score])
