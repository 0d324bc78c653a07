"""Claims about which images have thumbnails, and where each is shown."""

from __future__ import annotations

from dataclasses import replace

from samples.report.content import HOSTILE, sample

from oodcache.report.content import EmbeddingMap, ImageRow, SimilarImage
from oodcache.report.pictures import OF_EACH_SET, on_map, pictures_of, with_thumbnails

ROWS = sample()[1].rows
COUNT = 40
CHART = EmbeddingMap(
    *("clip/one", ("pets", "near"), 1),
    set_of=(*[0] * COUNT, *[1] * COUNT),
    paths=tuple(f"{place}.png" for place in range(2 * COUNT)),
    x=(0.0,) * 2 * COUNT,
    y=(0.0,) * 2 * COUNT,
    explained=(0.5, 0.2),
    images=2 * COUNT,
)


def similar(row: ImageRow) -> ImageRow:
    """Return a row whose lowest ID image is similar to one of another set."""
    first, *others = row.fooled_id
    found = SimilarImage("bank", "x.png", "", 0.5)
    return replace(row, fooled_id=(replace(first, similar=found), *others))


def test_the_first_of_every_row_come_before_any_second_and_points_of_maps_last() -> None:
    rows = [similar(row) for row in ROWS]
    every = pictures_of(rows, [CHART], 10_000)
    lists = [
        [
            *([("pets", one.path) for one in row.fooled_id],),
            *([(name, one.path) for one in of] for name, of in row.fooled_ood.items()),
        ]
        for row in rows
    ]
    first = {
        one: min(of.index(one) for row in lists for of in row if one in of)
        for row in lists
        for of in row
        for one in of
    }
    places = [first[one] for one in every if one in first]
    assert len(rows) > 1 and len(set(places)) > 1 and places == sorted(places)
    # An image's similar one is next to it.
    assert ("bank", "x.png") in every[:2] and set(first) | {("bank", "x.png")} <= set(every)
    of_map = every[len(first) + 1 :]
    assert len({one for one in of_map if one[0] == "near"}) <= OF_EACH_SET
    assert ("pets", "0.png") in every and ("near", f"{COUNT}.png") in every
    assert pictures_of(rows, [CHART], 5) == every[:5] and len(set(every)) == len(every)


def test_of_images_in_one_place_those_that_most_rows_show_come_first() -> None:
    one, other, third = (
        replace(ROWS[0], fooled_ood={}, fooled_id=(replace(ROWS[0].fooled_id[0], path=path),))
        for path in ("rare.png", "usual.png", "usual.png")
    )
    assert pictures_of([one, other, third], [], 9) == [("pets", "usual.png"), ("pets", "rare.png")]


def test_each_image_has_the_place_of_its_own_thumbnail() -> None:
    row = similar(ROWS[0])
    first = row.fooled_ood[HOSTILE][0]
    places = {("bank", "x.png"): 3, (HOSTILE, first.path): 1, ("pets", row.fooled_id[1].path): 2}
    found = with_thumbnails(row, places)
    assert found.fooled_ood[HOSTILE][0].thumbnail == 1
    assert found.fooled_id[1].thumbnail == 2
    assert found.fooled_id[0].similar is not None and found.fooled_id[0].similar.thumbnail == 3
    # An image of the same path in another set is another image.
    assert found.fooled_ood["near"][0].thumbnail is None


def test_a_point_has_the_thumbnail_of_its_image_in_its_set() -> None:
    found = on_map(CHART, {("pets", "1.png"): 0, ("near", f"{COUNT}.png"): 1, ("near", "2.png"): 2})
    expected = {1: 0, COUNT: 1}
    assert dict(enumerate(found.thumbnails)) == {
        place: expected.get(place) for place in range(2 * COUNT)
    }
