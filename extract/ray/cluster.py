"""A Ray cluster: the connection, local or remote, and how many actors fit on it."""

from __future__ import annotations

import io
import logging
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted
from oodcache.extract.run.plan import Plan

ADDRESS = "RAY_ADDRESS"
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
QUIET_LOCALLY = {"RAY_AUTH_MODE": "disabled"}
SHOWN = 300  # Characters of Ray's messages.


@dataclass(frozen=True)
class Wishes:
    """The requested number of actors, and of GPUs per actor; None if not given."""

    actors: int | None = None
    gpus: float | None = None


@dataclass(frozen=True)
class Granted:
    """The largest number of actors, and the GPUs per actor."""

    actors: int
    gpus: float

    def __str__(self) -> str:
        gpus = f" and {self.gpus:g} GPU{'s' * (self.gpus > 1)}" if self.gpus else ""
        return f"{counted(self.actors, 'actor')} of 1 processor{gpus}"


def library() -> Any:
    try:
        import ray
    except ImportError:
        raise InputError("--engine ray needs ray: type  pip install 'oodcache[ray]'") from None
    return ray


@contextmanager
def connected(ray: Any) -> Iterator[None]:
    """Connect to the cluster at RAY_ADDRESS, or start one on this machine for the context.

    An existing connection is kept. Meanwhile stdout is discarded: a Ray thread would print a page
    there for every process that dies.
    """
    with redirect_stdout(_Nowhere()):
        if ray.is_initialized():
            yield
            return
        try:
            with stops_repeated():
                _connect(ray, os.environ.get(ADDRESS, ""))
            yield
        finally:
            ray.shutdown()


class _Nowhere(io.TextIOBase):
    """A stream that discards its input and is never closed."""

    def write(self, text: str) -> int:
        return len(text)


def _connect(ray: Any, address: str) -> None:
    if address.startswith("ray://"):
        raise InputError(
            f"{ADDRESS}={address}: run this on a machine of the cluster, with {ADDRESS}=auto"
        )
    # Applies from here on, and to the processes that Ray starts.
    for name, value in {**QUIET, **({} if address else QUIET_LOCALLY)}.items():
        os.environ.setdefault(name, value)
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            **({} if address else {"include_dashboard": False}),
        )
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        where = f"{ADDRESS}={address}" if address else "a local Ray"
        raise InputError(f"{where}: {in_short(error)}") from error


def granted(nodes: Sequence[Mapping[str, Any]], wishes: Wishes, planned: Plan) -> Granted:
    """Return how many actors to start; raise InputError if they cannot fit on the cluster."""
    machines = [one["Resources"] for one in nodes if one["Alive"]]
    gpus = _gpus(machines, wishes, planned)
    room = sum(_room(machine, gpus) for machine in machines)
    usual = room if gpus else sum(machine.get("CPU", 0) >= 1 for machine in machines)
    all_ = Granted(wishes.actors or max(usual, 1), gpus)
    if all_.actors > room:
        has = [f"{sum(one.get(name, 0) for one in machines):g} {name}s" for name in ("CPU", "GPU")]
        instead = f"--num-actors {room}" if room else "--gpus-per-actor 0, or add machines"
        raise InputError(
            f"the cluster ({', '.join(has)} on "
            f"{counted(len(machines), 'machine')}) has no room for {all_}: give {instead}"
        )
    shards = sum(-(-one.rows // planned.settings.shard_rows) for one in planned.listings)
    return replace(all_, actors=min(all_.actors, shards))


def _gpus(machines: Sequence[Mapping[str, float]], wishes: Wishes, planned: Plan) -> float:
    device = planned.resolved.request.device or ""
    gpus = wishes.gpus
    if gpus is None:
        has_one = any(machine.get("GPU", 0) >= 1 for machine in machines)
        gpus = 0 if device.startswith("cpu") else float(has_one)
    if gpus and ":" in device.removesuffix(":0"):
        raise InputError(
            f"--device {device}: with --engine ray each actor has GPUs of its own, which it counts "
            "from 0: use --device cuda, or omit it"
        )
    return gpus


def _room(machine: Mapping[str, float], gpus: float) -> int:
    processors = int(machine.get("CPU", 0))
    # Three actors with a third of a GPU each fit on one GPU.
    return min(processors, int(machine.get("GPU", 0) / gpus + 1e-6)) if gpus else processors


def in_short(error: Exception) -> str:
    """Return the reason in one of Ray's messages, which are often a page long."""
    text = str(error)
    if "error raised in its creation task" in text:
        text = text.strip().splitlines()[-1]
    for words in ("Worker exit detail:", "The actor is dead because"):
        _, found, after = text.partition(words)
        text = after if found else text
    for words in ("Some common causes include", "There are some potential root causes"):
        text = text.partition(words)[0]
    text = " ".join(text.split()).rstrip(".")
    return text[:SHOWN] + "…" * (len(text) > SHOWN)


STOPS = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def stops_repeated() -> Iterator[None]:
    """Restore signal handlers and resend stop signals, which a library may have swallowed."""
    if threading.current_thread() is not threading.main_thread():  # It alone may set handlers.
        yield
        return
    handlers = {number: signal.getsignal(number) for number in STOPS}
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    # Python writes the number of each signal there, whatever its handler.
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(writing)
        with os.fdopen(reading, "rb") as received:
            stops = set(received.read()) & STOPS
        for one in stops:
            os.kill(os.getpid(), one)
