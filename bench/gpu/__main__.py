"""Check extraction on a GPU in under five minutes: `make gpu-check`.

No network, no learned weights, no images of yours. Each part runs in a process of its own, because
an error of CUDA ends all work of the process that it meets. The status is 1 if a part fails or,
with CUDA, misses a target.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from bench.gpu.row import MISSED, Row, read, table, write
from oodcache.cache.errors import InputError

# The most seconds of each part; compiling, which takes longest, is last.
PARTS = {"equality": 75, "copies": 40, "rates": 110, "actor": 70, "compiling": 120}
SECONDS = 290
CHILD = "--part"


@dataclass(frozen=True)
class Ended:
    """What became of a part: how long it took, and why it failed, "" if it did not."""

    seconds: float
    reason: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts and print their table; return the status."""
    asked = _asked(arguments)
    if asked.part:
        _run_here(asked)
        return 0
    try:
        device, machine = _machine(asked.device)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(machine, flush=True)
    is_cuda = device.startswith("cuda")
    if not is_cuda:
        print("No CUDA: nothing below was run on a GPU. Sizes are small; no target counts.")
    start, rows, failed = time.monotonic(), list[Row](), False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        for part in asked.parts:
            left = SECONDS - (time.monotonic() - start)
            limit = min(PARTS[part], left) if is_cuda else 600
            if limit < 10:
                rows.append(Row(part, reason=f"{SECONDS} s are over"))
                continue
            told = Path(name) / f"{part}.jsonl"
            ended = _run(_command(part, device, told, small=not is_cuda), limit)
            rows += read(told)
            if ended.reason:
                failed = True
                rows.append(Row(f"{part}, to its end", "failed", "", False, ended.reason))
            print(f"{part}: {ended.seconds:.0f} s {ended.reason}", file=sys.stderr, flush=True)
    print(table(rows, is_cuda=is_cuda))
    verdicts = [one.verdict(is_cuda=is_cuda) for one in rows]
    missed = sum(one.startswith(MISSED) for one in verdicts)
    not_run = sum(one.startswith("not run") for one in verdicts)
    took = time.monotonic() - start
    print(f"{len(rows)} rows in {took:.0f} s: {missed} missed, {not_run} not run on CUDA")
    return int(failed or (is_cuda and missed > 0))


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--device", help="cuda, cuda:1, or cpu for a small run [cuda if there]")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(CHILD, help=argparse.SUPPRESS)
    parser.add_argument("--told", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--small", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _machine(asked: str | None) -> tuple[str, str]:
    """Return the device, and what is measured on; raise InputError if the device is not there."""
    import open_clip
    import torch

    from oodcache.extract.model.encoder import device_of

    device = device_of(asked)
    is_cuda = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if is_cuda else platform.machine()
    shared = Path("/dev/shm")
    free = f"{shutil.disk_usage(shared).free / 2**30:.1f} GiB" if shared.exists() else "none"
    return str(device), (
        f"{name}, {os.cpu_count()} processors, /dev/shm {free} free; Python "
        f"{platform.python_version()}, torch {torch.__version__} (CUDA {torch.version.cuda}), "
        f"open_clip {open_clip.__version__}"
    )


def _command(part: str, device: str, told: Path, *, small: bool) -> list[str]:
    command = [sys.executable, "-m", "bench.gpu", CHILD, part, "--device", device]
    return [*command, "--told", str(told), *(["--small"] if small else [])]


def _run_here(asked: argparse.Namespace) -> None:
    """Run one part and write each row as soon as it is there."""
    from oodcache.extract.model.request import sleep_while_waiting

    sleep_while_waiting()  # As the command does, before torch is imported.
    samples, part = import_module("bench.gpu.samples"), import_module(f"bench.gpu.{asked.part}")
    for row in part.rows(samples.Setting(asked.device, asked.small, asked.told.parent)):
        write(asked.told, row)


def _run(command: Sequence[str], limit: float) -> Ended:
    """Run a command and all that it starts, at most `limit` seconds."""
    start = time.monotonic()
    process = subprocess.Popen(
        command,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return Ended(limit, f"took more than {limit:.0f} s")
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    took = time.monotonic() - start
    if process.returncode == 0:
        return Ended(took)
    print(errors, file=sys.stderr)
    last = (errors.strip().splitlines() or [""])[-1]
    return Ended(took, f"status {process.returncode}: {last[:160]}")


if __name__ == "__main__":
    sys.exit(main())
