"""Claims about which kernel is in use."""

from __future__ import annotations

import os
import subprocess
import sys

from oodcache.score.kernel.choice import VARIABLE


def test_the_variable_leaves_the_compiled_kernel_aside() -> None:
    asked = (
        "from oodcache.score.kernel.choice import KERNEL, NAME; print(type(KERNEL).__name__, NAME)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, VARIABLE: "numpy"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"Definition NumPy ({VARIABLE}=numpy)\n"
