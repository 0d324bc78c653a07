"""Claims about orders: every image once, in the order that the name promises."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.cache.errors import InputError
from oodcache.score.streams.order import ImageStream, StreamOrder, read, read_all

SIZES = [("pets", 6), ("strays", 4), ("others", 3)]
STRAYS, OTHERS = set(range(6, 10)), set(range(10, 13))


def streams(typed: str, seed: int = 0) -> list[ImageStream]:
    return read(typed).streams(SIZES, seed)


@given(
    st.sampled_from(["shuffle", "shuffle:3", "id-first", "ood-first"]),
    st.integers(1, 30),
    st.lists(st.integers(1, 20), min_size=1, max_size=4),
    st.integers(0, 5),
)
def test_a_set_meets_all_id_images_and_its_own_once(
    typed: str, inside: int, outside: list[int], seed: int
) -> None:
    sizes = [("id", inside), *((f"ood{place}", count) for place, count in enumerate(outside))]
    order = read(typed)
    found = order.streams(sizes, seed)
    assert [one.against for one in found] == [
        (name,) for name, _ in sizes[1:] for _ in range(order.shuffles)
    ]
    first = inside
    for place, count in enumerate(outside):
        wanted = [*range(inside), *range(first, first + count)]
        for one in found[place * order.shuffles : (place + 1) * order.shuffles]:
            assert sorted(one.places) == wanted
        first += count


def test_first_means_first_and_rows_keep_their_order() -> None:
    strays, others = streams("id-first")
    assert strays.places.tolist() == [*range(6), *range(6, 10)]
    assert others.places.tolist() == [*range(6), *range(10, 13)]
    strays, others = streams("ood-first")
    assert strays.places.tolist() == [*range(6, 10), *range(6)]
    assert others.places.tolist() == [*range(10, 13), *range(6)]


def test_shuffles_are_numpys_permutations_of_rising_seeds() -> None:
    found = streams("shuffle:2", seed=7)
    assert [one.order for one in found] == ["shuffle 7", "shuffle 8"] * 2
    for one, seed in zip(found[:2], (7, 8), strict=True):
        expected = np.random.default_rng(seed).permutation(10)
        assert one.places.tolist() == expected.tolist()
    assert found[0].places.tolist() == streams("shuffle", seed=7)[0].places.tolist()


def test_drift_needs_an_id_image_for_each_set() -> None:
    sizes = [("pets", 1), ("strays", 4), ("others", 3)]
    with pytest.raises(InputError, match="1 ID image cannot be divided among 2 OOD sets; give"):
        read("drift").streams(sizes, 0)
    (only,) = read("drift").streams([("pets", 2), *sizes[1:]], 0)
    assert len(only.places) == 9


def test_drift_is_one_stream_with_the_sets_one_after_the_other() -> None:
    (only,) = streams("drift")
    assert only.against == ("strays", "others")
    assert sorted(only.places) == list(range(13))
    first, second = set(only.places[:7].tolist()), set(only.places[7:].tolist())
    assert first > STRAYS and second > OTHERS
    assert len(first & set(range(6))) == len(second & set(range(6))) == 3


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["0.01", "0.1", "0.29", "1", "2.5", "10", "100"]),
)
def test_ratio_keeps_as_many_as_there_can_be(inside: int, outside: int, ratio: str) -> None:
    exact = Fraction(ratio)
    # Every count of the rarer side that the other, before it is rounded, has images for.
    exactly = [
        (count * exact, count) if exact >= 1 else (count, count / exact) for count in range(1, 301)
    ]
    possible = [pair for pair in exactly if pair[0] <= inside and pair[1] <= outside]
    try:
        (only,) = read(f"ratio:{ratio}").streams([("id", inside), ("ood", outside)], 0)
    except InputError:
        assert not possible
        return
    ours = np.count_nonzero(only.places < inside)
    assert len(set(only.places.tolist())) == len(only.places)
    assert (ours, len(only.places) - ours) == tuple(map(round, possible[-1]))


def test_a_large_ratio_is_that_of_the_images_that_are_drawn() -> None:
    (only,) = read("ratio:100").streams([("id", 149), ("ood", 89)], 0)
    assert [np.sum(only.places < 149), np.sum(only.places >= 149)] == [100, 1]


def test_a_ratio_that_the_images_cannot_have_is_rejected_with_those_they_can() -> None:
    sizes = [("id", 30), ("ood", 80)]
    for typed in ("ratio:31", "ratio:0.012"):
        with pytest.raises(InputError, match=" 80 OOD .* from 0.013 to 30, such as ratio:10$"):
            read(typed).streams(sizes, 0)


@given(st.integers(1, 300), st.integers(1, 3000))
def test_the_ratios_that_a_message_names_can_be_typed(inside: int, outside: int) -> None:
    sizes = [("id", inside), ("ood", outside)]
    with pytest.raises(InputError) as refused:
        read(f"ratio:{inside + 1}").streams(sizes, 0)
    least, most, such = re.findall("from (.*) to (.*), such as (.*)$", str(refused.value))[0]
    for typed in (f"ratio:{least}", f"ratio:{most}", such):
        assert len(read(typed).streams(sizes, 0)[0].places) >= 2
    # A little below the least one, there is no ID image.
    with pytest.raises(InputError):
        read(f"ratio:{0.89 / outside}").streams(sizes, 0)


@pytest.mark.parametrize(
    "typed",
    [
        *("", "Shuffle", "shuffle:", "shuffle:0", "shuffle:1.5", "shuffle:-1", "shuffle:nan"),
        *("shuffle:1.0", "shuffle:1e0", "shuffle:1_0", "shuffle: 1"),
        *("shuffle:1001", "id-first:2", "drift:1", "ratio", "ratio:", "ratio:0", "ratio:inf"),
        *("ratio:1_0", "ratio: 1", "ratio:+1", "ratio:1/3"),
        *("ratio:-2", "file", "file:", "random"),
    ],
)
def test_other_words_are_rejected_in_a_line(typed: str) -> None:
    with pytest.raises(InputError, match=r"^--stream .*(use|not) .*(file:FILE|such as)"):
        read(typed)


def test_shuffles_are_from_1_to_the_limit() -> None:
    with pytest.raises(InputError, match="'0' is not a whole number from 1 to 1,000, such as"):
        read("shuffle:0")


def test_what_was_typed_is_kept() -> None:
    assert read("file:a:b.csv") == StreamOrder("file:a:b.csv", "file", file=Path("a:b.csv"))
    assert read("shuffle:5").shuffles == 5
    assert read("ratio:2.5").number == 2.5


@pytest.mark.parametrize(
    ("typed", "ood_sets", "single"),
    [
        *(("shuffle", 1, True), ("shuffle", 2, False), ("shuffle:2", 1, False)),
        *(("drift", 3, True), ("ratio:2", 1, False), ("file:o.csv", 2, True)),
    ],
)
def test_one_stream_of_all_images_is_told(typed: str, ood_sets: int, single: bool) -> None:
    assert read(typed).is_single(ood_sets) is single


def test_an_order_is_taken_once_and_a_shuffle_without_any() -> None:
    found = read_all(["drift", "shuffle:2", "drift"])
    assert [one.label for one in found] == ["drift", "shuffle:2"]
    assert [one.label for one in read_all([])] == ["shuffle"]


@pytest.mark.parametrize(
    "typed",
    [
        *(["shuffle", "shuffle:1", "shuffle:01"], ["shuffle:3", "shuffle:03"]),
        *(["ratio:2", "ratio:2.0", "ratio:2e0"], ["file:o.csv", "file:./o.csv"]),
    ],
)
def test_an_order_that_is_written_differently_is_taken_once(typed: list[str]) -> None:
    assert [one.label for one in read_all([*typed, "drift"])] == [typed[0], "drift"]


def test_a_file_is_labelled_by_its_name_unless_two_share_it() -> None:
    found = read_all(["file:long/way/o.csv", "drift", "file:p.csv"])
    assert [one.label for one in found] == ["file:o.csv", "drift", "file:p.csv"]
    assert found[0].file == Path("long/way/o.csv")
    two = ["file:one/o.csv", "file:two/o.csv"]
    assert [one.label for one in read_all(two)] == two


def test_a_number_of_shuffles_is_labelled_without_zeros_in_front() -> None:
    assert read("shuffle:05").label == "shuffle:5"
