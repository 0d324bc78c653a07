"""Claims about pools: several sets' images as one, each still found in its own set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples.report.results import MODEL
from samples.report.spectra import shifted

from oodcache.cache.errors import InputError
from oodcache.cache.files.scores import ScoredImages
from oodcache.report.content import ImageRow
from oodcache.report.images import rows
from oodcache.report.pools import picture, pooled
from oodcache.report.saved.results import Saved
from oodcache.score.measures.metrics import auroc

TEMPLATE = "a photo of a {}"
SCORES = {
    "imagenet-val": np.array([0.9, 0.8, 0.3]),
    "imagenet-r": np.array([0.7, 0.1]),
    "imagenet-c": np.array([0.6, 0.2]),
    "iNaturalist": np.array([0.25, 0.05, 0.5]),
}


def part(name: str, names: Sequence[str] = ("mcm",)) -> ScoredImages:
    scores = SCORES[name]
    paths = [b"n1/%d.png" % place for place in range(len(scores))]
    texts = [b"n1"] * len(scores)
    columns = dict.fromkeys(names, scores)
    return ScoredImages(MODEL, TEMPLATE, name, columns, lambda: paths, lambda: texts, lambda: texts)


PARTS = [part(name) for name in SCORES]


def saved() -> Saved:
    """Return results on the sets above."""
    found = []
    for one in shifted():
        inside = [one.id] if one.spectrum is None else [*one.spectrum.images]
        scores = np.concatenate([SCORES[name] for name in inside])
        value = auroc(scores, SCORES["iNaturalist"])
        found.append(replace(one, n_id=len(scores), n_ood=3, auroc=value))
    return Saved(Path("r.json"), tuple(found), (), {})


def of(parts: Sequence[ScoredImages] = PARTS) -> list[ImageRow]:
    return [*rows(saved(), parts, "all.h5", lambda one: {})]


def test_every_kind_of_positives_has_a_row_of_its_images() -> None:
    found = of()
    assert [one.id for one in found] == [
        *("imagenet-val", "csid:imagenet-r", "csid:imagenet-c", "full-spectrum"),
    ]
    assert [one.n_id for one in found] == [3, 2, 2, 7]
    assert found[-1].curve.kept_id[-1] == 7


def test_an_image_of_a_pool_is_found_in_its_own_set() -> None:
    alone, csid, _, full = of()
    assert picture(alone, alone.fooled_id[0].path) == ("imagenet-val", "n1/2.png")
    assert picture(csid, csid.fooled_id[0].path) == ("imagenet-r", "n1/1.png")
    assert [picture(full, one.path) for one in full.fooled_id][:3] == [
        ("imagenet-r", "n1/1.png"),
        ("imagenet-c", "n1/1.png"),
        ("imagenet-val", "n1/2.png"),
    ]


def test_a_set_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="no scores .* of the images of imagenet-c"):
        of([one for one in PARTS if one.data_set != "imagenet-c"])


def test_a_pool_has_the_scores_of_all_its_sets() -> None:
    found = pooled("both", [part("imagenet-val", ["a", "b"]), part("imagenet-r", ["b"])])
    assert [*found.scores] == ["b"] and len(found) == 5
    assert found.paths()[3] == b"imagenet-r/n1/0.png" and len(found.nearest()) == 5


def test_sets_without_names_of_images_make_a_pool_without() -> None:
    bare = ScoredImages("", "", "x", {"a": np.ones(2)}, *([tuple[bytes, ...]] * 3))
    named = ScoredImages(
        *("", "", "y", {"a": np.ones(1)}),
        *([lambda: [b"y"]] * 3),
    )
    found = pooled("both", [named, bare])
    assert len(found) == 3 and not found.paths() and not found.labels()
