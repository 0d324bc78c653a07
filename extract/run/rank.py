"""A process's share of the shards, where a cluster says in the environment which process it is.

torchrun sets RANK and WORLD_SIZE in each process, from 0; a SLURM array sets SLURM_ARRAY_TASK_ID
and, so that ids may begin anywhere, its _MIN, _COUNT and _STEP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oodcache.cache.errors import InputError

RANK, WORLD = "RANK", "WORLD_SIZE"
ARRAY = "SLURM_ARRAY_TASK_"
NAMES = (f"{ARRAY}ID", RANK, WORLD)
LARGEST = 10**9


@dataclass(frozen=True)
class Rank:
    """Every `parts`-th shard, from the `part`-th, counted from 1; `source` says who chose."""

    part: int
    parts: int
    source: str = ""

    def __str__(self) -> str:
        return f"{self.part}/{self.parts}"


def is_in(environment: Mapping[str, str]) -> bool:
    """Return whether the environment says anything of shares, sense or nonsense."""
    return any(environment.get(name) for name in NAMES)


def from_environment(environment: Mapping[str, str]) -> Rank | None:
    """Return the share that the environment gives to this process, None where it gives none.

    torchrun inside a task of an array cuts that task's share again. Raises InputError if what is
    set makes no sense.

    >>> print(from_environment({"RANK": "2", "WORLD_SIZE": "8"}))
    3/8
    """
    array, process = _of_array(environment), _of_torchrun(environment)
    if array is None or process is None:
        return array or process
    return Rank(
        (array.part - 1) * process.parts + process.part,
        array.parts * process.parts,
        f"{array.source} and {process.source}",
    )


def _of_torchrun(environment: Mapping[str, str]) -> Rank | None:
    if not environment.get(RANK) and not environment.get(WORLD):
        return None
    rank, size = _number(environment, RANK, WORLD), _number(environment, WORLD, RANK)
    return _checked(rank + 1, size, RANK, f"{RANK} {rank} of {WORLD} {size}, counted from 0")


def _of_array(environment: Mapping[str, str]) -> Rank | None:
    name = f"{ARRAY}ID"
    if not environment.get(name):
        return None
    task, first = _number(environment, name), _number(environment, f"{ARRAY}MIN", name)
    count = _number(environment, f"{ARRAY}COUNT", name)
    step = _number(environment, f"{ARRAY}STEP") if environment.get(f"{ARRAY}STEP") else 1
    what = f"{name} {task} in an array of {count} from {first} in steps of {step}"
    if step == 0 or (task - first) % step:
        raise _nonsense(what)
    return _checked((task - first) // step + 1, count, name, what)


def _checked(part: int, parts: int, name: str, what: str) -> Rank:
    if not 1 <= part <= parts:
        raise _nonsense(what)
    return Rank(part, parts, name)


def _number(environment: Mapping[str, str], name: str, beside: str = "") -> int:
    text = environment.get(name, "")
    if text.isascii() and text.isdigit() and int(text[:10]) < LARGEST:
        return int(text)
    if text:
        raise _nonsense(f"{name} is {text!r}, not a number")
    raise _nonsense(f"{beside} is set, {name} is not")


def _nonsense(what: str) -> InputError:
    return InputError(
        f"which share of the shards is this process's? {what}: say it by --shard I/N "
        "(--shard 1/1 does all)"
    )
