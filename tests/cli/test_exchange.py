"""Claims about `oodcache cache import` and `export`, from one end to the other."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from samples import Outcome, Run, slow_except
from samples.cache.cuts import cut, cut_texts

Rows = np.ndarray[Any, np.dtype[Any]]
MINE = ("--model", "mine")
IMAGES = Path("embeddings/mine/imported/images/x.h5")


class Hostile:
    """What writes a file if it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("ran"),)


def rows(count: int = 20, dimension: int = 8, seed: int = 0) -> Rows:
    """Return random float32 rows of no particular length."""
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def unit(vectors: Rows) -> Rows:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def stored(path: Path) -> dict[str, Any]:
    """Return a file's datasets as bare h5py reads them, its identity parsed."""
    with h5py.File(path) as file:
        found = {name: file[name][()] for name in file}
    return {**found, "identity": json.loads(found["identity"])}


def refused(outcome: Outcome, words: str) -> None:
    """Assert that a command refused in one line, with these words."""
    assert outcome.status == 1
    assert outcome.err.count("\n") == 1, outcome.err
    assert words in outcome.err


@pytest.fixture
def take(oodcache: Run) -> Callable[..., Outcome]:
    """Run an import that works."""

    def run(*arguments: object) -> Outcome:
        done = oodcache("cache", "import", *arguments)
        assert done.status == 0, done.err
        assert done.out == ""
        return done

    return run


Take = Callable[..., Outcome]


def measures(oodcache: Run, *arguments: object) -> list[dict[str, str]]:
    done = oodcache("score", *arguments, "--format", "csv")
    assert done.status == 0, done.err
    return list(csv.DictReader(io.StringIO(done.out)))


@pytest.mark.parametrize(
    ("scale", "words"),
    [(100, ""), (4.6052, "like a logarithm: its exponential is 100"), (0.01, "its inverse is 100")],
)
def test_a_scale_that_is_another_quantity_is_noted(take: Take, scale: float, words: str) -> None:
    np.save("t.npy", np.eye(2, dtype=np.float32))
    Path("names.txt").write_text("cat\ndog\n")
    done = take("t.npy", *MINE, "--classes", "pets=names.txt", "--logit-scale", scale)
    assert done.status == 0
    assert words in done.err
    assert ("looks like" in done.err) == bool(words)


def test_arrays_of_known_geometry_come_in_and_are_scored(oodcache: Run, take: Take) -> None:
    # Class vectors are the axes. Three ID images lie on their own axis, one on the other; of
    # two OOD images one is nearer to an axis than that one is, so 7 of 8 pairs are in order.
    np.save("t.npy", np.eye(3, dtype=np.float32)[:2])
    np.save("id.npy", np.array([[5, 0, 0], [0, 5, 0], [3, 0, 0.3], [4, 0, 3]], np.float32))
    np.save("ood.npy", np.array([[0.9, 0, 0.1], [0, 0, 1]], np.float32))
    Path("names.txt").write_text("cat\ndog\n")
    Path("labels.txt").write_text("cat\ndog\ncat\ndog\n")
    take("t.npy", *MINE, "--classes", "pets=names.txt", "--logit-scale", 110, "--logit-bias", -12)
    take("id.npy", *MINE, "--dataset", "pets", "--labels", "labels.txt")
    take("ood.npy", *MINE, "--dataset", "strays")
    (row,) = measures(oodcache, *MINE, "--id", "pets", "--ood", "strays", "--score", "max-logit")
    assert float(row["auroc"]) == 7 / 8
    assert float(row["fpr95"]) == 1 / 2
    assert float(row["id_accuracy"]) == 3 / 4
    identity = stored(Path("embeddings/mine/imported/texts/pets.h5"))["identity"]
    assert (identity["model"]["logit_scale"], identity["model"]["logit_bias"]) == (110, -12)
    images = stored(Path("embeddings/mine/imported/images/pets.h5"))["identity"]
    assert images["model"]["weights"] == "imported:mine"
    assert images["encoding"] == {"imported": "npy"}
    assert images["precision"] == {"stored": "float32"}
    assert oodcache("cache", "verify").status == 0


