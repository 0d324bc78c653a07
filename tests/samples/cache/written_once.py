"""Small files that many tests begin with, written once a process and put down as bytes after that.

Equal runs write equal bytes, which tests of the writers prove with files that are all written.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

WRITTEN = dict[bytes, bytes]()


def written_once(path: Path, write: Callable[[Path], object], *given: object) -> Path:
    """Return the path, where `write` has put its file or the one it made of the same `given`.

    `given` is all that the file's bytes depend on. What stands there already is left to `write`.
    """
    key = pickle.dumps(given)
    if key in WRITTEN and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(WRITTEN[key])
    else:
        write(path)
        WRITTEN[key] = path.read_bytes()
    return path
