"""Claims about courses of streams: rows of stream scores alone, named by their methods."""

from __future__ import annotations

from dataclasses import replace

from samples.report.figures import sample
from samples.report.streams import ORDERS, streamed

from oodcache.report.streams import courses, pathless, windows

SAVED = streamed(sample(outside=("SUN", "DTD")).saved)
LEARNING = [one for one in SAVED.results if one.stream]


def test_a_course_has_the_numbers_of_its_row() -> None:
    found = courses(SAVED.results)
    assert [(one.method, one.order, one.ood) for one in found] == [
        (score, order, ood)
        for score in ("oodd", "tanl")
        for order in ("shuffle:2", "id-first")
        for ood in ("SUN", "DTD", "average")
    ]
    for course, one in zip(found, LEARNING, strict=True):
        assert one.stream is not None
        assert course.path == one.stream.path
        for order, measures in one.stream.orders.items():
            assert course.orders[order] == {name: measures[name] for name in ("auroc", "fpr95")}


def test_methods_are_named_with_the_model_if_there_are_several() -> None:
    others = [replace(one, model="other") for one in LEARNING]
    names = {one.method for one in courses([*LEARNING, *others])}
    assert len(names) == 4 and all(" · " in name for name in names)


def test_rows_of_an_earlier_version_lack_paths_and_an_average_never_does() -> None:
    assert pathless(SAVED.results) == []
    old = [one.stream and replace(one, stream=replace(one.stream, path=None)) for one in LEARNING]
    rows = [f"{score} ({order})" for score in ("oodd", "tanl") for order in ORDERS]
    assert pathless([one for one in old if one]) == rows
    assert pathless([one for one in old if one and one.is_average]) == []


def test_a_stream_with_images_of_other_sets_is_shared() -> None:
    first = LEARNING[0]
    assert first.stream is not None
    for extra, is_shared in ((0, False), (1, True)):
        stream = replace(first.stream, images=first.n_id + first.n_ood + extra)
        assert courses([replace(first, stream=stream)])[0].is_shared is is_shared
        average = replace(first, ood="average", stream=stream)
        assert not courses([average])[0].is_shared


def test_windows_of_several_lengths_are_a_range() -> None:
    found = courses(SAVED.results)[:1]
    assert found[0].path is not None
    assert windows(found) == "200"
    longer = [replace(found[0], path=replace(found[0].path, window=size)) for size in (1500, 400)]
    assert windows([*longer, *found]) == "200 to 1,500"
