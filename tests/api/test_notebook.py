"""Claims about `oodcache.open`: the cache in Python."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import Run
from samples.cache.cuts import cut_all

import oodcache as package
from oodcache.cache.files.negatives import write_negatives
from oodcache.cache.watch import Watch
from oodcache.score.measures.result import LeakCount, Result
from oodcache.score.words.miner import MiningRequest, mine

Write = Callable[..., Path]
BAD: Any = [5]


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, oodcache; print([n for n in ('numpy', 'h5py', 'click') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_no_other() -> None:
    for name in package.__all__:
        assert getattr(package, name).__name__.rpartition(".")[2] == name
    with pytest.raises(AttributeError, match="has no attribute 'close'"):
        package.close  # type: ignore[attr-defined]  # noqa: B018


def test_open_makes_a_folder_only_if_asked(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cache"
    assert package.open(folder, create=True).folder == folder
    assert folder.is_dir()
    assert package.open(folder, create=True).models == []
    (tmp_path / "file").touch()
    with pytest.raises(package.InputError, match="file: cannot be made a folder: File exists"):
        package.open(tmp_path / "file", create=True)


def test_a_cache_says_what_it_holds(cache: package.Cache) -> None:
    assert cache.models == ["one/demo", "two/demo"]
    assert cache.datasets("one") == ["pets", "strays"]
    assert cache.vocabularies("two/demo") == ["animals"]


def test_a_run_that_wrote_nothing_is_no_dataset(tmp_path: Path) -> None:
    for name in ("begun", "failed"):
        (tmp_path / f"a/b/images/{name}.shards").mkdir(parents=True)
    (tmp_path / "a/b/images/begun.shards/00001-of-00002-abcdefgh.h5").touch()
    assert package.open(tmp_path).datasets("a/b") == ["begun"]


def test_images_and_texts_are_arrays(cache: package.Cache) -> None:
    images = cache.images("one/demo", "pets")
    assert images.embeddings.shape == (40, 4)
    assert images.embeddings.dtype == np.float32
    assert (images.ok.sum(), images.ok[2], images.embeddings[2].any()) == (39, False, False)
    assert (images.label[3], images.label_names, images.paths[3]) == (
        1,
        ("name 0", "name 1"),
        b"3.png",
    )
    texts = cache.texts("one/demo", "animals")
    assert texts.embeddings.shape == (2, 3, 4)
    assert (texts.templates, texts.names) == (("a {}", "the {}"), ("class 0", "class 1", "class 2"))
    assert (texts.logit_scale, texts.logit_bias) == (10.0, -5.0)


def test_a_shell_shows_the_sizes_of_arrays(cache: package.Cache) -> None:
    assert repr(cache.images("one", "pets")) == "Images(40 x 4, 2 label names)"
    assert repr(cache.texts("one", "animals")) == (
        "Texts(2 x 3 x 4, 2 templates, logit_scale 10, logit_bias -5.0)"
    )
    one = replace(cache.texts("one", "animals"), templates=("a {}",))
    assert ", 1 template, " in repr(one)


def test_rows_are_those_of_the_command(cache: package.Cache, oodcache: Run) -> None:
    rows = cache.evaluate(
        ["one/demo", "two/demo"],
        id="pets",
        ood="strays",
        scores=["mcm:temperature=1|learned", "energy"],
        template="each",
    )
    done = oodcache(
        *("score", "--cache", str(cache.folder), "--model", "one/demo", "--model", "two/demo"),
        *("--id", "pets", "--ood", "strays", "--score", "mcm:temperature=1|learned"),
        *("--score", "energy", "--template", "each", "--format", "json"),
    )
    assert len(rows) == 2 * 2 * 3
    shown: list[dict[str, Any]] = json.loads(done.out)["results"]
    assert json.loads(json.dumps([asdict(row) for row in rows])) == shown


def test_what_is_picked_is_what_the_command_picks(
    cache: package.Cache, oodcache: Run, write_pets: Write
) -> None:
    for model in ("one", "two"):
        path = cache.folder / model / "demo" / "images" / "others.h5"
        write_pets(path, count=30, seed=5, failed=(), requested=model)
    scores = "mcm:temperature=1|0.1|0.01|learned"
    given = {"id": "pets", "ood": ["strays"], "scores": scores, "select_on": "others"}
    rows = cache.evaluate(["one", "two"], **given)
    done = oodcache(
        *("score", "--cache", str(cache.folder), "--model", "one", "--model", "two"),
        *("--id", "pets", "--ood", "strays", "--score", scores, "--select-on", "others"),
        *("--format", "json"),
    )
    assert [(row.ood, row.picked and row.picked.on) for row in rows] == [("strays", "others")] * 2
    shown: list[dict[str, Any]] = json.loads(done.out)["results"]
    assert json.loads(json.dumps([asdict(row) for row in rows])) == shown


def test_a_function_stands_beside_built_in_scores(cache: package.Cache) -> None:
    def gap(batch: Any, *, k: int = 1) -> Any:
        ordered = np.sort(batch.cosines, axis=1)
        return ordered[:, -1] - ordered[:, -1 - k]

    rows = cache.evaluate("one", id="pets", ood="strays", scores=["margin", gap, "gap:k=2"])
    assert [(row.score, dict(row.parameters)) for row in rows] == [
        *(("margin", {}), ("gap", {"k": 1.0}), ("gap", {"k": 2.0}))
    ]
    assert rows[1].auroc == pytest.approx(rows[0].auroc, abs=1e-5)
    assert cache.evaluate("one", id="pets", ood="strays", scores=gap) == [rows[1]]


def test_a_stream_has_a_row_for_each_order_and_its_call_is_recorded(cache: package.Cache) -> None:
    given: Any = {"id": "pets", "ood": "strays", "scores": "oodd:batch=8", "stream_seed": 4}
    rows = cache.evaluate("one", **given, stream=["shuffle:2", "id-first"], compare=True)
    assert [one.stream and one.stream.order for one in rows] == ["shuffle:2", "id-first"]
    assert list(rows[0].stream.orders if rows[0].stream else ()) == ["shuffle 4", "shuffle 5"]
    command = rows.provenance["command"]
    assert "stream=['shuffle:2', 'id-first'], stream_seed=4" in command
    alone = cache.evaluate("one", **given, stream="id-first")
    assert alone == [rows[1]]
    with pytest.raises(package.InputError, match=r"^stream\[0\] is 3 .int.; give an order"):
        cache.evaluate("one", **given, stream=[3])
    with pytest.raises(package.InputError, match="^stream drift: no requested score learns from"):
        cache.evaluate("one", id="pets", ood="strays", scores="mcm", stream="drift")


def test_a_row_has_one_value_for_each_column_of_a_data_frame(cache: package.Cache) -> None:
    (row,) = cache.evaluate("one/demo", id="pets", ood="strays", scores="margin")
    assert [*asdict(row)] == [one.name for one in fields(Result)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda cache: cache.images("one/demo", "cats"),
            "no images 'cats' (there are: pets, strays)",
        ),
        (
            lambda cache: cache.texts("one/demo", "cats"),
            "no vocabulary 'cats' (there are: animals)",
        ),
        (lambda cache: cache.datasets("three"), "model 'three'"),
        (
            lambda cache: package.open("nowhere"),
            "nowhere: not a folder; make it with oodcache.open('nowhere', create=True)",
        ),
        (
            lambda cache: cache.evaluate("one/demo", id="pets", ood="strays", scores="mcn"),
            "did you",
        ),
        (
            lambda cache: cache.evaluate("one/demo", id="pets", ood="strays", scores=BAD),
            "scores[0] is 5 (int); give a score, such as 'mcm'",
        ),
        (
            lambda cache: cache.evaluate("one/demo", id=["pets"], ood="strays"),  # type: ignore[arg-type]
            "id is ['pets'] (list); give the name of one set, such as 'pets'",
        ),
    ],
)
def test_a_mistake_raises_one_line(
    cache: package.Cache, call: Callable[[package.Cache], object], words: str
) -> None:
    with pytest.raises(package.InputError) as error:
        call(cache)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_shards_are_the_arrays_of_the_file_that_they_make(cache: package.Cache) -> None:
    def arrays() -> list[Any]:
        images, texts = cache.images("one", "pets"), cache.texts("one", "animals")
        results = cache.evaluate("one", id="pets", ood="strays")
        return [
            *(images.embeddings.tobytes(), images.ok.tobytes(), images.label.tobytes()),
            *(images.label_names, images.paths, texts.embeddings.tobytes(), texts.names),
            *([asdict(row) for row in results],),
        ]

    names = [cache.models, cache.datasets("one"), cache.vocabularies("one")]
    whole = arrays()
    cut_all(cache.folder, 7)
    assert arrays() == whole
    assert [cache.models, cache.datasets("one"), cache.vocabularies("one")] == names


def test_completion_shows_the_public_names() -> None:
    assert {"Cache", "Detector", "open", "score"} <= {*dir(package)}
    assert not [name for name in dir(package) if name.startswith("_") or name == "annotations"]


def test_added_vectors_are_scored_as_the_images_and_texts_that_they_are_copies_of(
    cache: package.Cache,
) -> None:
    notes: list[str] = []
    images, texts = cache.images("one", "strays"), cache.texts("one", "animals")
    path = cache.add("one", "copy", images.embeddings * images.ok[:, None], note=notes.append)
    cache.add_texts(
        "one", "words", texts.embeddings, names=texts.names, template=texts.templates, note=print
    )
    assert path == cache.folder / "one/demo/images/copy.h5"
    assert notes == [f"wrote {path}: 40 images x 4; 1 are not ok: see oodcache cache info {path}"]
    given = {"id": "pets", "scores": "energy", "template": "average"}
    (before,) = cache.evaluate("one", ood="strays", classes="animals", **given)
    (after,) = cache.evaluate("one", ood="copy", classes="words", **given)
    assert (after.auroc, after.fpr95) == (before.auroc, before.fpr95)


def test_a_mistake_in_adding_names_the_argument(cache: package.Cache) -> None:
    cache.add("one", "copy", np.eye(4), note=print)
    with pytest.raises(package.InputError, match="copy.h5: already exists with other contents; u"):
        cache.add("one", "copy", -np.eye(4))
    with pytest.raises(package.InputError, match=r"to add a new model, give weights, any name of"):
        cache.add_texts("three", "words", np.eye(4), names=list("abcd"))
    with pytest.raises(package.InputError, match="^template 'a': must contain {} once"):
        cache.add_texts("one", "words", np.eye(4), names=list("abcd"), template="a")


def test_csid_images_count_as_id_under_the_name_of_the_option(
    cache: package.Cache, tmp_path: Path
) -> None:
    strays = cache.images("one", "strays")
    turned = np.roll(strays.embeddings[strays.ok], 1, axis=1)
    cache.add("one", "drawn", turned, note=lambda text: None)
    ask: Any = {"id": "pets", "ood": "strays", "scores": "mcm", "note": lambda text: None}
    alone, found = cache.evaluate("one", **ask), cache.evaluate("one", **ask, csid="drawn")
    assert [one.id for one in found] == ["pets", "csid:drawn", "full-spectrum"]
    assert found[0] == alone[0]
    assert "csid=['drawn']" in found.provenance["command"]
    path = tmp_path / "r.json"
    found.save(path)
    assert [one.id for one in package.Results.load(path)] == [one.id for one in found]
    with pytest.raises(package.InputError, match="'pets' is both id and csid; give two sets"):
        cache.evaluate("one", **ask, csid=["pets"])


def test_leaks_are_counted_found_and_left_out(cache: package.Cache, tmp_path: Path) -> None:
    vectors = np.random.default_rng(5).normal(size=(6, 4))
    names = ["Name-0", "rock", "names 1", "tree", "name 1", "sky"]
    cache.add_texts("one", "words", vectors, names=names, note=False)
    request = MiningRequest(cache.folder, "one", "far", "animals", ["words"], keep="100%")
    mined = mine(request, Watch())
    write_negatives(mined.path, mined)
    (found,) = cache.leaks("one", "far", "strays")
    assert found.names is not None
    assert {(one.word, one.class_name) for one in found.names} == {
        ("Name-0", "name 0"),
        ("name 1", "name 1"),
    }
    (tmp_path / "names.txt").write_text("rock\nskies\n")
    lists = {"strays": tmp_path / "names.txt"}
    (other,) = cache.leaks("one", "far", ["strays"], leaks_of=lists)
    assert [one.class_name for one in sorted(other.names or (), key=str)] == ["rock", "skies"]
    given = {"id": "pets", "ood": "strays", "classes": "animals", "negatives": "far"}
    (row,) = cache.evaluate("one", scores="eoe", note=False, **given)  # type: ignore[arg-type]
    assert (row.leaks and (row.leaks.words, row.leaks.names, row.leaks.left_out)) == (6, 2, None)
    rows = cache.evaluate(
        *("one",),
        scores="eoe",
        leaks_of=lists,
        without_leaks=True,
        note=False,
        **given,  # type: ignore[arg-type]
    )
    assert rows[0].leaks == LeakCount(4, 0, None, None, "spelling", left_out=2)
    assert rows[0].is_diagnostic
    assert rows.provenance["command"].endswith("without_leaks=True)")
    assert f"leaks_of={{'strays': '{tmp_path / 'names.txt'}'}}" in rows.provenance["command"]
    with pytest.raises(package.InputError, match=r"^leaks_of other: no OOD set of this run"):
        cache.leaks("one", "far", "strays", leaks_of={"other": tmp_path / "names.txt"})
    with pytest.raises(package.InputError, match=r"^without_leaks=True has no effect"):
        cache.evaluate("one", scores="mcm", without_leaks=True, **given)  # type: ignore[arg-type]
