"""Image lists: text files with a path, a space and a class number per line, like OpenOOD's."""

from __future__ import annotations

import re

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import row_names
from oodcache.extract.sources.listed_images import Entries, list_entries, shown
from oodcache.extract.sources.listing import ImageListing, ImageSource

ENDS_IN_CR = re.compile(rb" -?\d+ *\r")
SUFFIXES = (".txt", ".lst", ".list")


def list_lines(source: ImageSource) -> ImageListing:
    """Return the images of a list, in its order; the label follows a line's last space.

    A label of -1 is none, OpenOOD's mark for OOD images. Blank lines are skipped.
    """
    paths, labels, lines = [], [], []
    for number, line in enumerate(row_names.lines(source.root), 1):
        if not line.strip():
            continue
        if ENDS_IN_CR.search(line):
            raise InputError(
                f"{source.root}: line {number} has lines in it that end in \\r alone, as old Macs "
                f"wrote them: type  tr '\\r' '\\n' < {source.root} > list.txt  and give list.txt"
            )
        path, _, label = line.rstrip().rpartition(b" ")
        if not path.strip() or not row_names.INTEGER.fullmatch(label):
            raise InputError(
                f"{source.root}: line {number}: {shown(line)} is not a path, a space and an "
                "integer from 0, or -1 for no label"
            )
        paths.append(path)
        labels.append(label.decode())
        lines.append(number)
    return list_entries(source, Entries(paths, labels, lines))
