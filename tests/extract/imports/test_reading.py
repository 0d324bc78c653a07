"""Claims about what `oodcache cache import` reads: other programs' files, paths and labels."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from samples import Outcome, Run

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.arrays import in_memory
from oodcache.extract.imports.reading import Import, opened, read_tensors, remarks

ROWS = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
FILE = Path("embeddings/mine/imported/images/x.h5")


@pytest.fixture
def take(oodcache: Run) -> Callable[..., Outcome]:
    """Import as images x of the model mine."""

    def run(*arguments: object) -> Outcome:
        return oodcache(
            "cache", "import", *arguments, "--model", "mine", "--dataset", "x", "--overwrite"
        )

    return run


Take = Callable[..., Outcome]


def column(name: str) -> Any:
    with h5py.File(FILE) as file:
        return file[name][()].tolist()


def by_name() -> list[bytes | None]:
    """Return each row's label name."""
    names = column("label_names")
    return [names[label] if label >= 0 else None for label in column("label")]


def taken(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome.err


def refused(outcome: Outcome, words: str) -> None:
    assert outcome.status == 1
    assert outcome.err.count("\n") == 1, outcome.err
    assert words in outcome.err


def write_parts(*numbers: int, stem: str = "img_emb") -> None:
    """Write two rows a part as clip-retrieval does, and metadata of more columns than one."""
    Path(stem).mkdir(exist_ok=True)
    Path("metadata").mkdir(exist_ok=True)
    for place, number in enumerate(numbers):
        np.save(f"{stem}/{stem}_{number}.npy", ROWS[2 * place : 2 * place + 2].astype(np.float16))
        paths = [f"/data/laion/{number}/{row}.jpg" for row in range(2)]
        table = pa.table({"image_path": paths, "caption": ["a", "b"], "width": [1, 2]})
        parquet.write_table(table, f"metadata/metadata_{number}.parquet")


def test_clip_retrievals_parts_come_in_by_number_with_their_paths(
    oodcache: Run, take: Take
) -> None:
    write_parts(0, 9, 10)
    taken(take("img_emb", "--metadata", "metadata"))
    expected = [b"%d/%d.jpg" % (number, row) for number in (0, 9, 10) for row in range(2)]
    assert column("path") == expected
    vectors = ROWS[:6] / np.linalg.norm(ROWS[:6], axis=1, keepdims=True)
    np.testing.assert_allclose(column("embeddings"), vectors, atol=1e-3)
    with h5py.File(FILE) as file:
        assert b'"imported": "clip-retrieval"' in file["identity"][()]


def test_a_folder_without_metadata_has_made_up_paths(oodcache: Run, take: Take) -> None:
    write_parts(0, 1)
    taken(take("img_emb"))
    assert column("path")[3] == b"row-00000003"


def test_parts_that_do_not_pair_are_refused(oodcache: Run, take: Take) -> None:
    write_parts(0, 1)
    Path("metadata/metadata_1.parquet").unlink()
    refused(take("img_emb", "--metadata", "metadata"), "metadata: has no part 1, but the other")
    parquet.write_table(pa.table({"image_path": ["a"]}), "metadata/metadata_1.parquet")
    refused(
        take("img_emb", "--metadata", "metadata"),
        "metadata/metadata_1.parquet: has 1 rows, but img_emb/img_emb_1.npy has 2",
    )
    parquet.write_table(pa.table({"caption": ["a"]}), "metadata/metadata_0.parquet")
    refused(take("img_emb", "--metadata", "metadata"), "has no column 'image_path'; has 'caption'")
    refused(
        take("img_emb", "--metadata", "metadata/metadata_0.parquet"),
        "give a folder of metadata for a folder of vectors",
    )


def test_text_emb_are_texts(oodcache: Run, take: Take) -> None:
    write_parts(0, 1, stem="text_emb")
    Path("names.txt").write_text("a\nb\nc\nd\n")
    done = oodcache(
        *("cache", "import", "text_emb", "--model", "mine"),
        *("--classes", "c=names.txt", "--logit-scale", "100"),
    )
    taken(done)


def test_metadata_of_one_array_is_one_file(oodcache: Run, take: Take) -> None:
    np.save("x.npy", ROWS[:2])
    parquet.write_table(pa.table({"image_path": ["a/1", "b/2"]}), "m.parquet")
    taken(take("x.npy", "--metadata", "m.parquet"))
    assert column("path") == [b"a/1", b"b/2"]
    Path("p.txt").write_text("a\nb\n")
    refused(
        take("x.npy", "--metadata", "m.parquet", "--paths", "p.txt"),
        "--paths and --metadata both give paths: omit one",
    )


def test_metadata_without_pyarrow_says_what_to_install(
    oodcache: Run, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts(0)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(take("img_emb", "--metadata", "metadata"), "type  pip install 'oodcache[io]'")


def test_clip_benchmarks_features_come_in_with_their_targets(oodcache: Run, take: Take) -> None:
    torch.save(torch.from_numpy(ROWS), "features_val.pt")
    torch.save(torch.tensor([0, 1] * 12), "targets_val.pt")
    Path("names.txt").write_text("cat\ndog\n")
    targets = ("--labels", "targets_val.pt")
    taken(take("features_val.pt", *targets, "--label-names", "names.txt"))
    assert by_name() == [b"cat", b"dog"] * 12
    taken(take("features_val.pt", *targets))
    assert by_name() == [b"0", b"1"] * 12


def test_a_pt_without_torch_says_what_to_install(
    oodcache: Run, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    refused(take("x.pt"), "type  pip install 'oodcache[extract]'")


def test_openoods_features_come_in_with_their_labels(oodcache: Run, take: Take) -> None:
    np.savez("feature.npz", feat_list=ROWS, label_list=np.array([5, -1, 3] * 8))
    taken(take("feature.npz"))
    assert by_name() == [b"5", None, b"3"] * 8
    with h5py.File(FILE) as file:
        assert b'"imported": "OpenOOD"' in file["identity"][()]


def test_arrays_that_are_not_read_are_named(tmp_path: Path) -> None:
    arrays = {name: in_memory(name, ROWS) for name in ("features", "y", "labels", "paths")}
    images = Import(tmp_path / "a.npz", tmp_path, dataset="x")
    advice = "(labels are label_list, labels, label or targets; give --labels, --paths)"
    assert list(remarks(images, arrays)) == [f"{images.source}: not read: y, paths {advice}"]
    labelled = replace(images, labels=Path("labels.txt"))
    assert "not read: y, labels, paths (" in next(remarks(labelled, arrays))
    texts = Import(tmp_path / "a.npz", tmp_path, classes="pets=names.txt")
    assert list(remarks(texts, arrays)) == [f"{texts.source}: not read: y, labels, paths"]
    assert list(remarks(images, {"features": arrays["features"]})) == []


def test_missing_parts_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = Import(Path("img_emb"), tmp_path, dataset="x")
    for numbers, said in (((0, 1, 2), []), ((0, 2, 5), ["1, 3, 4 of 0 to 5"]), ((1,), ["0 of 0"])):
        shutil.rmtree("img_emb", ignore_errors=True)
        write_parts(*numbers)
        found = list(remarks(given, opened(given.source)[1]))
        assert len(found) == len(said)
        for one, line in zip(said, found, strict=True):
            assert line.startswith(f"img_emb: has no part {one}")


def test_openoods_scores_are_no_embeddings(oodcache: Run, take: Take) -> None:
    np.savez("scores.npz", pred=np.zeros(3, int), conf=np.ones(3), label=np.zeros(3, int))
    refused(
        take("scores.npz"),
        "scores.npz: contains 'pred', 'conf', 'label', but no embeddings: expected an array called "
        "embeddings, feat_list, ",
    )


@pytest.mark.parametrize("ending", ["npy", "npz", "pt"])
def test_labels_come_from_any_array(oodcache: Run, take: Take, ending: str) -> None:
    np.save("x.npy", ROWS[:3])
    labels = np.array([1, 0, -1])
    if ending == "npy":
        np.save("l.npy", labels)
    elif ending == "npz":
        np.savez("l.npz", features=ROWS[:3], labels=labels)
    else:
        torch.save(torch.from_numpy(labels), "l.pt")
    taken(take("x.npy", "--labels", f"l.{ending}"))
    assert by_name() == [b"1", b"0", None]


def test_paths_and_labels_come_from_text(oodcache: Run, take: Take) -> None:
    np.save("x.npy", ROWS[:3])
    Path("p.txt").write_bytes(b"/d/a/1.png\r\n/d/b/\xff.png\n/d/3.png")
    Path("l.txt").write_text("dog\n\ncat\n")
    taken(take("x.npy", "--paths", "p.txt", "--labels", "l.txt"))
    assert column("path") == [b"a/1.png", b"b/\xff.png", b"3.png"]
    assert by_name() == [b"dog", None, b"cat"]


@pytest.mark.parametrize(
    ("files", "arguments", "words"),
    [
        ({"p": b"a\nb\n"}, ("--paths", "p"), "p: has 2 rows, but x.npy has 3"),
        ({"p": b"a\nb\na\n"}, ("--paths", "p"), "p: line 3 repeats line 1, b'a'"),
        ({"p": b"a\n../b\nc"}, ("--paths", "p"), "p: line 2: b'../b' is not below one folder"),
        ({"l": b"a\nb\n"}, ("--labels", "l"), "l: has 2 rows, but x.npy has 3"),
        ({"n": b"a\n"}, ("--label-names", "n"), "n: there are no labels to name: give --labels"),
        (
            {"l": b"0\n1\n2", "n": b"a\nb"},
            ("--labels", "l", "--label-names", "n"),
            "l: label 2 has no name among 2 --label-names",
        ),
        ({}, ("--labels", "none.npy"), "none.npy: cannot be read: No such file or directory"),
        ({}, ("--paths", "none"), "none: cannot be read: No such file or directory"),
        ({}, ("--labels", "x.npy"), "x.npy: labels are float32 of shape (3, 4), not integers"),
    ],
)
def test_rows_that_are_called_or_labelled_wrongly_are_refused(
    oodcache: Run,
    take: Take,
    files: dict[str, bytes],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    np.save("x.npy", ROWS[:3])
    for name, content in files.items():
        Path(name).write_bytes(content)
    refused(take("x.npy", *arguments), words)


def test_a_file_of_another_kind_is_refused_with_those_that_are_read(
    oodcache: Run, take: Take
) -> None:
    Path("x.csv").touch()
    refused(take("x.csv"), "x.csv: expected a .npy, .npz or .pt file, or a folder of img_emb_*.npy")
    refused(take("none.npy"), "none.npy: cannot be read: No such file or directory")


class Hostile:
    """What writes a file if it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_tensors(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_tensors_come_out_by_name_and_one_alone_under_none(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    features = torch.randn(5, 3, requires_grad=True)
    torch.save(features, path)
    np.testing.assert_array_equal(read_tensors(path)[""], features.detach().numpy())
    torch.save({"a": features.half(), "b": torch.tensor([1, 2])}, path)
    found = read_tensors(path)
    assert (found["a"].dtype, found["b"].dtype) == (np.float16, np.int64)
    torch.save(features.bfloat16(), path)
    rounded = features.detach().bfloat16().float().numpy()
    np.testing.assert_array_equal(read_tensors(path)[""], rounded)


def test_no_pickled_code_is_run(tmp_path: Path) -> None:
    trace, path = tmp_path / "ran", tmp_path / "x.pt"
    torch.save(Hostile(trace), path)
    words = "rejected: it contains pickled objects besides tensors"
    assert refusal(path).startswith(f"{path}: {words}")
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists(), "the pickle was harmless, and the test showed nothing"


@pytest.mark.filterwarnings("ignore:Validating sparse")
def test_what_holds_no_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    for value, kind in (({"a": 1}, "int"), ([1], "list"), ({"a": {"b": torch.ones(1)}}, "dict")):
        torch.save(value, path)
        assert refusal(path) == f"{path}: contains {kind}; only tensors are read"
    torch.save(torch.ones(2, 2).to_sparse(), path)
    assert "only tensors are read" in refusal(path)


def test_a_damaged_or_missing_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save(torch.ones(100), path)
    path.write_bytes(path.read_bytes()[:500])
    assert "is cut off or damaged" in refusal(path)
    path.write_bytes(b"")
    assert refusal(path) == f"{path}: is empty"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    assert refusal(path).startswith(f"{path}: is a git-lfs pointer")
    assert refusal(tmp_path / "none.pt").endswith("cannot be read: No such file or directory")


def test_without_torch_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refusal(tmp_path / "x.pt").endswith("type  pip install 'oodcache[extract]'")
