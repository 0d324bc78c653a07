"""Claims about weights of a user's own: one name in a cache, whatever file they come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from samples import SmallModel, planned, slow_except
from samples.extract.runs import load_once

from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import open_texts
from oodcache.cache.watch import Watch
from oodcache.extract.model.own_weights import known_label
from oodcache.extract.model.request import ModelRequest, resolve
from oodcache.extract.run import run


def extract(tmp_path: Path, request: ModelRequest, notes: list[str], name: str = "c") -> Path:
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    classes = f"{name}={tmp_path / 'names.txt'}"
    plan = planned(tmp_path, request, notes, classes=classes)
    return run.run(plan, Watch(notes.append))[0]


@pytest.fixture
def request_(small_model: SmallModel, monkeypatch: pytest.MonkeyPatch) -> ModelRequest:
    load_once(monkeypatch)
    return ModelRequest("small", small_model.checkpoint, small_model.config, name="run-7")


def test_named_weights_have_their_name_and_hash_and_are_found_again(
    tmp_path: Path, request_: ModelRequest
) -> None:
    path = extract(tmp_path, request_, [])
    made = open_texts(path).identity.model
    assert made.label == f"local/run-7-{made.weights[:8]}"
    assert path == tmp_path / "embeddings" / made.label / "texts/c.h5"
    assert known_label(tmp_path / "embeddings", resolve(request_)) == made.label
    other = replace(request_, name="run-8")
    assert known_label(tmp_path / "embeddings", resolve(other)) is None


@pytest.mark.parametrize("is_copy", slow_except([False], [False, True]))
def test_weights_that_have_a_name_are_not_embedded_under_another_in_silence(
    tmp_path: Path, request_: ModelRequest, is_copy: bool
) -> None:
    label = open_texts(extract(tmp_path, request_, [])).identity.model.label
    assert request_.checkpoint is not None
    if is_copy:  # One byte more after the archive's end: another file, the same weights.
        copy = tmp_path / "copy.pt"
        copy.write_bytes(request_.checkpoint.read_bytes() + b"\0")
        request_ = replace(request_, checkpoint=copy)
    cache = tmp_path / "embeddings"
    with pytest.raises(InputError) as refused:
        extract(tmp_path, replace(request_, name="run-8"), [])
    has = f"{cache}: has these weights as {label}"
    assert str(refused.value) == f"{has}: give --name run-7, or another --cache"
    notes = list[str]()
    path = extract(tmp_path, replace(request_, name=None), notes)
    unnamed = open_texts(path).identity.model.label
    again = f"embedding them again as {unnamed}: --name run-7 continues there"
    assert f"{has} already; {again}" in notes
    assert unnamed == label.replace("run-7", "small")
    # Both names are there now.
    assert extract(tmp_path, replace(request_, name=None), notes, "d").parent == path.parent
    assert extract(tmp_path, request_, [], "d").parent == cache / label / "texts"
