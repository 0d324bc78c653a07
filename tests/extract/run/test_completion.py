"""Claims about what is missing of a file: made once, merged by whoever sees that all is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import pytest
from samples.extract.runs import (
    StoppedError,
    extract,
    files,
    half,
    load_once,
    once,
    stop,
    stopping,
)

from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import open_texts, write_texts
from oodcache.cache.format.place import shard_folder
from oodcache.cache.store.verification import verify
from oodcache.cache.watch import Hint
from oodcache.extract.model.encoder import Encoder


@pytest.fixture
def sources(photos: Path) -> list[str]:
    return [f"c={photos}"]


def test_an_empty_share_is_said_and_is_no_error(tmp_path: Path, sources: list[str]) -> None:
    notes: list[str] = []
    (path,) = extract(tmp_path, notes, sources=sources, part=5, parts=5)
    assert "c: nothing to do for --shard 5/5: only 3 shards" in notes
    assert not path.exists()


def test_the_process_that_writes_the_last_shard_merges(tmp_path: Path, sources: list[str]) -> None:
    notes: list[str] = []
    (path,) = extract(tmp_path, notes, sources=sources, part=1, parts=2)
    assert "c: 2 of 3 shards are done; the process that writes the last one merges them" in notes
    assert not path.exists()
    extract(tmp_path, notes, sources=sources, part=2, parts=2)
    assert notes[-1].startswith(f"wrote {path}: 12 images in 2 class folders")


def test_a_shard_whose_vectors_rotted_is_named_and_not_merged(
    tmp_path: Path, sources: list[str]
) -> None:
    path = half(tmp_path, sources)
    first = min(shard_folder(path).iterdir())
    with h5py.File(first, "r+") as file:
        file["embeddings"][0] *= -1
    with pytest.raises(InputError) as refused:
        extract(tmp_path, sources=sources)
    assert str(refused.value).startswith(str(first))
    assert "remove it and run the same command again" in str(refused.value)
    first.unlink()
    extract(tmp_path, sources=sources)
    verify(path)


@pytest.mark.slow
def test_another_run_that_merges_first_is_no_error(tmp_path: Path, sources: list[str]) -> None:
    whole, notes = once(tmp_path, sources=sources), list[str]()
    (path,) = (tmp_path / "embeddings" / whole.relative_to(tmp_path / "whole"),)
    # Once in the middle of a shard, whose folder goes away, and once before the last one is begun.
    for rows in (7, 10):
        extract(
            tmp_path,
            notes,
            progress=stopping(rows, lambda: path.exists() or extract(tmp_path, sources=sources)),
            sources=sources,
        )
        assert notes.pop() == f"{path}: another run finished it meanwhile"
        assert path.read_bytes() == whole.read_bytes()
        assert files(path.parent) == ["c.h5"]
        path.unlink()


ALL = ["a {}", "the {}", "my {}", "{}"]


def added(tmp_path: Path, photos: Path, templates: list[str], **given: Any) -> Path:
    """Extract the names of the class folders under some templates."""
    return extract(tmp_path, classes=f"c={photos}", templates=templates, **given)[0]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    load_once(monkeypatch)


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return all prompts that are encoded from now on."""
    encoded, tokens = list[str](), Encoder.tokens

    def recorded(model: Encoder, some: Sequence[str]) -> Any:
        encoded.extend(some)
        return tokens(model, some)

    monkeypatch.setattr(Encoder, "tokens", recorded)
    return encoded


@pytest.mark.usefixtures("model")
def test_added_templates_make_the_file_of_one_run_and_encode_nothing_twice(
    tmp_path: Path, photos: Path, prompts: list[str]
) -> None:
    notes = list[str]()
    path = added(tmp_path, photos, ["a {}"])
    # On some processors last bits depend on the size of a batch: shards of one template each.
    for some in (["the {}", "a {}"], ["my {}", "{}"]):
        added(tmp_path, photos, some, shard_rows=2, notes=notes)
    expected = [one.replace("{}", name) for one in ALL for name in ("cat", "dog")]
    assert prompts == expected
    assert "c: adding 2 templates to the 2 in the cache; an average of all is now one of 4" in notes
    assert notes[-1] == f"wrote {path}: 2 classes, 4 templates (2 new)"
    whole = once(tmp_path, classes=f"c={photos}", templates=ALL, shard_rows=2)
    assert path.read_bytes() == whole.read_bytes()
    assert files(path.parent) == ["c.h5"]


@pytest.mark.usefixtures("model")
def test_templates_that_are_cached_are_kept_without_a_model(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = added(tmp_path, photos, ALL)
    before = path.stat()
    monkeypatch.setattr(Encoder, "tokens", lambda *_: stop())
    for some in (["my {}"], ["{}", "a {}"]):
        notes = list[str]()
        added(tmp_path, photos, some, notes=notes)
        assert notes == [f"kept {path}"]
    assert path.stat() == before


@pytest.mark.usefixtures("model")
def test_a_run_that_adds_templates_is_stopped_and_resumes(tmp_path: Path, photos: Path) -> None:
    path = added(tmp_path, photos, ["a {}"])
    before = path.read_bytes()
    with pytest.raises(StoppedError):
        added(tmp_path, photos, ALL, shard_rows=3, progress=stopping(5, stop))
    assert path.read_bytes() == before
    assert [name[:14] for name in files(shard_folder(path))] == ["00001-of-00003"]
    notes = list[str]()
    added(tmp_path, photos, ALL, shard_rows=3, notes=notes)
    assert "c: resuming: 1 of 3 shards are done" in notes
    assert open_texts(path).vocabulary.templates == tuple(ALL)
    verify(path)


@pytest.mark.usefixtures("model")
def test_two_runs_that_add_at_once_lose_no_template(tmp_path: Path, photos: Path) -> None:
    path = added(tmp_path, photos, ["a {}"])

    def other() -> None:
        if len(open_texts(path).vocabulary.templates) == 1:
            added(tmp_path, photos, ["the {}"], shard_rows=100)

    with pytest.raises(InputError, match="run the same command again: it adds them to what is"):
        added(tmp_path, photos, ["my {}"], shard_rows=100, progress=stopping(4, other))
    added(tmp_path, photos, ["my {}"], shard_rows=100)
    assert open_texts(path).vocabulary.templates == ("a {}", "the {}", "my {}")
    assert files(path.parent) == ["c.h5"]


@pytest.mark.usefixtures("model")
def test_the_file_names_the_libraries_that_its_older_templates_are_from(
    tmp_path: Path, photos: Path
) -> None:
    path = added(tmp_path, photos, ["a {}"])
    old = open_texts(path)
    versions = {**old.identity.versions, "torch": "1.0"}
    write_texts(
        *(path, old.stored, old.norm),
        vocabulary=old.vocabulary,
        identity=replace(old.identity, versions=versions),
    )
    added(tmp_path, photos, ["the {}"])
    now = open_texts(path).identity.versions["torch"]
    assert now == f"1.0 + {old.identity.versions['torch']}"


@pytest.mark.slow
@pytest.mark.usefixtures("model")
def test_templates_that_overwriting_loses_are_a_warning(tmp_path: Path, photos: Path) -> None:
    added(tmp_path, photos, ["a {}", "the {}"])
    notes = list[str]()
    added(tmp_path, photos, ["a {}"], overwrite=True, notes=notes)
    (lost,) = [note for note in notes if "--overwrite" in note]
    assert not isinstance(lost, Hint)
    assert lost == (
        "c: --overwrite replaces the 2 templates in the cache by 1, without 'the {}'; leave "
        "--overwrite out to keep them and add others"
    )
