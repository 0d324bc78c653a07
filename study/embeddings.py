"""Embeddings behind a report: each fooled image's most similar ID image, and a map of all images.

Both are of what the model sees, whatever the score: cosines of image embeddings, and their first
two principal components.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile, Vectors
from oodcache.cache.files.scores import ScoredImages
from oodcache.cache.shards.shard_set import open_images
from oodcache.cache.subsets import split
from oodcache.report.content import EmbeddingMap, FooledImage, ImageRow, SimilarImage
from oodcache.report.images import text
from oodcache.report.pictures import Picture
from oodcache.report.pools import picture
from oodcache.report.saved.results import Saved, mapping
from oodcache.report.tables.grid import as_typed, by_row
from oodcache.score.inputs.files import images_path
from oodcache.score.measures.result import Result

# Points of a map: as many of ID sets as of OOD sets.
MOST_POINTS = 2000
Integers = npt.NDArray[np.int64]
Parts = Mapping[tuple[str, str, str], ScoredImages]
Names = Callable[[Result], Mapping[bytes, str]]


@dataclass(frozen=True)
class EmbeddedSet:
    """The images of a set that results count, and the file of their embeddings.

    `paths` are in the results' order; `rows` has the row of each in the file.
    """

    name: str
    file: ImageFile
    paths: Sequence[bytes]
    rows: Integers

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Return the index of each path, as text."""
        return {text(path): place for place, path in enumerate(self.paths)}

    def vectors(self, places: Integers) -> Vectors:
        """Return the embeddings of the images at `places`, float32 (n, D)."""
        wanted = self.rows[places]
        found = np.empty((len(wanted), self.file.dimension), np.float32)
        for first, block in self.file.blocks_with(wanted):
            inside = (wanted >= first) & (wanted < first + len(block))
            found[inside] = block[wanted[inside] - first]
        return found


@dataclass(frozen=True)
class ModelEmbeddings:
    """The sets of one model: those of ID images first, `id_sets` of them."""

    model: str
    sets: tuple[EmbeddedSet, ...]
    id_sets: int

    def vectors(self, pictures: Sequence[Picture]) -> Vectors:
        """Return the embeddings of images of any sets, float32 (n, D)."""
        found = np.empty((len(pictures), self.sets[0].file.dimension), np.float32)
        for one in self.sets:
            own = [place for place, (name, _) in enumerate(pictures) if name == one.name]
            if own:
                found[own] = one.vectors(np.array([one.places[pictures[i][1]] for i in own]))
        return found


def add(
    rows: Sequence[ImageRow],
    saved: Saved,
    found: Sequence[ScoredImages],
    cache: Path,
    names: Names,
) -> tuple[list[ImageRow], list[EmbeddingMap]]:
    """Return rows with similar images and scores on a map, and the map of each model.

    Raises InputError if embeddings are missing, or not those that the results were made of.
    """
    if any(row.key[0] is None for row in rows):
        raise InputError("scores of another program have no embeddings")
    parts: Parts = {(one.model, one.template, one.data_set): one for one in found}
    first = {row.key: next(iter(of.values())) for row, of in _paired(rows, saved)}
    added, maps = list(rows), []
    for model in dict.fromkeys(str(row.key[0]) for row in rows):
        own = [place for place, row in enumerate(rows) if row.key[0] == model]
        those = [rows[place] for place in own]
        embedded = _embedded(model, those, saved, parts, cache)
        labels = names(first[those[0].key])
        similar = _similar(embedded, sorted(set().union(*map(_fooled, those))), labels)
        chart = _map(embedded)
        maps += [chart] if chart else []
        for place in own:
            row = _with_similar(rows[place], similar)
            on_map = _scores(chart, row, first[row.key], parts) if chart else ()
            added[place] = replace(row, on_map=on_map)
    return added, maps


def _paired(
    rows: Sequence[ImageRow], saved: Saved
) -> Iterator[tuple[ImageRow, Mapping[str, Result]]]:
    results = by_row(saved.results)
    for row in rows:
        yield row, results[row.key]


def _embedded(
    model: str, rows: Sequence[ImageRow], saved: Saved, parts: Parts, cache: Path
) -> ModelEmbeddings:
    """Return the sets behind a model's rows."""
    inside = dict.fromkeys(name for row in rows for name in row.pooled or (row.id,))
    outside = dict.fromkeys(name for row in rows for name in row.n_ood if name not in inside)
    recorded = _recorded(saved)
    sets = []
    for name in (*inside, *outside):
        part = next(one for key, one in parts.items() if (key[0], key[2]) == (model, name))
        file = open_images(images_path(cache, model, model, split(name)[0]))
        if recorded and file.identity.vectors and file.identity.vectors not in recorded:
            raise InputError(f"{file.path}: not the embeddings that the results were made of")
        there = {path: row for row, path in enumerate(file.paths())}
        paths = part.paths()
        if len(paths) != len(part):
            raise InputError(f"which images of {name} have which scores is not known")
        if missing := [path for path in paths if path not in there]:
            raise InputError(f"{file.path}: has no image {text(missing[0])!r}")
        rows_of = np.array([there[path] for path in paths], np.int64)
        sets.append(EmbeddedSet(name, file, paths, rows_of))
    return ModelEmbeddings(model, tuple(sets), len(inside))


def _recorded(saved: Saved) -> set[str]:
    """Return the SHA-256 of the vectors of all files behind results, as far as recorded."""
    files = saved.provenance.get("files")
    each = [mapping(one).get("vectors") for one in (files if isinstance(files, list) else ())]
    return {one for one in each if isinstance(one, str)} if all(each) else set()