@pytest.fixture
def extracted(oodcache: Run, photos: Path, strays: Path) -> None:
    """Extract two data sets, one image of which is bad, and the classes."""
    (photos / "cat" / "bad\x1b[31m.png").write_bytes(b"no image")
    done = oodcache(
        *("extract", "--model", "tiny-sigmoid", "--classes", f"c={photos}"),
        *("--template", "a {}", "--template", "a photo of a {}"),
        *(f"pets={photos}", f"strays={strays}"),
    )
    assert done.status == 0, done.err


SCORE = ("--model", "tiny-sigmoid", "--id", "pets", "--ood", "strays")
FOLDER = Path("embeddings/tiny-sigmoid/demo")


@pytest.mark.slow
@pytest.mark.usefixtures("extracted")
def test_what_is_exported_and_imported_is_the_same_file_and_scores_the_same(
    oodcache: Run, take: Take
) -> None:
    expected = measures(oodcache, *SCORE)
    for kind, name in (("images", "pets"), ("images", "strays"), ("texts", "c")):
        path = FOLDER / kind / f"{name}.h5"
        assert oodcache("cache", "export", path, "-o", f"{name}.npz").status == 0
        take(f"{name}.npz", "--cache", "other")
        assert (Path("other/tiny-sigmoid/demo") / kind / path.name).read_bytes() == (
            path.read_bytes()
        )
    assert measures(oodcache, *SCORE, "--cache", "other") == expected


@pytest.mark.slow
@pytest.mark.usefixtures("extracted")
def test_npy_out_and_in_scores_the_same(oodcache: Run, take: Take) -> None:
    expected = measures(oodcache, *SCORE)
    labels = [name.partition(b"/")[0] for name in stored(FOLDER / "images/pets.h5")["path"]]
    Path("labels.txt").write_bytes(b"\n".join(labels))
    Path("names.txt").write_text("cat\ndog\n")
    scale, bias = (
        stored(FOLDER / "texts/c.h5")["identity"]["model"][name]
        for name in ("logit_scale", "logit_bias")
    )
    for kind, name in (("images", "pets"), ("images", "strays"), ("texts", "c")):
        oodcache("cache", "export", FOLDER / kind / f"{name}.h5", "-o", f"{name}.npy")
    take("pets.npy", *MINE, "--dataset", "pets", "--labels", "labels.txt")
    take("strays.npy", *MINE, "--dataset", "strays")
    template = ("--template", "a {}", "--template", "a photo of a {}")
    told = ("--logit-scale", scale, "--logit-bias", bias)
    take("c.npy", *MINE, "--classes", "c=names.txt", *told, *template)
    bad = stored(Path("embeddings/mine/imported/images/pets.h5"))
    assert bad["errors"].tolist() == [b"is all zeros"]
    found = measures(oodcache, "--model", "mine", *SCORE[2:])
    for one in (*expected, *found):
        del one["model"], one["pretrained"]
    assert found == expected


@pytest.mark.slow
@pytest.mark.usefixtures("extracted")
def test_imported_and_extracted_images_of_equal_weights_are_mixed_with_a_word(
    oodcache: Run, take: Take
) -> None:
    path = FOLDER / "images/strays.h5"
    weights = stored(path)["identity"]["model"]["weights"]
    expected = measures(oodcache, *SCORE)
    oodcache("cache", "export", path, "-o", "strays.npy")
    mine = ("--model", "tiny-sigmoid/demo", "--overwrite", "--dataset", "strays")
    done = take("strays.npy", *mine, "--weights", weights)
    assert "scores do not mix" not in done.err
    scored = oodcache("score", *SCORE, "--format", "csv")
    assert list(csv.DictReader(io.StringIO(scored.out))) == expected
    said = "strays: imported, perhaps preprocessed differently from the others"
    assert scored.err.count(said) == 1
    assert stored(path)["identity"]["model"]["logit_bias"] is not None

    done = take("strays.npy", *mine)
    assert f"has other weights, {weights}, which are never scored together" in done.err
    refused(oodcache("score", *SCORE), "if they are the same, import with equal --weights")


