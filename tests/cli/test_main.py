"""Claims about the command line as a whole: help, statuses, start-up."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from samples import Run

from oodcache.cache.errors import InputError
from oodcache.cli import main as entry
from oodcache.cli.main import main
from oodcache.cli.main import oodcache as group


def walk(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            assert sub is not None
            yield from walk(sub, *path, name)


COMMANDS = dict(walk(group))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(
    oodcache: Run, path: tuple[str, ...]
) -> None:
    shown = oodcache(*path, "--help")
    assert shown.status == 0
    help_text = COMMANDS[path].help or ""
    assert help_text.split("\n")[0].endswith(".")
    assert " ".join(["oodcache", *path]) in help_text


def test_usage_errors_are_2(oodcache: Run) -> None:
    wrong = oodcache("score", "--no-such-option")
    assert wrong.status == 2
    assert "No such option" in wrong.err


def test_an_unknown_command_is_2(oodcache: Run) -> None:
    assert oodcache("scroe").status == 2


@pytest.mark.parametrize("character", ["x", "é", "\x1b"])
def test_a_long_error_is_cut_in_the_middle_and_keeps_its_end(
    oodcache: Run, monkeypatch: pytest.MonkeyPatch, character: str
) -> None:
    def long(**_: object) -> None:
        raise InputError(f"mine.pt: holds {character * 100_000}; save its state dict")

    monkeypatch.setattr(entry.oodcache, "main", long)
    refused = oodcache("cache", "ls")
    assert refused.status == 1
    assert len(refused.err.encode()) <= 600
    assert refused.err.startswith("oodcache: mine.pt: holds ")
    assert refused.err.endswith("; save its state dict\n")


@pytest.mark.parametrize("arguments", [("y" * 9_000,), ("score", "--" + "y" * 9_000)])
def test_a_long_usage_error_is_cut(oodcache: Run, arguments: tuple[str, ...]) -> None:
    wrong = oodcache(*arguments)
    assert wrong.status == 2
    assert max(map(len, wrong.err.encode().splitlines())) <= 600


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(**_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(entry.oodcache, "main", bug)
    with pytest.raises(ZeroDivisionError):
        main()


@pytest.mark.parametrize(
    ("command", "where", "said"),
    [
        (["demo"], "oodcache.study.demo.run", "; run the same command again to resume"),
        (
            ["metrics", "--id", "a.csv", "--ood", "b.csv"],
            "oodcache.score.files.other_scores.measure",
            "",
        ),
        (["score", "--model", "m", "--id", "a", "--ood", "b"], "oodcache.score.scoring.score", ""),
        (
            ["negatives", "--model", "m", "--classes", "c", "--words", "w", "-o", "n"],
            "oodcache.score.words.miner.write_mined",
            "",
        ),
    ],
)
def test_only_a_command_that_can_resume_says_so_when_it_is_stopped(
    oodcache: Run, monkeypatch: pytest.MonkeyPatch, command: list[str], where: str, said: str
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, stop)
    stopped = oodcache(*command)
    assert (stopped.status, stopped.err) == (130, f"oodcache: stopped{said}\n")


def test_memory_that_runs_out_is_one_line(oodcache: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(**_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(entry.oodcache, "main", greedy)
    refused = oodcache("cache", "ls")
    assert refused.status == 1
    assert refused.err == "oodcache: out of memory: no incomplete file was written\n"


def test_a_reader_that_leaves_is_no_traceback() -> None:
    done = subprocess.run(
        f"{sys.executable} -u -m oodcache scores | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize("module", ["oodcache", "oodcache.cli.main", "oodcache.score.evaluation"])
def test_importing_is_quick_because_nothing_heavy_is_imported(module: str) -> None:
    heavy = ("torch", "open_clip", "sklearn", "scipy", "PIL", "transformers", "matplotlib")
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_imports_no_command_and_no_numpy() -> None:
    imported = imports("--version")
    assert not {"numpy", "h5py", "rich.progress", "oodcache.cli.score"} & imported
    assert "oodcache.cli.main" in imported


def test_help_draws_no_bar_and_opens_no_browser() -> None:
    assert not {"rich.progress", "webbrowser", "h5py"} & imports("score", "--help")


def test_scores_of_the_classes_import_nothing_that_others_need(oodcache: Run, photos: Path) -> None:
    sets = (f"id={photos / 'cat'}", f"ood={photos / 'dog'}")
    made = oodcache("extract", "--model", "tiny-clip", "--classes", f"c={photos}", *sets)
    assert made.status == 0
    score = ("score", "--model", "tiny-clip", "--id", "id", "--ood", "ood")
    for arguments in (score, (*score, "--score", "energy", "-o", "r.json")):
        found = imports(*arguments)
        assert "oodcache.score.formulas.class_scores" in found
        assert not NOT_FOR_CLASSES & found


def test_a_command_imports_no_other() -> None:
    found = {one for one in imports("scores", "mcm") if one.startswith("oodcache.cli.")}
    assert not {f"oodcache.cli.{name}" for name in entry.COMMANDS if name != "scores"} & found


# Of words, banks, streams, own scores, options that were not given, and of libraries.
NOT_FOR_CLASSES = {
    *("email", "importlib.metadata", "numpy.ma", "numpy.random", "rich.console", "rich.table"),
    "oodcache.cache.files.negatives",
    *(f"oodcache.score.formulas.{name}" for name in ("bank", "gaussian", "negative_sums")),
    *("oodcache.score.own.loading", "oodcache.score.own.batch", "oodcache.score.streams.methods"),
    *("oodcache.score.streams.order", "oodcache.score.words.negatives"),
    *(f"oodcache.score.onepass.{name}" for name in ("ablation", "clean", "kept", "replays")),
    *("oodcache.score.measures.probability", "oodcache.score.measures.selective.risk"),
    *("oodcache.score.measures.differences", "oodcache.score.starting"),
}


def imports(*arguments: str) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "oodcache", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [["scores"], ["scores", "mcm"], ["--help"]])
def test_a_full_disk_behind_stdout_is_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "oodcache", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "oodcache: cannot write to standard output: No space left on device; redirect it to a "
        "disk with free space\n",
    )


def test_too_many_open_files_are_one_line_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def many() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(sys, "argv", ["oodcache"])
    with pytest.raises(SystemExit) as ended:
        main(many)
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "oodcache: too many open files: raise the limit (ulimit -n 1024), or use fewer --workers\n"
    )
