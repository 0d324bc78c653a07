"""Claims about main.py: the study's own command lines, as its README writes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from samples import Outcome
from samples.study.study import write_study
from sklearn.metrics import average_precision_score, roc_auc_score

import oodcache

ROOT = Path(__file__).parent.parent
MAIN = ROOT / "main.py"


@cache
def run_once(folder: Path, line: str) -> Outcome:
    """Run a line of the study, or return what it gave in the folder before."""
    return run(folder, line)


def run(folder: Path, line: str, **environment: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, MAIN, *line.split()],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose cache has the study's models, made up."""
    folder = tmp_path_factory.mktemp("study")
    write_study(folder / "embeddings", ("clip", "siglip", "siglip2"))
    return folder


def numbers(out: str) -> dict[str, list[float]]:
    """Return the rows of the table that is printed."""
    words = [line.split() for line in out.splitlines()]
    return {one[0]: [*map(float, one[1:])] for one in words if len(one) == 5 and "." in one[-1]}


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("--model_type clip --ood-dataset iNaturalist --bs 1024", "ViT-B-16/laion400m_e31"),
        ("--model_type siglip1 --ood-dataset iNaturalist --bs 1024", "ViT-B-16-SigLIP/webli"),
        ("--model_type siglip2 --ood-dataset iNaturalist --bs 1024", "ViT-B-16-SigLIP2/webli"),
        (
            "--model_type siglip2 --ood-dataset iNaturalist --bs 1024 --use_sigmoid",
            "ViT-B-16-SigLIP2/webli",
        ),
    ],
)
def test_a_line_of_the_study_prints_its_four_numbers(cached: Path, line: str, label: str) -> None:
    done = run_once(cached, line)
    assert done.status == 0, done.err
    opened = oodcache.open(cached / "embeddings")
    inside, outside = (opened.images(label, name) for name in ("imagenet-val", "iNaturalist"))
    classes = opened.texts(label, "imagenet").embeddings[0].astype(np.float64)
    id_cosine, ood_cosine = (one.embeddings @ classes.T for one in (inside, outside))
    by_id, by_ood = id_cosine.max(1), ood_cosine.max(1)
    if "--use_sigmoid" not in line:
        by_id, by_ood = (
            (np.exp(one) / np.exp(one).sum(1, keepdims=True)).max(1)
            for one in (id_cosine, ood_cosine)
        )
    target = np.repeat([1, 0], [len(by_id), len(by_ood)])
    scores = np.concatenate([by_id, by_ood])
    kept = np.sort(by_id)[::-1][int(np.ceil(0.95 * len(by_id))) - 1]
    expected = [
        np.mean(id_cosine.argmax(1) == inside.label),
        roc_auc_score(target, scores),
        average_precision_score(target, scores),
        np.mean(by_ood >= kept),
    ]
    assert numbers(done.out) == {"iNaturalist": [round(100 * one, 2) for one in expected]}
    score = "sigmoid-mcm" if "--use_sigmoid" in line else "mcm"
    assert done.out.splitlines()[0] == f"{label}, {score}, in %"


@pytest.mark.parametrize(
    "line",
    sorted(
        {
            line
            for page in ("docs/recipes.md", "docs/study/published.md")
            for line in re.findall(r"^python main.py (.*)", (ROOT / page).read_text(), re.M)
        }
    ),
)
def test_the_lines_of_the_pages_run_as_they_are_written(cached: Path, line: str) -> None:
    done = run_once(cached, line)
    assert done.status == 0, done.err
    assert len(numbers(done.out)) == (5 if "all" in line else 1)


@pytest.mark.slow
def test_all_prints_each_set_and_the_average_without_torch(cached: Path) -> None:
    (cached / "nothing").mkdir()
    (cached / "nothing" / "torch.py").write_text("raise ImportError('torch is not to be imported')")
    done = run(cached, "--model_type siglip1", PYTHONPATH=str(cached / "nothing"))
    assert done.status == 0, done.err
    found = numbers(done.out)
    assert list(found) == ["iNaturalist", "SUN", "Places", "Textures", "average"]
    every = np.array([found[name] for name in list(found)[:-1]])
    assert found["average"] == pytest.approx(every.mean(0), abs=0.0051)


@pytest.mark.slow
def test_what_is_missing_is_extracted_by_a_command_that_is_shown(tmp_path: Path) -> None:
    done = run(tmp_path, "--model_type siglip2 --ood-dataset SUN --bs 8 --dir nowhere")
    assert done.status == 1 and done.out == ""
    assert done.err.splitlines() == [
        "$ oodcache extract --model siglip2 --classes imagenet --template 'a photo of a {}' "
        "--template '{}' --template 'the nice {}' --data-root nowhere imagenet-val SUN "
        "--cache embeddings --batch-size 8",
        "oodcache: nowhere: no such data root, needed for imagenet-val; give --data-root "
        "FOLDER or set OODCACHE_DATA",
    ]


@pytest.mark.slow
def test_only_what_is_missing_is_extracted(cached: Path, tmp_path: Path) -> None:
    write_study(tmp_path / "embeddings", ["clip"])
    (tmp_path / "embeddings/ViT-B-16/laion400m_e31/images/SUN.h5").unlink()
    done = run(tmp_path, "--model_type clip --ood-dataset all --dir nowhere --device cpu")
    assert done.err.splitlines()[0] == (
        "$ oodcache extract --model clip --data-root nowhere SUN --cache embeddings "
        "--batch-size 256 --device cpu"
    )
    assert run(tmp_path, "--model_type clip --ood-dataset Places").status == 0


@pytest.mark.slow
def test_a_vocabulary_without_the_studys_prompt_is_refused(tmp_path: Path) -> None:
    write_study(tmp_path / "embeddings", ["clip"], templates=["a sketch of a {}"])
    done = run(tmp_path, "--model_type clip --ood-dataset SUN")
    assert done.status == 1
    assert done.err == (
        "oodcache: embeddings/ViT-B-16/laion400m_e31/texts/imagenet.h5: lacks the prompt "
        "'a photo of a {}' (it has: a sketch of a {}); move the file away and run the same "
        "command again\n"
    )


def test_other_words_are_usage(tmp_path: Path) -> None:
    done = run(tmp_path, "--model_type blip --ood-dataset SUN")
    assert done.status == 2
    assert "'blip' is not one of 'clip', 'siglip1', 'siglip2'" in done.err


def test_without_oodcache_one_line_says_how_to_install_it(tmp_path: Path) -> None:
    # -S: no site-packages, so no editable install; -E: no PYTHONPATH.
    done = subprocess.run(
        [sys.executable, "-S", "-E", MAIN], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == (
        "main.py: No module named 'click'; run in this folder:  pip install -e '.[extract]'\n"
    )
