"""Detection: files, folders and cached datasets judged by a saved detector."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Progress, Watch
from oodcache.detect.decisions import sink
from oodcache.detect.file import read_detector
from oodcache.detect.formats import FORMATS
from oodcache.detect.judge import Judge
from oodcache.detect.reloading import Runtime
from oodcache.detect.targets import TargetFinder
from oodcache.score.own.given_again import given_again

ALL_IN, MISTAKE, SOME_OUT = 0, 1, 3
LARGE = 2**25  # Bytes of a detector that takes a second to read, mostly a bank.


def detect(
    path: Path,
    given: Sequence[str],
    *,
    cache: Path,
    runtime: Runtime,
    form: str,
    output: Path | None,
    watch: Watch,
    score: str | None = None,
) -> int:
    """Judge the images of all targets with the detector at `path`; return the exit status.

    `score` is the user's own score that the detector was made with, given again.
    Each batch is written as it finishes, to stdout or to `output`, which appears when complete.
    """
    if path.is_file() and path.stat().st_size > LARGE:
        watch.note(Hint(f"reading {path} …"))
    saved = read_detector(path, given_again([] if score is None else [score]))
    judge, targets = Judge(saved, runtime, watch.note), TargetFinder(saved, cache, watch.note)
    found = targets.find(given)
    judge.prepare(found)
    total = sum(len(one) if isinstance(one, tuple) else one.rows for one in found)
    count = Counter[str]()
    with sink(output) as write, _bar(total, output, watch.progress) as advance:
        write(FORMATS[form].head)
        for decisions in judge.of_targets(found):
            write(FORMATS[form].written(decisions))
            count.update(one.word for one in decisions)
            advance(len(decisions))
    counts = ", ".join(f"{count[word]:,} {word}" for word in ("in", "out", "error") if count[word])
    wrote = f"; wrote {output}" if output else ""
    line = f"{counted(total, 'image')}: {counts}{wrote}"
    watch.note(line if count["error"] else Hint(line))
    return MISTAKE if count["error"] or targets.left_out else SOME_OUT if count["out"] else ALL_IN


def _bar(
    total: int, output: Path | None, progress: Progress
) -> AbstractContextManager[Callable[[int], None]]:
    """Return a progress bar, or none if lines go to a terminal: they would overwrite each other."""
    if output is None and sys.stdout.isatty():
        return nullcontext(lambda done: None)
    return progress("detect", total, "images")
