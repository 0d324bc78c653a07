"""Claims about readers beside one another: forked workers, threads, and processes with locks."""

from __future__ import annotations

import hashlib
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oodcache.cache.files.images import ImageBatch, ImageFile, ImageRows, open_images, write_images
from oodcache.cache.format.identity import Identity
from oodcache.cache.store.verification import verify

ROWS, DIMENSION = 2000, 64
FAILED = {7: "cut", 1234: "odd"}
HELD = "print('held', flush=True); sys.stdin.read()"
HDF5 = f"import sys, h5py; file = h5py.File(sys.argv[1], 'r', locking=True); {HELD}"
SYSTEM = f"import sys, fcntl; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX); {HELD}"
needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork"
)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray[Any, Any]:
    rows = np.random.default_rng(0).normal(size=(ROWS, DIMENSION))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    rows[list(FAILED)] = 0
    return rows


@pytest.fixture(scope="module")
def file(
    tmp_path_factory: pytest.TempPathFactory, identity: Identity, vectors: np.ndarray[Any, Any]
) -> ImageFile:
    paths = [b"%d.png" % row for row in range(ROWS)]
    batch = ImageBatch(vectors, np.ones(ROWS, np.float32), FAILED)
    rows = ImageRows(paths, np.arange(ROWS) % 3, ("a", "b", "c"))
    path = tmp_path_factory.mktemp("readers") / "a.h5"
    return write_images(path, [batch], rows=rows, identity=identity)


def told(file: ImageFile, rows: int = 100) -> str:
    """Return a SHA-256 over all that a reader is told of a file."""
    digest = hashlib.sha256()
    for block in file.blocks(rows):
        digest.update(block.data)
    for column in (file.norm, file.ok, file.label):
        digest.update(column.data)
    digest.update(repr((file.paths(), file.errors(), file.label_names)).encode())
    return digest.hexdigest()


@contextmanager
def reading(file: ImageFile, wrong: list[str]) -> Iterator[None]:
    """Read the file over and over in three threads of this process."""
    stop, expected = threading.Event(), told(file)

    def read() -> None:
        while not stop.is_set():
            if (found := told(file)) != expected:
                wrong.append(found)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def tell(file: ImageFile, answers: Any) -> None:
    answers.put(told(file))


@pytest.mark.slow
@needs_fork
def test_forked_workers_read_the_same_while_their_parent_reads(file: ImageFile) -> None:
    fork, wrong = multiprocessing.get_context("fork"), list[str]()
    expected, answers = told(file), fork.Queue()
    with reading(file, wrong):
        workers = [fork.Process(target=tell, args=(file, answers)) for _ in range(12)]
        for worker in workers:
            worker.start()
        found = [answers.get(timeout=60) for _ in workers]
        for worker in workers:
            worker.join(60)
    assert found == [expected] * len(workers)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)
    assert not wrong


@needs_fork
def test_blocks_begun_in_the_parent_go_on_in_parent_and_worker(
    file: ImageFile, vectors: np.ndarray[Any, Any]
) -> None:
    fork = multiprocessing.get_context("fork")
    blocks, answers = file.blocks(300), fork.Queue()
    begun = next(blocks)

    def go_on() -> None:
        answers.put(b"".join([begun.tobytes(), *(block.tobytes() for block in blocks)]))

    workers = [fork.Process(target=go_on) for _ in range(3)]
    for worker in workers:
        worker.start()
    ours = b"".join([begun.tobytes(), *(block.tobytes() for block in blocks)])
    assert [answers.get(timeout=60) for _ in workers] == [vectors.tobytes()] * len(workers)
    for worker in workers:
        worker.join(60)
    assert ours == vectors.tobytes()


@needs_fork
def test_a_torch_loader_with_two_workers_gives_the_blocks(
    file: ImageFile, vectors: np.ndarray[Any, Any]
) -> None:
    data = pytest.importorskip("torch.utils.data")

    class Blocks(data.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Iterator[tuple[int, np.ndarray[Any, Any]]]:
            info = data.get_worker_info()
            for number, block in enumerate(file.blocks(150)):
                if number % info.num_workers == info.id:
                    yield number, block

    parent = file.blocks(150)
    next(parent)
    loader = data.DataLoader(
        Blocks(), batch_size=None, num_workers=2, multiprocessing_context="fork", timeout=60
    )
    found = {number: block.numpy() for number, block in loader}
    assert np.concatenate([found[number] for number in sorted(found)]).tobytes() == (
        vectors.tobytes()
    )
    assert sum(len(block) for block in parent) == ROWS - 150


@pytest.mark.skipif(sys.platform == "win32", reason="a lock there is for all")
@pytest.mark.parametrize("hold", [HDF5, SYSTEM])
def test_a_file_that_another_process_locks_in_a_read_only_folder_is_read(
    tmp_path: Path, file: ImageFile, hold: str
) -> None:
    path = tmp_path / "folder" / "a.h5"
    path.parent.mkdir()
    path.write_bytes(file.path.read_bytes())
    command = [sys.executable, "-c", hold, path]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        path.chmod(0o400)
        path.parent.chmod(0o500)
        try:
            before = path.stat()
            verify(path)
            assert told(open_images(path)) == told(file)
            assert path.stat().st_mtime_ns == before.st_mtime_ns
        finally:
            path.parent.chmod(0o700)
            holder.stdin.close()
    assert path.read_bytes() == file.path.read_bytes()
    assert [one.name for one in path.parent.iterdir()] == ["a.h5"]
