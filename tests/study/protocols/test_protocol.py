"""Claims about a protocol's sets, class names and titles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.study.protocols.protocol import Protocol, ProtocolRun

TEN = ProtocolRun("val:imagenet10", "imagenet", ood=("val:imagenet20", "x"), templates=("{}",))
TWENTY = ProtocolRun("val:imagenet20", "imagenet", ood=("val:imagenet10",), templates=("a {}",))
OWN = ProtocolRun("pets", "pets=names.txt", near=("x",), select_on="y")


def test_subsets_are_of_one_dataset_that_is_there_once() -> None:
    found = Protocol("p", "", (TEN, TWENTY, OWN)).data_sets
    assert found == {"val": "id", "x": "ood", "pets": "id", "y": "select_on"}


def test_a_vocabulary_has_the_templates_of_all_its_runs() -> None:
    found = Protocol("p", "", (TEN, TWENTY, OWN)).vocabularies
    assert found == {"imagenet": ("{}", "a {}"), "pets=names.txt": ("a photo of a {}",)}


def test_a_set_of_the_files_own_is_extracted_from_its_place_and_others_by_name() -> None:
    protocol = Protocol("p", "", (OWN,), {"pets": "photos/pets"})
    assert protocol.source("pets", Path("/d")) == "pets=/d/photos/pets"
    assert protocol.source("x", Path("/d")) == "x"


def test_titles_of_runs_differ_and_can_be_in_a_files_name() -> None:
    assert Protocol("p", "", (TEN, OWN, TEN)).titles() == [
        "val-imagenet10-1",
        "pets",
        "val-imagenet10-3",
    ]


def test_a_numbered_title_is_no_other_runs_own() -> None:
    runs = tuple(ProtocolRun(name, "imagenet", ood=("x",)) for name in ("a", "a", "a-2", "a", "a"))
    titles = Protocol("p", "", runs).titles()
    assert titles == ["a-1", "a-3", "a-2", "a-4", "a-5"]


def test_without_some_sets_the_others_keep_their_roles() -> None:
    run = ProtocolRun("a", "imagenet", ("b", "c"), ("d",), csid=("e", "f"), select_on="g")
    run = replace(run, groups={"mine": ("b", "d"), "yours": ("b",)})
    (left,) = Protocol("p", "", (run,)).without(["b", "f", "g"]).runs
    assert left.roles == {"a": "id", "c": "near", "d": "far", "e": "csid"}
    assert left.groups == {"mine": ("d",)}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["x"], "--without 'x' is no set of the benchmark; others are: b, c"),
        (["a"], "--without 'a' is an ID set; others are: b, c"),
        (["b"], "--without leaves no OOD set for a"),
    ],
)
def test_an_id_set_and_all_ood_sets_cannot_be_left_out(names: list[str], words: str) -> None:
    protocol = Protocol("p", "", (ProtocolRun("a", "imagenet", ("b",), csid=("c",)),))
    with pytest.raises(InputError, match=words):
        protocol.without(names)