def test_rows_of_any_length_are_normalised_and_that_is_said(take: Take) -> None:
    vectors = rows(5000, 8)
    vectors[10:] = unit(vectors[10:])
    vectors[0] = [3, 4, *[0] * 6]
    np.save("x.npy", vectors)
    lengths = np.linalg.norm(vectors[:10], axis=1)
    said = take("x.npy", *MINE, "--dataset", "x").err
    assert (
        f"x.npy: normalised 10 of 5,000 rows, with lengths from {lengths.min():.4g} to "
        f"{lengths.max():.4g}"
    ) in said
    file = stored(IMAGES)
    assert file["embeddings"][10:].tobytes() == vectors[10:].tobytes()
    np.testing.assert_allclose(file["embeddings"], unit(vectors), atol=1e-7)
    assert file["norm"][0] == 5
    assert file["path"][4999] == b"row-00004999"


def test_unit_rows_stay_to_the_bit_and_nothing_is_said(take: Take) -> None:
    np.save("x.npy", unit(rows()))
    assert take("x.npy", *MINE, "--dataset", "x").err == f"wrote {IMAGES}: 20 images x 8\n"
    assert stored(IMAGES)["embeddings"].tobytes() == unit(rows()).tobytes()


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8"])
def test_any_floats_come_in_as_float32_or_what_is_asked(take: Take, dtype: str) -> None:
    np.save("x.npy", rows().astype(dtype))
    take("x.npy", *MINE, "--dataset", "x")
    assert stored(IMAGES)["embeddings"].dtype == np.float32
    np.testing.assert_allclose(stored(IMAGES)["embeddings"], unit(rows()), atol=1e-3)
    take("x.npy", *MINE, "--dataset", "x", "--dtype", "float16", "--overwrite")
    assert stored(IMAGES)["embeddings"].dtype == np.float16


def test_bad_rows_keep_their_place_with_a_reason(oodcache: Run, take: Take) -> None:
    vectors = rows()
    vectors[3], vectors[7, 2] = 0, np.nan
    np.save("x.npy", vectors)
    done = take("x.npy", *MINE, "--dataset", "x")
    assert f"2 are not ok: see oodcache cache info {IMAGES}" in done.err
    file = stored(IMAGES)
    assert np.flatnonzero(~file["ok"]).tolist() == [3, 7]
    assert file["errors"].tolist() == [b"is all zeros", b"holds a value that is not finite"]
    np.save("z.npy", np.zeros((3, 8), np.float32))
    refused(oodcache("cache", "import", "z.npy", *MINE, "--dataset", "z"), "none of 3 images")


def test_a_bad_row_of_texts_is_refused_by_name(oodcache: Run) -> None:
    vectors = rows(4, 8).reshape(2, 2, 8)
    vectors[1, 0] = 0
    np.save("t.npy", vectors)
    Path("names.txt").write_text("cat\ndog\n")
    refused(
        oodcache(
            *("cache", "import", "t.npy", *MINE, "--classes", "c=names.txt"),
            *("--template", "a {}", "--template", "the {}", "--logit-scale", 100),
        ),
        "t.npy: the vector of 'cat' under 'the {}' (row 2) is all zeros",
    )


def test_scale_and_bias_are_taken_from_texts_of_the_model(oodcache: Run, take: Take) -> None:
    np.save("t.npy", rows(2))
    Path("names.txt").write_text("cat\ndog\n")
    texts = ("t.npy", *MINE, "--classes")
    refused(
        oodcache("cache", "import", *texts, "c=names.txt"),
        "texts need the model's scale: give --logit-scale (100 for OpenAI's CLIP",
    )
    take("t.npy", *MINE, "--dataset", "x")
    assert stored(IMAGES)["identity"]["model"]["logit_scale"] is None
    with h5py.File(IMAGES) as file:
        assert "logit_scale" not in file.attrs
    take(*texts, "c=names.txt", "--logit-scale", 110, "--logit-bias", -12)
    take(*texts, "d=names.txt")
    model = stored(Path("embeddings/mine/imported/texts/d.h5"))["identity"]["model"]
    assert (model["logit_scale"], model["logit_bias"]) == (110, -12)
    refused(
        oodcache("cache", "import", *texts, "e=names.txt", "--logit-scale", 100),
        "--logit-scale 100.0 contradicts embeddings/mine/imported/texts/c.h5",
    )


