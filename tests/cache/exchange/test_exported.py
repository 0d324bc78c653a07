"""Claims about our own exported .npz: it comes back as it was, and a changed one does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import arrays as foreign
from oodcache.cache.exchange import export, exported
from oodcache.cache.files.images import ImageBatch, ImageRows, open_images, write_images
from oodcache.cache.files.texts import Vocabulary, open_texts, write_texts
from oodcache.cache.format.identity import Identity


def ignore(done: int) -> None:
    """Be told how many rows are done."""


def opened(path: Path) -> exported.Exported:
    return exported.opened(path, foreign.open_npz(path))


def test_images_come_back_byte_for_byte(image_file: Path, tmp_path: Path) -> None:
    export.export(open_images(image_file), tmp_path / "x.npz", ignore)
    done: list[int] = []
    opened(tmp_path / "x.npz").write(tmp_path / "back.h5", dtype=None, advance=done.append)
    assert sum(done) == 6
    assert (tmp_path / "back.h5").read_bytes() == image_file.read_bytes()


def test_texts_come_back_byte_for_byte(text_file: Path, tmp_path: Path) -> None:
    export.export(open_texts(text_file), tmp_path / "t.npz", ignore)
    opened(tmp_path / "t.npz").write(tmp_path / "back.h5", dtype=None, advance=ignore)
    assert (tmp_path / "back.h5").read_bytes() == text_file.read_bytes()


def test_float16_comes_back_byte_for_byte(tmp_path: Path, identity: Identity) -> None:
    vectors = np.random.default_rng(0).normal(size=(3000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = ImageRows([b"%d" % row for row in range(3000)], np.full(3000, -1), ())
    vectors[2500] = 0
    errors = {2500: "größer\x1b"}
    batch = ImageBatch(vectors, np.ones(3000, np.float32), errors)
    one = write_images(tmp_path / "x.h5", [batch], rows=rows, identity=identity, dtype=np.float16)
    two = write_texts(
        tmp_path / "t.h5",
        vectors[None, :3],
        np.ones((1, 3), np.float32),
        vocabulary=Vocabulary(("a", "b", "a"), ("", "", ""), ("{}",)),
        identity=identity,
        dtype=np.float16,
    )
    export.export(one, tmp_path / "x.npz", ignore)
    export.export(open_texts(two.path), tmp_path / "t.npz", ignore)
    for name in ("x", "t"):
        opened(tmp_path / f"{name}.npz").write(tmp_path / "back.h5", dtype=None, advance=ignore)
        assert (tmp_path / "back.h5").read_bytes() == (tmp_path / f"{name}.h5").read_bytes()


def test_it_goes_where_its_identity_says(image_file: Path, text_file: Path, tmp_path: Path) -> None:
    export.export(open_images(image_file), tmp_path / "x.npz", ignore)
    export.export(open_texts(text_file), tmp_path / "t.npz", ignore)
    cache = tmp_path / "cache"
    assert opened(tmp_path / "x.npz").target(cache) == cache / "small/demo/images/pets.h5"
    assert opened(tmp_path / "t.npz").target(cache) == cache / "small/demo/texts/pets.h5"


Change = Callable[[dict[str, Any]], object]


def said(part: str, **fields: Any) -> Change:
    """Change fields of a part of the identity."""

    def change(arrays: dict[str, Any]) -> None:
        identity = json.loads(arrays["identity"].item())
        identity[part].update(fields)
        arrays["identity"] = np.array(json.dumps(identity).encode())

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: one.pop("norm"), "has an identity, like files of oodcache cache export"),
        (lambda one: one.update(extra=np.ones(1)), "has an identity, like files of oodcache cache"),
        (
            lambda one: one.update(norm=one["norm"][:5]),
            "'norm' is float32 of shape (5,), expected shape",
        ),
        (lambda one: one.update(label=one["label"] * 1.0), "'label' is float64 of shape (6,)"),
        (lambda one: one.update(ok=one["ok"].astype(int)), "'ok' is int64 of shape (6,)"),
        (
            lambda one: one.update(errors=one["errors"][:1]),
            "'errors' is |S9 of shape (1,), expected shape",
        ),
        (
            lambda one: one.update(path=np.array(["a"] * 6)),
            "'path' is <U1 of shape (6,), expected shape",
        ),
        (lambda one: one.update(embeddings=one["embeddings"].astype(float)), "is float64"),
        (lambda one: one.update(embeddings=-one["embeddings"]), "(rule F10)"),
        (lambda one: one.update(embeddings=2 * one["embeddings"]), "(rule F5)"),
        (lambda one: one.update(label=one["label"] + 5), "(rule F6)"),
        (lambda one: one["path"].__setitem__(0, b"../x"), "(rule F12)"),
        (lambda one: one["errors"].__setitem__(0, b"\xff"), "(rule F11)"),
        (lambda one: one.update(identity=np.array(b"{}")), "(rule F8)"),
        (lambda one: one.update(identity=np.array("{}")), "not a text"),
        (
            said("model", name="../../x"),
            "'model.name' is '../../x', not a valid folder name",
        ),
        (
            said("model", pretrained="a/b"),
            "'model.pretrained' is 'a/b', not a valid folder name",
        ),
        (
            said("source", name="average"),
            "vocabulary 'average' is reserved for averages in results",
        ),
    ],
)
def test_one_that_was_changed_is_refused_in_one_line(
    image_file: Path, tmp_path: Path, change: Change, words: str
) -> None:
    export.export(open_images(image_file), tmp_path / "x.npz", ignore)
    with np.load(tmp_path / "x.npz") as file:
        arrays = dict(file)
    change(arrays)
    np.savez(tmp_path / "x.npz", **arrays)

    def take() -> None:
        file = opened(tmp_path / "x.npz")
        file.target(tmp_path)
        file.write(tmp_path / "back.h5", dtype=None, advance=ignore)

    with pytest.raises(InputError) as refused:
        take()
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "back.h5").exists()
