"""What a user's mistake raises: one line that says what, where and what to do next."""

from __future__ import annotations

from pathlib import Path

LINE = 300


class InputError(Exception):
    """Something the user gave cannot be used; the message is the one line the user sees."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows instead of a traceback; IPython calls it."""
        return [f"{type(self).__name__}: {self}"]


class FileError(InputError):
    """The file at `path` cannot be used; `found` says why."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(f"{path}: {found}")
        self.path, self.found = path, found


class UnreadError(FileError):
    """A file could not be read now, though it may be good: it is in use, or closed to the user."""


class RuleError(FileError):
    """A file breaks a numbered rule of docs/cache-format.md."""

    def __init__(self, path: Path, rule: str, found: str) -> None:
        super().__init__(path, f"{found} (rule {rule})")
        self.rule = rule


def reason(error: BaseException) -> str:
    """Return a library's error as `first_lines`, with its type if the message is no sentence.

    >>> reason(KeyError("x")), reason(ValueError("x is missing"))
    ("KeyError: 'x'", 'x is missing')
    """
    kind, said = type(error).__name__, first_lines(error)
    is_sentence = isinstance(error, (ValueError, OSError, RuntimeError)) or said == kind
    return said if is_sentence else f"{kind}: {said}"


def first_lines(error: BaseException) -> str:
    """Return the first two lines of a library's error message, joined and cut."""
    lines = [line.strip() for line in str(error)[: 2 * LINE].splitlines() if line.strip()]
    joined = " ".join(lines[:2]) if lines else type(error).__name__
    return joined if len(joined) <= LINE else f"{joined[:LINE]}…"
