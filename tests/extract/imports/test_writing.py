"""Claims about what an import writes: files of the model that it is told, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from samples import Run

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.arrays import in_memory
from oodcache.cache.exchange.imported import Claim, of_file
from oodcache.cache.files.images import ImageRows, open_images
from oodcache.cache.files.texts import Vocabulary, open_texts
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.watch import Watch
from oodcache.extract.imports.writing import Destination, add_images, add_texts

MODEL = ModelIdentity("small", "demo", "tiny", {"embed_dim": 2}, "1" * 64, None, 12.75, -16.5)
LIKE = Claim("small/demo", "1" * 64, 12.75, -16.5, like=MODEL)
NAMES = Vocabulary(("cat", "dog"), ("", ""), ("{}",))
AXES = in_memory("axes", np.eye(2, dtype=np.float32) * 3)


def test_texts_have_the_model_of_the_file_that_they_are_like(tmp_path: Path) -> None:
    to = Destination(tmp_path, LIKE, "learned", "axes", "npy")
    written = open_texts(add_texts(to, AXES, NAMES, print))
    assert written.path == tmp_path / "small/demo/texts/learned.h5"
    assert written.identity.model == MODEL
    assert written.identity.encoding == {"imported": "npy"}
    assert written.embeddings.tolist() == [np.eye(2).tolist()]


def test_images_are_normalised_in_their_order(tmp_path: Path) -> None:
    notes: list[str] = []
    to = Destination(tmp_path, LIKE, "pets", "axes", "npy")
    rows = ImageRows([b"a", b"b"], np.array([0, -1]), ["cat"])
    path = add_images(to, AXES, rows, Watch(notes.append))
    assert np.concatenate(list(open_images(path).blocks())).tolist() == np.eye(2).tolist()
    assert notes == [
        "axes: normalised 2 of 2 rows, with lengths from 3 to 3",
        f"wrote {path}: 2 images x 2",
    ]


def test_unit_vectors_that_were_rounded_to_16_bits_are_normalised_without_a_note(
    tmp_path: Path,
) -> None:
    notes: list[str] = []
    rounded = in_memory("rounded", np.array([[0.6, 0.8]]).astype(np.float16))
    to = Destination(tmp_path, LIKE, "pets", "rounded", "npy")
    path = add_images(to, rounded, ImageRows([b"a"], np.array([-1]), []), Watch(notes.append))
    assert np.linalg.norm(np.concatenate(list(open_images(path).blocks()))) == pytest.approx(1)
    assert notes == [f"wrote {path}: 1 images x 2"]


def test_vectors_of_another_dimension_than_the_models_are_refused(tmp_path: Path) -> None:
    add_texts(Destination(tmp_path, LIKE, "pets", "axes", "npy"), AXES, NAMES, print)
    wider = in_memory("wider", np.eye(2, 5, dtype=np.float32))
    with pytest.raises(InputError, match="^wider: vectors of 5 numbers, but .*/pets.h5, of the"):
        add_texts(Destination(tmp_path, LIKE, "learned", "wider", "npy"), wider, NAMES, print)
    assert not (tmp_path / "small/demo/texts/learned.h5").exists()
    add_texts(
        Destination(tmp_path, LIKE, "pets", "wider", "npy", overwrite=True), wider, NAMES, print
    )


def test_texts_like_a_file_without_a_scale_are_refused(tmp_path: Path) -> None:
    to = Destination(tmp_path, Claim("mine"), "pets", "axes", "npy")
    path = add_images(to, AXES, ImageRows([b"a", b"b"], np.array([-1, -1]), []), Watch())
    with pytest.raises(InputError, match="scale: no file of mine/imported has it; give --model, -"):
        add_texts(Destination(tmp_path, of_file(path), "c", "axes", "npy"), AXES, NAMES, print)


def test_the_command_takes_the_model_of_a_file_or_its_description(oodcache: Run) -> None:
    to = Destination(Path("embeddings"), LIKE, "pets", "axes", "npy")
    pets = add_texts(to, AXES, NAMES, print)
    np.save("learned.npy", np.array([[3, 4], [4, 3]], np.float32))
    Path("names.txt").write_text("cat\ndog\n")
    arguments = ("cache", "import", "learned.npy", "--classes", "learned=names.txt", "--like", pets)
    done = oodcache(*arguments)
    assert done.status == 0, done.err
    learned = open_texts(pets.with_name("learned.h5"))
    assert learned.identity.model == MODEL
    np.testing.assert_allclose(learned.embeddings, [[[0.6, 0.8], [0.8, 0.6]]], atol=1e-7)
    refused = oodcache(*arguments, "--model", "x", "--logit-bias", "-1")
    assert refused.status == 2
    assert "--like FILE says what the model is: omit --model, --logit-bias" in refused.err