def test_the_same_import_again_ends_well_also_after_a_kill(oodcache: Run, take: Take) -> None:
    np.save("x.npy", rows())
    np.save("t.npy", rows(3))
    Path("names.txt").write_text("cat\ndog\ncow\n")
    texts = Path("embeddings/mine/imported/texts/c.h5")
    for command, path in (
        (("x.npy", *MINE, "--dataset", "x"), IMAGES),
        (("t.npy", *MINE, "--classes", "c=names.txt", "--logit-scale", 100), texts),
    ):
        take(*command)
        before = path.read_bytes()
        assert take(*command).err == f"{path}: imported already, with the same contents\n"
        assert path.read_bytes() == before
        path.rename(path.with_name(f".{path.name}.0badcafe.part"))  # Killed before the rename.
        take(*command)
        assert path.read_bytes() == before
        assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_there_is_kept_unless_it_may_go(oodcache: Run, take: Take) -> None:
    np.save("x.npy", rows())
    take("x.npy", *MINE, "--dataset", "x")
    np.save("x.npy", rows(seed=1))
    refused(
        oodcache("cache", "import", "x.npy", *MINE, "--dataset", "x"),
        f"{IMAGES}: already exists with other contents; use --overwrite, or another name",
    )
    take("x.npy", *MINE, "--dataset", "x", "--overwrite")
    np.testing.assert_allclose(stored(IMAGES)["embeddings"], unit(rows(seed=1)), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "x.npy: give --dataset NAME for images, or --classes NAME=names.txt for texts"),
        (("--dataset", "a"), "x.npy: give --model NAME, the model that made it"),
        ((*MINE, "--dataset", "a", "--classes", "c=n"), "--dataset is for images, --classes for"),
        ((*MINE, "--dataset", "a/b"), "dataset 'a/b' is not a valid file name"),
        (("--model", "../m", "--dataset", "a"), "model '..' is not a valid file name"),
        ((*MINE, "--classes", "c=n.txt", "--labels", "n.txt"), "texts were given: omit --labels"),
        ((*MINE, "--dataset", "a", "--template", "a {}"), "images were given: omit --template"),
        ((*MINE, "--classes", "c"), "--classes 'c': give NAME=names.txt"),
        ((*MINE, "--classes", "c=none.txt"), "none.txt: No such file or directory"),
        ((*MINE, "--classes", "c=n.txt", "--template", "a"), "'a': must contain {} once"),
        (
            (*MINE, "--classes", "c=n.txt"),
            "x.npy: has shape (20, 8), expected (1, 2, 8): templates",
        ),
        ((*MINE, "--dataset", "a", "--logit-scale", "nan"), "--logit-scale nan is not a finite"),
    ],
)
def test_what_is_asked_for_wrongly_is_one_line(
    oodcache: Run, arguments: tuple[str, ...], words: str
) -> None:
    np.save("x.npy", rows())
    Path("n.txt").write_text("a\nb\n")
    refused(oodcache("cache", "import", "x.npy", *arguments), words)
    assert not Path("embeddings").exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.arange(6).reshape(2, 3), "x.npy: holds int64, not floating-point vectors"),
        (np.ones(3), "x.npy: has shape (3,), not (rows, numbers)"),
        (np.ones((0, 3)), "x.npy: has shape (0, 3), not (rows, numbers)"),
    ],
)
def test_what_holds_no_vectors_is_one_line(oodcache: Run, values: Rows, words: str) -> None:
    np.save("x.npy", values)
    refused(oodcache("cache", "import", "x.npy", *MINE, "--dataset", "x"), words)


def test_a_hostile_pickle_never_runs(oodcache: Run) -> None:
    objects = np.array([Hostile()], object)
    np.save("x.npy", objects, allow_pickle=True)
    np.savez("x.npz", feat_list=objects)
    torch.save(Hostile(), "x.pt")
    for name, words in (
        ("x.npy", "Python obj"),
        ("x.npz", "Python obj"),
        ("x.pt", "pickled objects besides tensors"),
    ):
        refused(oodcache("cache", "import", name, *MINE, "--dataset", "x"), words)
        np.save("v.npy", rows(1))
        refused(
            oodcache("cache", "import", "v.npy", *MINE, "--dataset", "x", "--labels", name), words
        )
    assert not Path("ran").exists()


