"""How leaks of negative words are looked for: class names, WordNet, and whether they stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oodcache.cache.errors import InputError

# Returns the ids, "" without one, and the names of the classes in a file.
ReadClasses = Callable[[Path], tuple[tuple[str, ...], tuple[str, ...]]]


@dataclass(frozen=True)
class ClassFile:
    """The classes in the file at `path`: the id of each, "" without one, and its name."""

    path: Path
    ids: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class LeakSearch:
    """A search for negatives that name a class of an OOD set.

    `lists` has class names read from files, by OOD set as typed; other sets have those of their
    images. With the folder `wordnet`, synonyms are leaks too. `leave_out` scores without the
    leaks of all OOD sets; `words` are those that earlier results left out, to be left out again.
    """

    lists: Mapping[str, ClassFile] = field(default_factory=dict, hash=False)
    wordnet: Path | None = None
    leave_out: bool = False
    words: Sequence[str] = ()

    @property
    def option(self) -> str:
        """Return the first option that was given, "" if none was."""
        given = {
            "--without-leaks": self.leave_out,
            "--leaks-of": bool(self.lists),
            "--wordnet": self.wordnet is not None,
        }
        return next((name for name, so in given.items() if so), "")

    def check(self, ood_sets: Sequence[str]) -> None:
        """Raise InputError for class names of a set that is none of the OOD sets."""
        if others := [name for name in self.lists if name not in ood_sets]:
            raise InputError(
                f"--leaks-of {others[0][:60]}: no OOD set of this run ({', '.join(ood_sets)[:120]})"
            )


NO_SEARCH = LeakSearch()


def parsed(typed: Sequence[str]) -> dict[str, Path | None]:
    """Return the sets of SET or SET=FILE, each with its file, None without.

    Raises InputError for a set that is typed twice or has no name.

    >>> {name: str(file) for name, file in parsed(["SUN", "dtd=classes.txt"]).items()}
    {'SUN': 'None', 'dtd': 'classes.txt'}
    """
    found: dict[str, Path | None] = {}
    for one in typed:
        name, equals, file = one.partition("=")
        if not name or (equals and not file):
            raise InputError(f"--leaks-of {one[:60]!r}: give SET, or SET=FILE with class names")
        if name in found:
            raise InputError(f"--leaks-of {name[:60]!r} is given twice")
        found[name] = Path(file) if equals else None
    return found


def opened(files: Mapping[str, Path | None], read: ReadClasses) -> dict[str, ClassFile]:
    """Return the classes of each set that has a file, as `read` finds them there."""
    return {name: ClassFile(file, *read(file)) for name, file in files.items() if file is not None}


def with_files(typed: Sequence[str], read: ReadClasses) -> dict[str, ClassFile]:
    """Return the classes in the file of each SET=FILE; raise InputError for a set without one."""
    found = parsed(typed)
    if bare := [name for name, file in found.items() if file is None]:
        raise InputError(
            f"--leaks-of {bare[0][:60]}: leaks of every OOD set are counted; give a file with its "
            f"class names: --leaks-of {bare[0][:60]}=FILE"
        )
    return opened(found, read)
