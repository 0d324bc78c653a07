"""A small cache to score: files written by the cache's own writers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from samples.cache.written_once import written_once
from samples.score.words import ADJECTIVES, CLASSES, NICE, NOUNS, PHOTO, POOL, words_of

from oodcache.cache import names
from oodcache.cache.files import images, texts
from oodcache.cache.files.negatives import Negatives, read_negatives, write_negatives
from oodcache.cache.format.identity import Identity, ModelIdentity
from oodcache.cache.watch import Watch
from oodcache.score.evaluation import Evaluated, evaluate
from oodcache.score.inputs.question import Question
from oodcache.score.onepass.default_scores import DEFAULT
from oodcache.score.onepass.variants import parse_all
from oodcache.score.words.miner import MiningRequest, mine

Vectors = npt.NDArray[np.float32]
__all__ = ["lists", "mined", "score", "write_images", "write_texts"]
MODEL = ModelIdentity(
    name="Tiny",
    pretrained="one",
    requested="tiny",
    architecture={"embed_dim": 4},
    weights="1" * 64,
    checkpoint=None,
    logit_scale=40.0,
    logit_bias=-12.0,
)


def identity(name: str, changes: dict[str, Any]) -> Identity:
    """Return what stands behind a file; a model's fields and the others' may be changed."""
    of_model = {key: changes.pop(key) for key in list(changes) if hasattr(MODEL, key)}
    made = Identity(
        model=replace(MODEL, **of_model),
        source={"name": name, "fingerprint": "f"},
        encoding={"size": 8},
        precision={"arithmetic": "float32"},
        versions={"oodcache": "0"},
    )
    return replace(made, **changes)


@pytest.fixture
def write_images(tmp_path: Path) -> Callable[..., images.ImageFile]:
    """Write a data set: `failed` are the rows that could not be decoded."""

    def write(
        name: str,
        vectors: Vectors,
        *,
        labels: Sequence[int] | None = None,
        label_names: Sequence[str] = (),
        failed: Collection[int] = (),
        dtype: npt.DTypeLike = np.float32,
        **changes: Any,
    ) -> images.ImageFile:
        rows = images.ImageRows(
            paths=[f"{row}.png".encode() for row in range(len(vectors))],
            labels=np.asarray([-1] * len(vectors) if labels is None else labels, np.int64),
            label_names=label_names,
        )
        stored = vectors.copy()
        stored[list(failed)] = 0
        errors = dict.fromkeys(failed, "truncated")
        batch = images.ImageBatch(stored, np.ones(len(stored), np.float32), errors)
        given: dict[str, Any] = {
            "rows": rows,
            "identity": identity(name, changes),
            "dtype": dtype,
        }
        path = names.image_path(tmp_path, given["identity"].model.label, name)
        return images.open_images(
            written_once(path, lambda one: images.write_images(one, [batch], **given), batch, given)
        )

    return write


@pytest.fixture
def write_texts(tmp_path: Path) -> Callable[..., texts.TextFile]:
    """Write a vocabulary: a (K, D) array of vectors for each template."""

    def write(
        name: str,
        *embeddings: Vectors,
        class_names: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        templates: Sequence[str] = ("a {}",),
        **changes: Any,
    ) -> texts.TextFile:
        count = len(embeddings[0])
        vocabulary = texts.Vocabulary(
            names=tuple(class_names or (f"class {place}" for place in range(count))),
            ids=tuple(ids or [""] * count),
            templates=tuple(templates),
        )
        made, norm = identity(name, changes), np.ones((len(embeddings), count), np.float32)
        given: dict[str, Any] = {"vocabulary": vocabulary, "identity": made}
        return texts.open_texts(
            written_once(
                names.text_path(tmp_path, made.model.label, name),
                lambda one: texts.write_texts(one, embeddings, norm, **given),
                *(embeddings, given),
            )
        )

    return write


@pytest.fixture
def score(tmp_path: Path) -> Callable[..., Evaluated]:
    """Evaluate ID `inside` against OOD `outside` with the default scores, or what is given."""

    def run(
        *specifications: str, ood_sets: Sequence[str] = ("outside",), **changes: Any
    ) -> Evaluated:
        wanted: dict[str, Any] = {
            "models": ["tiny"],
            "id_set": "inside",
            "ood_sets": ood_sets,
            "variants": parse_all(specifications or DEFAULT),
            **changes,
        }
        if "model" in wanted:
            wanted["models"] = [wanted.pop("model")]
        keep = wanted.pop("keep", False)
        watch = Watch(**{name: wanted.pop(name) for name in ("note", "progress") if name in wanted})
        return evaluate(Question(tmp_path, **wanted), watch, keep=keep)

    return run


@pytest.fixture
def lists(write_texts: Callable[..., texts.TextFile]) -> dict[str, texts.TextFile]:
    """Write classes, nouns, adjectives and a conjugated pool."""
    written = (
        ("pets", CLASSES, "class", NICE),
        ("nouns", NOUNS, "noun", NICE),
        ("adjectives", ADJECTIVES, "adjective", PHOTO),
        ("pool", POOL, "pool", PHOTO),
    )
    return {
        name: write_texts(name, rows, class_names=words_of(letter, len(rows)), templates=[template])
        for name, rows, letter, template in written
    }


@pytest.fixture
def mined(tmp_path: Path, lists: dict[str, texts.TextFile]) -> Callable[..., Negatives]:
    """Mine from what is in the cache, write the file and return it as it is read."""

    def run(*, notes: list[str] | None = None, **changes: Any) -> Negatives:
        given: dict[str, Any] = {
            "classes": "pets",
            "words": ["nouns", "adjectives"],
            "name": "x",
            **changes,
        }
        note = [].append if notes is None else notes.append
        found = mine(MiningRequest(tmp_path, "tiny", **given), Watch(note))
        write_negatives(found.path, found)
        return read_negatives(found.path)

    return run
