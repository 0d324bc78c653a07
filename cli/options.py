"""What several commands share: the cache's option, and a line said on stderr."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from oodcache.progress import printable

TYPED = "oodcache.typed"  # The key in click's context of the arguments as they were typed.
CACHE = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="OODCACHE_DIR",
    default="embeddings",
    show_default=True,
    show_envvar=True,
    help="Folder of the embeddings.",
)


def note(text: str) -> None:
    """Say one line on stderr, where it does not mix with results."""
    print(printable(text), file=sys.stderr, flush=True)
