"""A made-up cache under the names of a real one: ImageNet's classes and sets, made of noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from samples.cache.written_once import written_once

from oodcache.cache import names
from oodcache.cache.files import images, texts
from oodcache.cache.format.identity import Identity, ModelIdentity

Vectors = npt.NDArray[np.float32]
OPENAI = "ViT-B-16/openai"
DIMENSION, CLASSES = 16, 1000
# How many images of each set, and how far they lie from any class: OOD further off.
IMAGES = {"imagenet-val": 300, "iNaturalist": 200, "SUN": 250, "Places": 210, "Textures": 220}
SPREAD = {"imagenet-val": 0.2, "iNaturalist": 1.2, "SUN": 0.5, "Places": 0.4, "Textures": 0.3}
CLIP = {"tokenizer": "SimpleTokenizer", "clean": "_clean_lower"}
SIGLIP = {"tokenizer": "HFTokenizer", "clean": "_clean_canonicalize"}
PLAIN, NICE, PHOTO = "a photo of a {}", "the nice {}", "This is a {} photo"
IDS = tuple(f"n{place:08}" for place in range(CLASSES))


def unit(rows: npt.NDArray[Any]) -> Vectors:
    found: Vectors = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return found


def identity(name: str, label: str, encoding: Mapping[str, Any]) -> Identity:
    model, pretrained = label.split("/")
    architecture, bias = {"embed_dim": DIMENSION}, -10.0 if "SigLIP" in label else None
    return Identity(
        ModelIdentity(model, pretrained, label, architecture, "1" * 64, None, 100.0, bias),
        {"name": name, "fingerprint": "f"},
        encoding,
        {"arithmetic": "float32"},
        {"oodcache": "0"},
    )


def class_vectors(seed: int = 0) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=(CLASSES, DIMENSION)))


def write_words(
    cache: Path,
    templates: Sequence[str] = (PLAIN,),
    *,
    label: str = OPENAI,
    name: str = "imagenet",
    words: Sequence[str] = IDS,
    seed: int = 0,
    encoding: Mapping[str, Any] = CLIP,
) -> Vectors:
    """Write a vocabulary; return its vectors (T, K, D): every template has others."""
    noise = np.random.default_rng(seed + 1).normal(size=(len(templates), len(words), DIMENSION))
    vectors = unit(class_vectors(seed)[: len(words)] + 0.1 * noise)
    ids = words if words is IDS else ("",) * len(words)
    given: dict[str, Any] = {
        "vocabulary": texts.Vocabulary(tuple(words), tuple(ids), tuple(templates)),
        "identity": identity(name, label, encoding),
    }
    norm = np.ones(vectors.shape[:2], np.float32)
    written_once(
        names.text_path(cache, label, name),
        lambda path: texts.write_texts(path, vectors, norm, **given),
        *(vectors, given),
    )
    return vectors


def write_sets(
    cache: Path, *, label: str = OPENAI, sets: Mapping[str, int] = IMAGES, labels: bool = True
) -> dict[str, Vectors]:
    """Write the images of each set; return their vectors. An ID image is near its own class."""
    written = {}
    for seed, (name, count) in enumerate(sets.items(), start=100):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=(count, DIMENSION))
        vectors = unit(class_vectors()[:count] + SPREAD[name] * noise)
        is_id = labels and name == "imagenet-val"
        batch = images.ImageBatch(vectors, np.ones(count, np.float32), {})
        given: dict[str, Any] = {
            "rows": images.ImageRows(
                [b"%d.jpg" % row for row in range(count)],
                np.arange(count) if is_id else np.full(count, -1),
                IDS[:count] if is_id else (),
            ),
            "identity": identity(name, label, {"size": 8}),
            "dtype": np.float32,
        }
        write = partial(images.write_images, batches=[batch], **given)
        written_once(names.image_path(cache, label, name), write, batch, given)
        written[name] = vectors
    return written
