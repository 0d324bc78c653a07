"""Claims about the protocols that come with oodcache: what the field publishes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.names import GROUPS
from oodcache.extract.sources.known_sets import BENCHMARKS
from oodcache.study.protocols import shipped

ROOT = Path(__file__).parents[3]
MOS = ("iNaturalist", "SUN", "Places", "Textures")
LARGE = (("SSB-hard", "NINCO"), ("iNaturalist", "Textures-openood", "OpenImage-O"))
# Near and far OOD sets, and the number of csid sets, as OpenOOD v1.5 and the papers have them.
PUBLISHED = {
    "mos": ((), MOS, 0),
    "openood-imagenet": (*LARGE, 4),
    "openood-imagenet200": (*LARGE, 3),
    "openood-cifar10": (
        ("CIFAR-100-cifar10", "TinyImageNet-cifar10"),
        ("MNIST", "SVHN", "Textures", "Places365-cifar10"),
        1,
    ),
    "openood-cifar100": (
        ("CIFAR-10-cifar100", "TinyImageNet-cifar100"),
        ("MNIST", "SVHN", "Textures", "Places365-cifar100"),
        0,
    ),
    "mcm-fine-grained": ((), MOS, 0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_benchmark_has_the_published_sets(name: str) -> None:
    for run in shipped.find(name).runs:
        assert (run.near, run.far, len(run.csid)) == PUBLISHED[name]
        assert (run.select_on is not None) == name.startswith("openood")


def test_its_sets_are_those_that_data_lists_under_its_name_and_in_their_known_groups() -> None:
    for protocol in shipped.every():
        listed = BENCHMARKS.get(protocol.name, ("imagenet-val",))
        assert {*protocol.data_sets} == {*listed, protocol.runs[0].id.partition(":")[0]}
        for run in protocol.runs:
            assert {GROUPS[one] for one in run.near} <= {"near"}
            assert {GROUPS[one] for one in run.far} <= {"far"}


def test_hard_ood_goes_both_ways_and_fine_grained_ids_are_four() -> None:
    ten, twenty = shipped.find("imagenet10-20").runs
    assert (ten.id, ten.ood) == ("imagenet-val:imagenet10", ("imagenet-val:imagenet20",))
    assert (twenty.id, twenty.ood) == ("imagenet-val:imagenet20", ("imagenet-val:imagenet10",))
    found = [run.id for run in shipped.find("mcm-fine-grained").runs]
    assert found == ["cub200", "stanford-cars", "food101", "oxford-pet"]


def test_the_page_has_the_sets_of_every_benchmark() -> None:
    lines = (ROOT / "docs/protocols.md").read_text().splitlines()
    rows = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    for protocol in shipped.every():
        names = {*protocol.data_sets} - {*rows["mos"].split("`")}
        if protocol.name != "ninco-clean":
            run = protocol.runs[0]
            assert all(f"`{one}`" in rows[protocol.name] for one in names - {run.select_on})


def test_every_file_is_named_and_every_name_has_a_file() -> None:
    there = {one.stem for one in (ROOT / "study/protocols").glob("*.toml")}
    assert there == {*shipped.NAMES}


def test_a_name_that_is_none_is_an_error_with_the_names() -> None:
    with pytest.raises(InputError, match="'openood-imagnet' is not known; did you mean openood-im"):
        shipped.find("openood-imagnet")
    with pytest.raises(InputError, match=r"none\.toml: no such file"):
        shipped.find("none.toml")


def test_the_list_has_a_row_for_each_and_its_sets_as_json() -> None:
    every = shipped.every()
    rows = shipped.table(every).splitlines()[2:]
    assert [row.split()[0] for row in rows] == [*shipped.NAMES]
    assert rows[5].split()[1:8] == ["cub200", "and", "3", "more", "4", "0", "MCM,"]
    found = {one["name"]: one for one in json.loads(shipped.to_json(every))}
    assert found["mos"]["runs"][0]["far"] == [*MOS]
