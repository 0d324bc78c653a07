"""From files of the cache to rows of results: one model, one vocabulary, ID against OOD sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache import names, store
from oodcache.cache.errors import InputError
from oodcache.cache.identity import OVERRIDDEN
from oodcache.cache.image_file import ImageFile, open_images
from oodcache.cache.text_file import TextFile, open_texts
from oodcache.score import bootstrap, labels
from oodcache.score.comparison import compare
from oodcache.score.onepass import Classes, Scored, score_images
from oodcache.score.result import AVERAGE, STANDARD, Conventions, Result
from oodcache.score.rows import Scores
from oodcache.score.variants import Variant

Vectors = npt.NDArray[np.float32]
Note = Callable[[str], None]
Progress = Callable[[str, int, str], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True)
class Kept:
    """What one row of a table is computed from: a variant's score of every image.

    `scores` has, for the ID set and then for each OOD set, float64 (n,), the ranking form of the
    images that could be decoded, in the order of their file in `images`.
    """

    model: str
    template: str
    variant: Variant
    scores: Mapping[str, Scores]
    images: Mapping[str, ImageFile]


@dataclass(frozen=True)
class Evaluated:
    """One model's results, the files that they come from and, if asked for, all scores."""

    results: tuple[Result, ...]
    files: tuple[ImageFile | TextFile, ...]
    kept: tuple[Kept, ...]


def evaluate(
    cache: Path,
    model: str,
    *,
    classes: str | None,
    id_set: str,
    ood_sets: Sequence[str],
    variants: Sequence[Variant],
    template: str | None = None,
    conventions: Conventions = STANDARD,
    keep: bool = False,
    note: Note = lambda text: None,
    progress: Progress = lambda description, total, unit: nullcontext(lambda done: None),
) -> Evaluated:
    """Score every image once and compare `id_set` with each of `ood_sets`, for each variant.

    `classes` may be None where the cache holds one vocabulary of the model. `template` is one of
    the vocabulary's, "average", or None: the only one, else the average. `note` is told what a
    reader of the numbers should know; `progress(description, total, unit)` gives a function that
    is told how many more images are read. Raises InputError if files are missing or do not fit.
    """
    _check_sets(id_set, ood_sets)
    label = store.find_model(cache, model)
    texts = open_texts(_text_path(cache, label, model, classes))
    images = [open_images(_image_path(cache, label, model, name)) for name in (id_set, *ood_sets)]
    _check_same_model(texts, images)
    vectors, templates = class_vectors(texts, template)
    _tell(texts, images, variants, note)
    identity = texts.identity.model
    assert identity.logit_scale is not None  # Rule F8.
    head = Classes(vectors, identity.logit_scale, identity.logit_bias)
    scored = [_score(one, head, variants, progress) for one in images]
    common: dict[str, Any] = {
        "model": identity.name,
        "pretrained": identity.pretrained,
        "classes": texts.path.stem,
        "template": template or (templates[0] if len(templates) == 1 else AVERAGE),
        "templates": templates,
        "id": id_set,
        "fpr_convention": conventions.fpr_convention,
        "n_id": int(np.count_nonzero(images[0].ok)),
        "id_accuracy": _accuracy(images[0], scored[0], texts, note),
    }
    rows: list[Result] = []
    kept: list[Kept] = []
    names_of = (id_set, *ood_sets)
    for place, variant in enumerate(variants):
        common |= {"score": variant.score, "parameters": variant.parameters}
        scores = [one.scores[place][file.ok] for one, file in zip(scored, images, strict=True)]
        against = dict(zip(ood_sets, scores[1:], strict=True))
        if keep:
            by_set = dict(zip(names_of, scores, strict=True))
            files = dict(zip(names_of, images, strict=True))
            kept.append(Kept(identity.label, common["template"], variant, by_set, files))
        resamples = conventions.bootstrap * len(ood_sets)
        with bootstrap.watched(progress, variant.label, resamples) as advance:
            rows += compare(
                common,
                scores[0],
                against,
                conventions=conventions,
                groups=dict.fromkeys(ood_sets),
                shared_images=dict.fromkeys(ood_sets, 0),
                probability=None,
                advance=advance,
            )
    return Evaluated(tuple(rows), (texts, *images), tuple(kept))


def _score(
    images: ImageFile, classes: Classes, variants: Sequence[Variant], progress: Progress
) -> Scored:
    def told(advance: Callable[[int], None]) -> Iterator[Vectors]:
        for block in images.blocks():
            yield block
            advance(len(block))

    with progress(f"score {images.path.stem}", images.rows, "images") as advance:
        return score_images(told(advance), images.rows, classes, variants)


def class_vectors(texts: TextFile, template: str | None) -> tuple[Vectors, tuple[str, ...]]:
    """Return unit class vectors (K, D) and the templates they are made with.

    "average" is the mean over templates of the unit vectors, renormalised.
    """
    stored = texts.vocabulary.templates
    if template is None:
        template = stored[0] if len(stored) == 1 else AVERAGE
    if template in stored:
        return texts.embeddings[stored.index(template)], (template,)
    if template != AVERAGE:
        there = "; ".join(stored[:3]) + (f"; … ({len(stored)})" if len(stored) > 3 else "")
        raise InputError(
            f"{texts.path}: holds no template {template!r}; give --template average or one of "
            f"its own: {there}"
        )
    mean = texts.embeddings.mean(axis=0, dtype=np.float64)
    return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32), stored


