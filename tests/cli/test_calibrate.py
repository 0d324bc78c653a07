"""Claims about `oodcache calibrate`, run on the demo's embeddings."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import Outcome, Run
from samples.score.files import write_images

from oodcache.detect.file import read_detector
from oodcache.score.kernel.choice import in_use

__all__ = ["write_images"]
FILE = Path("detector.json")
BLOCKED = """
import sys
for name in ("torch", "torchvision", "open_clip", "sklearn", "PIL", "transformers"):
    sys.modules[name] = None
from oodcache.cli.main import main
sys.argv = ["oodcache", *{arguments!r}]
main()
"""


@pytest.fixture
def calibrate(oodcache: Run, demo: Path) -> Run:
    """Calibrate with the demo's cache, as options say; those that are None are left out."""

    def run(*more: str, **changes: str | None) -> Outcome:
        given: dict[str, str | None] = {
            "model": "tiny-clip",
            "id": "digits",
            "score": "mcm",
            "alpha": "0.05",
            "output": str(FILE),
            "cache": str(demo / "embeddings"),
            **changes,
        }
        options = [f"--{name}={value}" for name, value in given.items() if value is not None]
        return oodcache("calibrate", *options, *more)

    return run


def saved() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def test_a_detector_is_written_and_what_it_promises_is_said(calibrate: Run) -> None:
    done = calibrate()
    assert (done.status, done.out) == (0, "")
    found = read_detector(FILE)
    (shown,) = found.scorer.shown(np.array([found.threshold.value]))
    *said, following = done.err.splitlines()
    assert following.startswith("next: oodcache detect detector.json photos/new --cache ")
    assert said == [
        f"mcm: images that score below {shown:.6g} are out, the 35th lowest of 717 images of "
        "digits",
        "share of ID images that are out: 4.87 % on average over calibration sets, at most 6.26 % "
        "for this set with confidence 0.95",
        "wrote detector.json",
    ]
    assert (found.threshold.k, found.threshold.n) == (35, 717)
    assert found.scorer.texts.names[:2] == ("five", "four")
    assert saved()["threshold"]["bound"]["refused"] == pytest.approx(0.0626, abs=1e-4)


def test_with_confidence_the_bound_of_the_set_is_at_most_alpha(calibrate: Run) -> None:
    done = calibrate(confidence="0.9")
    assert "at most 4.85 % for this set with confidence 0.9\n" in done.err
    threshold = saved()["threshold"]
    assert (threshold["k"], threshold["confidence"]) == (28, 0.9)
    assert threshold["bound"] == {"confidence": 0.9, "refused": pytest.approx(0.0485, abs=1e-4)}


def test_the_same_command_gives_the_same_bytes(calibrate: Run) -> None:
    grid = {"score": "mcm:temperature=1|0.1|learned", "select-on": "photos"}
    assert calibrate(**grid).status == 0
    before = FILE.read_bytes()
    assert calibrate("--overwrite", **grid).status == 0
    after = saved()
    assert after.pop("provenance") != json.loads(before).pop("provenance")  # The command differs.
    FILE.unlink()
    assert calibrate(**grid).status == 0
    assert FILE.read_bytes() == before


def test_a_file_that_is_there_is_not_replaced_unasked(calibrate: Run) -> None:
    assert calibrate().status == 0
    refused = calibrate()
    assert refused.status == 1
    assert refused.err == ("oodcache: detector.json: exists; use --overwrite, or another -o FILE\n")
    FILE.write_text('{"format": "other"}')
    refused = calibrate("--overwrite")
    assert refused.err == (
        "oodcache: detector.json: not a detector, so it is not replaced; use another -o FILE\n"
    )
    assert FILE.read_text() == '{"format": "other"}'


def test_an_ending_of_another_format_is_refused_before_anything_is_read(calibrate: Run) -> None:
    done = calibrate(output="detector.csv", cache="nowhere")
    assert (done.status, done.err) == (*(1, "oodcache: detector.csv: ends in '.csv'; use .json\n"),)


def test_the_file_says_what_made_it(calibrate: Run, demo: Path) -> None:
    calibrate()
    found = saved()
    assert found["provenance"]["command"].startswith("oodcache calibrate --model=tiny-clip")
    files = [Path(one["path"]).name for one in found["provenance"]["files"]]
    assert files == ["digits.h5", "digits.h5"]
    assert set(found["provenance"]["versions"]) == {"oodcache", "numpy", "h5py"}
    assert found["provenance"]["kernel"] == in_use().name
    assert found["images"]["precision"]["autocast"] == "float32"
    assert found["images"]["preprocessing"]["size"] == [32, 32]
    assert (found["model"]["load"], found["choice"]) == ("tiny-clip", None)


