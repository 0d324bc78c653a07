"""Claims about `oodcache detect` and `oodcache.Detector`, run with real models on real images."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from samples import (
    Outcome,
    Run,
    SmallModel,
    local_folder,
    make_small_model,
    slow_except,
    write_image,
)
from samples.detect.detectors import made

import oodcache as package
from oodcache.cache.errors import InputError
from oodcache.detect.file import write_detector

FILE = Path("detector.json")


def rows(done: Outcome) -> list[dict[str, Any]]:
    assert done.status in (0, 1, 3), done.err
    return [json.loads(line) for line in done.out.splitlines()]


@pytest.fixture
def here(oodcache: Run, demo: Path, tmp_path: Path) -> Path:
    """Go to an empty folder with the demo's images in data/, its embeddings, and a detector."""
    (tmp_path / "data").symlink_to(demo / "data")
    (tmp_path / "embeddings").symlink_to(demo / "embeddings")
    calibrated(oodcache, "tiny-clip", "--id", "digits", "--score", "mcm")
    return tmp_path


def calibrated(oodcache: Run, model: str, *more: str) -> None:
    FILE.unlink(missing_ok=True)
    done = oodcache("calibrate", "--model", model, "--alpha", "0.05", "-o", FILE, *more)
    assert done.status == 0, done.err


OTHERS = ("energy", "knn:k=5")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "score"),
    [
        ("tiny-clip", "mcm"),
        ("tiny-sigmoid", "vim"),
        *(pytest.param("tiny-clip", one, marks=pytest.mark.slow) for one in (*OTHERS, "vim")),
        *(pytest.param("tiny-sigmoid", one, marks=pytest.mark.slow) for one in (*OTHERS, "mcm")),
    ],
)
def test_a_folder_and_its_cached_set_have_the_same_decisions(
    oodcache: Run, here: Path, model: str, score: str
) -> None:
    calibrated(oodcache, model, "--id", "digits", "--score", score, "--bank", "digits-train")
    for name in ("eight-nine", "digits"):
        cached = rows(oodcache("detect", FILE, name, "--format", "jsonl"))
        fresh = rows(oodcache("detect", FILE, f"data/{name}", "--format", "jsonl"))
        assert [f"data/{name}/{one['path']}" for one in cached] == [one["path"] for one in fresh]
        # At the threshold the last digit decides, which is another where batches are.
        lowest = json.loads(FILE.read_text())["threshold"]["shown"]
        clear = [abs(one["score"] - lowest) > 1e-5 for one in cached]
        assert sum(clear) >= len(clear) - 2
        for column in ("decision", "nearest"):
            found = [[one[column] for one in some] for some in (cached, fresh)]
            assert [*compress(found[0], clear)] == [*compress(found[1], clear)]
        for column in ("score", "probability"):
            found = [[one[column] for one in some] for some in (cached, fresh)]
            assert np.allclose(*found, atol=1e-5)
    assert {one["decision"] for one in cached} == {"in", "out"}
    assert sum(one["decision"] == "out" for one in cached) == 34  # Of those that calibrated.


def test_statuses_tell_in_out_and_errors(oodcache: Run, here: Path) -> None:
    decisions = rows(oodcache("detect", FILE, "digits", "--format", "jsonl"))
    kind = {
        word: f"data/digits/{next(one['path'] for one in decisions if one['decision'] == word)}"
        for word in ("in", "out")
    }
    assert oodcache("detect", FILE, kind["in"]).status == 0
    assert oodcache("detect", FILE, kind["in"], kind["out"]).status == 3
    Path("bad.png").write_bytes(b"x")
    done = oodcache("detect", FILE, kind["out"], "bad.png", kind["in"])
    assert done.status == 1
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert [line[0] for line in lines] == ["out", "error", "in"]
    assert lines[1][3:] == ["UnidentifiedImageError: cannot identify image file", "-", "bad.png"]
    assert [line[-1] for line in lines] == [kind["out"], "bad.png", kind["in"]]
    assert done.err.splitlines() == ["loading tiny-clip …", "3 images: 1 in, 1 out, 1 error"]
    assert oodcache("detect", FILE).status == 2
    assert oodcache("detect").status == 2