def _accuracy(images: ImageFile, scored: Scored, texts: TextFile, note: Note) -> float | None:
    """Return the share of labelled, decoded images whose nearest class is their own."""
    vocabulary = texts.vocabulary
    known = labels.match(images.label_names, vocabulary.ids, vocabulary.names)
    target = labels.targets(images.label, known)
    unknown = [name for name, place in zip(images.label_names, known, strict=True) if place < 0]
    labelled = images.ok & (target >= 0)
    missing = int(np.count_nonzero(images.ok & (target < 0)))
    if missing:
        which = f", of folders {', '.join(unknown[:5])}{', …' * (len(unknown) > 5)}"
        note(
            f"{images.path.stem}: {missing:,} of {int(images.ok.sum()):,} images have no label "
            f"among the classes of {texts.path.stem}{which if unknown else ''}; "
            "they count as ID, but not towards accuracy"
        )
    if not labelled.any():
        return None
    return float(np.mean(scored.best[labelled] == target[labelled]))


def _check_sets(id_set: str, ood_sets: Sequence[str]) -> None:
    for place, name in enumerate(ood_sets):
        if name == id_set:
            raise InputError(f"{name!r} is both --id and --ood: its images cannot be told apart")
        if name in ood_sets[:place]:
            raise InputError(f"--ood {name!r} is given twice")


def _text_path(cache: Path, label: str, model: str, classes: str | None) -> Path:
    there = [one.name for one in store.entries(cache) if one.label == label and one.kind == "texts"]
    if classes is None and len(there) == 1:
        return names.text_path(cache, label, there[0])
    if classes in there:
        return names.text_path(cache, label, classes)
    if classes is None and there:
        raise InputError(f"{cache / label}: give --classes {' or '.join(there)}")
    wanted = classes or "NAME"
    raise InputError(
        f"{cache / label}: no vocabulary {wanted!r} (there are: {', '.join(there) or 'none'}); "
        f"make it with: oodcache extract --model {model} --classes {_source(wanted, 'FILE')}"
    )


def _image_path(cache: Path, label: str, model: str, dataset: str) -> Path:
    there = [
        one.name for one in store.entries(cache) if one.label == label and one.kind == "images"
    ]
    if dataset in there:
        return names.image_path(cache, label, dataset)
    raise InputError(
        f"{cache / label}: no images {dataset!r} (there are: {', '.join(there) or 'none'}); "
        f"make them with: oodcache extract --model {model} {_source(dataset, 'FOLDER')}"
    )


def _source(name: str, what: str) -> str:
    return name if name in names.KNOWN else f"{name}={what}"


def _check_same_model(texts: TextFile, images: Sequence[ImageFile]) -> None:
    again = "make one of them again with: oodcache extract --overwrite"
    model, dimension = texts.identity.model, texts.embeddings.shape[-1]
    extracted = [one for one in images if not one.identity.is_imported]
    for one in images:
        found = one.identity.model
        if found.weights != model.weights:
            known = not (one.identity.is_imported or texts.identity.is_imported)
            raise InputError(
                f"{one.path}: made with weights {_brief(found.weights)}, but {texts.path} with "
                f"{_brief(model.weights)}: scores cannot mix them; "
                + (again if known else "if they are one model's, import with equal --weights")
            )
        if found.architecture != model.architecture and found.architecture and model.architecture:
            raise InputError(
                f"{one.path}: made with another architecture than {texts.path}, though with the "
                f"same weights: scores cannot mix them; {again}"
            )
        if one.dimension != dimension:
            raise InputError(
                f"{one.path}: vectors of {one.dimension} numbers, but {texts.path} of {dimension}; "
                f"{again}"
            )
    for one in extracted:
        if _preprocessing(one) != _preprocessing(extracted[0]):
            raise InputError(
                f"{one.path}: preprocessed otherwise than {extracted[0].path}: {again}"
            )


def _brief(weights: str) -> str:
    """Return the start of a SHA-256, the whole of any other label."""
    return f"{weights[:8]}…" if len(weights) == 64 else weights


def _preprocessing(images: ImageFile) -> dict[str, Any]:
    """Return the settings, whoever gave them: the user or the model."""
    return {name: value for name, value in images.identity.encoding.items() if name != OVERRIDDEN}


def _tell(
    texts: TextFile, images: Sequence[ImageFile], variants: Sequence[Variant], note: Note
) -> None:
    """Say what a reader of the numbers should know of the files."""
    everything: tuple[ImageFile | TextFile, ...] = (images[0], texts, *images[1:])
    files = [file for file in everything if not file.identity.is_imported]
    for file in files:
        if file.identity.precision != files[0].identity.precision:
            note(f"{file.path}: computed in another precision than {files[0].path}")
    imported = [one.path.stem for one in images if one.identity.is_imported]
    if 0 < len(imported) < len(images):
        note(f"{', '.join(imported)}: imported, perhaps preprocessed otherwise than the others")
    for one in images:
        failed = one.rows - int(np.count_nonzero(one.ok))
        if failed:
            note(f"{one.path.stem}: {failed:,} of {one.rows:,} images could not be decoded")
    needs_bias = [one.label for one in variants if one.parameters.get("bias") == "learned"]
    if needs_bias and texts.identity.model.logit_bias is None:
        note(f"{texts.identity.model.label} has no bias: b = 0 is used in {', '.join(needs_bias)}")


def provenance(files: Sequence[ImageFile | TextFile]) -> list[dict[str, Any]]:
    """Return what identifies each file: path, weights, vectors and what decided them."""
    return [
        {
            "path": str(one.path),
            "weights": one.identity.model.weights,
            "vectors": one.identity.vectors,
            "source": dict(one.identity.source),
            "precision": dict(one.identity.precision),
            "versions": dict(one.identity.versions),
        }
        for one in files
    ]
