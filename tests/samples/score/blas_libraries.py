"""The BLAS libraries of this process, searched for again only once a module was imported."""

from __future__ import annotations

import sys
from typing import Any

from threadpoolctl import ThreadpoolController


def share_libraries() -> None:
    """Let controllers share what the search in the process's memory map found: milliseconds each.

    Libraries of BLAS come with modules, so the modules tell whether there is anything new.
    """
    search = ThreadpoolController._load_libraries
    found = dict[int, list[Any]]()

    def quick_search(self: Any) -> None:
        modules = len(sys.modules)
        if modules not in found:
            search(self)
            found.clear()
            found[modules] = list(self.lib_controllers)
        self.lib_controllers = list(found[modules])

    ThreadpoolController._load_libraries = quick_search
