"""A process's share of the shards, read from a cluster's environment variables.

torchrun sets RANK (from 0) and WORLD_SIZE. A SLURM array sets SLURM_ARRAY_TASK_ID and, because ids
may start anywhere, SLURM_ARRAY_TASK_MIN, _COUNT and _STEP.
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
    """Every `parts`-th shard, starting at `part` (from 1); `source` names the variable."""

    part: int
    parts: int
    source: str = ""

    def __str__(self) -> str:
        return f"{self.part}/{self.parts}"


def is_in(environment: Mapping[str, str]) -> bool:
    """Return whether the environment sets any of these variables, valid or not."""
    return any(environment.get(name) for name in NAMES)


def from_environment(environment: Mapping[str, str]) -> Rank | None:
    """Return this process's share according to the environment, None if it sets none.

    torchrun inside an array task splits that task's share again. Raises InputError for
    inconsistent variables.

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
    raise _nonsense(f"{beside} is set, but {name} is not")


def _nonsense(what: str) -> InputError:
    return InputError(
        f"cannot tell this process's share of the shards: {what}; give --shard I/N "
        "(--shard 1/1 does all)"
    )