def test_targets_are_judged_in_order_and_the_model_is_loaded_once(
    oodcache: Run, here: Path
) -> None:
    write_image(here / "new" / "b.png", 1)
    write_image(here / "new" / "a" / "c.png", 2)
    targets = ("new/b.png", "photos", "new", "embeddings/tiny-clip/demo/images/eight-nine.h5")
    done = oodcache("detect", FILE, *targets, "new/a/c.png", "--batch-size", 2)
    paths = [line.split("\t")[-1] for line in done.out.splitlines()]
    assert len(paths) == 1 + 320 + 2 + 354 + 1
    assert (paths[0], paths[321:323], paths[-1]) == (
        *("new/b.png", ["new/a/c.png", "new/b.png"], "new/a/c.png"),
    )
    assert done.err.count("loading") == 1


@pytest.mark.slow
def test_a_cached_set_needs_neither_torch_nor_the_vocabulary(
    oodcache: Run, here: Path, demo: Path
) -> None:
    shutil.copytree(demo / "embeddings" / "tiny-clip", "copy/tiny-clip")
    shutil.rmtree("copy/tiny-clip/demo/texts")
    code = (
        "import sys\n"
        "for name in ('torch', 'torchvision', 'open_clip', 'sklearn', 'scipy', 'PIL'):\n"
        "    sys.modules[name] = None\n"
        "sys.argv = ['oodcache', 'detect', 'detector.json', 'photos', '--cache', 'copy']\n"
        "from oodcache.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=here)
    assert done.returncode == 3, done.stderr
    assert done.stdout.count("\n") == 320
    assert "loading" not in done.stderr


def test_a_row_that_is_not_ok_is_an_error_with_its_reason(oodcache: Run, here: Path) -> None:
    for number in range(5):
        write_image(here / "new" / f"{number}.png", number)
    (here / "new" / "2.png").write_bytes(b"x")
    extract = ("extract", "--model", "tiny-clip", "--cache", "own", "pets=new")
    assert oodcache(*extract).status == 0
    done = oodcache("detect", FILE, "pets", "--cache", "own", "--format", "jsonl")
    assert done.status == 1
    fresh = rows(oodcache("detect", FILE, "new", "--format", "jsonl"))
    cached = rows(done)
    for column in ("decision", "error", "nearest"):
        assert [one[column] for one in cached] == [one[column] for one in fresh]
    assert cached[2]["error"] == "UnidentifiedImageError: cannot identify image file"
    assert [one["path"] for one in cached] == [f"{number}.png" for number in range(5)]


def test_names_that_are_no_text_come_back(oodcache: Run, here: Path) -> None:
    names = [b"new\nline\t.png", b"\xff\xfe.png", b"-o.png", "ü \x1b[2J.png".encode()]
    for number, name in enumerate(names):
        write_image(here / "x.png", number).rename(here / os.fsdecode(b"odd-" + name))
    Path("odd").mkdir()
    for path in here.glob("odd-*"):
        path.rename(here / "odd" / os.fsdecode(os.fsencode(path.name)[4:]))
    wanted = [b"odd/" + name for name in sorted(names)]
    done = oodcache("detect", FILE, "odd")
    assert len(done.out.splitlines()) == 4
    assert "\x1b" not in done.out
    found = rows(oodcache("detect", FILE, "odd", "--format", "jsonl"))
    assert [os.fsencode(one["path"]) for one in found] == wanted
    oodcache("detect", FILE, "odd", "-o", "odd.csv")
    text = Path("odd.csv").read_bytes().decode(errors="surrogateescape")
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    escaped = [name.replace(b"\x1b", b"\\x1b") for name in wanted]
    escaped = [name.replace(b"\n", b"\\n").replace(b"\t", b"\\t") for name in escaped]
    assert [os.fsencode(one["path"]) for one in table] == escaped


def test_results_go_to_a_file_by_its_ending(oodcache: Run, here: Path) -> None:
    done = oodcache("detect", FILE, "photos", "-o", "out/photos.jsonl")
    assert (done.status, done.out) == (3, "")
    assert done.err.endswith("out; wrote out/photos.jsonl\n")
    assert json.loads(Path("out/photos.jsonl").read_text().splitlines()[0])["error"] is None
    refused = oodcache("detect", FILE, "nothing", "-o", "out/other.csv")
    assert refused.status == 1
    assert not Path("out/other.csv").exists()


@pytest.mark.slow
def test_a_full_disk_is_one_line(here: Path) -> None:
    command = [sys.executable, "-m", "oodcache", "detect", str(FILE), "photos"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=here)
    assert done.returncode == 1
    assert done.stderr == (
        "oodcache: cannot write to standard output: No space left on device; redirect it to a "
        "disk with free space\n"
    )
    done = subprocess.run(
        [*command, "-o", "out.csv"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)),
    )
    assert done.returncode == 1
    assert done.stderr == (
        "oodcache: out.csv: cannot be written: File too large: raise the limit (ulimit -f), or "
        "give another folder with --cache or --output\n"
    )
    assert not list(here.glob("*out.csv*"))


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_bug(here: Path) -> None:
    command = f"{sys.executable} -m oodcache detect {FILE} digits --format jsonl | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=here)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_bar_takes_no_result_for_its_own(here: Path) -> None:
    command = [sys.executable, "-m", "oodcache", "detect", str(FILE), "digits"]
    terminal, end = pty.openpty()
    with (here / "found.txt").open("wb") as found:
        done = subprocess.run(command, stdout=found, stderr=end, cwd=here)
    os.close(end)
    shown = os.read(terminal, 2**16)
    os.close(terminal)
    assert done.returncode == 3
    assert b"717/717" in shown
    assert b"zero/0915.png" not in shown
    assert (here / "found.txt").read_text().count("\n") == 717


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            "nope",
            "nope: no such file or folder, and no dataset of tiny-clip/demo in embeddings (there "
            "are: digits-train, digits, eight-nine, photos)",
        ),
        ("empty", "empty: contains no images (no visible files); supported: .jpg, .png, .webp"),
        ("no.h5", "no.h5: "),
        (
            "x.parquet",
            "x.parquet: holds many images; type: oodcache extract --model tiny-clip "
            "NAME=x.parquet, and give NAME",
        ),
        (
            "photos/",
            "photos/: no such file or folder, and no dataset of tiny-clip/demo in embeddings",
        ),
        ("embeddings/tiny-clip/demo/texts/digits.h5", "digits.h5: "),
        (
            "embeddings/tiny-sigmoid/demo/images/digits.h5",
            "embeddings/tiny-sigmoid/demo/images/digits.h5: weights ",
        ),
    ],
)
def test_a_target_that_cannot_be_is_one_line_before_anything_is_done(
    oodcache: Run, here: Path, target: str, words: str
) -> None:
    Path("empty").mkdir()
    Path("x.parquet").touch()
    refused = oodcache("detect", FILE, "data/digits", target)
    assert (refused.status, refused.out) == (1, "")
    assert words in refused.err
    assert refused.err.count("\n") == 1


