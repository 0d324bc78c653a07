"""Claims about what there is room for on a cluster, and about one that cannot be had."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from samples import planned
from samples.extract.runs import REQUEST

from oodcache.cache.errors import InputError
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.ray.cluster import (
    STOPS,
    Granted,
    Wishes,
    connected,
    granted,
    in_short,
    library,
    stops_repeated,
)
from oodcache.extract.run.plan import Plan


def machine(processors: float, gpus: float = 0, alive: bool = True) -> dict[str, Any]:
    """Return a machine of a cluster as Ray describes it: what is 0 is left out."""
    resources = {"CPU": processors, "GPU": gpus, "memory": 1e9}
    return {"Alive": alive, "Resources": {key: value for key, value in resources.items() if value}}


LAPTOP = [machine(2)]
MANY = [machine(0), machine(64), machine(64), machine(64, alive=False)]
GPUS = [machine(16), machine(16, 8), machine(16, 3)]


def made_plan(tmp_path: Path, photos: Path, device: str | None = None, shard_rows: int = 1) -> Plan:
    request = ModelRequest(REQUEST.requested, device=device)
    return planned(tmp_path, request, [], sources=[f"c={photos}"], shard_rows=shard_rows)


@pytest.mark.parametrize(
    ("nodes", "wishes", "expected"),
    [
        (LAPTOP, Wishes(), Granted(1, 0)),
        (LAPTOP, Wishes(2), Granted(2, 0)),
        (MANY, Wishes(), Granted(2, 0)),
        (GPUS, Wishes(), Granted(11, 1)),
        (GPUS, Wishes(4), Granted(4, 1)),
        (GPUS, Wishes(gpus=2), Granted(5, 2)),
        (GPUS, Wishes(3, 1 / 3), Granted(3, 1 / 3)),
        (GPUS, Wishes(gpus=0), Granted(3, 0)),
        ([machine(16, 1)], Wishes(gpus=1 / 3), Granted(3, 1 / 3)),
        ([machine(2, 8)], Wishes(), Granted(2, 1)),
    ],
)
def test_an_actor_has_a_gpu_of_its_own_or_else_a_machine(
    tmp_path: Path, photos: Path, nodes: list[Any], wishes: Wishes, expected: Granted
) -> None:
    assert granted(nodes, wishes, made_plan(tmp_path, photos)) == expected


def test_there_are_no_more_actors_than_shards_and_none_takes_a_gpu_for_the_cpu(
    tmp_path: Path, photos: Path
) -> None:
    assert granted(GPUS, Wishes(), made_plan(tmp_path, photos, shard_rows=5)) == Granted(3, 1)
    assert granted(GPUS, Wishes(), made_plan(tmp_path, photos, device="cpu")) == Granted(3, 0)


def test_a_gpu_by_number_is_refused_where_each_actor_counts_its_own(
    tmp_path: Path, photos: Path
) -> None:
    for device in ("cuda", "cuda:0"):
        assert granted(GPUS, Wishes(), made_plan(tmp_path, photos, device)) == Granted(11, 1)
    second = made_plan(tmp_path, photos, "cuda:1")
    with pytest.raises(InputError, match=r"^--device cuda:1: .* use --device cuda, or omit it$"):
        granted(GPUS, Wishes(), second)
    assert granted(GPUS, Wishes(gpus=0), second) == Granted(3, 0)


@pytest.mark.parametrize(
    ("nodes", "wishes", "words"),
    [
        (
            LAPTOP,
            Wishes(3),
            "the cluster (2 CPUs, 0 GPUs on 1 machine) has no room for 3 actors of 1 processor: "
            "give --num-actors 2",
        ),
        (
            LAPTOP,
            Wishes(gpus=1),
            "for 1 actor of 1 processor and 1 GPU: give --gpus-per-actor 0, or add machines",
        ),
        (
            GPUS,
            Wishes(6, 2),
            "(48 CPUs, 11 GPUs on 3 machines) has no room for 6 actors of 1 processor and 2 GPUs: "
            "give --num-actors 5",
        ),
    ],
)
def test_what_there_is_never_room_for_is_refused_not_waited_for(
    tmp_path: Path, photos: Path, nodes: list[Any], wishes: Wishes, words: str
) -> None:
    with pytest.raises(InputError) as refused:
        granted(nodes, wishes, made_plan(tmp_path, photos))
    assert words in str(refused.value)


def test_without_ray_the_line_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"type  pip install 'oodcache\[ray\]'"):
        library()


def test_a_cluster_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    ray = library()
    for address, words in (
        ("ray://10.0.0.1:10001", "run this on a machine of the cluster, with RAY_ADDRESS=auto"),
        ("nonsense", "RAY_ADDRESS=nonsense: "),
    ):
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(InputError) as refused, connected(ray):
            pass
        assert words in str(refused.value)
        assert "\n" not in str(refused.value)
    assert not ray.is_initialized()


@pytest.mark.parametrize(
    ("page", "line"),
    [
        (
            "The actor died unexpectedly before finishing this task.\n\tclass_name: Worker\n"
            "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR "
            "Worker exit detail: Worker unexpectedly exits with a connection error code 2. End of "
            "file. Some common causes include: (1) the process was killed by the OOM killer …",
            "Worker unexpectedly exits with a connection error code 2. End of file",
        ),
        (
            "The actor died because of an error raised in its creation task, ray::Worker.__init__()"
            " (pid=7)\n  File 'x.py', line 3\nModuleNotFoundError: No module named 'oodcache'\n",
            "ModuleNotFoundError: No module named 'oodcache'",
        ),
        ("The actor is dead because it was killed by `ray.kill`.", "it was killed by `ray.kill`"),
        ("word " * 100, "word " * 60 + "…"),
    ],
)
def test_of_rays_pages_the_reason_is_told(page: str, line: str) -> None:
    assert in_short(RuntimeError(page)) == line


@pytest.mark.parametrize("number", sorted(STOPS))
def test_a_stop_that_another_listener_swallows_is_told_again(number: signal.Signals) -> None:
    came: list[int] = []
    before = signal.signal(number, lambda number, _: came.append(number))
    try:
        with stops_repeated():
            signal.signal(number, lambda *_: None)
        assert not came
        with stops_repeated():
            signal.signal(number, lambda *_: None)
            os.kill(os.getpid(), number)
            assert not came
        assert came == [number]
        os.kill(os.getpid(), number)
        assert came == [number] * 2
    finally:
        signal.signal(number, before)


def test_an_exit_that_is_made_of_a_stop_becomes_the_stop_again() -> None:
    def ask(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, ask)
    try:
        with pytest.raises(KeyboardInterrupt), stops_repeated():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(15))
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_beside_the_main_thread_nothing_is_listened_to() -> None:
    def run() -> None:
        with stops_repeated():
            done.append(1)

    done: list[int] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done
