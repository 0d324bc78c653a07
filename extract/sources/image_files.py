"""Which files are images, by name or else by their first bytes, and what a listing leaves out.

An extension is a dot and at most ten letters and digits, not digits alone; a file without one
(`0a1b2c`, `frame.0001`, `a.jpg?w=300`) is an image if it starts like one.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from oodcache.cache.image_formats import EXTENSIONS
from oodcache.cache.text import counted

IMAGES = frozenset(one.encode() for some in EXTENSIONS.values() for one in some)
IMAGES -= {b".pfm"}  # Mostly depths, whose range is unknown.
# Images that cannot be read, or not be trusted: phones, cameras, drawings, medicine, astronomy.
UNREAD = frozenset(
    b".heic .heif .hif .avifs .jxl .jxr .cr2 .cr3 .nef .nrw .arw .dng .raf .orf .rw2 .pef .srw "
    b".psd .psb .xcf .svg .svgz .eps .ps .ai .wmf .emf .exr .hdr .pfm .dcm .nii .fits .fit .pcx "
    b".qoi .dds .icns .cur .sgi .rgb .ras .xbm .xpm .djvu".split()
)
COMPRESSED = {b".gz": "gzip -d", b".bz2": "bzip2 -d", b".xz": "xz -d", b".zst": "zstd -d"}
TARS = {b".tgz": "gzip -d", b".tbz2": "bzip2 -d", b".txz": "xz -d", b".tzst": "zstd -d"}
PACKED = frozenset({b".zip", b".7z", b".rar"})
# Thumbnails, copies and waste that a NAS or an operating system leaves beside images.
ASIDE = frozenset(
    b"@eadir .@__thumb @recycle #recycle #snapshot .thumbnails .thumbs .appledouble .trashes "
    b"__macosx $recycle.bin lost+found .ipynb_checkpoints".split()
)
PLAIN = re.compile(rb"\.(?=[0-9]*[a-z])[a-z0-9]{1,10}")
BARE = "extensionless file"
SIGNATURES = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\0\0\0\x0cjP  \r\n", b"\xff\x4f\xff\x51"),
)
INSIDE = re.compile(rb"RIFF....WEBP|BM....\0\0\0\0|....ftypavi[fs]", re.DOTALL)
LONGEST = 16  # Bytes of a signature.
SHOWN = 8


def is_image(path: bytes) -> bool:
    """Return whether a file has an image's extension.

    >>> [is_image(path) for path in (b"a/b.JPEG", b"a/b.txt", b".png")]
    [True, False, False]
    """
    return extension(path) in IMAGES


def extension(path: bytes) -> bytes:
    """Return a file's extension in lower case, b"" if it has none.

    >>> [extension(path) for path in (b"a.TAR.gz", b"a.b/c", b"img.0001", b"a.jpg?w=300")]
    [b'.tar.gz', b'', b'', b'']
    """
    stem, dot, last = path.rpartition(b"/")[2].lower().rpartition(b".")
    last = dot + last
    if not stem or not PLAIN.fullmatch(last):
        return b""
    return b".tar" + last if last in COMPRESSED and stem.endswith(b".tar") else last


def starts_like_an_image(start: bytes) -> bool:
    """Return whether a file's first LONGEST bytes are those of an image."""
    return start.startswith(SIGNATURES) or INSIDE.match(start) is not None


def aside(name: bytes, *, is_folder: bool) -> str | None:
    """Return what a file or folder is counted as if its name leaves it out, otherwise None.

    "" stands for hidden files that nobody misses.
    """
    if is_folder and name.lower() in ASIDE:
        return f"{name.decode()} folder"
    if name.startswith(b"._"):
        return "._ file"
    if name.startswith(b"."):
        return "hidden image" if is_image(name) else ""
    return None


def tar_aside(path: bytes) -> str | None:
    """Return what a member of a tar is counted as if a name in its path leaves it out."""
    *folders, name = path.split(b"/")
    for folder in folders:
        if (found := aside(folder, is_folder=True)) is not None:
            known = found.replace(" folder", " file")
            return known or ("hidden image" if is_image(name) else "")
    return aside(name, is_folder=False)


