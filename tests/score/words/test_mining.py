"""Claims about negative mining: clean-up, distances, and which words are kept."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from open_clip import IMAGENET_CLASSNAMES
from open_clip import tokenizer as open_clips

from oodcache.score.words import mining

ODD = [
    "Jack-o'-lantern",
    "  New   York ",
    "R&amp;B &lt;x&gt;",
    "caf\u00e9",
    "cafe\u0301",
    "it\u2019s \u201cgood\u201d",
    "A_b_C",
    "...",
    "",
    "tab\there",
    "STRASSE straße İ",
]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (mining.lower, open_clips._clean_lower),
        (mining.spaced, open_clips._clean_whitespace),
        (mining.canonical, open_clips._clean_canonicalize),
    ],
)
def test_words_are_cleaned_as_open_clips_tokenizers_do(ours, theirs) -> None:
    for text in [*ODD, *IMAGENET_CLASSNAMES]:
        assert ours(text) == theirs(text), text


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ({"tokenizer": "SimpleTokenizer", "clean": "_clean_lower"}, "a-b"),
        ({"tokenizer": "HFTokenizer", "clean": "_clean_whitespace"}, "A-b"),
        ({"tokenizer": "XLMRobertaTokenizer", "clean": "whitespace"}, "A-b"),
        ({"tokenizer": "HFTokenizer", "clean": "_clean_canonicalize"}, "ab"),
        ({"tokenizer": "SigLipTokenizer", "clean": ""}, "ab"),
        ({"imported": "npy"}, "a-b"),
    ],
)
def test_the_clean_up_is_that_of_the_files_tokenizer(encoding, expected: str) -> None:
    assert mining.cleaning(encoding)("A-b") == expected


def test_duplicates_and_class_names_are_no_candidates_and_the_first_list_keeps_a_word() -> None:
    nouns, adjectives = ["Cat", "zoo", "jar ", "ZOO", "red"], ["red", "Jar", "old", "dog"]
    first, second = mining.candidates([nouns, adjectives], ["cat", "dog"], mining.lower)
    assert (first.places.tolist(), first.duplicates, first.class_names) == ([1, 2, 4], 1, 1)
    assert (second.places.tolist(), second.duplicates, second.class_names) == ([2], 2, 1)


def test_what_the_tokenizer_reads_as_nothing_is_no_candidate() -> None:
    (found,) = mining.candidates([["...", "a"]], [], mining.canonical)
    assert (found.places.tolist(), found.duplicates) == ([1], 1)


@given(
    st.integers(1, 40),
    st.floats(0, 100) | st.sampled_from([0.0, 50.0, 95.0, 100.0]),
    st.integers(0, 2**32),
)
def test_distances_are_numpys_linear_quantile_to_the_bit(
    classes: int, percentile: float, seed: int
) -> None:
    cosine = np.random.default_rng(seed).uniform(-1, 1, (7, classes)).round(2)
    expected = np.quantile(cosine, percentile / 100, axis=1, method="linear")
    # Equal to the bit, but for the sign of 0.
    assert np.array_equal(mining.distance(cosine.copy(), percentile), expected)


def test_the_lowest_share_of_each_list_is_kept_by_rising_distance_ties_by_word() -> None:
    words = [list("gfedcba"), ["y", "x"]]
    distances = [np.array([3.0, 1, 1, 1, 0, 9, 9]), np.array([0.5, 0.5])]
    places = mining.kept(words, distances, Fraction(1, 2))
    assert [[words[at][one] for one in some] for at, some in enumerate(places)] == [
        ["c", "d", "e"],
        ["x"],
    ]


def test_distances_that_differ_in_the_last_digit_alone_are_tied() -> None:
    far = np.array([0.25, np.nextafter(0.25, 0), 0.25 + 1e-11])
    (places,) = mining.kept([["a", "b", "c"]], [far], 3)
    assert places.tolist() == [0, 1, 2]


def test_the_nearest_are_by_falling_distance_ties_by_word_and_none_of_the_farthest() -> None:
    words = [list("gfedcba"), ["y", "x"]]
    distances = [np.array([3.0, 1, 1, 1, 0, 9, np.nextafter(9, 0)]), np.array([0.5, 0.5])]
    farthest = [np.array([4, 3, 2]), np.array([1])]
    # Four words of the first list are left and one of the second: of three it gets one.
    places = mining.nearest(words, distances, farthest, 3)
    assert [[words[at][one] for one in some] for at, some in enumerate(places)] == [
        ["a", "b"],
        ["y"],
    ]
    every = mining.nearest(words, distances, farthest, 5)
    assert [some.tolist() for some in every] == [[6, 5, 0, 1], [0]]
    with pytest.raises(ValueError, match="there are 5 words to choose from, fewer than 6"):
        mining.nearest(words, distances, farthest, 6)


def test_fifteen_percent_is_what_the_papers_code_keeps_of_every_length() -> None:
    for length in range(0, 200_000, 7):
        assert mining.shares([length], Fraction(15, 100)) == [int(0.15 * length)]


def test_a_share_is_exact_where_floating_point_is_not() -> None:
    assert int(0.29 * 100) == 28
    assert mining.shares([100], Fraction("29") / 100) == [29]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=5), st.data())
def test_a_number_is_shared_out_in_proportion(lengths: list[int], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, sum(lengths)))
    counts = mining.shares(lengths, number) if number else [0] * len(lengths)
    assert sum(counts) == number
    for count, length in zip(counts, lengths, strict=True):
        assert count <= length
        assert abs(count * sum(lengths) - number * length) < max(1, sum(lengths))


def test_more_words_than_there_are_cannot_be_kept() -> None:
    with pytest.raises(ValueError, match="there are 30 words to choose from, fewer than 31"):
        mining.shares([10, 20], 31)
