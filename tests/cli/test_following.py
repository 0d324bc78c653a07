"""Claims about the last line of a command: what to type next, which runs as it is printed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from samples import Run

Write = Callable[..., object]
SCORE = ("score", "--model", "tiny", "--id", "pets", "--ood", "strays")


def next_line(err: str) -> list[str]:
    """Return the command of the last line, [] if it is none."""
    before, _, command = (err.splitlines() or [""])[-1].partition("next: oodcache ")
    return [] if before else shlex.split(command)


@pytest.fixture
def cached(
    oodcache: Run, write_images: Write, write_texts: Write, tmp_path: Path
) -> Iterable[None]:
    """Write pets, strays, a bank and their classes to embeddings/."""
    draw = np.random.default_rng(1)

    def unit(rows: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> object:
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    write_texts("pets", unit(np.eye(4)[:2]), class_names=("cat", "dog"))
    labels = [row % 2 for row in range(40)]
    near = np.eye(4)[labels] + draw.normal(0, 0.1, (40, 4))
    write_images("pets", unit(near), labels=labels, label_names=("cat", "dog"))
    bank = np.eye(4)[labels] + draw.normal(0, 0.1, (40, 4))
    write_images("train", unit(bank), labels=labels, label_names=("cat", "dog"))
    write_images("strays", unit(np.eye(4)[2] + draw.normal(0, 0.3, (30, 4))))
    (tmp_path / "embeddings").mkdir()
    (tmp_path / "Tiny").rename(tmp_path / "embeddings" / "Tiny")
    yield


@pytest.mark.parametrize(
    "more",
    [
        ("--score", "mcm", "--score", "max-logit"),
        ("--score", "mcm:temperature=1|0.1", "--template", "a {}", "--classes", "pets"),
        ("--score", "knn:k=2", "--bank", "train", "--bank-labels", "predicted"),
        ("--score", "knn:k=2", "--bank", "train:5", "--seed", "3"),
        ("--score", "probe:C=1", "--bank", "train:1|2"),
    ],
)
def test_after_score_comes_a_detector_that_can_be_made(
    oodcache: Run, cached: None, more: tuple[str, ...]
) -> None:
    scored = oodcache(*SCORE, *more)
    command = next_line(scored.err)
    assert command[:3] == ["calibrate", "--model", "Tiny/one"], scored.err
    made = oodcache(*command)
    assert made.status == 0, made.err
    assert next_line(made.err) == ["detect", "detector.json", "photos/new"]
    assert oodcache("detect", "detector.json", "strays").status in (0, 3)


def test_few_negatives_are_followed_by_a_score_that_takes_so_few(
    oodcache: Run, write_texts: Write, cached: None
) -> None:
    draw = np.random.default_rng(2).normal(size=(7, 4))
    vectors = np.asarray(draw / np.linalg.norm(draw, axis=1, keepdims=True), np.float32)
    write_texts("nouns", vectors, class_names=[f"noun {at}" for at in range(7)])
    Path("Tiny/one/texts/nouns.h5").rename("embeddings/Tiny/one/texts/nouns.h5")
    mine = ("negatives", "--model", "tiny", "--classes", "pets", "--words", "nouns")
    command = next_line(oodcache(*mine, "--keep", "5", "-o", "few").err)
    assert command[-1] == "neglabel:groups=5"
    scored = oodcache(*command)
    assert scored.status == 0, scored.err


def test_a_bank_of_the_id_images_is_no_detectors(oodcache: Run, cached: None) -> None:
    scored = oodcache(*SCORE, "--score", "knn:k=2", "--bank", "pets", "--score", "mcm")
    command = next_line(scored.err)
    assert command[command.index("--score") + 1] == "mcm" and "--bank" not in command


def test_the_detector_has_the_best_score_of_the_table(oodcache: Run, cached: None) -> None:
    command = next_line(oodcache(*SCORE, "--score", "margin", "--score", "max-logit").err)
    table = oodcache(*SCORE, "--score", "margin", "--score", "max-logit", "-q").out
    shown = {
        name: float(line.split()[1])
        for line in table.splitlines()
        for name in ("margin", "max-logit")
        if line.split()[:1] == [name]
    }
    assert len(set(shown.values())) == 2
    assert command[command.index("--score") + 1] == max(shown, key=lambda name: shown[name])


def test_after_saved_results_comes_their_report(oodcache: Run, cached: None) -> None:
    assert next_line(oodcache(*SCORE, "-o", "r.json").err) == ["report", "r.json"]
    assert oodcache("report", "r.json").status == 0
    elsewhere = oodcache(*SCORE, "--cache", "embeddings/../embeddings", "-o", "r.json")
    assert next_line(elsewhere.err) == ["report", "r.json", "--cache", "embeddings/../embeddings"]


def test_after_metrics_comes_the_same_command_that_saves(oodcache: Run) -> None:
    for name, start in (("a", 2), ("b", 0)):
        numbers = "\n".join(str(start + one / 10) for one in range(30))
        Path(f"{name}.csv").write_text(f"mcm\n{numbers}\n")
    command = next_line(oodcache("metrics", "--id", "a.csv", "--ood", "b.csv").err)
    assert command == ["metrics", *["--id", "a.csv", "--ood", "b.csv", "--output", "results.json"]]
    assert next_line(oodcache(*command).err) == ["report", "results.json"]


def test_a_score_below_chance_is_no_detector(oodcache: Run) -> None:
    for name, start in (("a", 0), ("b", 2)):
        numbers = "\n".join(str(start + one / 10) for one in range(30))
        Path(f"{name}.csv").write_text(f"mcm\n{numbers}\n")
    asked = oodcache("metrics", "--id", "a.csv", "--ood", "b.csv").err
    assert "is below 50" in asked and "next:" not in asked


def test_after_the_list_of_files_come_the_scores_of_a_model(oodcache: Run, cached: None) -> None:
    command = next_line(oodcache("cache", "ls").err)
    assert command == ["scores", "--for", "Tiny/one"]
    chosen = oodcache(*command)
    assert chosen.status == 0
    assert chosen.out.splitlines()[-1].startswith("oodcache score --model Tiny/one")
    assert oodcache("cache", "ls", "--format", "json").err == ""


def test_after_benchmarks_comes_a_check_and_then_a_run(oodcache: Run) -> None:
    command = next_line(oodcache("benchmark", "ls").err)
    assert command == ["benchmark", "check", "mos"]
    refused = oodcache(*command, "--data-root", "here")
    assert refused.status == 1 and "next:" not in refused.err


@pytest.mark.parametrize("command", [SCORE, ("cache", "ls"), ("benchmark", "ls")])
def test_quiet_hides_what_to_type_next(
    oodcache: Run, cached: None, command: tuple[str, ...]
) -> None:
    assert next_line(oodcache(*command).err)
    assert "next:" not in oodcache(*command, "--quiet").err


def test_a_command_alone_prints_five_lines_to_start_with(oodcache: Run) -> None:
    alone = oodcache()
    assert alone.status == 0
    lines = alone.out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["oodcache", name] for name in ("extract", "score", "report", "calibrate", "detect")
    ]
    assert max(map(len, lines)) <= 80
    assert alone.err.endswith("oodcache demo; all commands: oodcache -h\n")
    assert oodcache("-h").out.startswith("Usage: oodcache [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    ("shell", "typed", "place", "completed"),
    [
        ("bash", "oodcache sco", "1", {"score", "scores"}),
        ("bash", "oodcache score --bank-", "2", {"--bank-labels", "--bank-seed"}),
        ("bash", "oodcache cache ", "2", {"ls", "info", "verify", "rm"}),
        ("zsh", "oodcache sco", "1", {"score", "scores"}),
    ],
)
def test_a_shell_completes_commands_and_options(
    oodcache: Run,
    monkeypatch: pytest.MonkeyPatch,
    shell: str,
    typed: str,
    place: str,
    completed: set[str],
) -> None:
    monkeypatch.setenv("_OODCACHE_COMPLETE", f"{shell}_source")
    assert "_oodcache_completion" in oodcache().out
    monkeypatch.setenv("_OODCACHE_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", place)
    words = {part for line in oodcache().out.splitlines() for part in line.split(",")}
    assert completed <= words
    assert "detect" not in words
