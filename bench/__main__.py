"""Every benchmark, one after another: `make bench`."""

from __future__ import annotations

import platform

import numpy as np
import torch

from bench import (
    banks,
    cache,
    extraction,
    files,
    metrics,
    negatives,
    processes,
    scoring,
    startup,
    streams,
)
from bench.demo import detectors, precision, shots
from bench.demo import streams as demo_streams


def main() -> None:
    """Print each benchmark's lines under its title, after what they were measured on."""
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, Python "
        f"{platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}"
    )
    every = (
        *(scoring, negatives, banks, streams, metrics, files, cache, startup),
        *(extraction, processes, detectors, demo_streams, shots, precision),
    )
    for module in every:
        print(f"\n{module.__name__}: {(module.__doc__ or '').splitlines()[0]}")
        module.main()


if __name__ == "__main__":
    main()
