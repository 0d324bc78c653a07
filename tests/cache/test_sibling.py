import errno
import os
import threading
from pathlib import Path

import pytest
from samples import permissions_bind

from oodcache.cache.errors import InputError
from oodcache.cache.sibling import SUFFIX, remove_stale_in, sibling, unfinished, writing


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_the_final_name_appears_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    with sibling(path) as part:
        part.write_text("whole")
        assert part.parent == path.parent
        assert part.name.startswith(".")
        assert part.name.endswith(SUFFIX)
        assert not path.exists()
    assert path.read_text() == "whole"
    assert files(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError, InputError])
def test_any_error_leaves_the_earlier_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("earlier")
    with pytest.raises(InputError if error is OSError else error), sibling(path) as part:
        part.write_text("half")
        raise error("no")
    assert path.read_text() == "earlier"
    assert files(tmp_path) == ["a.txt"]


def test_an_error_of_the_caller_passes_through_an_unfinished_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), unfinished(tmp_path / "a.txt"):
        (tmp_path / "source.jpg").read_bytes()
    assert files(tmp_path) == []


def test_the_last_of_two_writers_wins_and_both_write_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with sibling(path) as first, sibling(path) as second:
        first.write_text("first " * 1000)
        second.write_text("second " * 1000)
    assert path.read_text() == "first " * 1000
    assert files(tmp_path) == ["a.txt"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path, wrong, stop = tmp_path / "a.txt", [], threading.Event()
    path.write_text("x" * 9999)

    def read() -> None:
        while not stop.is_set():
            if len(path.read_text()) != 9999:
                wrong.append(path)

    reader = threading.Thread(target=read)
    reader.start()
    for letter in "abcdefgh":
        with sibling(path) as part:
            part.write_text(letter * 9999)
    stop.set()
    reader.join()
    assert not wrong


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_has_the_permissions_that_the_umask_gives(
    tmp_path: Path, mask: int, mode: int
) -> None:
    before = os.umask(mask)
    try:
        with sibling(tmp_path / "a.txt") as part:
            part.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == mode


def test_a_file_where_a_folder_is_wanted_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "a.txt"
    with pytest.raises(InputError) as refused, sibling(path):
        pass
    assert str(refused.value) == f"{path}: cannot be written: Not a directory"


def test_a_folder_where_the_file_is_wanted_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.mkdir()
    with pytest.raises(InputError, match="cannot be written: Is a directory"), sibling(path):
        pass
    assert files(tmp_path) == []


@permissions_bind
def test_a_folder_that_may_not_be_written_to_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    words = "cannot be written: Permission denied: give another folder with --cache"
    with pytest.raises(InputError, match=words), sibling(tmp_path / "a.txt"):
        pass
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("ENOSPC", "No space left on device: free some, or give another folder with --cache"),
        ("EDQUOT", ": free some, or give another folder with --cache or --output"),
        ("EFBIG", "File too large: raise the limit (ulimit -f), or give another folder"),
        ("EROFS", "Read-only file system: give another folder with --cache"),
        ("EIO", "Input/output error"),
    ],
)
def test_what_to_do_is_said_with_the_reason(reason: str, words: str) -> None:
    with pytest.raises(InputError) as refused, writing(Path("a.h5")):
        raise OSError(getattr(errno, reason), "no")
    assert str(refused.value).startswith("a.h5: cannot be written: ")
    assert words in str(refused.value)


def test_all_stale_files_of_a_folder_go_but_those_in_use(tmp_path: Path) -> None:
    for name in (".a.h5.0badcafe.part", ".b.c.h5.12345678.part", ".hidden", "a.part", "d.h5"):
        (tmp_path / name).touch()
    (tmp_path / ".x.shards.0badcafe.part").mkdir()
    with unfinished(tmp_path / "a.h5") as busy:
        remove_stale_in(tmp_path)
        assert files(tmp_path) == sorted([busy.name, ".hidden", "a.part", "d.h5"])
        assert not list(tmp_path.glob(".x*"))
    assert files(tmp_path) == [".hidden", "a.h5", "a.part", "d.h5"]
