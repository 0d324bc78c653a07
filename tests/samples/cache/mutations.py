"""Good files changed at random, read again: the process that test_mutations.py runs.

`python mutations.py FIRST COUNT FILE…` reads COUNT mutations of each file, of the seeds from FIRST
on. Each is named before it is read, so that the last line says which one took the process down.
"""

from __future__ import annotations

import random
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile, open_image_shard, open_images
from oodcache.cache.files.texts import open_text_shard, open_texts
from oodcache.cache.store.verification import kind_of, verify

SECONDS = 10
MEMORY = 2**27  # What reading a file of 4 kB may take on top of the start.
OPENERS = {
    "images": open_images,
    "texts": open_texts,
    "image-shard": open_image_shard,
    "text-shard": open_text_shard,
}
WAYS = ("bit", "byte", "zeros", "ones", "noise", "cut", "insert", "remove", "swap", "two", "sector")


def mutated(whole: bytes, seed: int) -> bytes:
    """Return the file's bytes, changed in the way and at the place that the seed says."""
    chance = random.Random(seed)
    way, size = WAYS[seed % len(WAYS)], chance.choice((1, 2, 4, 8, 16, 64, 300))
    start = chance.randrange(len(whole))
    run = whole[start : start + size]
    other = chance.randrange(len(whole))
    before, after = whole[:start], whole[start + len(run) :]
    if way == "bit":
        return before + bytes([whole[start] ^ 1 << chance.randrange(8)]) + whole[start + 1 :]
    if way == "byte":
        return before + chance.randbytes(1) + whole[start + 1 :]
    if way == "cut":
        return before
    if way == "insert":
        return before + chance.randbytes(size) + whole[start:]
    if way == "remove":
        return before + after
    if way == "two":
        return mutated(mutated(whole, 11 * seed), 11 * other)
    if way == "swap":
        one, two = sorted((start, other))
        size = min(size, two - one, len(whole) - two)
        moved = whole[:one] + whole[two : two + size] + whole[one + size : two]
        return moved + whole[one : one + size] + whole[two + size :]
    if way == "sector":
        first = start // 512 * 512
        return whole[:first] + bytes(len(whole[first : first + 512])) + whole[first + 512 :]
    filled = {"zeros": bytes(len(run)), "ones": b"\xff" * len(run)}
    return before + filled.get(way, chance.randbytes(len(run))) + after


def contents(path: Path) -> tuple[bytes, tuple[Any, ...]]:
    """Return the vectors' bytes, and all else that a reader is told of the file."""
    kind = kind_of(path)
    file: Any = OPENERS[kind](path)
    if isinstance(file, ImageFile):
        vectors = b"".join(block.tobytes() for block in file.stored_blocks(2))
        norm, ok, label = (one.tobytes() for one in (file.norm, file.ok, file.label))
        read = (file.dtype, file.paths(), file.errors(), file.label_names, file.place)
        return vectors, (kind, file.identity, norm, ok, label, *read)
    place, norm = (file.place, file.norm.tobytes()) if kind == "text-shard" else (None, b"")
    shape = (file.embeddings.shape, file.embeddings.dtype)
    return file.embeddings.tobytes(), (kind, file.identity, file.vocabulary, shape, place, norm)


def outcome(path: Path, expected: tuple[bytes, tuple[Any, ...]]) -> str:
    """Return what became of a changed file; raise AssertionError if that is not allowed."""
    try:
        verify(path)
        verified = True
    except InputError as error:
        verified = False
        check_line(path, error)
    try:
        vectors, others = contents(path)
    except InputError as error:
        assert not verified, "verified, and then refused"
        check_line(path, error)
        return "refused"
    assert others == expected[1], "silently another file"
    assert vectors == expected[0], "silently other vectors"
    return "equal" if verified else "refused by verify alone"


def check_line(path: Path, error: InputError) -> None:
    """Refuse what is not one printable line of a length that can be read, with the path first."""
    line = str(error)
    assert line.startswith(f"{path}: "), line
    assert line.isprintable(), repr(line)
    assert len(line) < len(str(path)) + 600, line


def main(first: int, count: int, *names: str) -> None:
    """Read the mutations; print each one's file and seed, and then what became of it."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in names:
        whole, expected = Path(name).read_bytes(), contents(Path(name))
        changed = Path(name).with_suffix(".changed")
        for seed in range(first, first + count):
            print(name, seed, end=" ", flush=True)
            changed.write_bytes(mutated(whole, seed))
            signal.alarm(SECONDS)  # Nobody handles it: a hang in C ends the process.
            print(outcome(changed, expected), flush=True)
    signal.alarm(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
