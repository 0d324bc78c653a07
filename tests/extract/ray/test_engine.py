"""Claims about extraction by actors: the same bytes, and what goes wrong is borne and named."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from samples import Run, SmallModel, planned, silent
from samples.extract.runs import REQUEST, Progress, extract, files, half, once, stopping

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.watch import Watch
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.ray import engine
from oodcache.extract.ray.cluster import Wishes
from oodcache.extract.run import run
from oodcache.extract.sources.listing import Contents

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow  # Starts clusters: seconds each, minutes on a busy machine.


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Start a Ray of this machine, which has more processors in its books than there may be."""
    listener = signal.getsignal(signal.SIGTERM)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        address="local",
        num_cpus=4,
        object_store_memory=100 * 2**20,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    signal.signal(signal.SIGTERM, listener)
    # Actors cannot import a test: its classes are sent whole.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    ray.shutdown()


@pytest.fixture
def sources(photos: Path) -> list[str]:
    return [f"c={photos}"]


def by_actors(
    tmp_path: Path,
    notes: list[str] | None = None,
    progress: Progress = silent,
    actors: int = 1,
    request: ModelRequest = REQUEST,
    contents: Callable[[Contents], Contents] = lambda contents: contents,
    **given: Any,
) -> list[Path]:
    """Extract as `runs.extract` does, by actors; `contents` may put others in their place."""
    said: list[str] = [] if notes is None else notes
    settings = {"shard_rows": 5, "batch_size": 2, "workers": 0, **given}
    made = planned(tmp_path, request, said, **settings)
    images = tuple(replace(one, contents=contents(one.contents)) for one in made.images)
    start = partial(engine.started, wishes=Wishes(actors))
    return run.run(replace(made, images=images), Watch(said.append, progress), start)