def test_a_grid_is_chosen_from_by_one_half(calibrate: Run) -> None:
    done = calibrate(**{"score": "mcm:temperature=1|0.1|learned", "select-on": "photos"})
    first, second, *_ = done.err.splitlines()
    assert (
        first
        == "digits: 358 images, drawn with --seed 0, choose the score; the other 359 calibrate it"
    )
    choice = saved()["choice"]
    best = max(choice["tried"], key=lambda one: one["auroc"])
    assert second == (
        f"{best['score']}: chosen from 3 scores, AUROC {100 * best['auroc']:.2f} on 358 images of "
        "digits against photos"
    )
    assert [one["score"] for one in choice["tried"]] == [
        *("mcm", "mcm:temperature=0.1", "mcm:temperature=learned")
    ]
    assert read_detector(FILE).scorer.variant.label == best["score"]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("alpha", "5%", "5% is a percentage; use 0.05"),
        ("alpha", "5", "5 is a percentage; use 0.05"),
        ("alpha", "0", "0 is not a share above 0 and below 1; for example: 0.05"),
        ("alpha", "1.0", "1.0 is not a share above 0 and below 1; for example: 0.05"),
        ("alpha", "-0.1", "-0.1 is not a share above 0 and below 1; for example: 0.05"),
        ("alpha", "nan", "nan is not a share above 0 and below 1; for example: 0.05"),
        ("alpha", "x", "x is not a share above 0 and below 1; for example: 0.05"),
        ("confidence", "95%", "95% is a percentage; use 0.95"),
        ("confidence", "100", "100 is not a share above 0 and below 1; for example: 0.95"),
    ],
)
def test_what_is_no_share_is_a_usage_error(
    calibrate: Run, option: str, value: str, words: str
) -> None:
    refused = calibrate(**{option: value})
    assert refused.status == 2
    assert f"Invalid value for '--{option}': {words}\n" in refused.err


