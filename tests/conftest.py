"""What tests of several rooms share: the command line run in this process, and samples."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from samples import (
    Outcome,
    Run,
    SmallModel,
    extract_demo,
    make_small_model,
    run_demo,
    write_photos,
    write_strays,
)
from samples.extract.one_tokenizer import share_tokenizer
from samples.score.blas_libraries import share_libraries

from oodcache.cli.main import main

Make = Callable[[Path], object]

# A shared machine may pause a test for longer than any deadline. `make test-slow` takes the
# thorough profile, which has as many examples as Hypothesis itself.
settings.register_profile("thorough", parent=settings.default, deadline=None)
settings.register_profile("quick", parent=settings.get_profile("thorough"), max_examples=12)
settings.load_profile("quick")

# Settings of the user's own for Hugging Face; huggingface_hub reads them when it is imported.
for variable in [*os.environ]:
    if variable.startswith(("HF_", "HUGGINGFACE_", "TRANSFORMERS_")):
        del os.environ[variable]

# readline, which pytest imports, sets it behind os.environ; tests start programs in a pipe.
os.unsetenv("COLUMNS")

# In the background of a script Ctrl-C is ignored, and by all that is started from there.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What a sync adds is seen when the power fails. Tests of when files are synced put theirs here,
# and commands that tests start as processes sync.
os.fsync = os.fstat  # type: ignore[assignment]

share_libraries()


def pytest_collection_finish() -> None:
    """Collect garbage rarely, and never look at the modules and tests, which stay to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.fixture(autouse=True)
def quick_tokenizer() -> None:
    """Build and hash CLIP's tokenizer once, as soon as a test has imported open_clip."""
    share_tokenizer()


@pytest.fixture
def oodcache(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run `oodcache` with the given arguments in an empty folder, as its console script does."""
    monkeypatch.chdir(tmp_path)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    cluster = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "SLURM_ARRAY_TASK_ID")
    for variable in ("OODCACHE_DIR", "OODCACHE_DATA", "COLUMNS", *cluster):
        monkeypatch.delenv(variable, raising=False)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["oodcache", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as leave:
            status = leave.code if isinstance(leave.code, int) else 1
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        captured = capfd.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> SmallModel:
    """A CLIP with random weights, as config and checkpoint files."""
    return make_small_model(tmp_path_factory.mktemp("model"), "small")


@pytest.fixture(scope="session")
def small_sigmoid(tmp_path_factory: pytest.TempPathFactory) -> SmallModel:
    """The same with a logit bias, as SigLIP has."""
    folder = tmp_path_factory.mktemp("sigmoid")
    return make_small_model(folder, "small-sigmoid", init_logit_bias=-10)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Make], Path]:
    """Give every process of a run the one folder that a function fills; tests only read it."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def made(make: Make) -> Path:
        folder, done = root / make.__name__, root / f"{make.__name__}.done"
        with FileLock(f"{folder}.lock"):
            if not done.exists():
                folder.mkdir(exist_ok=True)
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def demo(made_once: Callable[[Make], Path]) -> Path:
    """A folder with the demo's images in data/, and those of both its models in embeddings/."""
    return made_once(extract_demo)


@pytest.fixture
def after_demo(made_once: Callable[[Make], Path], oodcache: Run, tmp_path: Path) -> Path:
    """The folder that a test runs in, as `oodcache demo` left it."""
    shutil.copytree(made_once(run_demo), tmp_path, dirs_exist_ok=True, symlinks=True)
    return tmp_path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 12 images in the class folders cat and dog."""
    write_photos(tmp_path / "photos")
    return tmp_path / "photos"


@pytest.fixture
def strays(tmp_path: Path) -> Path:
    """A folder of 5 images without class folders."""
    write_strays(tmp_path / "strays")
    return tmp_path / "strays"
