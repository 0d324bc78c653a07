"""Claims about shards encoded one by one: resuming, retrying, and what is never mixed."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from samples import slow_except
from samples.extract.runs import StoppedError, extract, files, half, once, stop, stopping

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import open_texts
from oodcache.cache.format.place import shard_folder
from oodcache.cache.store.verification import verify
from oodcache.extract.run.tasks import ahead


@pytest.fixture
def sources(photos: Path) -> list[str]:
    return [f"c={photos}"]


@pytest.mark.parametrize("shard_rows", [1, 3, 4, 12, 13])
def test_shards_of_any_size_make_a_valid_file_and_are_gone(
    tmp_path: Path, sources: list[str], shard_rows: int
) -> None:
    path = once(tmp_path, sources=sources, shard_rows=shard_rows)
    verify(path)
    assert open_images(path).rows == 12
    assert files(tmp_path / "whole") == ["c.h5"]
    assert not shard_folder(path).exists()


def test_batches_never_cross_a_shard_so_shares_change_no_bit(
    tmp_path: Path, sources: list[str]
) -> None:
    whole = once(tmp_path, sources=sources)
    for part in (3, 1, 2):
        (path,) = extract(tmp_path, sources=sources, part=part, parts=3)
    assert path.read_bytes() == whole.read_bytes()
    assert files(path.parent) == ["c.h5"]


@pytest.mark.parametrize("rows", slow_except([1, 10], [1, 4, 6, 10, 12]))
def test_a_stopped_run_goes_on_and_ends_in_the_same_bytes(
    tmp_path: Path, sources: list[str], rows: int
) -> None:
    whole, notes = once(tmp_path, sources=sources), list[str]()
    with pytest.raises(StoppedError):
        extract(tmp_path, progress=stopping(rows, stop), sources=sources)
    (path,) = extract(tmp_path, notes, sources=sources)
    done = max(0, rows - 1) // 5
    told = [f"c: resuming: {done} of 3 shards are done"] if done else []
    assert [note for note in notes if "resuming" in note] == told
    assert path.read_bytes() == whole.read_bytes()
    assert files(path.parent) == ["c.h5"]


@pytest.mark.slow
def test_texts_are_cut_too_and_go_on(tmp_path: Path, photos: Path) -> None:
    given = {"classes": f"c={photos}", "templates": ["a {}", "the {}", "{}"], "shard_rows": 4}
    whole = once(tmp_path, **given)
    with pytest.raises(StoppedError):
        extract(tmp_path, progress=stopping(5, stop), **given)
    assert [name[:14] for name in files(tmp_path / "embeddings")] == ["00001-of-00002"]
    notes: list[str] = []
    (path,) = extract(tmp_path, notes, **given)
    assert "c: resuming: 1 of 2 shards are done" in notes
    assert path.read_bytes() == whole.read_bytes()
    assert open_texts(path).embeddings.shape[:2] == (3, 2)


def test_a_source_that_vanishes_stops_the_run_which_goes_on_when_it_is_back(
    tmp_path: Path, photos: Path, sources: list[str]
) -> None:
    whole, away = once(tmp_path, sources=sources), tmp_path / "away"
    with pytest.raises(InputError, match="photos: missing or empty: run the same command"):
        extract(
            tmp_path,
            progress=stopping(6, lambda: photos.exists() and photos.rename(away)),  # type: ignore[arg-type,return-value]
            sources=sources,
        )
    away.rename(photos)
    (path,) = extract(tmp_path, sources=sources)
    assert path.read_bytes() == whole.read_bytes()


@pytest.fixture
def torn(tmp_path: Path, photos: Path) -> Callable[[], None]:
    """Make three images unreadable, keeping their sizes; return what mends them."""
    names = [Path("cat", "1.png"), Path("cat", "2.png"), Path("dog", "5.png")]
    shutil.copytree(photos, tmp_path / "sound")
    for name in names:
        (photos / name).write_bytes(bytes((photos / name).stat().st_size))

    def mend() -> None:
        for name in names:
            shutil.copy(tmp_path / "sound" / name, photos / name)

    return mend


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_retried_rows_become_what_they_would_have_been(
    tmp_path: Path, sources: list[str], torn: Callable[[], None], dtype: str
) -> None:
    given: dict[str, Any] = {"sources": sources, "dtype": dtype}
    (path,) = extract(tmp_path, **given)
    assert sorted(open_images(path).errors()) == [1, 2, 11]
    torn()
    notes: list[str] = []
    extract(tmp_path, notes, **given)
    assert f"kept {path}" in notes
    assert extract(tmp_path, retry_failed=True, **given) == [path]
    assert path.read_bytes() == once(tmp_path, **given).read_bytes()
    assert files(path.parent) == ["c.h5"]


@pytest.mark.slow
def test_a_retry_leaves_rows_that_are_ok_alone(
    tmp_path: Path, photos: Path, sources: list[str], torn: Callable[[], None]
) -> None:
    (path,) = extract(tmp_path, sources=sources)
    torn()
    # The first is in a batch without a bad row, the second in one with, where it keeps its vector.
    for name in ("0.png", "4.png"):
        (photos / "dog" / name).write_bytes(bytes((photos / "dog" / name).stat().st_size))
    extract(tmp_path, sources=sources, retry_failed=True)
    assert not open_images(path).errors()


@pytest.mark.slow
def test_a_retry_can_be_stopped_and_shared_and_goes_on(
    tmp_path: Path, sources: list[str], torn: Callable[[], None]
) -> None:
    (path,) = extract(tmp_path, sources=sources)
    before = path.read_bytes()
    torn()
    with pytest.raises(StoppedError):
        extract(tmp_path, progress=stopping(7, stop), sources=sources, retry_failed=True)
    assert path.read_bytes() == before
    for part in (1, 2):
        extract(tmp_path, sources=sources, retry_failed=True, part=part, parts=2)
    assert path.read_bytes() == once(tmp_path, sources=sources).read_bytes()


@pytest.mark.slow
def test_a_run_that_is_begun_is_retried_too(
    tmp_path: Path, sources: list[str], torn: Callable[[], None]
) -> None:
    path = half(tmp_path, sources)
    torn()
    extract(tmp_path, sources=sources, retry_failed=True)
    assert path.read_bytes() == once(tmp_path, sources=sources).read_bytes()


@pytest.mark.slow
def test_rows_that_fail_again_stay_bad_and_a_retry_of_none_keeps_the_file(
    tmp_path: Path, sources: list[str], torn: Callable[[], None]
) -> None:
    (path,) = extract(tmp_path, sources=sources)
    before = path.read_bytes()
    extract(tmp_path, sources=sources, retry_failed=True)
    assert path.read_bytes() == before
    torn()
    extract(tmp_path, sources=sources, retry_failed=True)
    stamp, notes = path.stat().st_mtime_ns, list[str]()
    extract(tmp_path, notes, sources=sources, retry_failed=True)
    assert notes == [f"kept {path}"]
    assert path.stat().st_mtime_ns == stamp


def test_too_many_bad_images_in_a_finished_file_are_an_error(
    tmp_path: Path, sources: list[str], torn: Callable[[], None]
) -> None:
    (path,) = extract(tmp_path, sources=sources, max_bad=0.25)
    words = "c: 3 of 12 images cannot be read, more than --max-bad 0.2; see: oodcache cache .*c.h5"
    with pytest.raises(InputError, match=words):
        extract(tmp_path, sources=sources, max_bad=0.2)
    assert open_images(path).rows == 12


@pytest.mark.slow
def test_too_many_bad_images_stop_a_run_and_whole_shards_stay(
    tmp_path: Path, sources: list[str], torn: Callable[[], None]
) -> None:
    done: list[int] = []

    @contextmanager
    def counting(*_: object) -> Iterator[Callable[[int], None]]:
        yield done.append

    words = "c: stopped: 3 of 12 images so far cannot be read, such as 'dog/5.png' .* more than --m"
    with pytest.raises(InputError, match=words):
        extract(tmp_path, progress=counting, sources=sources, max_bad=0.2)
    assert sum(done) == 10
    shards = ["00001-of-00003", "00002-of-00003"]
    assert [name[:14] for name in files(tmp_path / "embeddings")] == shards
    # The two of the first shard are known; that they can be read by now is not.
    torn()
    with pytest.raises(InputError, match="2 of 10 images so far cannot be read, in an earlier run"):
        extract(tmp_path, sources=sources, max_bad=0.1)
    (path,) = extract(tmp_path, sources=sources, max_bad=0.1, retry_failed=True)
    assert path.read_bytes() == once(tmp_path, sources=sources).read_bytes()


def test_a_run_that_is_mostly_bad_ends_with_its_first_batches(
    tmp_path: Path, photos: Path, sources: list[str]
) -> None:
    for path in photos.rglob("*.png"):
        path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(InputError, match=r"c: stopped: 4 of 4 images so far cannot be read"):
        extract(tmp_path, sources=sources, max_bad=0.3)
    assert files(tmp_path / "embeddings") == []
    assert list(tmp_path.rglob("*.shards")) == []


def test_images_none_of_which_is_ok_leave_nothing_to_go_on_with(
    tmp_path: Path, photos: Path, sources: list[str]
) -> None:
    images = [path for path in photos.rglob("*") if path.is_file()]
    for path in images:
        path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(InputError, match="none of 12 images could be decoded, the first: "):
        extract(tmp_path, sources=sources)
    assert files(tmp_path / "embeddings") == []


@pytest.mark.slow
def test_a_killed_worker_is_one_line_and_the_run_goes_on(
    tmp_path: Path, sources: list[str]
) -> None:
    whole = once(tmp_path, sources=sources)

    def kill() -> None:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)

    with pytest.raises(InputError, match="a decoding process was killed, perhaps because memory"):
        extract(tmp_path, progress=stopping(2, kill), sources=sources, workers=1)
    (path,) = extract(tmp_path, sources=sources)
    assert path.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_stored_as_float16_the_vectors_are_near_and_half_the_size(
    tmp_path: Path, sources: list[str], photos: Path
) -> None:
    classes = f"c={photos}"
    paths = extract(tmp_path, sources=sources, classes=classes, dtype="float16", shard_rows=5)
    texts, images = open_texts(paths[0]), open_images(paths[1])
    full = [once(tmp_path, classes=classes), once(tmp_path, sources=sources)]
    with h5py.File(paths[0]) as file:
        assert file["embeddings"].dtype == np.float16
    assert images.dtype == np.float16
    for ours, theirs in (
        (texts.embeddings, open_texts(full[0]).embeddings),
        (next(images.blocks()), next(open_images(full[1]).blocks())),
    ):
        assert ours.dtype == np.float32
        assert np.abs(ours - theirs).max() < 1e-3
        assert np.abs(np.linalg.norm(ours, axis=-1) - 1).max() < 1e-6


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("ahead")]


def counting(made: list[int], count: int) -> Iterator[int]:
    for number in range(count):
        made.append(number)
        yield number


@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_all_items_come_in_order_and_the_thread_ends(depth: int, count: int) -> None:
    assert list(ahead(iter(range(count)), depth)) == list(range(count))
    assert not threads()


def test_the_next_items_are_made_before_they_are_asked_for_and_no_more() -> None:
    made, reached = list[int](), threading.Event()

    def watched() -> Iterator[int]:
        for number in counting(made, 100):
            if number == 3:
                reached.set()
            yield number

    with closing(ahead(watched(), 3)) as items:
        assert next(items) == 0
        assert reached.wait(60)
    assert made == [0, 1, 2, 3]


def test_an_error_comes_where_its_item_would_have_come() -> None:
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    items, taken = ahead(failing(), 5), []
    with pytest.raises(ValueError, match="third"):
        for item in items:
            taken.append(item)
    assert taken == [1, 2]
    assert not threads()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, ValueError])
def test_whoever_stops_taking_ends_the_thread(stop: type[BaseException]) -> None:
    made: list[int] = []
    with pytest.raises(stop), closing(ahead(counting(made, 1000), 2)) as items:
        for _ in items:
            raise stop
    assert not threads()
    assert len(made) <= 3


def test_nothing_is_made_before_the_first_is_asked_for() -> None:
    made: list[int] = []
    items = ahead(counting(made, 3), 2)
    assert not threads()
    assert not made
    items.close()
