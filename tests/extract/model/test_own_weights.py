"""Claims about weights of a user's own: one name in a cache, whatever file they come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples import SmallModel, local_folder, planned, slow_except
from samples.extract.runs import load_once

from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import open_texts
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.watch import Watch
from oodcache.extract.model import own_weights
from oodcache.extract.model.own_weights import is_of, known_label, named_as_before
from oodcache.extract.model.request import ModelRequest, resolve
from oodcache.extract.run import run
from oodcache.extract.run.plan import Plan


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


@pytest.mark.slow
def test_other_preprocessing_may_have_another_name(
    tmp_path: Path, request_: ModelRequest, photos: Path
) -> None:
    """Under the first name it would be refused."""
    plan = planned(tmp_path, request_, [], sources=[f"c={photos}"])
    (first,) = run.run(plan, Watch([].append))
    other = replace(request_, name="run-8", exif=True)
    again = planned(tmp_path, other, [], sources=[f"c={photos}"])
    (second,) = run.run(again, Watch([].append))
    assert (first.parts[-3][:5], second.parts[-3][:5]) == ("run-7", "run-8")


def test_a_name_that_cannot_be_typed_is_not_proposed(tmp_path: Path) -> None:
    """A folder may be called like a short name, which `--name` refuses."""
    label = ("local", "clip-00000000")
    model = ModelIdentity(*label, "transformers:my models/clip", {}, "0" * 64, "1", None, None)
    assert own_weights._continuing(model) == "--model 'transformers:my models/clip' without --name"


def test_a_name_of_dashes_is_not_proposed() -> None:
    """An older version gave it to a folder in another script."""
    model = replace(made("transformers:模型", "1"), pretrained="---00000000")
    assert own_weights._continuing(model) == "--model 'transformers:模型' without --name"


def test_a_folder_in_another_script_keeps_the_dashes_that_it_is_cached_as(
    tmp_path: Path, small_model: SmallModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_once(monkeypatch)
    folder = local_folder(tmp_path / "数据", small_model, {"interpolation": "bilinear"})
    request = ModelRequest(str(folder))
    found = resolve(request)
    assert found.label == "local/model"
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    plan = planned(tmp_path, request, [], classes=f"c={tmp_path / 'names.txt'}")
    older = replace(plan, resolved=replace(found, label="local/--"))
    (path,) = run.run(older, Watch([].append))
    assert path.parts[-3].startswith("---")
    notes = list[str]()
    assert run.run(plan, Watch(notes.append)) == [path] and f"kept {path}" in notes
    assert extract(tmp_path, request, [], "d").parent == path.parent
    (folder / "README.md").touch()  # Other files.
    assert named_as_before(plan.cache, resolve(request)).label == "local/model"
    named = replace(found, request=replace(request, name="model"))
    assert named_as_before(plan.cache, named) == named


def made(requested: str, checkpoint: str | None) -> ModelIdentity:
    return ModelIdentity("local", "x-00000000", requested, {}, "0" * 64, checkpoint, None, None)


def test_a_folder_in_both_layouts_is_two_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        **{"open_clip_config.json": "{}", "config.json": '{"model_type": "clip"}'},
        **{"open_clip_model.safetensors": "", "model.safetensors": ""},
    }.items():
        Path("m").mkdir(exist_ok=True)
        Path("m", name).write_text(text)
    ours, theirs = resolve(ModelRequest("m")), resolve(ModelRequest("transformers:m"))
    assert ours.checkpoint == theirs.checkpoint
    for prefix, of in (("local-dir:", ours), ("transformers:", theirs)):
        # Wherever the folder was then.
        models = [made(f"{prefix}{place}", of.checkpoint) for place in ("m", "/moved/m", "moved/m")]
        assert [is_of(one, of) for one in models] == [True] * 3
        assert [is_of(one, theirs if of is ours else ours) for one in models] == [False] * 3
    assert not is_of(made("local-dir:m", "1" * 64), ours)


def test_a_checkpoint_in_another_architecture_is_another_model(tmp_path: Path) -> None:
    file = tmp_path / "w.pt"
    file.write_bytes(b"x")
    for typed, also in (("ViT-B-32", "ViT-B-32"), ("siglip", "ViT-B-16-SigLIP/webli")):
        found = resolve(ModelRequest(typed, file, name="mine"))
        assert is_of(made(also, found.checkpoint), found)
        assert not is_of(made("ViT-B-32-quickgelu", found.checkpoint), found)


def test_files_of_another_architecture_are_not_kept_as_these(
    tmp_path: Path, request_: ModelRequest
) -> None:
    path = extract(tmp_path, request_, [])
    assert extract(tmp_path, request_, []) == path

    def start(planned: Plan, watch: Watch) -> Any:
        raise InputError("it is loaded")

    other = replace(request_, requested="another")
    plan = planned(tmp_path, other, [], classes=f"c={tmp_path / 'names.txt'}")
    with pytest.raises(InputError, match="it is loaded"):
        run.run(plan, Watch([].append), start)