def test_a_name_that_is_a_folder_and_a_cached_set_is_refused(oodcache: Run, here: Path) -> None:
    write_image(here / "photos" / "x.png", 1)
    refused = oodcache("detect", FILE, "photos")
    assert refused.err == (
        "oodcache: photos: exists here and as a cached dataset; type photos/, or "
        "embeddings/tiny-clip/demo/images/photos.h5\n"
    )
    assert oodcache("detect", FILE, "photos/").out.count("\n") == 1
    assert oodcache("detect", FILE, "embeddings/tiny-clip/demo/images/photos.h5").status == 3


def test_a_model_that_is_not_in_the_cache_says_what_makes_it(oodcache: Run, here: Path) -> None:
    refused = oodcache("detect", FILE, "photos", "--cache", "elsewhere")
    assert refused.err == (
        "oodcache: photos: no such file or folder, and elsewhere contains no dataset of "
        "tiny-clip/demo; make one with: oodcache extract --model tiny-clip NAME=FOLDER\n"
    )


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": "oodcache detector", "version": 9}'])
def test_what_is_no_detector_is_one_line(oodcache: Run, here: Path, content: bytes) -> None:
    FILE.write_bytes(content)
    refused = oodcache("detect", FILE, "photos")
    assert (refused.status, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert refused.err.startswith("oodcache: detector.json: is ")


def test_a_strangers_detector_prints_no_control_characters(oodcache: Run, here: Path) -> None:
    write_detector(FILE, made("mcm").detector)
    refused = oodcache("detect", FILE, "photos")
    assert refused.status == 1
    assert "no dataset of Tiny/one" in refused.err


SIGLIP = (
    *("--image-mean", "0.5", "0.5", "0.5", "--image-std", "0.5", "0.5", "0.5"),
    *("--image-interpolation", "bilinear", "--image-resize-mode", "squash"),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    slow_except(
        [SIGLIP],
        [(), SIGLIP, ("--fast-decode",), ("--precision", "bfloat16"), ("--channels-last",)],
    ),
    ids=["plain", "overridden", "fast-decode", "bfloat16", "channels-last"],
)
def test_images_are_prepared_and_computed_as_those_that_calibrated(
    oodcache: Run, tmp_path: Path, options: tuple[str, ...]
) -> None:
    for number in range(30):
        write_image(tmp_path / "pets" / f"{number:02}.jpg", number, size=(40, 50 + number))
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    extract = ("extract", "--model", "tiny-clip", "--classes", "names=names.txt", *options)
    assert oodcache(*extract, "pets=pets").status == 0
    calibrated(oodcache, "tiny-clip", "--id", "pets", "--score", "max-logit")
    paths = ("embeddings/tiny-clip/demo/images/pets.h5", "pets/")
    cached, fresh = (rows(oodcache("detect", FILE, one, "--format=jsonl")) for one in paths)
    scores = [[one["score"] for one in some] for some in (cached, fresh)]
    assert np.allclose(*scores, atol=1e-5)
    assert [one["decision"] for one in cached] == [one["decision"] for one in fresh]


@pytest.mark.slow
def test_a_cached_set_of_other_preprocessing_is_refused(oodcache: Run, here: Path) -> None:
    extract = ("extract", "--model", "tiny-clip", "--cache", "other", "--fast-decode")
    assert oodcache(*extract, "eight-nine=data/eight-nine").status == 0
    refused = oodcache("detect", FILE, "eight-nine", "--cache", "other")
    assert refused.err == (
        "oodcache: other/tiny-clip/demo/images/eight-nine.h5: extracted with --fast-decode, but "
        "the calibration set without; extract it with the options of the calibration set, or "
        "calibrate again\n"
    )


@pytest.fixture
def own(oodcache: Run, tmp_path: Path, photos: Path) -> Any:
    """Extract the photos with a model of the user's own, and calibrate on them."""

    def run(*model: str) -> None:
        done = oodcache("extract", *model, "--classes", f"pets={photos}", f"pets={photos}")
        assert done.status == 0, done.err
        (label,) = Path("embeddings/local").iterdir()
        FILE.unlink(missing_ok=True)
        done = oodcache(
            *("calibrate", "--model", f"local/{label.name}", "--id", "pets", "--score", "mcm"),
            *("--alpha", "0.2", "-o", FILE),
        )
        assert done.status == 0, done.err

    return run


@pytest.mark.slow
def test_a_folder_of_the_users_own_is_found_where_it_was_or_is(
    oodcache: Run, own: Any, small_model: SmallModel, photos: Path, tmp_path: Path
) -> None:
    local_folder(tmp_path / "mine", small_model, {"interpolation": "bilinear"})
    own("--model", "local-dir:mine")
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    assert oodcache("detect", f"../{FILE}", photos, "--cache", "../embeddings").status in (0, 3)
    os.chdir("..")
    Path("mine").rename("moved")
    refused = oodcache("detect", FILE, photos)
    assert refused.err == (
        f"oodcache: {tmp_path}/mine: no such folder, but the detector's model was there; give its "
        "location with --model local-dir:PATH\n"
    )
    assert oodcache("detect", FILE, photos, "--model", "local-dir:moved").status in (0, 3)


@pytest.mark.slow
def test_a_folder_is_found_if_calibrate_ran_in_another_one(
    oodcache: Run, own: Any, small_model: SmallModel, photos: Path, tmp_path: Path
) -> None:
    local_folder(tmp_path / "mine", small_model, {"interpolation": "bilinear"})
    own("--model", "local-dir:mine")
    stored = package.Detector.load(FILE).saved
    FILE.unlink()
    write_detector(FILE, replace(stored, load="local-dir:from/elsewhere"))
    assert oodcache("detect", FILE, photos).status in (0, 3)


@pytest.mark.slow
def test_a_checkpoint_is_found_where_it_was_and_asked_for_if_it_moved_or_changed(
    oodcache: Run, own: Any, small_model: SmallModel, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "weights").mkdir()
    checkpoint = Path("weights/small.pt")
    checkpoint.write_bytes(small_model.checkpoint.read_bytes())
    own(*small_model.arguments[:-1], str(checkpoint))
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    assert oodcache("detect", f"../{FILE}", photos).status in (0, 3)
    os.chdir("..")
    asked = (
        "oodcache: small: the detector needs your own checkpoint, which is not where it was; give "
        "it with --checkpoint FILE, and --model-config FILE.json if extract had it\n"
    )
    checkpoint.write_bytes(checkpoint.read_bytes() + b"x")
    assert oodcache("detect", FILE, photos).err == asked
    checkpoint.unlink()
    assert oodcache("detect", FILE, photos).err == asked
    files = ("--model-config", small_model.config, "--checkpoint")
    assert oodcache("detect", FILE, photos, *files, small_model.checkpoint).status in (0, 3)
    other = make_small_model(tmp_path, "small", seed=5)
    refused = oodcache("detect", FILE, photos, *files, other.checkpoint, "--format", "csv")
    assert (refused.status, refused.out) == (1, "")
    before = json.loads(FILE.read_text())["model"]["weights"][:8]
    line = refused.err.splitlines()[-1]
    assert line.startswith("oodcache: --model small: weights ")
    assert line.endswith(
        f"…, but the detector was calibrated with {before}…; use the model that it was calibrated "
        "with (--model, --checkpoint), or calibrate again"
    )


def test_what_calibrated_on_imported_embeddings_judges_no_images(oodcache: Run, here: Path) -> None:
    stored = json.loads(FILE.read_text())
    assert stored["images"]["name"] == "digits"
    detector = package.Detector.load(FILE).saved
    object.__setattr__(detector, "preprocessing", {"imported": "npy"})
    FILE.unlink()
    write_detector(FILE, detector)
    refused = oodcache("detect", FILE, "data/photos")
    assert refused.err == (
        "oodcache: calibrated on digits, imported embeddings whose preprocessing is unknown: it "
        "judges only cached datasets\n"
    )
    done = oodcache("detect", FILE, "photos")
    assert done.status == 3
    assert "photos.h5: imported; its preprocessing may differ from the calibration" in done.err


@pytest.mark.slow
def test_in_python_paths_images_and_vectors_have_the_same_decisions(
    oodcache: Run, here: Path
) -> None:
    notes: list[str] = []
    detector = package.Detector.load(FILE, note=notes.append)
    of_folder = detector.predict("data/eight-nine")
    of_paths = detector.predict([Path(str(one.path)) for one in of_folder])
    of_images = detector.predict([Image.open(str(one.path)) for one in of_folder])
    vectors = package.open("embeddings").images("tiny-clip", "eight-nine").embeddings
    of_vectors = detector.predict(vectors)
    of_set = detector.predict("eight-nine")
    assert of_paths == of_folder
    assert of_folder[0].path == "data/eight-nine/eight/0008.png"
    assert [one.path for one in of_vectors] == [None] * 354
    assert notes == ["loading tiny-clip …"]
    for others in (of_images, of_vectors, of_set):
        assert [one.is_in for one in others] == [one.is_in for one in of_folder]
        scores = [[one.score for one in some] for some in (others, of_folder)]
        assert np.allclose(np.array(scores[0]), np.array(scores[1]), atol=1e-5)
    assert detector.predict(Image.open(str(of_folder[0].path)))[0].nearest == of_folder[0].nearest
    assert detector.predict([]) == []


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (
            np.zeros((2, 3), np.float32),
            "the array: embeddings of dimension 3, but the detector's have",
        ),
        (np.zeros((2, 64), np.float32), "the array: row 0 has norm 0.0000, not 1"),
        (np.full((2, 64), np.nan, np.float32), "the array: row 0 has norm nan, not 1"),
        (np.zeros((2, 64, 1)), "the array: float64 (2, 64, 1) is neither vectors nor an"),
        ([1, 2], "item 0: int is not an image: give paths, images (PIL, or uint8 arrays), or unit"),
        (["nowhere.png"], "nowhere.png: no such file or folder"),
    ],
)
def test_in_python_what_is_no_image_is_refused(here: Path, images: Any, words: str) -> None:
    detector = package.Detector.load(FILE, note=lambda text: None)
    with pytest.raises(InputError) as refused:
        detector.predict(images)
    assert str(refused.value).startswith(words)
    assert detector.predict(np.zeros((0, 64), np.float32)) == []


def test_a_decision_cannot_be_changed(here: Path) -> None:
    (first, *_) = package.Detector.load(FILE).predict("photos")
    with pytest.raises(AttributeError):
        first.is_in = True  # type: ignore[misc]
