"""Claims about word lists on disk: blocks of any size give the same words, and float16 fits."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oodcache.cache import names
from oodcache.cache.files import texts
from oodcache.cache.files.texts import TextFile, open_text_rows
from oodcache.score.words import word_pool
from oodcache.score.words.word_pool import WordPool

Write = Callable[..., TextFile]


def unit_rows(count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, 4))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("templates", [1, 2])
def test_blocks_of_any_size_give_the_same_words_and_vectors(
    tmp_path: Path, write_texts: Write, monkeypatch: pytest.MonkeyPatch, templates: int
) -> None:
    rows = [unit_rows(50, seed) for seed in range(templates)]
    write_texts("nouns", *rows, templates=[f"{at} {{}}" for at in range(templates)])
    file = open_text_rows(names.text_path(tmp_path, "Tiny/one", "nouns"))
    told: list[int] = []

    def chosen() -> tuple[list[str], bytes]:
        pool = WordPool((file,), ("negative",), unit_rows(5, 9), ["class 7"], told.append)
        (one,) = pool.choose([95.0], 20, [0], "x")
        return pool.words(one), pool.vectors(one).tobytes()

    whole = chosen()
    assert "class 7" not in whole[0]
    assert sum(told) == 50
    monkeypatch.setattr(texts, "BLOCK_ROWS", 7)
    monkeypatch.setattr(word_pool, "BLOCK_NUMBERS", 15)
    assert chosen() == whole
    assert len(told) > 10


def test_distances_are_measured_once(
    tmp_path: Path, write_texts: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_texts("nouns", unit_rows(50, 0))
    file = open_text_rows(names.text_path(tmp_path, "Tiny/one", "nouns"))
    pool = WordPool((file,), ("negative",), unit_rows(5, 9), [])
    few, many = pool.choose([95.0], 10, [0], "x"), pool.choose([95.0], 20, [0], "x")
    assert many[0].places[:10].tolist() == few[0].places.tolist()
    file.path.unlink()
    assert pool.choose([95.0], 20, [0], "x")[0].places.tolist() == many[0].places.tolist()


def test_the_vectors_of_a_long_list_are_never_all_in_memory(
    tmp_path: Path, write_texts: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.random.default_rng(0).normal(size=(5000, 400)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    write_texts("nouns", rows)
    monkeypatch.setattr(word_pool, "BLOCK_ROWS", 256)
    monkeypatch.setattr(texts, "BLOCK_ROWS", 256)
    tracemalloc.start()
    file = open_text_rows(names.text_path(tmp_path, "Tiny/one", "nouns"))
    pool = WordPool((file,), ("negative",), rows[:10], [])
    (chosen,) = pool.choose([95.0], 100, [0], "x")
    assert pool.vectors(chosen).shape == (100, 400)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < rows.nbytes / 2