GRID = "mcm:temperature=1|0.1"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"alpha": "0.001"},
            "digits: 717 images are too few to calibrate: alpha 0.001 needs at least 999; give "
            "more images, or a larger --alpha",
        ),
        (
            {"alpha": "0.004", "confidence": "0.95"},
            "digits: 717 images are too few to calibrate: alpha 0.004 with confidence 0.95 needs "
            "at least 748; give more images, or a larger --alpha",
        ),
        (
            {"score": GRID},
            "--score: mcm, mcm:temperature=0.1 are 2 scores, but a detector has one; give one, or "
            "an OOD set to choose by with --select-on",
        ),
        (
            {"select-on": "photos"},
            "--select-on photos: mcm is the only score; remove the option, or give several scores, "
            "as in --score 'mcm:temperature=1|0.1'",
        ),
        (
            {"select-id": "digits-train"},
            "--select-id digits-train: needs --select-on",
        ),
        (
            {"score": GRID, "select-on": "digits"},
            "--select-on digits is also --id; give another set",
        ),
        (
            {"score": GRID, "select-on": "photos", "select-id": "digits"},
            "--select-id digits is also --id; give another set",
        ),
        (
            {"score": GRID, "select-on": "photos", "select-id": "photos"},
            "'photos' is both --select-on and --select-id",
        ),
        (
            {
                "score": GRID,
                "select-on": "photos",
                "id": "digits:imagenet10",
                "select-id": "digits",
            },
            "--select-id digits and --id digits:imagenet10 are the same dataset; without "
            "--select-id, a random half of --id chooses",
        ),
        (
            {"score": "knn", "bank": "digits"},
            "digits: 717 of 717 images are also in the bank digits (equal embeddings); use a set "
            "without them, or another --bank",
        ),
        (
            {"score": "knn"},
            "knn needs a bank: give --bank digits-train, if it holds training images",
        ),
        ({"score": "neglabel"}, "neglabel needs negatives: give --negatives NAME; make them with"),
        ({"id": "nothing"}, "no images 'nothing' (there are: digits-train, digits, eight-nine,"),
        ({"score": "mcn"}, "--score 'mcn': no score 'mcn'; did you mean mcm?"),
        ({"template": "x"}, "has no template 'x'"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(
    calibrate: Run, changes: dict[str, str], words: str
) -> None:
    refused = calibrate(**changes)
    assert refused.status == 1
    assert words in refused.err
    assert refused.err.count("\n") == 1
    assert not FILE.exists()


def test_a_model_that_is_not_in_the_cache_is_refused(calibrate: Run) -> None:
    refused = calibrate(model="siglip2")
    assert refused.status == 1
    assert "no embeddings of model 'siglip2' (there are: tiny-clip/demo, tiny-sigmoid/demo)" in (
        refused.err
    )


def test_a_bank_is_kept_with_its_labels(calibrate: Run) -> None:
    assert calibrate(score="mahalanobis", bank="digits-train:20").status == 0
    bank = read_detector(FILE).scorer.bank
    assert bank is not None
    assert np.bincount(bank.labels).tolist() == [20] * 8
    assert not bank.labels_are_predictions
    done = calibrate(
        "--overwrite", score="vim", bank="digits-train", **{"bank-labels": "predicted"}
    )
    assert done.status == 0
    bank = read_detector(FILE).scorer.bank
    assert bank is not None
    assert (bank.labels_are_predictions, len(bank.vectors)) == (True, 726)
    assert bank.name == "digits-train (labels predicted)"


@pytest.mark.slow
def test_negatives_are_kept_as_words_and_vectors(
    oodcache: Run, calibrate: Run, demo: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "embeddings"
    shutil.copytree(demo / "embeddings", cache)
    words = tmp_path / "nouns.txt"
    words.write_text("".join(f"noun {number}\n" for number in range(200)))
    assert oodcache("extract", "--model", "tiny-clip", "--classes", f"nouns={words}").status == 0
    mine = ("negatives", "--model", "tiny-clip", "--classes", "digits", "--words", "nouns")
    assert oodcache(*mine, "--keep", "40", "-o", "far").status == 0
    given = {"cache": str(cache), "negatives": "far", "classes": "digits"}
    assert calibrate(score="neglabel:groups=5,number=25", **given).status == 0
    kept = read_detector(FILE).scorer.negatives
    assert kept is not None
    assert (kept.name, len(kept.words), kept.vectors.shape) == ("far", 25, (25, 64))
    before = oodcache("detect", FILE, "photos", "--cache", cache)
    shutil.rmtree(cache / "tiny-clip" / "demo" / "texts")
    shutil.rmtree(cache / "tiny-clip" / "demo" / "negatives")
    after = oodcache("detect", FILE, "photos", "--cache", cache)
    assert (after.status, after.out) == (before.status, before.out)
    assert after.out.count("\n") == 320


def test_a_subset_and_a_template_are_kept(calibrate: Run, tmp_path: Path) -> None:
    (tmp_path / "few.txt").write_text("one\ntwo\nthree\n")
    done = calibrate("--template=cosine-mean", id="digits:@few.txt")
    assert done.status == 0, done.err
    found = read_detector(FILE)
    assert found.scorer.texts.names == ("one", "two", "three")
    assert found.calibrated_on == "digits:@few.txt"
    assert found.threshold.n == 268


def test_calibrating_needs_no_torch(calibrate: Run, demo: Path, tmp_path: Path) -> None:
    arguments = [
        *("calibrate", "--model=tiny-clip", "--id=digits", "--score=mcm", "--alpha=0.05"),
        *("-o", "d.json", f"--cache={demo / 'embeddings'}"),
    ]
    code = BLOCKED.format(arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "d.json").exists()


def test_a_model_without_texts_has_no_detector(
    calibrate: Run, write_images: Callable[..., Any], tmp_path: Path
) -> None:
    dino = {"logit_scale": None, "logit_bias": None, "architecture": {"timm": "dino"}}
    for name in ("inside", "train"):
        write_images(name, np.eye(4, dtype=np.float32), **dino)
    given = {"model": "tiny", "id": "inside", "score": "knn:k=1"}
    refused = calibrate(**given, cache=str(tmp_path))  # No bank is asked for, in vain.
    assert refused.status == 1
    assert refused.err == (
        "oodcache: a detector needs class texts, and Tiny/one has none; use a model with texts\n"
    )


def test_a_score_that_learns_from_the_stream_has_no_threshold(calibrate: Run) -> None:
    done = calibrate(score="oodd:queue=64")
    assert done.status == 1
    assert done.err == (
        "oodcache: --score oodd:queue=64: learns from the stream, so its scores move with the "
        "images before, and no threshold has a conformal promise; calibrate a score of single "
        "images\n"
    )
