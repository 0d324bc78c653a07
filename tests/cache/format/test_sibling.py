import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from samples import permissions_bind

from oodcache.cache.errors import InputError
from oodcache.cache.format.sibling import (
    SUFFIX,
    alone,
    discard,
    remove_stale,
    remove_stale_in,
    sibling,
    unfinished,
    writing,
)

locks = pytest.mark.skipif(sys.platform == "win32", reason="there are no locks of this kind")


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


def test_the_file_is_synced_before_it_has_its_name_and_every_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, done = tmp_path / "new" / "deep" / "a.txt", []
    sync, replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        synced = Path(f"/proc/self/fd/{descriptor}").readlink()
        done.append(synced.name if synced.is_dir() else synced.suffix)
        sync(descriptor)

    def renamed(part: Path, target: Path) -> Path:
        done.append("renamed")
        return replace(part, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", renamed)
    with sibling(path) as part:
        assert done == [tmp_path.name, "new"]
        part.write_text("whole")
    assert done[2:] == [".part", "renamed", "deep"]


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


WRITE = """
import sys
from pathlib import Path
from oodcache.cache.format.sibling import sibling
with sibling(Path(sys.argv[1])) as part:
    part.write_text("half")
    print(part, flush=True)
    sys.stdin.read()
"""
WRITE_OFTEN = """
import sys
from pathlib import Path
from oodcache.cache.format.sibling import sibling
for number in range(int(sys.argv[2])):
    with sibling(Path(sys.argv[1])) as part:
        part.write_text(sys.argv[3] * 9999)
"""
DISCARD = """
import sys
from pathlib import Path
from oodcache.cache.format.sibling import discard
sys.stdin.read()
for folder in sys.argv[1:]:
    discard(Path(folder))
"""


@contextmanager
def half_written(path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Give a process that is writing `path`, and its unfinished file."""
    command = [sys.executable, "-c", WRITE, path]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        yield writer, Path(writer.stdout.readline().rstrip("\n"))
        if writer.stdin is not None:
            writer.stdin.close()


@locks
def test_what_a_killed_writer_left_goes_with_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "a[1]*.txt"
    with half_written(path) as (writer, part):
        writer.send_signal(signal.SIGKILL)
        writer.wait(60)
    assert [one.name for one in tmp_path.iterdir()] == [part.name]
    others = [tmp_path / name for name in (".b.txt.01234567.part", ".part", "a1.txt.01234567.part")]
    for other in others:
        other.touch()
    with sibling(path) as ours:
        assert not part.exists()
        ours.write_text("whole")
    assert path.read_text() == "whole"
    assert set(tmp_path.iterdir()) == {path, *others}


@locks
def test_what_a_living_writer_holds_is_let_be(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with half_written(path) as (_, part):
        remove_stale(path)
        with sibling(path) as ours:
            ours.write_text("ours")
        assert part.read_text() == "half"
        assert path.read_text() == "ours"
    assert path.read_text() == "half"
    assert files(tmp_path) == ["a.txt"]


@locks
def test_a_stopped_writer_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with half_written(path) as (writer, _):
        assert writer.stdin is not None
        writer.send_signal(signal.SIGINT)
        writer.stdin.close()  # A signal that comes just before a read does not interrupt it.
        writer.wait(60)
        assert writer.returncode == -signal.SIGINT
    assert files(tmp_path) == []


@pytest.mark.slow
@locks
def test_two_processes_that_write_one_path_often_end_with_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE_OFTEN, path, "300", letter], stderr=subprocess.PIPE
        )
        for letter in "xyz"
    ]
    errors = [writer.communicate(timeout=120)[1] for writer in writers]
    assert errors == [b""] * 3
    assert [writer.returncode for writer in writers] == [0] * 3
    assert path.read_text() in {letter * 9999 for letter in "xyz"}
    assert files(tmp_path) == ["a.txt"]


def full_folder(folder: Path) -> Path:
    (folder / "deeper").mkdir(parents=True)
    for name in ("1.h5", ".2.h5.01234567.part", "deeper/3.h5"):
        (folder / name).write_bytes(b"x")
    return folder


def test_a_discarded_folder_leaves_nothing(tmp_path: Path) -> None:
    folder = full_folder(tmp_path / "a.shards")
    killed = full_folder(tmp_path / ".a.shards.01234567.part")  # Of one who was killed at it.
    discard(folder)
    discard(folder)
    assert not killed.exists()
    assert list(tmp_path.iterdir()) == []


@locks
def test_folders_that_three_discard_at_once_leave_nothing(tmp_path: Path) -> None:
    folders = [full_folder(tmp_path / f"{number}.shards") for number in range(50)]
    command = [sys.executable, "-c", DISCARD, *folders]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    at_once = [subprocess.Popen(command, **pipes) for _ in range(3)]
    for one in at_once:
        assert one.stdin is not None
        one.stdin.close()
        one.stdin = None
    assert [one.communicate(timeout=60)[1] for one in at_once] == [b""] * 3
    assert [one.returncode for one in at_once] == [0] * 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o755), (0o077, 0o700), (0o002, 0o775)])
def test_new_folders_have_the_permissions_that_the_umask_gives(
    tmp_path: Path, mask: int, mode: int
) -> None:
    before = os.umask(mask)
    try:
        with sibling(tmp_path / "new" / "folder" / "a.txt") as part:
            part.write_text("x")
    finally:
        os.umask(before)
    for folder in ("new", "new/folder"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == mode


@permissions_bind
def test_new_folders_that_may_not_be_made_are_one_line_and_leave_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    words = "a.txt: cannot be written: Permission denied: give another folder with --cache"
    with pytest.raises(InputError, match=words), sibling(tmp_path / "new" / "folder" / "a.txt"):
        pass
    tmp_path.chmod(0o700)
    assert list(tmp_path.iterdir()) == []


def test_all_stale_files_of_a_folder_go_but_those_in_use(tmp_path: Path) -> None:
    for name in (".a.h5.0badcafe.part", ".b.c.h5.12345678.part", ".hidden", "a.part", "d.h5"):
        (tmp_path / name).touch()
    (tmp_path / ".x.shards.0badcafe.part").mkdir()
    with unfinished(tmp_path / "a.h5") as busy:
        remove_stale_in(tmp_path)
        assert files(tmp_path) == sorted([busy.name, ".hidden", "a.part", "d.h5"])
        assert not list(tmp_path.glob(".x*"))
    assert files(tmp_path) == [".hidden", "a.h5", "a.part", "d.h5"]


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "other" / "file")
    with sibling(tmp_path / "link") as part:
        part.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "other" / "file").read_text() == "new"


def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for name in ("pipe", "null"):
        with (
            pytest.raises(InputError, match="is a device or a named pipe, which is not replaced"),
            sibling(tmp_path / name),
        ):
            pass
    assert (tmp_path / "pipe").is_fifo() and Path("/dev/null").is_char_device()


@locks
def test_one_at_a_time_is_alone_in_a_folder(tmp_path: Path) -> None:
    done = list[str]()

    def second() -> None:
        with alone(tmp_path):
            done.append("second")

    with alone(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.05)
        done.append("first")
    thread.join()
    assert done == ["first", "second"]
