"""Claims about where time goes: to the second by a clock that is set, and said in one line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oodcache.extract.run.timing import DECODING, MODEL, TRANSFER, WRITING, Timing, summary


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_inner_stage_stops_the_outer_ones_clock_and_the_rest_is_writing() -> None:
    clock = Clock()
    timing = Timing(DECODING, clock)
    clock.now += 1
    with timing.during(MODEL):
        clock.now += 10
        with timing.during(TRANSFER):
            clock.now += 100
        clock.now += 20
    clock.now += 2
    assert timing.seconds() == {DECODING: 0, TRANSFER: 100, MODEL: 30, WRITING: 3}


def test_waiting_for_items_is_counted_and_what_is_done_with_them_is_not() -> None:
    clock = Clock()
    timing = Timing(DECODING, clock)

    def items() -> Iterator[str]:
        for item in "ab":
            clock.now += 5
            yield item
        clock.now += 3  # To find that there are no more.

    for _ in timing.waiting(DECODING, items()):
        clock.now += 7
    assert timing.seconds() == {DECODING: 13, TRANSFER: 0, MODEL: 0, WRITING: 14}


def test_an_error_ends_its_stage() -> None:
    clock = Clock()
    timing = Timing(DECODING, clock)
    with pytest.raises(KeyError), timing.during(MODEL):
        clock.now += 4
        raise KeyError
    clock.now += 1
    assert timing.seconds()[MODEL] == 4
    assert timing.seconds()[WRITING] == 1


SECONDS = {DECODING: 0.25, TRANSFER: 0.0, MODEL: 1.75, WRITING: 0.0}


def test_the_bottleneck_is_named() -> None:
    assert summary("digits", 717, "images", SECONDS, "--fast-decode") == (
        "digits: 717 images in 2.0 s (358 images/s): waited 12 % for decode, 0 % for transfer, "
        "88 % for the model, 0 % for writing; the model is the bottleneck"
    )


def test_options_are_named_where_decoding_is_slow_and_some_are_left() -> None:
    slow = {**SECONDS, DECODING: 10.0}
    told = summary("digits", 7, "images", slow, "--workers 8")
    assert told is not None
    assert told.endswith("; decode is the bottleneck: try --workers 8")
    told = summary("digits", 7, "images", slow)
    assert told is not None
    assert told.endswith("; decode is the bottleneck")


def test_what_took_no_second_is_not_told() -> None:
    assert summary("digits", 717, "images", {**SECONDS, MODEL: 0.7}) is None
