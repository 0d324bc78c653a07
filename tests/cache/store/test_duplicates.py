"""Claims about near-duplicates: the pairs of a slow search, at the edges of blocks too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from samples.cache.pets import IDENTITY, unit_rows

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageBatch, ImageFile, ImageRows, write_images
from oodcache.cache.store import duplicates as module
from oodcache.cache.store.duplicates import CachedSet, DuplicatePair, cached_sets, duplicates
from oodcache.cache.watch import Watch

Pair = tuple[tuple[str, bytes], tuple[str, bytes]]


def write(
    folder: Path, name: str, rows: NDArray[np.float32], failed: Sequence[int] = (), kind: str = "f4"
) -> None:
    """Write a dataset of a model, whose images are called by their rows."""
    stored = rows.copy()
    stored[[*failed]] = 0
    batch = ImageBatch(stored, np.ones(len(rows), np.float32), dict.fromkeys(failed, "bad"))
    paths = [b"%d.png" % row for row in range(len(rows))]
    write_images(
        folder / "small" / "demo" / "images" / f"{name}.h5",
        [batch],
        rows=ImageRows(paths, np.full(len(rows), -1), []),
        identity=IDENTITY,
        dtype=kind,
    )


@pytest.fixture
def sets(tmp_path: Path) -> list[CachedSet]:
    """`a` and `b` share their first 30 images but the third, which is bad in `a`."""
    rows = unit_rows(60)
    write(tmp_path, "a", rows, (2,))
    write(tmp_path, "b", rows[:30])
    write(tmp_path, "c", unit_rows(40, seed=1), (5, 6))
    return cached_sets(tmp_path, "small", ["a", "b", "c"])


def vectors(file: ImageFile) -> NDArray[np.float64]:
    return np.concatenate([*file.blocks()]).astype(np.float64)


def slow(one: CachedSet, other: CachedSet, threshold: float) -> dict[Pair, float]:
    """Return every pair and its cosine, image by image in float64."""
    found = {}
    for row, first in enumerate(vectors(one.file)):
        for place, second in enumerate(vectors(other.file)):
            length = np.linalg.norm(first) * np.linalg.norm(second)
            if length == 0 or (one is other and row >= place):
                continue
            cosine = 1.0 if (first == second).all() else float(first @ second / length)
            if cosine >= threshold:
                names = (one.name, b"%d.png" % row), (other.name, b"%d.png" % place)
                found[names] = min(1.0, cosine)
    return found


def by_names(pairs: list[DuplicatePair]) -> dict[Pair, float]:
    found = {(one.first, one.second): one.cosine for one in pairs}
    assert len(found) == len(pairs)
    return found


@pytest.mark.parametrize("threshold", [0.5, 0.95, 1.0])
@pytest.mark.parametrize(("outer", "inner"), [(8192, 2048), (7, 5), (64, 1), (10, 10)])
def test_pairs_are_those_of_a_slow_search(
    sets: list[CachedSet], monkeypatch: pytest.MonkeyPatch, threshold: float, outer: int, inner: int
) -> None:
    monkeypatch.setattr(module, "OUTER", outer)
    monkeypatch.setattr(module, "INNER", inner)
    monkeypatch.setattr(module, "AT_ONCE", 16)
    a, b, c = sets
    between = [(a, b), (a, c), (b, c)]
    wanted = {name: one for pair in between for name, one in slow(*pair, threshold).items()}
    assert by_names(duplicates(sets, threshold, Watch())) == pytest.approx(wanted, abs=1e-12)
    for one in sets:
        wanted |= slow(one, one, threshold)
    found = by_names(duplicates(sets, threshold, Watch(), within=True))
    assert found == pytest.approx(wanted, abs=1e-12)


def test_equal_vectors_have_a_cosine_of_exactly_one_and_come_first(sets: list[CachedSet]) -> None:
    found = duplicates(sets[:2], 0.9, Watch())
    equal = [row for row in range(30) if row != 2]
    assert [(one.cosine, one.first, one.second) for one in found[:29]] == [
        (1.0, ("a", b"%d.png" % row), ("b", b"%d.png" % row)) for row in equal
    ]
    cosines = [one.cosine for one in found]
    assert cosines == sorted(cosines, reverse=True)
    assert len(found) > 29
    assert max(cosines[29:]) < 1
    assert len(duplicates(sets[:2], 1.0, Watch())) == 29


def test_one_dataset_is_searched_within_itself(sets: list[CachedSet]) -> None:
    found = by_names(duplicates(sets[:1], 0.8, Watch()))
    assert found == pytest.approx(slow(sets[0], sets[0], 0.8), abs=1e-12)
    assert found


def test_half_precision_is_compared_as_it_is_scored(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path, name, unit_rows(20), kind="f2")
    assert len(duplicates(cached_sets(tmp_path, "small", ["a", "b"]), 1.0, Watch())) == 20


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("threshold", [1e-9, 1e-4])
def test_images_that_could_not_be_decoded_have_no_pair_at_any_threshold(
    sets: list[CachedSet], threshold: float
) -> None:
    a, _, c = sets
    wanted = slow(a, c, threshold) | slow(a, a, threshold) | slow(c, c, threshold)
    found = by_names(duplicates([a, c], threshold, Watch(), within=True))
    assert found == pytest.approx(wanted, abs=1e-12)


def test_every_pair_is_counted_in_the_progress(sets: list[CachedSet]) -> None:
    told: list[int] = []

    def progress(what: str, total: int, unit: str) -> AbstractContextManager[Callable[[int], None]]:
        told.append(-total)
        return nullcontext(told.append)

    duplicates(sets, 0.9, Watch(progress=progress))
    assert sum(told) == 0


@pytest.mark.parametrize("outer", [8192, 4])
def test_too_many_pairs_are_an_error(
    sets: list[CachedSet], monkeypatch: pytest.MonkeyPatch, outer: int
) -> None:
    monkeypatch.setattr(module, "MOST_PAIRS", 3)
    monkeypatch.setattr(module, "OUTER", outer)
    with pytest.raises(InputError) as raised:
        duplicates(sets, 0.2, Watch())
    assert str(raised.value) == (
        "a and b: more than 3 pairs have a cosine of at least 0.2; give a higher --threshold"
    )
    assert len(slow(*sets[:2], 0.99999)) > 3


def test_names_that_are_not_cached_or_given_twice_are_errors(
    tmp_path: Path, sets: list[CachedSet]
) -> None:
    with pytest.raises(InputError, match=r"no images 'd'; .*the datasets are 'a', 'b', 'c'; list"):
        cached_sets(tmp_path, "small", ["a", "d"])
    with pytest.raises(InputError, match="'a' is given twice; give it alone to search within it"):
        cached_sets(tmp_path, "small", ["a", "a"])


def test_vectors_of_other_lengths_are_an_error(tmp_path: Path, sets: list[CachedSet]) -> None:
    write(tmp_path, "wide", np.eye(3, 8, dtype=np.float32))
    with pytest.raises(InputError, match=r"wide\.h5: vectors of 8 numbers, but those of .* have 4"):
        cached_sets(tmp_path, "small", ["a", "wide"])
