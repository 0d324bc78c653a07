"""Images that a page shows as thumbnails: which they are, and where each is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from oodcache.report.content import EmbeddingMap, FooledImage, ImageRow, SimilarImage
from oodcache.report.pools import picture

Picture = tuple[str, str]  # A dataset's name and an image's path.
# Points of each set on a map that have a thumbnail whatever their score, if there is room.
OF_EACH_SET = 8


def pictures_of(rows: Sequence[ImageRow], maps: Sequence[EmbeddingMap], most: int) -> list[Picture]:
    """Return at most `most` images: those that fooled scores most, then some points of the maps.

    The first of every row's list come before any second, and of these those that most rows show;
    an image and the one that it is similar to stay together.
    """
    shown = Counter(one for row in rows for one in _shown(row))
    ranked = sorted(shown, key=lambda one: (one[0], -shown[one]))
    found = [picture for _, pair in ranked for picture in pair]
    points = (one for chart in maps for one in _spread(chart))
    return list(dict.fromkeys([*found, *points]))[:most]


def _shown(row: ImageRow) -> Iterator[tuple[int, tuple[Picture, ...]]]:
    """Yield each image that fooled a row's score, with the one it is similar to, and its place."""
    for place, one in enumerate(row.fooled_id):
        yield place, _pair(picture(row, one.path), one)
    for name, of_set in row.fooled_ood.items():
        for place, one in enumerate(of_set):
            yield place, _pair((name, one.path), one)


def _pair(own: Picture, one: FooledImage) -> tuple[Picture, ...]:
    return (own,) if one.similar is None else (own, (one.similar.data_set, one.similar.path))


def _spread(chart: EmbeddingMap) -> Iterator[Picture]:
    """Yield some evenly spread images of each set of a map."""
    for at, name in enumerate(chart.sets):
        own = [path for path, of in zip(chart.paths, chart.set_of, strict=True) if of == at]
        yield from ((name, path) for path in own[:: max(1, len(own) // OF_EACH_SET)][:OF_EACH_SET])


def with_thumbnails(row: ImageRow, places: Mapping[Picture, int]) -> ImageRow:
    """Return a row whose images have the index of their thumbnail, if there is one."""

    def similar(one: SimilarImage | None) -> SimilarImage | None:
        return one and replace(one, thumbnail=places.get((one.data_set, one.path)))

    def placed(one: FooledImage, place: Picture) -> FooledImage:
        return replace(one, thumbnail=places.get(place), similar=similar(one.similar))

    return replace(
        row,
        fooled_id=tuple(placed(one, picture(row, one.path)) for one in row.fooled_id),
        fooled_ood={
            name: tuple(placed(one, (name, one.path)) for one in fooled)
            for name, fooled in row.fooled_ood.items()
        },
    )


def on_map(chart: EmbeddingMap, places: Mapping[Picture, int]) -> EmbeddingMap:
    """Return a map whose points have the index of their thumbnail, if there is one."""
    each = zip(chart.set_of, chart.paths, strict=True)
    found = tuple(places.get((chart.sets[at], path)) for at, path in each)
    return replace(chart, thumbnails=found)
