"""Claims about what the figures show first, and what is said if the best row has no curves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from samples.report.arrays import data_of
from samples.report.content import sample
from samples.report.streams import streamed

from oodcache.report.content import Content
from oodcache.report.html.opening import Opening, opening
from oodcache.report.html.page import page
from oodcache.report.saved.results import Saved
from oodcache.report.tables.grid import key

SAVED, CONTENT = sample()
KEYS = list(dict.fromkeys(map(key, SAVED.results)))


def best_at(place: int, *, ood: str = "average") -> Saved:
    """Return the sample with the highest AUROC in one row, on one of its sets."""
    rows = (
        replace(one, auroc=1.0) if key(one) == KEYS[place] and one.ood == ood else one
        for one in SAVED.results
    )
    return replace(SAVED, results=tuple(rows))


@pytest.mark.parametrize("place", range(len(KEYS)))
def test_the_row_with_the_highest_average_is_shown_first(place: int) -> None:
    saved = best_at(place)
    assert opening(saved.results, CONTENT, {}) == Opening(place)
    data = data_of(page(saved, CONTENT))
    assert data["opening"] == {"row": place, "ood": ""}


def test_without_an_average_the_ranking_is_on_its_set_under_its_new_name() -> None:
    saved = best_at(5, ood="near")
    alone = [one for one in saved.results if one.ood == "near"]
    assert opening(alone, CONTENT, {"near": "Near"}) == Opening(5, "Near")


def test_a_better_row_of_a_stream_is_named_with_why_it_has_no_curves() -> None:
    learning = streamed(best_at(2))
    rows = [replace(one, auroc=1.1) if one.score == "tanl" else one for one in learning.results]
    found = opening(rows, CONTENT, {"clip/one": "CLIP"})
    assert found.row == 2
    assert found.note.startswith("tanl (shuffle:2) · CLIP has the highest AUROC, but no curves")
    assert "learns from a stream" in found.note
    text = page(replace(learning, results=tuple(rows)), CONTENT)
    assert text.count('id="opening"') == 1
    assert 'id="opening"' not in page(best_at(2), CONTENT)


def test_a_tie_with_a_row_that_has_curves_needs_no_note() -> None:
    learning = streamed(best_at(2))
    rows = [replace(one, auroc=1.0) if one.score == "tanl" else one for one in learning.results]
    assert opening(rows, CONTENT, {}) == Opening(2)


def test_a_better_row_without_known_images_is_said_to_have_none() -> None:
    without = replace(CONTENT, rows=CONTENT.rows[1:])
    found = opening(best_at(0).results, without, {})
    assert "not known" in found.note and 0 <= found.row < len(without.rows)


def test_without_images_there_is_no_note() -> None:
    assert opening(streamed(SAVED).results, Content(()), {}) == Opening()
