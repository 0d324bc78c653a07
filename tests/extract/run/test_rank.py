"""Claims about the share of the shards that a cluster's environment gives to a process."""

from __future__ import annotations

import itertools

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.format.place import Place, share
from oodcache.extract.run.rank import Rank, from_environment


def array(task: object, first: object, count: object, step: object = "") -> dict[str, str]:
    """Return what SLURM sets in one task of an array."""
    values = {"ID": task, "MIN": first, "COUNT": count, "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}


def torchrun(rank: object, size: object) -> dict[str, str]:
    """Return what torchrun sets in one of its processes."""
    return {"RANK": str(rank), "WORLD_SIZE": str(size)}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"SLURM_JOB_ID": "7", "LOCAL_RANK": "1"}, None),
        ({"RANK": "", "WORLD_SIZE": ""}, None),
        (torchrun(0, 1), Rank(1, 1, "RANK")),
        (torchrun(7, 8), Rank(8, 8, "RANK")),
        (array(5, 4, 3), Rank(2, 3, "SLURM_ARRAY_TASK_ID")),
        (array(0, 0, 1, 1), Rank(1, 1, "SLURM_ARRAY_TASK_ID")),
        (array(11, 3, 5, 4), Rank(3, 5, "SLURM_ARRAY_TASK_ID")),
        (array(2, 1, 3) | torchrun(3, 4), Rank(8, 12, "SLURM_ARRAY_TASK_ID and RANK")),
    ],
)
def test_the_share_is_the_clusters_count(
    environment: dict[str, str], expected: Rank | None
) -> None:
    assert from_environment(environment) == expected


def test_processes_in_the_tasks_of_an_array_do_every_shard_once() -> None:
    places = [Place("0" * 64, first, 31, 1) for first in range(31)]
    done: list[int] = []
    for task, rank in itertools.product(range(10, 19, 2), range(3)):
        own = from_environment(array(task, 10, 5, 2) | torchrun(rank, 3))
        assert own is not None
        done += [place.number for place in share(places, own.part, own.parts)]
    assert sorted(done) == list(range(1, 32))


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (torchrun("first", 8), "RANK is 'first', not a number"),
        (torchrun(0, "-8"), "WORLD_SIZE is '-8', not a number"),
        (torchrun("²", 8), "RANK is '²', not a number"),
        (torchrun(0, "9" * 5000), "not a number"),
        (torchrun(8, 8), "RANK 8 of WORLD_SIZE 8, counted from 0"),
        (torchrun(0, 0), "RANK 0 of WORLD_SIZE 0"),
        ({"RANK": "3"}, "RANK is set, but WORLD_SIZE is not"),
        ({"WORLD_SIZE": "3"}, "WORLD_SIZE is set, but RANK is not"),
        (
            {"SLURM_ARRAY_TASK_ID": "3"},
            "ID is set, but SLURM_ARRAY_TASK_MIN is not",
        ),
        (array(3, 3, ""), "SLURM_ARRAY_TASK_COUNT is not"),
        (array(3, 4, 9), "SLURM_ARRAY_TASK_ID 3 in an array of 9 from 4"),
        (array(7, 1, 3), "SLURM_ARRAY_TASK_ID 7 in an array of 3 from 1"),  # --array=1,3,7
        (array(6, 1, 3, 2), "in steps of 2"),
        (array(1, 1, 3, 0), "in steps of 0"),
        (array(1, 1, 3, "x"), "SLURM_ARRAY_TASK_STEP is 'x', not a number"),
    ],
)
def test_nonsense_is_refused_by_its_name_with_the_way_out(
    environment: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError) as refused:
        from_environment(environment)
    assert words in str(refused.value)
    assert "give --shard I/N (--shard 1/1 does all)" in str(refused.value)
    assert "\n" not in str(refused.value)
