"""Claims about the table of known sets: what the field publishes of them."""

from __future__ import annotations

import re

from oodcache.extract.sources.datasets import CLASS_IDS
from oodcache.extract.sources.known_sets import (
    BENCHMARKS,
    KNOWN_SETS,
    close_to,
    known_set,
    names_of,
)


def test_counts_of_the_usual_sets_are_those_that_the_field_publishes() -> None:
    usual = list(KNOWN_SETS.items())[:9]
    assert {name: known.images for name, known in usual} == {
        "imagenet-val": 50_000,
        "imagenet-openood": 45_000,
        "iNaturalist": 10_000,
        "SUN": 10_000,
        "Places": 10_000,
        "Textures": 47 * 120,
        "SSB-hard": 49_000,
        "NINCO": 5_879,
        "OpenImage-O": 15_869,
    }


def test_five_archives_can_be_fetched_and_one_holds_several_sets() -> None:
    archives = {name: known.archive for name, known in KNOWN_SETS.items() if known.archive}
    own = [name for name in archives if not name.startswith("NINCO-clean-")]
    assert own == ["iNaturalist", "SUN", "Places", "Textures", "NINCO"]
    assert len({archives[name].name for name in own}) == len(own)
    assert {archives[name] for name in archives if name not in own} == {archives["NINCO"]}
    for one in archives.values():
        assert one.url.endswith(f"/{one.name}") and one.name.endswith(".tar.gz")
        assert one.md5 is None or re.fullmatch("[0-9a-f]{32}", one.md5)
    assert archives["Textures"].md5 == "fff73e5086ae6bdbea199a49dfb8a4c1"


def test_every_set_says_who_has_it_and_where_it_goes() -> None:
    for known in KNOWN_SETS.values():
        assert known.origin
        assert not known.place.startswith("/")
    assert KNOWN_SETS["Textures"].place == "MOS/dtd"
    assert KNOWN_SETS["imagenet-val"].place == "imagenet/val"
    assert KNOWN_SETS["NINCO"].place == "MOS/NINCO"
    assert KNOWN_SETS["imagenet-openood"].place == "images_largescale/imagenet_1k/val"


def test_a_part_of_imagenet_c_is_known_by_its_corruption_and_severity() -> None:
    part = known_set("imagenet-c-gaussian_noise-3")
    assert part is not None
    assert (part.images, part.place) == (50_000, "imagenet-c/gaussian_noise/3")
    for name in ("imagenet-c-fog-6", "imagenet-c-fog", "imagenet-c--1", "imagenet-c-../x-1"):
        assert known_set(name) is None


def test_the_sets_of_every_benchmark_are_known_and_each_set_is_in_it_once() -> None:
    for sets in BENCHMARKS.values():
        assert len(set(sets)) == len(sets)
        assert {*sets} <= {*KNOWN_SETS}


def test_no_benchmark_has_the_name_of_a_dataset() -> None:
    assert not {*BENCHMARKS} & {*KNOWN_SETS, "all"}


def test_a_benchmarks_name_stands_for_its_sets_and_each_is_there_once() -> None:
    names = names_of(["SVHN", "openood-cifar100", "SUN", "openood-cifar10"])
    assert names[:3] == ["SVHN", "cifar100-openood", "CIFAR-10-cifar100"]
    assert len(names) == len({*names})
    assert {"SUN", "MNIST", "cifar10-c"} < {*names}


def test_a_slip_of_the_pen_is_near_the_name_that_was_meant() -> None:
    pairs = {"imagenetv2": "imagenet-v2", "CIFAR10": "cifar10", "Imagenet_R": "imagenet-r"}
    assert {typed: close_to(typed)[0] for typed in pairs} == pairs


def test_every_class_list_of_a_set_is_one_that_labels_can_be_read_by() -> None:
    assert {known.classes for known in KNOWN_SETS.values()} == {"", *CLASS_IDS}
    sizes = {name: len(ids()) for name, ids in CLASS_IDS.items()}
    assert sizes == {"imagenet": 1000, "imagenet200": 200, "cifar10": 10, "cifar100": 100}
