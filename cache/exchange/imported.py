"""The identity of imported embeddings, as far as it is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.format import versions
from oodcache.cache.format.identity import IMPORTED, Identity, ModelIdentity
from oodcache.cache.format.place import shard_paths
from oodcache.cache.shards.summary import summarise
from oodcache.cache.store import store
from oodcache.cache.text import cut

UNKNOWN = "imported"
MOST_LISTED = 3


@dataclass(frozen=True)
class Claim:
    """The model as the user describes it; `weights`, scale and bias may be None.

    Without `weights`, all imports of one `model` count as one model, never an extracted one.
    `like` is the model of a cached file, which is claimed as it is.
    """

    model: str
    weights: str | None = None
    logit_scale: float | None = None
    logit_bias: float | None = None
    like: ModelIdentity | None = None

    def __post_init__(self) -> None:
        if self.like is not None:
            return  # Its file was checked (rule F8).
        for part in self.label.split("/", 1):
            names.check_name(part, "model")
        if self.weights == "":
            raise InputError("--weights is empty")
        for option, value in (("scale", self.logit_scale), ("bias", self.logit_bias)):
            if value is not None and not math.isfinite(value):
                raise InputError(f"--logit-{option} {value} is not a finite number")
        if self.logit_scale is not None and self.logit_scale <= 0:
            raise InputError(f"--logit-scale {self.logit_scale} is not above 0")

    @property
    def label(self) -> str:
        """Return the model's folder in the cache: NAME/PRETRAINED as given, or NAME/imported."""
        return self.model if "/" in self.model else f"{self.model}/{UNKNOWN}"

    @property
    def weights_label(self) -> str:
        """Return what the file records as weights."""
        return self.weights or f"imported:{self.model}"

    def identity(self, cache: Path, target: Path) -> ModelIdentity:
        """Return the model, completed from files with equal weights in its folder, except `target`.

        Raises InputError if they contradict the claim.
        """
        claimed = self.like or self._described()
        for path, known in self.siblings(cache):
            if known.weights == claimed.weights and path != target:
                claimed = _completed(claimed, known, path)
                if known.logit_scale is not None:  # The others have the same, or no scale.
                    break
        return claimed

    def _described(self) -> ModelIdentity:
        name, pretrained = self.label.split("/", 1)
        return ModelIdentity(
            name=name,
            pretrained=pretrained,
            requested=self.model,
            architecture={},
            weights=self.weights_label,
            checkpoint=None,
            logit_scale=self.logit_scale,
            logit_bias=self.logit_bias,
        )

    def check_dimension(self, cache: Path, target: Path, vectors: str, dimension: int) -> None:
        """Raise InputError if a file with equal weights, except `target`, has another dimension.

        `vectors` is the name of the new vectors in the message.
        """
        for path, known in self.siblings(cache):
            if known.weights == self.weights_label and path != target:
                if (found := summarise(path).shape[-1]) != dimension:
                    other = "other --weights" if self.like is None else "the model that made them"
                    raise InputError(
                        f"{vectors}: vectors of {dimension} numbers, but {path}, of the same "
                        f"weights, has {found}; embed them with that model, or give {other}"
                    )
                break  # The others agree with it.

    def siblings(self, cache: Path) -> Iterator[tuple[Path, ModelIdentity]]:
        """Yield each valid file in the model's folder, texts first, and its model."""
        there = store.entries(cache, self.label)
        for entry in sorted(there, key=lambda entry: entry.kind, reverse=True):
            try:
                model = store.read_identity(entry).model
            except InputError:
                continue
            yield entry.path, model


def of_file(path: Path) -> Claim:
    """Return the claim of the model of a cached file, or of a folder of its shards.

    Raises InputError if it is not a file of images or texts.
    """
    target = store.meant_target(path)
    shards = shard_paths(target) if target is not None else []
    if not (shards or path.is_file()):
        what = "is a folder" if path.is_dir() else "no such file"
        raise InputError(
            f"{path}: {what}; give a cached file of the model, CACHE/NAME/PRETRAINED/texts/FILE.h5 "
            "or images/FILE.h5: oodcache cache ls lists them"
        )
    return of_model(summarise(shards[0] if shards else path).identity.model)


def model_in(cache: Path, label: str) -> ModelIdentity:
    """Return the model of the files, finished or begun, in the folder `label` of the cache.

    Raises InputError if none is valid, or if they have different weights.
    """
    found = {model.weights: model for _, model in Claim(label).siblings(cache)}
    if not found:
        begun = [one.path for one in store.begun(cache, label)]
        found = {one.weights: one for path in begun[:1] if (one := of_file(path).like)}
    if not found:
        raise InputError(f"{cache / label}: no valid file; find out why: oodcache cache verify")
    if len(found) > 1:
        one_of = cut(sorted(found), MOST_LISTED, " or ")
        raise InputError(f"{cache / label}: files of {len(found)} models; give --weights {one_of}")
    return next(iter(found.values()))


def of_model(model: ModelIdentity) -> Claim:
    """Return the claim of a model of the cache."""
    known = (model.label, model.weights, model.logit_scale, model.logit_bias)
    return Claim(*known, like=model)


def _completed(claimed: ModelIdentity, known: ModelIdentity, path: Path) -> ModelIdentity:
    """Return a claim completed from a file with the same weights."""
    claimed = replace(claimed, architecture=claimed.architecture or known.architecture)
    if known.logit_scale is None:
        return claimed
    for name in ("logit_scale", "logit_bias"):
        given, recorded = getattr(claimed, name), getattr(known, name)
        if given not in (None, recorded):
            raise InputError(
                f"--{name.replace('_', '-')} {given} contradicts {path}, of the same weights, "
                f"which has {'none' if recorded is None else recorded}"
            )
    return replace(claimed, logit_scale=known.logit_scale, logit_bias=known.logit_bias)


def identity(
    model: ModelIdentity, *, name: str, fingerprint: str, form: str, stored: str
) -> Identity:
    """Return the identity of vectors of type `stored` imported from the format `form`.

    Encoding and precision of the source are unknown.
    """
    return Identity(
        model=model,
        source={"name": name, "fingerprint": fingerprint},
        encoding={IMPORTED: form},
        precision={"stored": stored},
        versions=versions.of_files(),
    )