def started(words: str) -> list[int]:
    """Return the numbers of the processes of a command line that has these words."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # Gone meanwhile.
            if words.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(one) for task in tasks for one in task.read_text().split()]


def ended(processes: list[int]) -> None:
    """Wait until processes are gone."""
    until = time.monotonic() + 60
    while left := [one for one in processes if Path(f"/proc/{one}").exists()]:
        assert time.monotonic() < until, left
        time.sleep(0.05)


def test_actors_make_the_bytes_of_one_process(
    tmp_path: Path, photos: Path, sources: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = {"classes": f"c={photos}", "templates": ["a {}", "the {}", "{}"]}
    whole = [once(tmp_path, sources=sources), once(tmp_path, **classes)]
    monkeypatch.chdir(tmp_path)
    notes: list[str] = []
    texts, images = by_actors(
        tmp_path,
        notes,
        actors=2,
        sources=["c=photos"],
        cache=Path("relative"),
        workers=2,
        **classes,
    )
    assert [images.read_bytes(), texts.read_bytes()] == [one.read_bytes() for one in whole]
    assert files(tmp_path / "relative") == ["c.h5", "c.h5"]
    assert notes[0].startswith("Ray: 2 actors of 1 processor; the first loads tiny-clip")
    notes.clear()
    by_actors(tmp_path, notes, sources=["c=photos"], cache=Path("relative"))
    assert notes == [f"kept {images}"]


def test_shards_that_fail_are_named_and_the_others_are_made(
    tmp_path: Path, photos: Path, sources: list[str]
) -> None:
    whole, notes = once(tmp_path, sources=sources), list[str]()
    dogs, away = photos / "dog", tmp_path / "away"
    with pytest.raises(InputError) as failed:
        by_actors(
            tmp_path,
            notes,
            stopping(0, lambda: dogs.exists() and dogs.rename(away)),  # type: ignore[arg-type,return-value]
            sources=[*sources, f"strays={photos / 'cat'}"],
        )
    said = str(failed.value)
    assert said.startswith("2 shards failed: c, shard 2 of 3: ")
    assert f"; c, shard 3 of 3: {photos}: missing or empty: " in said
    assert said.endswith("fix the cause and run the same command again")
    assert any(note.startswith("c: 1 of 3 shards are done") for note in notes)
    assert any("strays.h5: 6 images" in note for note in notes)
    away.rename(dogs)
    (path,) = extract(tmp_path, notes, sources=sources)
    assert "c: resuming: 1 of 3 shards are done" in notes
    assert path.read_bytes() == whole.read_bytes()


def test_a_killed_actor_is_replaced_and_its_shard_made_again(
    tmp_path: Path, sources: list[str]
) -> None:
    whole, notes, killed = once(tmp_path, sources=sources), list[str](), list[int]()

    def kill() -> None:
        if not killed and (found := [one for one in started("ray::Worker.make") if children(one)]):
            killed.extend([found[0], *children(found[0])])
            os.kill(found[0], signal.SIGKILL)

    (path,) = by_actors(
        tmp_path,
        notes,
        stopping(0, kill),
        sources=sources,
        workers=1,
        contents=partial(Slow, seconds=0.3),
    )
    assert len(killed) == 2, "the actor and its decoding process"
    ended(killed)
    (again,) = (note for note in notes if note.endswith(": retrying"))
    assert re.match(r"c, shard \d of 3: its process died, perhaps because memory ran out \(", again)
    assert path.read_bytes() == whole.read_bytes()
    assert files(path.parent) == ["c.h5"]


@dataclass(frozen=True)
class Slow:
    """Contents that take their time."""

    contents: Contents
    seconds: float

    @property
    def root(self) -> Path:
        return self.contents.root

    def read(self, row: int) -> bytes:
        time.sleep(self.seconds)
        return self.contents.read(row)

    def is_there(self, row: int) -> bool:
        return self.contents.is_there(row)


@dataclass(frozen=True)
class Deadly(Slow):
    """Contents of which one row kills whoever reads it, as a broken decoder or a full memory."""

    row: int = 6

    def read(self, row: int) -> bytes:
        if row == self.row:
            os._exit(1)
        return self.contents.read(row)


def test_a_shard_that_always_kills_is_given_up_and_the_others_are_made(
    tmp_path: Path, sources: list[str]
) -> None:
    whole, notes = once(tmp_path, sources=sources), list[str]()
    with pytest.raises(InputError) as failed:
        by_actors(
            tmp_path,
            notes,
            stopping(99, lambda: None),
            actors=2,
            sources=sources,
            contents=partial(Deadly, seconds=0),
        )
    said = str(failed.value)
    assert said.startswith("1 shard failed: c, shard 2 of 3: its process died, perhaps because")
    assert said.count("its process died") == 1
    assert sum(note.endswith(": retrying") for note in notes) == 2
    assert any(note.startswith("c: 2 of 3 shards are done") for note in notes)
    (path,) = extract(tmp_path, sources=sources)
    assert path.read_bytes() == whole.read_bytes()


class Fatal(Slow):
    """Contents that nobody can even look at."""

    def is_there(self, row: int) -> bool:
        os._exit(1)


def test_actors_that_die_before_they_begin_end_the_run(tmp_path: Path, sources: list[str]) -> None:
    with pytest.raises(InputError, match="3 actors in a row died while loading the model, the"):
        by_actors(tmp_path, sources=sources, contents=partial(Fatal, seconds=0))


def test_a_model_that_cannot_be_loaded_is_said_once(
    tmp_path: Path, sources: list[str], small_model: SmallModel
) -> None:
    broken, notes = tmp_path / "broken.pt", list[str]()
    broken.write_bytes(b"no weights")
    request = ModelRequest("small", broken, small_model.config)
    with pytest.raises(InputError) as refused:
        by_actors(tmp_path, notes, actors=4, request=request, sources=sources)
    assert str(refused.value).startswith(f"{broken}: contains no weights: expected a file of torch")
    assert "\n" not in str(refused.value)
    notes = [one for one in notes if "no actor has loaded the model yet" not in one]
    assert len(notes) == 1, "Ray: 4 actors …"


def test_bad_rows_are_retried_and_shards_gone_on_with(
    tmp_path: Path, photos: Path, sources: list[str]
) -> None:
    whole = once(tmp_path, sources=sources)
    sound = (photos / "dog" / "5.png").read_bytes()
    (photos / "dog" / "5.png").write_bytes(bytes(len(sound)))
    half(tmp_path, sources)
    notes: list[str] = []
    words = (
        "c: stopped: 1 of 7 images so far cannot be read, in an earlier run; more than --max-bad 0"
    )
    with pytest.raises(InputError, match=words):
        by_actors(tmp_path, notes, sources=sources, max_bad=0)
    assert "c: resuming: 2 of 3 shards are done" in notes
    (photos / "dog" / "5.png").write_bytes(sound)
    (path,) = by_actors(tmp_path, sources=sources, retry_failed=True, max_bad=0)
    assert open_images(path).ok.all()
    assert path.read_bytes() == whole.read_bytes()


def test_files_that_never_show_here_are_no_success(
    tmp_path: Path, sources: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SEEN_SECONDS", 0.1)

    def remove() -> None:
        for shard in (tmp_path / "embeddings").rglob("*.h5"):
            shard.unlink()

    with pytest.raises(InputError, match="00001-of-00003-.*: an actor wrote it, but this machine"):
        by_actors(tmp_path, progress=stopping(0, remove), sources=sources)


def test_the_command_uses_the_ray_that_is_there(oodcache: Run, photos: Path) -> None:
    arguments = ["extract", "--model", "tiny-clip", "--shard-rows", "5", f"c={photos}"]
    done = oodcache(*arguments, "--engine", "ray", "--num-actors", 1)
    assert (done.status, done.out) == (0, "")
    # What takes a second, on a busy machine, has a line of its own.
    busy = ("of actors' time", "no actor has loaded the model yet", "loading the model:")
    lines = [one for one in done.err.splitlines() if not any(part in one for part in busy)]
    assert lines == [
        "Ray: 1 actor of 1 processor; the first loads tiny-clip …",
        "wrote embeddings/tiny-clip/demo/images/c.h5: 12 images in 2 class folders",
    ]
    refused = oodcache(*arguments, "--engine", "ray", "--num-actors", 5, "--overwrite")
    assert refused.status == 1
    assert "no room for 5 actors of 1 processor: give --num-actors 4" in refused.err
    assert ray.is_initialized()


@pytest.mark.parametrize(
    ("number", "status", "tell"),
    [(signal.SIGINT, 130, os.kill), (signal.SIGTERM, 143, os.killpg)],
)
def test_a_run_that_is_stopped_leaves_no_process_and_goes_on(
    tmp_path: Path,
    photos: Path,
    number: signal.Signals,
    status: int,
    tell: Callable[[int, int], None],
) -> None:
    for copy in range(588):
        shutil.copyfile(photos / "cat" / "0.png", photos / "cat" / f"copy{copy}.png")
    given: dict[str, Any] = {"sources": [f"c={photos}"], "shard_rows": 20}
    command = [sys.executable, "-m", "oodcache", "extract", "--model", "tiny-clip", "--workers"]
    command += ["1", "--batch-size", "2", "--shard-rows", "20", "--engine", "ray", f"c={photos}"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
    )
    until = time.monotonic() + 120
    while not list(tmp_path.glob("embeddings/**/00002-*.h5")) and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    below = descendants(process.pid)
    assert any("ray::Worker" in name for name in below.values())
    tell(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in said
    assert "stopped; run the same command again to resume" in said
    ended([one for one, name in below.items() if "Agent" not in name])  # Ray's own take longer.
    shards = files(tmp_path / "embeddings")
    assert 2 <= len(shards) < 30
    assert not [name for name in shards if name.startswith(".")]
    notes: list[str] = []
    (path,) = extract(tmp_path, notes, **given)
    assert f"c: resuming: {len(shards)} of 30 shards are done" in notes
    assert path.read_bytes() == once(tmp_path, **given).read_bytes()


def descendants(process: int) -> dict[int, str]:
    """Return the names of all processes that a process started, and that these started."""
    found = {}
    for one in children(process):
        with suppress(OSError):
            found[one] = Path(f"/proc/{one}/cmdline").read_text()
            found.update(descendants(one))
    return found


def test_room_that_others_take_is_waited_for_and_said(
    tmp_path: Path, sources: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blocker:
        def there(self) -> None:
            pass

    blocker = ray.remote(Blocker).options(num_cpus=4).remote()
    ray.get(blocker.there.remote())
    monkeypatch.setattr(engine, "NOTE_SECONDS", 0.1)
    notes: list[str] = []
    words = "Ray: no actor has loaded the model yet; free in the cluster: 0 of 4 CPUs, 0 of 0 GPUs"
    by_actors(
        tmp_path,
        notes,
        stopping(0, lambda: words in notes and ray.kill(blocker)),
        sources=sources,
    )
    assert words in notes
