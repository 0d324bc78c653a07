from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.files import texts as text_file
from oodcache.cache.files.texts import (
    TextFile,
    Vocabulary,
    open_text_rows,
    open_texts,
    open_unread_rows,
    open_vocabulary,
    write_texts,
)
from oodcache.cache.format.identity import Identity

Write = Callable[..., Path]


def unit_rows(*shape: int) -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=shape)
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def write(
    path: Path,
    identity: Identity,
    names: tuple[str, ...],
    ids: tuple[str, ...] | None = None,
    templates: tuple[str, ...] = ("{}",),
) -> TextFile:
    ids = ("",) * len(names) if ids is None else ids
    return write_texts(
        path,
        unit_rows(len(templates), len(names), 8),
        np.ones((len(templates), len(names)), np.float32),
        vocabulary=Vocabulary(names, ids, templates),
        identity=identity,
    )


def test_vectors_names_ids_and_templates_come_back(tmp_path: Path, identity: Identity) -> None:
    names, ids = ("größer", "日本", "crane"), ("n1", "n2", "n3")
    templates = ("{}", "a photo of a {}.", "{} {} ")
    write(tmp_path / "a.h5", identity, names, ids, templates)
    file = open_texts(tmp_path / "a.h5")
    assert file.embeddings.tobytes() == unit_rows(3, 3, 8).tobytes()
    assert file.vocabulary == Vocabulary(names, ids, templates)
    assert file.identity.model == identity.model


def test_each_template_is_an_array_of_its_own_when_given(
    tmp_path: Path, identity: Identity
) -> None:
    vectors = unit_rows(2, 3, 8)
    file = write_texts(
        tmp_path / "a.h5",
        list(vectors),
        np.ones((2, 3), np.float32),
        vocabulary=Vocabulary(("a", "b", "c"), ("", "", ""), ("{}", "a {}")),
        identity=identity,
    )
    assert file.embeddings.tobytes() == vectors.tobytes()


def test_names_may_repeat_where_ids_do_not(tmp_path: Path, identity: Identity) -> None:
    names = ("missile", "missile")
    assert write(tmp_path / "a.h5", identity, names).vocabulary.names == names
    assert write(tmp_path / "b.h5", identity, names, ("n1", "n2")).vocabulary.ids == ("n1", "n2")


def test_float16_texts_are_renormalised(tmp_path: Path, write_names: Write) -> None:
    found = open_texts(write_names(tmp_path / "a.h5", dtype=np.float16)).embeddings
    assert found.dtype == np.float32
    assert np.abs(np.linalg.norm(found.astype(np.float64), axis=-1) - 1).max() < 1e-6


def test_two_equal_runs_give_equal_files(tmp_path: Path, identity: Identity) -> None:
    for name in ("a.h5", "b.h5"):
        write(tmp_path / name, identity, ("cat", "dog"))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize(
    ("names", "ids", "templates", "words"),
    [
        (
            ("a", "b\0"),
            ("", ""),
            ("{}",),
            r"'class_names' holds 'b\x00', which is not UTF-8 without",
        ),
        (("a", "\ud800"), ("", ""), ("{}",), r"'class_names' holds '\ud800', which is not UTF-8"),
        (("a", "b"), ("n", "n"), ("{}",), "'class_ids' holds 'n' twice: ids must differ"),
        (("a", "b"), ("n", ""), ("{}",), "'class_ids' holds an empty one among others"),
        (("a", "b"), ("", ""), ("{}", "{}"), "'templates' holds '{}' twice"),
        (("a", "b"), ("", ""), ("photo",), "template 'photo' contains no {}"),
        ((), (), ("{}",), "'embeddings' has shape (1, 0, 8), expected 3 axes"),
    ],
)
def test_a_vocabulary_that_breaks_a_rule_is_never_written(
    tmp_path: Path,
    identity: Identity,
    names: tuple[str, ...],
    ids: tuple[str, ...],
    templates: tuple[str, ...],
    words: str,
) -> None:
    with pytest.raises(RuleError) as refused:
        write(tmp_path / "a.h5", identity, names, ids, templates)
    assert words in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_vectors_that_break_a_rule_leave_the_earlier_file(
    text_file: Path, identity: Identity
) -> None:
    earlier = text_file.read_bytes()
    with pytest.raises(RuleError, match=r"row 1 of 'embeddings' has norm 0.0000; .*rule F5"):
        write_texts(
            text_file,
            np.eye(2, 4, dtype=np.float32)[None] * [[[1], [0]]],
            np.ones((1, 2), np.float32),
            vocabulary=Vocabulary(("a", "b"), ("", ""), ("{}",)),
            identity=identity,
        )
    assert text_file.read_bytes() == earlier
    assert list(text_file.parent.iterdir()) == [text_file]