def _fooled(row: ImageRow) -> set[Picture]:
    """Return the images that fooled a row's score."""
    inside = {picture(row, one.path) for one in row.fooled_id}
    return inside | {(name, one.path) for name, of in row.fooled_ood.items() for one in of}


def _similar(
    embedded: ModelEmbeddings, wanted: Sequence[Picture], labels: Mapping[bytes, str]
) -> dict[Picture, SimilarImage]:
    """Return the ID image with the largest cosine to each other image; the first of several."""
    if not wanted:
        return {}
    queries = embedded.vectors(wanted)
    best = np.full(len(wanted), -np.inf, np.float32)
    which: list[tuple[EmbeddedSet, int] | None] = [None] * len(wanted)
    for one in embedded.sets[: embedded.id_sets]:
        place_of = {int(row): place for place, row in enumerate(one.rows)}
        own = [int(one.rows[one.places[path]]) if name == one.name else -1 for name, path in wanted]
        for first, block in one.file.blocks_with(one.rows):
            rows = np.array([first + at for at in range(len(block)) if first + at in place_of])
            cosines = queries @ block[rows - first].T
            # An image is not similar to itself.
            cosines[np.array(own)[:, None] == rows] = -np.inf
            for at in np.flatnonzero(cosines.max(axis=1) > best):
                nearest = int(cosines[at].argmax())
                best[at], which[at] = cosines[at, nearest], (one, place_of[int(rows[nearest])])
    return {
        one: _named(*found, float(cosine), labels)
        for one, found, cosine in zip(wanted, which, best, strict=True)
        if found is not None
    }


def _named(
    one: EmbeddedSet, place: int, cosine: float, labels: Mapping[bytes, str]
) -> SimilarImage:
    code = int(one.file.label[one.rows[place]])
    label = "" if code < 0 else one.file.label_names[code]
    return SimilarImage(
        one.name, text(one.paths[place]), labels.get(label.encode()) or label, cosine
    )


def _with_similar(row: ImageRow, similar: Mapping[Picture, SimilarImage]) -> ImageRow:
    def of(one: FooledImage, place: Picture) -> FooledImage:
        return replace(one, similar=similar.get(place))

    return replace(
        row,
        fooled_id=tuple(of(one, picture(row, one.path)) for one in row.fooled_id),
        fooled_ood={
            name: tuple(of(one, (name, one.path)) for one in fooled)
            for name, fooled in row.fooled_ood.items()
        },
    )


def _map(embedded: ModelEmbeddings) -> EmbeddingMap | None:
    """Return the map of an evenly spread sample of each set; None if it has no two directions."""
    from sklearn.decomposition import PCA

    chosen = [
        (one, spread(len(one.paths), share))
        for one, share in zip(embedded.sets, _shares(embedded), strict=True)
    ]
    vectors = np.concatenate([one.vectors(places) for one, places in chosen]).astype(np.float64)
    if len(vectors) < 3 or vectors.shape[1] < 2 or not np.ptp(vectors, axis=0).any():
        return None
    components = PCA(n_components=2, svd_solver="full").fit(vectors)
    points = components.transform(vectors)
    along, across = (float(one) for one in components.explained_variance_ratio_)
    return EmbeddingMap(
        model=embedded.model,
        sets=tuple(one.name for one in embedded.sets),
        id_sets=embedded.id_sets,
        set_of=tuple(at for at, (_, places) in enumerate(chosen) for _ in places),
        paths=tuple(text(one.paths[place]) for one, places in chosen for place in places),
        x=tuple(points[:, 0].tolist()),
        y=tuple(points[:, 1].tolist()),
        explained=(along, across),
        images=sum(len(one.paths) for one in embedded.sets),
    )


def _shares(embedded: ModelEmbeddings) -> list[int]:
    """Return how many points each set has: half of all are ID, unless a side has fewer images."""
    sizes = [len(one.paths) for one in embedded.sets]
    sides = sizes[: embedded.id_sets], sizes[embedded.id_sets :]
    half = MOST_POINTS // 2
    inside, outside = (sum(one) for one in sides)
    most = max(half, MOST_POINTS - outside), max(half, MOST_POINTS - inside)
    return [share for side, own in zip(sides, most, strict=True) for share in divided(side, own)]


def divided(sizes: Sequence[int], most: int) -> list[int]:
    """Return equal shares of `most` for sets of these sizes; what one does not need others have.

    >>> divided([1, 9, 9], 11)
    [1, 5, 5]
    """
    shares = dict.fromkeys(range(len(sizes)), 0)
    left = most
    for done, place in enumerate(sorted(shares, key=lambda one: sizes[one])):
        shares[place] = min(sizes[place], left // (len(sizes) - done))
        left -= shares[place]
    return [*shares.values()]


def spread(images: int, most: int) -> Integers:
    """Return at most `most` evenly spread places of so many images, the first and last included.

    >>> spread(5, 3)
    array([0, 2, 4])
    """
    if images <= most:
        return np.arange(images)
    return np.linspace(0, images - 1, most).round().astype(np.int64)


def _scores(
    chart: EmbeddingMap, row: ImageRow, result: Result, parts: Parts
) -> tuple[float | None, ...]:
    """Return the score of each point in its ranking form; None if infinite or not known."""
    label = as_typed(result)
    columns: dict[str, Mapping[str, float]] = {}
    for name in chart.sets:
        part = parts.get((chart.model, str(row.key[1]), name))
        if part is None or label not in part.scores:
            columns[name] = {}
            continue
        scores = part.scores[label].tolist()
        columns[name] = dict(zip(map(text, part.paths()), scores, strict=True))
    found = (
        columns[chart.sets[at]].get(path)
        for at, path in zip(chart.set_of, chart.paths, strict=True)
    )
    return tuple(one if one is not None and np.isfinite(one) else None for one in found)
