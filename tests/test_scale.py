"""Claims about docs/scale.md: its script, run as a cluster would start it, makes the whole file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from runs import files, once

SCALE = (Path(__file__).parent.parent / "docs" / "scale.md").read_text()


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
        assert f"share {part}/3, from SLURM_ARRAY_TASK_ID; --shard 1/1 does all" in text
    assert files(tmp_path / "cache") == ["c.h5"]
    whole = once(tmp_path, sources=[f"c={photos}"], shard_rows=1)
    (merged,) = (tmp_path / "cache").rglob("*.h5")
    assert merged.read_bytes() == whole.read_bytes()