@pytest.fixture
def long_list(tmp_path: Path, identity: Identity) -> Path:
    """Write 20 words under two templates, float16."""
    write_texts(
        tmp_path / "words.h5",
        unit_rows(2, 20, 8),
        np.ones((2, 20), np.float32),
        vocabulary=Vocabulary(tuple(f"word {at}" for at in range(20)), ("",) * 20, ("{}", "a {}")),
        identity=identity,
        dtype=np.float16,
    )
    return tmp_path / "words.h5"


@pytest.mark.parametrize("template", [0, 1])
def test_rows_come_in_blocks_and_by_place_as_the_whole_file_has_them(
    long_list: Path, template: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, rows = open_texts(long_list), open_text_rows(long_list)
    assert (rows.vocabulary, rows.identity, rows.dimension) == (whole.vocabulary, whole.identity, 8)
    blocks = list(rows.blocks(6, template=template))
    assert [(first, len(block)) for first, block in blocks] == [(0, 6), (6, 6), (12, 6), (18, 2)]
    together = np.concatenate([block for _, block in blocks])
    assert together.tobytes() == whole.embeddings[template].tobytes()
    monkeypatch.setattr(text_file, "BLOCK_ROWS", 6)
    places = np.array([19, 3, 3, 0, 12])
    taken = rows.take(places, template=template)
    assert taken.tobytes() == whole.embeddings[template][places].tobytes()
    assert rows.take(np.array([], np.intp)).shape == (0, 8)
    stored = np.concatenate(list(rows.stored_blocks(7)))
    assert (stored.dtype, stored.shape) == (np.float16, (40, 8))
    assert stored.tobytes() == open_texts(long_list).stored.tobytes()


def test_rows_are_checked_as_they_are_read_under_their_own_numbers(long_list: Path) -> None:
    with h5py.File(long_list, "r+") as file:
        file["embeddings"][1, 7] *= 2
    rows = open_unread_rows(long_list)
    assert len(list(rows.blocks())) == 1
    with pytest.raises(RuleError, match=r"row 27 of 'embeddings' has norm 2\.0.*F5"):
        list(rows.blocks(5, template=1))
    with pytest.raises(RuleError, match="row 27"):
        rows.take(np.array([0]), template=1)


@pytest.mark.parametrize("opened", [open_texts, open_text_rows])
def test_swapped_rows_are_refused_when_texts_are_opened(
    long_list: Path, opened: Callable[[Path], object]
) -> None:
    with h5py.File(long_list, "r+") as file:
        file["embeddings"][1, [3, 7]] = file["embeddings"][1, [3, 7]][::-1]
    with pytest.raises(RuleError, match=r"changed after they were written .rule F10"):
        opened(long_list)
    assert open_vocabulary(long_list).templates == ("{}", "a {}")


def test_rows_of_a_file_that_was_replaced_are_refused(
    long_list: Path, identity: Identity, tmp_path: Path
) -> None:
    rows = open_text_rows(long_list)
    write(tmp_path / "words.h5", identity, ("cat",))
    with pytest.raises(InputError, match="was replaced while it was read: run the command again"):
        next(rows.blocks())


def test_a_file_opened_as_rows_obeys_the_rules_of_its_names(
    tmp_path: Path, identity: Identity
) -> None:
    write(tmp_path / "a.h5", identity, ("cat", "dog"), ("n1", "n2"))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["class_ids"][1] = b"n1"
    with pytest.raises(RuleError):
        open_text_rows(tmp_path / "a.h5")
