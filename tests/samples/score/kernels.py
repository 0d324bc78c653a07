"""The kernels of this installation: NumPy's, and the compiled one where there is one."""

from __future__ import annotations

from oodcache.score.kernel.choice import kernel
from oodcache.score.kernel.definition import Definition

DEFINITION = Definition()
KERNELS = [DEFINITION] if type(kernel()) is Definition else [DEFINITION, kernel()]