@dataclass
class LeftOut:
    """The files that a listing leaves out, counted by extension, and the paths of archives."""

    counts: Counter[str] = field(default_factory=Counter)
    archives: list[bytes] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)

    def add(self, path: bytes) -> None:
        """Count a file by its extension."""
        ending = extension(path)
        self.counts[ending.decode() or BARE] += 1
        if unpacking(ending) is not None:
            self.archives.append(path)
        elif ending in UNREAD:
            self.unread.add(ending.decode())

    def add_as(self, what: str, *, unread: bool = False) -> None:
        """Count a file as `what`; `unread` if it may be an image. "" is not counted."""
        if what:
            self.counts[what] += 1
        if unread:
            self.unread.add(what)

    def without(self, archives: Sequence[bytes]) -> LeftOut:
        """Return the same without archives that are read after all."""
        counts, given = Counter(self.counts), set(archives)
        counts.subtract(extension(one).decode() for one in given)
        others = [one for one in self.archives if one not in given]
        return LeftOut(+counts, others, self.unread)

    @property
    def total(self) -> int:
        """Return how many files were left out."""
        return self.counts.total()

    @property
    def may_be_images(self) -> bool:
        """Return whether a user may take some of the files for images."""
        return bool(self.unread or self.archives)

    def __str__(self) -> str:
        """Return the counts, possible images first: `1 .heic, 3 .txt`."""
        first = self.unread | {extension(path).decode() for path in self.archives}
        order = sorted(self.counts, key=lambda one: (one not in first, -self.counts[one], one))
        shown = [_counted(self.counts[one], one) for one in order[:SHOWN]]
        rest = sum(self.counts[one] for one in order[SHOWN:])
        return ", ".join([*shown, *([f"{rest:,} others"] if rest else [])])

    @property
    def note(self) -> str:
        """Return what to tell a user, "" if nothing was left out."""
        return f"left out: {self}{self._advice()}" if self.counts else ""

    def _advice(self) -> str:
        advice = []
        files = sorted(one for one in self.unread if one.startswith("."))[:SHOWN]
        if files:
            advice.append(f"{', '.join(files)} may be images: convert them to .png")
        if "link" in self.unread:
            advice.append("links are not followed: make the tar with --dereference")
        if "sparse file" in self.unread:
            advice.append("sparse files are not read: make the tar without --sparse")
        if self.archives:
            kinds = sorted({extension(path).decode() for path in self.archives})
            advice.append(f"{', '.join(kinds)} may hold images: unpack them")
        return f" ({'; '.join(advice)})" if advice else ""


def unpacking(ending: bytes) -> str | None:
    """Return the command that unpacks an archive with this extension; None if it is not one.

    It is "" for a plain tar.
    """
    if ending in PACKED:
        return "unzip" if ending == b".zip" else "unpack it"
    if ending == b".tar":
        return ""
    if ending.startswith(b".tar."):
        return COMPRESSED[ending.removeprefix(b".tar")]
    return TARS.get(ending)


def archives_alone(name: str, root: str, left_out: LeftOut) -> Iterator[str]:
    """Yield what to type for each kind of archive in a folder without images."""
    by_command: dict[str, list[bytes]] = {}
    for path in left_out.archives:
        by_command.setdefault(unpacking(extension(path)) or "", []).append(path)
    for command, paths in by_command.items():
        if command == "":
            folder = os.fsdecode(paths[0].rpartition(b"/")[0])
            where = f"{root.rstrip('/')}/{folder}".rstrip("/")
            yield f"{root} holds {counted(len(paths), 'tar')}, in {where}: give {name}={where}"
        elif extension(paths[0]) in PACKED:
            kind = extension(paths[0]).decode()
            yield f"{root} holds {len(paths):,} {kind}: unpack it ({command})"
        else:
            what = counted(len(paths), "compressed tar")
            yield f"{root} holds {what}: decompress it ({command})"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if what.startswith(".") and " " not in what else counted(count, what)
