"""Kill `oodcache extract` at random moments, and see that nothing is lost: run by test_kills.py.

    python killing.py FOLDER KILLS SEED [adding]

With `adding`, the runs add templates to a vocabulary that is cached.
Torch is imported once; each run is a fork of this process, so that a kill costs no start-up.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

# Not h5py, torch's arithmetic or a thread before the fork: only what is imported stays.
import oodcache.extract.model.loading
from oodcache.cache.errors import InputError
from oodcache.cli.main import main

IMAGES, SHARD_ROWS, BATCH = 96, 12, 4
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


IMAGES_AND_NAMES = ("--classes", "c=names.txt", "images=images")
TEMPLATES = [f"photo {number} of a {{}}" for number in range(12)]


def under(templates: list[str]) -> tuple[str, ...]:
    """Return what is given for names under templates."""
    return ("--classes", "c=names.txt", *(f"--template={one}" for one in templates))


def start(cache: Path, share: str = "1/1", given: tuple[str, ...] = IMAGES_AND_NAMES) -> int:
    """Run the command in a fork that leads its own process group; return its number."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = [
        *("oodcache", "extract", "--model", "tiny-clip", "--cache", str(cache)),
        *("--shard-rows", str(SHARD_ROWS), "--batch-size", str(BATCH), "--workers", "2"),
        *("--shard", share, *given),
    ]
    try:
        main()
    except SystemExit as leave:
        os._exit(int(leave.code or 0))
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(99)
    os._exit(0)


def finish(child: int) -> int:
    """Return the exit status of a run, negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def workers(child: int) -> list[int]:
    try:
        return [
            int(one) for one in Path(f"/proc/{child}/task/{child}/children").read_text().split()
        ]
    except OSError:
        return []


def kill(child: int, chance: random.Random) -> int:
    """Send a signal to the main process, its whole group or one worker; return its status."""
    number, below = chance.choice(SIGNALS), workers(child)
    victim = chance.choice(["main", "group", "worker"])
    try:
        if victim == "group":
            os.killpg(child, number)
        elif victim == "worker" and below:
            os.kill(chance.choice(below), signal.SIGKILL)
        else:
            os.kill(child, number)
    except ProcessLookupError:  # It ended by itself just now.
        pass
    status = finish(child)
    assert status in (0, 1, 130, 143, -signal.SIGKILL), (
        f"status {status} after {number} to {victim}"
    )
    ended = time.monotonic() + 60
    while any(Path(f"/proc/{one}").exists() for one in below):
        assert time.monotonic() < ended, "a worker outlived its parent"
        time.sleep(0.02)
    return status


def check_files(cache: Path) -> None:
    """See that every file that has its final name is whole."""
    from oodcache.cache.store.verification import verify

    for path in cache.rglob("[!.]*.h5"):
        try:
            verify(path)
        except InputError as error:
            raise AssertionError(f"not whole: {error}") from error


def check_finished(cache: Path, expected: dict[str, bytes]) -> None:
    """See that the finished files are those of an undisturbed run, and nothing else is left."""
    found = contents(cache)
    assert sorted(found) == sorted(expected), sorted(found)
    assert found == expected, "other bytes than an undisturbed run's"


def forked_check(check, *arguments) -> None:  # type: ignore[no-untyped-def]
    """Run a check in a fork: HDF5 stays unused in the process that all runs are forks of."""
    child = os.fork()
    if child == 0:
        try:
            check(*arguments)
        except BaseException as error:
            print(f"FAILED {error}", flush=True)
            os._exit(1)
        os._exit(0)
    assert finish(child) == 0, "see above"


def contents(cache: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(cache)): path.read_bytes()
        for path in cache.rglob("*")
        if path.is_file()
    }


def adding_loop(kills: int, seed: int) -> None:
    """Kill runs that add templates; each is repeated until it ends by itself."""
    chance = random.Random(seed)
    Path("names.txt").write_text("".join(f"animal {number}\n" for number in range(40)))
    first, added = under(TEMPLATES[:1]), under(TEMPLATES)
    assert finish(start(Path("before"), given=first)) == 0
    before = contents(Path("before"))
    (name,) = before
    assert finish(start(Path("whole"), given=added)) == 0
    expected, tried = contents(Path("whole")), Path("tried")
    shutil.copytree("before", tried)
    started = time.monotonic()
    assert finish(start(tried, given=added)) == 0
    usual = time.monotonic() - started
    forked_check(check_finished, tried, expected)
    done = finished = resumed = 0
    while done < kills:
        shutil.rmtree(tried)
        shutil.copytree("before", tried)
        status = -1
        while status != 0 and done < kills:
            run = start(tried, given=added)
            time.sleep(chance.uniform(0.2, 1) * usual)
            status = kill(run, chance)
            done += status != 0
            forked_check(check_files, tried)
            assert (tried / name).read_bytes() in (before[name], expected[name])
            resumed += any(".h5" in path.name for path in tried.rglob("0*"))
        assert finish(start(tried, given=added)) == 0
        forked_check(check_finished, tried, expected)
        finished += 1
    assert resumed, "no kill came between two shards"
    print(f"{done} kills, {finished} caches finished whole")


def main_loop(kills: int, seed: int) -> None:
    """Kill runs until so many were; each cache is gone on with until a run ends by itself."""
    chance = random.Random(seed)
    for number in range(IMAGES):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Path("images").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(f"images/{number:03d}.png")
    Path("names.txt").write_text("cat\ndog\n")
    started = time.monotonic()
    assert finish(start(Path("whole"))) == 0
    usual = time.monotonic() - started
    expected = contents(Path("whole"))
    done = finished = 0
    while done < kills:
        cache = Path(f"cache{finished}")
        runs = [start(cache)]
        if chance.random() < 0.3:  # A second run on the same target.
            runs.append(start(cache, chance.choice(["1/1", "2/2", "1/2"])))
        time.sleep(chance.uniform(0, 0.8 * usual))
        statuses = [kill(child, chance) for child in runs]
        done += sum(status != 0 for status in statuses)
        forked_check(check_files, cache)
        if chance.random() < 0.2:
            both = [start(cache), start(cache)]
            assert [finish(child) for child in both] == [0, 0], "two runs at once"
            forked_check(check_finished, cache, expected)
            finished += 1
    assert finish(start(cache)) == 0
    forked_check(check_finished, cache, expected)
    print(f"{done} kills, {finished + 1} caches finished whole")


if __name__ == "__main__":
    assert oodcache.extract.model.loading
    os.chdir(sys.argv[1])
    loop = adding_loop if sys.argv[4:] == ["adding"] else main_loop
    loop(int(sys.argv[2]), int(sys.argv[3]))
