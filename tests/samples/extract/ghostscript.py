"""A Ghostscript that only leaves a mark, and an EPS file that makes Pillow start it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import EpsImagePlugin, Image

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
%%EndComments
(mark) (w) file closefile showpage
%%EOF
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `gs` first on the path, and return the mark that it leaves; Pillow does find it."""
    mark, program = folder / "mark", folder / "bin" / "gs"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho started > '{mark}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    with pytest.raises(OSError), Image.open(io.BytesIO(EPS)) as image:
        image.load()
    assert mark.exists(), "Pillow alone does not start it: the test would show nothing"
    mark.unlink()
    return mark
