"""The pictures of docs/output/figures.md, drawn by the commands that it shows: `make pictures`."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

PAGE = Path("docs/output/figures.md")
CACHE = Path("embeddings/tiny-clip")


def commands(page: str) -> Iterator[list[str]]:
    """Yield the arguments of each `oodcache` command in the page's blocks of `sh`."""
    for block in re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S):
        for line in block.splitlines():
            name, *arguments = shlex.split(line)
            assert name == "oodcache", line
            yield arguments


def main() -> None:
    """Run the commands, and reduce each picture to a palette of 256 colours."""
    if not CACHE.exists():
        raise SystemExit(f"no {CACHE}: type  make demo")
    for arguments in commands(PAGE.read_text(encoding="utf-8")):
        subprocess.run([sys.executable, "-m", "oodcache", *arguments], check=True)
        if arguments[0] == "plot":
            path = Path(arguments[arguments.index("-o") + 1])
            with Image.open(path) as drawn:
                reduced = drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE)
            reduced.save(path, optimize=True)
            print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
