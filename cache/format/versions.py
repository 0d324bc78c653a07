"""The versions of oodcache and of the libraries that determine its results, for provenance."""

from __future__ import annotations

VERSION = "0.1.0"  # setup.cfg reads it. To ask for an installed package's takes 20 ms.


def of_arrays() -> dict[str, str]:
    """Return the versions of oodcache and NumPy."""
    import numpy as np

    return {"oodcache": VERSION, "numpy": np.__version__}


def of_files() -> dict[str, str]:
    """Return the versions of oodcache, NumPy and h5py."""
    import h5py

    return {**of_arrays(), "h5py": h5py.__version__}
