"""Every benchmark, one after another, and a table of all figures: `make bench`.

`python -m bench scoring negatives` runs those alone; `--help` lists all, also those that run only
by name. Each is a process of its own.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from importlib import util
from importlib.metadata import version
from pathlib import Path

from bench import figure

SCORES = ("scoring", "own", "peers", "classes", "negatives", "banks", "streams", "metrics")
COMMANDS = ("files", "million", "startup")
EXTRACTION = ("extraction", "processes")
DEMO = ("detectors", "streams", "shots", "precision")
PARTS = {
    **{name: f"bench.scores.{name}" for name in SCORES},
    "cache": "bench.cache",
    **{name: f"bench.commands.{name}" for name in COMMANDS},
    **{name: f"bench.{name}" for name in EXTRACTION},
}
# A million files and 6 GB, and minutes of AUROC on the demo, which have no targets.
BY_NAME_ALONE = {
    "scale": "bench.commands.scale",
    **{f"demo-{name}": f"bench.demo.{name}" for name in DEMO},
}


def main() -> int:
    """Print each benchmark's lines, then the table; return 1 if one has failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    every = {**PARTS, **BY_NAME_ALONE}
    parser.add_argument("parts", nargs="*", choices=every, metavar="PART", help=", ".join(every))
    parts = parser.parse_args().parts or list(PARTS)
    print(_machine())
    figures, failed = list[figure.Figure](), False
    try:
        for name in parts:
            start = time.perf_counter()
            print(f"\n{name}: {_first_line(every[name])}", flush=True)
            try:
                figures += figure.in_process(every[name])
            except subprocess.CalledProcessError as error:
                figures.append(figure.not_run(name, f"failed with status {error.returncode}"))
                failed = True
            print(f"({time.perf_counter() - start:.0f} s)")
    finally:
        print(f"\n{_machine()}\n\n{figure.table(figures)}")
    return int(failed)


def _machine() -> str:
    """Return what the figures depend on, the kernel and other work included."""
    told = (
        subprocess.run(
            [sys.executable, "-m", "oodcache", "-V"], check=True, capture_output=True, text=True
        )
        .stdout.strip()
        .replace("\n", ", ")
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch"))
    return (
        f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, {libraries}, {told}"
    )


def _first_line(module: str) -> str:
    found = util.find_spec(module)
    assert found is not None and found.origin is not None, module
    return Path(found.origin).read_text().splitlines()[0].strip('"')


if __name__ == "__main__":
    sys.exit(main())
