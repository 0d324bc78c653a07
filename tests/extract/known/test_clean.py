"""Claims about NINCO's archive and the checked samples in it."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from samples.extract.web_server import images, packed, serving

from oodcache.cache.watch import Watch
from oodcache.extract.known.clean import CLEAN, SAMPLES
from oodcache.extract.known.fetching import fetch
from oodcache.extract.sources import datasets
from oodcache.extract.sources.known_sets import KNOWN_SETS

QUIET = Watch(lambda line: None, lambda *_: nullcontext(lambda more: None))


def test_there_are_eleven_samples_of_2715_images_as_their_authors_say() -> None:
    assert len(SAMPLES) == 11
    assert sum(images for _, images in SAMPLES.values()) == 2_715
    assert CLEAN["NINCO"].images == 5_879


def test_ninco_and_its_samples_come_with_one_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = packed(
        [
            *images("NINCO/NINCO_OOD_classes/waffles", 4),
            *images("NINCO/NINCO_popular_datasets_subsamples/Places", 3),
            *images("NINCO/NINCO_OOD_unit_tests/blobs", 60),
        ]
    )
    md5 = hashlib.md5(archive).hexdigest()
    for name, count in (("NINCO", 4), ("NINCO-clean-Places", 3)):
        known = KNOWN_SETS[name]
        assert known.archive is not None
        whole = replace(known.archive, md5=md5)
        monkeypatch.setitem(KNOWN_SETS, name, replace(known, images=count, archive=whole))
    with serving(**{"NINCO_all.tar.gz": archive}) as site:
        found = list(fetch(["NINCO-clean-Places", "NINCO"], tmp_path, QUIET, site.url))
    assert [(one.counted.images, one.was_there) for one in found] == [(3, False), (4, True)]
    top = tmp_path / "MOS/NINCO"
    assert found[0].counted.root == top / "NINCO_popular_datasets_subsamples/Places"
    ninco = datasets.list_images(datasets.find("NINCO", tmp_path))
    assert [*ninco.images.label_names] == ["waffles"]
    assert ninco.source.root == top / "NINCO_OOD_classes"


def test_an_archive_of_several_sets_may_have_as_many_files_as_all_of_them() -> None:
    archive = CLEAN["NINCO-clean-Places"].archive
    assert archive is not None
    assert archive.images == 5_879 + 2_715 + 17 * 400
