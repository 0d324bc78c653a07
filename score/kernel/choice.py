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
    except ImportError:
        return Definition(), "NumPy (no compiled kernel was built)"
    if not Compiled.instructions:
        return Definition(), "NumPy (the compiled kernel needs AVX2 with FMA)"
    return Compiled(), f"C, {Compiled.instructions}"


KERNEL, NAME = _chosen()
