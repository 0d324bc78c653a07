"""Claims about vectors in memory that are added to a cache, as files are imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from samples import Run

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import open_texts
from oodcache.cache.watch import Watch
from oodcache.extract.imports.adding import Addition

NEW = {"weights": "w", "logit_scale": 50.0, "logit_bias": -9.0}
AXES = np.eye(3)


def add(cache: Path, vectors: Any = AXES, model: str = "mine", **given: Any) -> Any:
    """Add images and return the file, opened."""
    rows = {name: given.pop(name, None) for name in ("labels", "label_names", "paths")}
    addition = Addition(cache, model, given.pop("name", "pets"), **given)
    return open_images(addition.images(vectors, *rows.values(), watch=Watch()))


def add_texts(cache: Path, vectors: Any = AXES, model: str = "mine", **given: Any) -> Any:
    told = {"names": ["cat", "dog", "cow"], "ids": None, "templates": "{}"}
    told |= {name: given.pop(name) for name in tuple(told) if name in given}
    addition = Addition(cache, model, given.pop("name", "names"), **given)
    return open_texts(addition.texts(vectors, **told, note=print))


def test_an_addition_is_the_file_that_the_command_imports(oodcache: Run, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, 4))
    ours = add(tmp_path / "ours", vectors, paths=["a", "b", "c"], labels=[1, 0, -1], weights="w")
    np.save("x.npy", vectors)
    np.save("labels.npy", [1, 0, -1])
    Path("paths.txt").write_text("a\nb\nc\n")
    done = oodcache(
        *("cache", "import", "x.npy", "--model", "mine", "--dataset", "pets", "--weights", "w"),
        *("--paths", "paths.txt", "--labels", "labels.npy", "--cache", "theirs"),
    )
    assert done.status == 0, done.err
    theirs = open_images(Path("theirs/mine/imported/images/pets.h5"))
    assert ours.identity.model == theirs.identity.model
    assert ours.identity.source == theirs.identity.source
    assert ours.identity.vectors == theirs.identity.vectors
    assert (ours.paths(), ours.label_names) == (theirs.paths(), theirs.label_names)
    assert ours.label.tolist() == theirs.label.tolist()


@pytest.mark.parametrize(
    "vectors",
    [
        torch.eye(3, requires_grad=True),
        torch.eye(3, dtype=torch.bfloat16),
        AXES.astype(np.float16),
        AXES.tolist(),
        list(torch.eye(3)),
        pd.DataFrame(AXES),
    ],
    ids=lambda one: type(one).__name__,
)
def test_vectors_of_any_library_are_added(tmp_path: Path, vectors: Any) -> None:
    assert np.concatenate(list(add(tmp_path, vectors, weights="w").blocks())).tolist() == (
        AXES.tolist()
    )


@pytest.mark.parametrize(
    ("labels", "label_names", "expected"),
    [
        (None, None, [None] * 3),
        ([7, -1, 5], None, ["7", None, "5"]),
        ([1, 0, -1], ["cat", "dog"], ["dog", "cat", None]),
        (torch.tensor([0, 1, 0]), ["cat", "dog"], ["cat", "dog", "cat"]),
        (["dog", None, "cat"], None, ["dog", None, "cat"]),
        (pd.Series(["dog", None, "cat"]), None, ["dog", None, "cat"]),
        (pd.Series(["dog", None, "cat"], dtype="string"), None, ["dog", None, "cat"]),
        (pd.Series(["dog", float("nan"), "cat"], dtype=object), None, ["dog", None, "cat"]),
        (["dog", "", "cat"], ["dog", "cat", "cow"], ["dog", None, "cat"]),
        (np.array(["dog", "cat", "dog"]), None, ["dog", "cat", "dog"]),
        (pd.Series(["dog", "cat", "dog"]), None, ["dog", "cat", "dog"]),
        ((one for one in ["dog", "cat", "dog"]), None, ["dog", "cat", "dog"]),
    ],
)
def test_labels_are_numbers_or_names(
    tmp_path: Path, labels: Any, label_names: Any, expected: list[str | None]
) -> None:
    file = add(tmp_path, labels=labels, label_names=label_names, weights="w")
    assert [file.label_names[one] if one >= 0 else None for one in file.label] == expected


def test_a_model_of_the_cache_is_taken_as_it_is(tmp_path: Path) -> None:
    names = add_texts(tmp_path, **NEW)
    images = add(tmp_path, model="mine/imp")
    learned = add_texts(tmp_path, [AXES, AXES], name="learned", templates=["a {}", "b {}"])
    assert images.identity.model == learned.identity.model == names.identity.model
    assert learned.embeddings.shape == (2, 3, 3)
    assert learned.vocabulary.templates == ("a {}", "b {}")


def test_ids_are_what_labels_call_a_class(tmp_path: Path) -> None:
    file = add_texts(tmp_path, ids=["n1", "n2", "n3"], **NEW)
    assert file.vocabulary.ids == ("n1", "n2", "n3")


def test_a_model_that_lacks_a_scale_is_given_one(tmp_path: Path) -> None:
    add(tmp_path, weights="w")
    model = add_texts(tmp_path, logit_scale=50.0).identity.model
    assert (model.weights, model.logit_scale, model.logit_bias) == ("w", 50.0, None)


def test_the_same_addition_again_ends_well_and_another_needs_overwrite(tmp_path: Path) -> None:
    before = add(tmp_path, weights="w").identity
    assert add(tmp_path).identity == before
    with pytest.raises(InputError, match=r"pets.h5: already exists with other contents; use"):
        add(tmp_path, AXES[::-1])
    assert add(tmp_path, AXES[::-1], overwrite=True).identity != before


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"vectors": np.ones(3)}, "vectors: has shape (3,), not (rows, numbers), each above 0"),
        ({"vectors": np.eye(3, dtype=int)}, "vectors: holds int64, not floating-point vectors"),
        ({"vectors": np.eye(3, 4)}, "vectors: vectors of 4 numbers, but"),
        ({"labels": [0, 1]}, "labels: has 2 rows, but vectors has 3"),
        ({"labels": [0.0, 1.0, 1.0]}, "labels: labels are float64 of shape (3,), not integers"),
        ({"labels": [0, 1, 2], "label_names": ["a"]}, "label 2 has no name among 1 --label-names"),
        ({"labels": ["a", "b", "c"], "label_names": ["a"]}, "row 1: 'b' is not among the 1 names"),
        ({"labels": ["a", 2, "c"]}, "labels: row 1 is 2; give names, and None for no label"),
        ({"labels": ["1", "NA", "2"]}, "labels: row 1: 'NA' is not a number; give None for no"),
        ({"label_names": ["a"]}, "label_names: there are no labels to name: give labels"),
        ({"paths": ["a", "b"]}, "paths: has 2 rows, but vectors has 3"),
        ({"paths": ["a", "b", "a"]}, "paths: row 2 repeats row 0, b'a'"),
        ({"paths": ["a", "../b", "c"]}, "paths: row 1: b'../b' is not below one folder"),
        ({"paths": "a.png"}, "paths: is one path; give a list with a path for each row"),
        ({"paths": [1, 2, 3]}, "paths: expected str, bytes or os.PathLike object, not int"),
        ({"model": "thine"}, "no embeddings of model 'thine' (there are: mine/imported); to add a"),
        ({"logit_scale": 60.0}, "--logit-scale 60.0 contradicts mine/imported in the cache, which"),
        ({"logit_bias": 1.0}, "--logit-bias 1.0 contradicts mine/imported in the cache, which has"),
        ({"name": "a/b"}, "dataset 'a/b' is not a valid file name"),
        ({"dtype": "int8"}, "dtype is 'int8'; give float32 or float16"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    add_texts(tmp_path, **NEW)
    with pytest.raises(InputError) as error:
        add(tmp_path, **given)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"names": "cat"}, "names: is one text; give a list"),
        ({"names": ["cat", "dog"]}, "names: has 2 names, but vectors (3, 3) are of 3 classes"),
        ({"names": ["cat", "dog", 1]}, "names: row 2 is 1; give texts"),
        ({"ids": ["n1"]}, "ids: has 1 rows, but names has 3"),
        ({"templates": "a photo"}, "--template 'a photo': must contain {} once"),
        ({"vectors": AXES * [[1], [0], [1]]}, "the vector of 'dog' under '{}' (row 1) is all"),
        ({"logit_scale": None}, "no embeddings of model 'mine' (there are: none); to add a new"),
        ({"weights": "w", "logit_scale": None}, "texts need the model's scale: give --logit-scale"),
    ],
)
def test_texts_that_do_not_fit_are_one_line(
    tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as error:
        add_texts(tmp_path, **{"logit_scale": 100.0, **given})
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_files_of_several_weights_ask_for_one(tmp_path: Path) -> None:
    add(tmp_path, weights="one")
    add(tmp_path, name="strays", weights="two")
    with pytest.raises(InputError, match="files of 2 models; give --weights one or two$"):
        add(tmp_path, name="cats")
    assert add(tmp_path, name="cats", weights="two").identity.model.weights == "two"
