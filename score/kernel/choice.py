"""Which kernel is in use: the compiled one where there is one, or NumPy's."""

from __future__ import annotations

import os

from oodcache.score.kernel.definition import Definition

# "numpy" leaves the compiled kernel aside.
VARIABLE = "OODCACHE_KERNEL"


def _chosen() -> tuple[Definition, str]:
    """Return the kernel, and what it is called."""
    if os.environ.get(VARIABLE, "").lower() == "numpy":
        return Definition(), f"NumPy ({VARIABLE}=numpy)"
    try:
        from oodcache.score.kernel.compiled import Compiled
    except ImportError as error:
        return Definition(), f"NumPy ({error})"
    return Compiled(), f"C, {Compiled.instructions}"


KERNEL, NAME = _chosen()
