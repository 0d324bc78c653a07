"""Claims about docs/scale.md: its script makes the whole file, its arithmetic adds up."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from samples.extract.runs import files, once

SCALE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()

TABLE = re.search(r"<!-- scale -->\n(.*?)<!-- /scale -->", SCALE, re.DOTALL)
assert TABLE is not None
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE[1].splitlines()[2:]]


@pytest.mark.slow
def test_tasks_of_an_array_at_once_make_the_file_of_one_process(
    tmp_path: Path, photos: Path
) -> None:
    (script,) = re.findall(r"```bash\n(.*?)```", SCALE, re.S)
    command = tmp_path / "bin" / "oodcache"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m oodcache "$@" --shard-rows 1\n')
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "MODEL": "tiny-clip",
        "IMAGES": f"c={photos}",
        "CACHE": str(tmp_path / "cache"),
        "SLURM_ARRAY_TASK_MIN": "4",
        "SLURM_ARRAY_TASK_COUNT": "3",
        "SLURM_ARRAY_TASK_STEP": "1",
    }
    for name in ("RANK", "WORLD_SIZE"):
        environment.pop(name, None)
    tasks = [
        subprocess.Popen(
            ["bash", "-c", script],
            env={**environment, "SLURM_ARRAY_TASK_ID": str(task)},
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        for task in (4, 5, 6)
    ]
    said = [task.communicate()[1] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0, 0], said
    for part, text in enumerate(said, 1):
        assert f"shards {part}/3, from SLURM_ARRAY_TASK_ID; --shard 1/1 does all" in text
    assert files(tmp_path / "cache") == ["c.h5"]
    whole = once(tmp_path, sources=[f"c={photos}"], shard_rows=1)
    (merged,) = (tmp_path / "cache").rglob("*.h5")
    assert merged.read_bytes() == whole.read_bytes()


def measured(pattern: str) -> float:
    """Return the number that the page gives for what one image costs."""
    found = re.search(pattern, SCALE)
    assert found is not None, pattern
    return float(found[1].replace(",", ""))


def size(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"GB": 1e9, "TB": 1e12}[unit]


def number(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_each_row_follows_from_what_one_image_costs(row: list[str]) -> None:
    images = number(row[0])
    assert size(row[1]) == pytest.approx(images * measured(r"float32 \| ([\d,]+) bytes"), rel=0.02)
    assert size(row[2]) == pytest.approx(images * measured(r"float16`\) \| ([\d,]+) by"), rel=0.04)
    assert number(row[3]) == math.ceil(images / 8192)
    assert number(row[4]) == math.ceil(images / 65536)
    hours = {
        5: 1 / measured(r"\((\d+) images/s\); [\d.]+ ms with"),
        6: 1 / 1000,
        7: measured(r"merging it \| ([\d.]+) µs") / 1e6,
        8: measured(r"1,000 classes \| ([\d.]+) µs") / 1e6,
    }
    for column, seconds in hours.items():
        assert number(row[column]) == pytest.approx(images * seconds / 3600, rel=0.02)


def test_the_table_goes_to_a_billion() -> None:
    assert number(ROWS[-1][0]) == 1e9
