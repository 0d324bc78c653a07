"""Claims about good files of every kind, changed at random: refused in a line, or read as before.

Every reader of a vector checks it. What `verify` alone refuses was read as it was written.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from oodcache.cache.errors import RuleError
from oodcache.cache.store.verification import verify

Write = Callable[..., Path]
WriteShards = Callable[..., list[Path]]
SCRIPT = Path(__file__).parents[2] / "samples/cache/mutations.py"


@pytest.fixture(scope="module")
def good_files(
    tmp_path_factory: pytest.TempPathFactory,
    write_pets: Write,
    write_names: Write,
    write_shards: WriteShards,
    write_text_shards: WriteShards,
) -> list[Path]:
    """Files of the four kinds, in both types, with and without rows that are not ok."""
    folder, files = tmp_path_factory.mktemp("good"), []
    for dtype in ("float32", "float16"):
        for failed in ({}, {2: "cut short", 4: "no image"}):
            name = f"{dtype}-{len(failed)}"
            how = {"dtype": dtype, "failed": failed}
            files.append(write_pets(folder / f"images-{name}.h5", **how))
            files.append(write_shards(folder / f"shards-{name}.h5", **how)[0])
        files.append(write_names(folder / f"texts-{dtype}.h5", dtype=dtype))
        files.append(write_text_shards(folder / f"texts-{dtype}.h5", dtype=dtype)[0])
    return files


def outcomes(first: int, count: int, *files: Path, seconds: float) -> Counter[str]:
    """Read so many mutations of each file in another process; return how often each went how.

    That process may crash, hang or run out of memory: then the message names file and seed.
    """
    command = [sys.executable, str(SCRIPT), str(first), str(count), *map(str, files)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    lines = run.stdout.splitlines()
    assert run.returncode == 0, f"status {run.returncode} at {lines[-1:]}: {run.stderr[-2000:]}"
    assert run.stderr == ""  # HDF5 prints there, where it is at its wits' end.
    assert len(lines) == count * len(files)
    return Counter(line.split(" ", 2)[2] for line in lines)


def test_some_mutations_are_refused_or_change_nothing(good_files: list[Path]) -> None:
    found = outcomes(0, 44, *good_files, seconds=60)
    assert found["refused"] > found.total() / 2
    assert set(found) <= {"refused", "equal", "refused by verify alone"}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(12))
def test_thousands_of_mutations_are_refused_or_change_nothing(
    good_files: list[Path], number: int
) -> None:
    found = outcomes(1000, 800, good_files[number], seconds=120)
    assert found["refused"] > found.total() / 2
    assert found["equal"], "none met what nobody reads"


def test_a_file_cut_at_any_length_is_refused(good_files: list[Path], tmp_path: Path) -> None:
    for number, path in enumerate(good_files):
        whole = path.read_bytes()
        for length in range(number, len(whole), 97):
            (tmp_path / "cut.h5").write_bytes(whole[:length])
            with pytest.raises(RuleError, match=r"is not a whole HDF5 file: .*rule F1"):
                verify(tmp_path / "cut.h5")