def test_a_file_cut_short_while_it_comes_in_leaves_nothing(oodcache: Run) -> None:
    np.save("x.npy", rows())
    whole = Path("x.npy").read_bytes()
    Path("x.npy").write_bytes(whole[:-1])
    refused(
        oodcache("cache", "import", "x.npy", *MINE, "--dataset", "x"),
        "x.npy: claims 640 bytes, but 639 are in the file",
    )
    assert not Path("embeddings").exists()


def test_an_exported_file_says_itself_what_it_holds(oodcache: Run, take: Take) -> None:
    np.save("x.npy", rows())
    take("x.npy", *MINE, "--dataset", "x")
    oodcache("cache", "export", IMAGES, "-o", "x.npz")
    for option in ("--model", "--dataset", "--classes", "--template", "--logit-bias"):
        refused(
            oodcache("cache", "import", "x.npz", option, "0"),
            f"x.npz: the file describes itself: omit {option}",
        )
    said = take("x.npz").err
    assert said == f"{IMAGES}: imported already, with the same contents\n"
    refused(oodcache("cache", "import", "x.npz", "--dtype", "float16"), f"{IMAGES}: already exists")
    take("x.npz", "--cache", "other", "--dtype", "float16")
    half = stored(Path("other/mine/imported/images/x.h5"))
    assert half["embeddings"].dtype == np.float16


@pytest.mark.slow
@pytest.mark.parametrize("ending", slow_except(["npz"], ["npz", "npy", "parquet"]))
def test_shards_are_exported_as_what_they_make(oodcache: Run, photos: Path, ending: str) -> None:
    (photos / "cat" / "3.png").write_bytes(b"no image")
    model = ("--model", "tiny-clip")
    assert oodcache("extract", *model, "--classes", f"x={photos}", f"x={photos}").status == 0
    files = sorted(Path("embeddings").glob("*/*/*/x.h5"))
    assert len(files) == 2
    for file in files:
        whole, given = Path(f"whole.{ending}"), [file, file.with_suffix(".shards")]
        assert oodcache("cache", "export", file, "-o", whole).status == 0
        cutting, size = (cut, 5) if file.parent.name == "images" else (cut_texts, 1)
        cutting(file, file, size)
        file.unlink()
        for shards in given:
            done = oodcache("cache", "export", shards, "-o", f"shards.{ending}")
            assert done.status == 0, done.err
            assert Path(f"shards.{ending}").read_bytes() == whole.read_bytes()
        next(given[1].iterdir()).unlink()
        words = " shards exist (missing: "
        refused(oodcache("cache", "export", given[0], "-o", f"again.{ending}"), words)
        assert not Path(f"again.{ending}").exists()


def test_one_shard_is_not_exported(oodcache: Run, take: Take) -> None:
    np.save("x.npy", rows())
    take("x.npy", *MINE, "--dataset", "x")
    shard = cut(IMAGES, IMAGES, 5)[0]
    words = f"{shard}: is a shard; merge it first: oodcache cache merge"
    refused(oodcache("cache", "export", shard, "-o", "x.npz"), words)


def test_export_refuses_an_ending_before_it_reads_and_what_is_no_file(oodcache: Run) -> None:
    refused(oodcache("cache", "export", "none.h5", "-o", "x.csv"), "use .npz, .npy or .parquet")
    refused(oodcache("cache", "export", "none.h5", "-o", "x.npz"), "No such file or directory")
    assert not Path("x.npz").exists()


@pytest.mark.slow
def test_neither_command_imports_torch(oodcache: Run) -> None:
    np.save("x.npy", rows())
    Path("n.txt").write_text("a\nb\n")
    np.save("t.npy", rows(2))
    code = """
import sys
from oodcache.cli.main import oodcache
for line in (
    "import x.npy --model m --dataset x",
    "import t.npy --model m --classes c=n.txt --logit-scale 100",
    "export embeddings/m/imported/images/x.h5 -o x.npz",
    "export embeddings/m/imported/texts/c.h5 -o t.npz",
    "import x.npz --cache other",
):
    oodcache.main(["cache", *line.split()], standalone_mode=False)
sys.exit("torch" in sys.modules or "pyarrow" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
