"""Claims about a judge: decisions come batch by batch, and the model is loaded once, if needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from samples.detect.detectors import made

from oodcache.detect import judge
from oodcache.detect.judge import Judge
from oodcache.detect.reloading import Runtime
from oodcache.extract.run.embedding import Embedded


class Slow:
    """An embedder that gives one image at a time, and counts them."""

    embedded_images = 0

    def embedded(self, contents: Any, count: int, **given: Any) -> Iterator[Embedded]:
        for _ in range(count):
            self.embedded_images += 1
            vector = made().detector.scorer.classes.vectors[:1]
            yield Embedded(vector.astype(np.float32), {}, rotated=1)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[Slow]:
    """Return the embedders that were loaded."""
    loaded: list[Slow] = []

    def load(*given: Any) -> Slow:
        loaded.append(Slow())
        return loaded[-1]

    monkeypatch.setattr(judge, "loaded", load)
    return loaded


def test_decisions_come_batch_by_batch(slow: list[Slow]) -> None:
    batches = Judge(made().detector, Runtime(), print).of_targets([(b"a.png", b"b.png")])
    (first,) = next(batches)
    assert (first.path, slow[0].embedded_images) == ("a.png", 1)
    assert [one.path for batch in batches for one in batch] == ["b.png"]


def test_the_model_is_loaded_once_and_never_for_vectors(slow: list[Slow]) -> None:
    sample = made()
    at_work = Judge(sample.detector, Runtime(), print)
    found = [one.score for one in at_work.of_vectors(sample.images)]
    assert found == sample.detector.judge(sample.images).scores.tolist()
    assert slow == []
    for _ in range(3):
        list(at_work.of_targets([(b"a.png",)]))
    assert len(slow) == 1


def test_rotated_images_are_noted_once(slow: list[Slow]) -> None:
    notes: list[str] = []
    at_work = Judge(made().detector, Runtime(), notes.append)
    for _ in range(3):
        list(at_work.of_targets([(b"a.png",)]))
    assert [one[:29] for one in notes] == ["1 image with an EXIF rotation"]
