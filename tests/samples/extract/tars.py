"""Tars made by hand for the tests: members as they are given, in any order, of any type."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    """Return a member's header, its size that of the content."""
    info = tarfile.TarInfo(name)
    info.size, info.type = len(content), kind
    return info


def write_tar(
    path: Path, *files: tuple[str, bytes | str] | tarfile.TarInfo, form: int = tarfile.PAX_FORMAT
) -> Path:
    """Write a tar of (name, content) pairs, and of headers without content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=form, errors="surrogateescape") as tar:
        for one in files:
            if isinstance(one, tarfile.TarInfo):
                tar.addfile(one)
                continue
            name, content = one
            data = content if isinstance(content, bytes) else content.encode()
            tar.addfile(member(name, data), io.BytesIO(data))
    return path
