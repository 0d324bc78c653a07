"""Claims about what a `--model` means, before torch is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.model.request import ModelRequest, Resolved, resolve, sleep_while_waiting


def resolved(requested: str, **given: Path) -> Resolved:
    return resolve(ModelRequest(requested, **given))  # type: ignore[arg-type]


def test_a_short_name_is_an_architecture_and_a_tag() -> None:
    found = resolved("siglip2")
    assert (found.architecture, found.tag) == ("ViT-B-16-SigLIP2", "webli")
    assert found.label == "ViT-B-16-SigLIP2/webli"
    assert not found.is_local


def test_a_name_and_tag_are_written_in_any_of_open_clips_ways() -> None:
    assert resolved("ViT-B/32/laion2b-s34b-b79k").label == "ViT-B-32/laion2b_s34b_b79k"
    assert resolved("ViT-B-32/laion2b_s34b_b79k").label == "ViT-B-32/laion2b_s34b_b79k"


def test_the_small_models_come_with_the_package() -> None:
    for name in ("tiny-clip", "tiny-sigmoid", "tiny-clip/demo"):
        found = resolved(name)
        assert found.label == f"{name.removesuffix('/demo')}/demo"
        assert found.weights_file is not None and found.weights_file.is_file()


def test_a_hub_repository_gets_one_folder() -> None:
    assert resolved("hf-hub:org/some-model").label == "hf-hub/org--some-model"


def test_weights_of_ones_own_are_local(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"x")
    found = resolved("ViT-B-32", checkpoint=tmp_path / "w.pt")
    assert found.label == "local/ViT-B-32"
    assert found.is_local


def test_weights_of_ones_own_may_have_a_name(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"x")
    assert resolved("ViT-B-32", checkpoint=tmp_path / "w.pt", name="run-7").label == "local/run-7"
    for given, words in (
        ({"name": "a b"}, "model name 'a b' is not a valid file name"),
        ({"name": "siglip2"}, "model name 'siglip2' stands for ViT-B-16-SigLIP2/webli"),
    ):
        with pytest.raises(InputError, match=words):
            resolved("ViT-B-32", checkpoint=tmp_path / "w.pt", **given)
    with pytest.raises(InputError, match=r"'run-7': tiny-clip has a name; only weights of"):
        resolved("tiny-clip", name="run-7")


def test_a_local_folder_wants_a_configuration_and_weights(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    with pytest.raises(InputError, match="no such folder"):
        resolved(f"local-dir:{folder}")
    folder.mkdir()
    command = f"network access run  hf download REPO {{}} --local-dir {folder}"
    with pytest.raises(InputError, match="neither open_clip_config.json .* nor config.json"):
        resolved(f"local-dir:{folder}")
    (folder / "open_clip_config.json").write_text(json.dumps({}))
    with pytest.raises(InputError, match="contains no weights") as refused:
        resolved(f"local-dir:{folder}")
    assert command.format("open_clip_model.safetensors") in str(refused.value)
    (folder / "open_clip_model.safetensors").write_bytes(b"")
    assert resolved(f"local-dir:{folder}").label == "local/mine"


def write_open_clip(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text("{}")
    (folder / "open_clip_model.safetensors").write_bytes(b"")
    return folder


def write_transformers(folder: Path, kind: str = "siglip") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def test_a_plain_folder_is_read_by_what_it_contains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_transformers(Path("models/mine"))
    for typed in ("models/mine", "./models/mine", str(tmp_path / "models" / "mine")):
        found = resolved(typed)
        assert found.architecture == f"transformers:{Path(typed)}"
        assert found.request.requested == found.architecture
        assert found.label == "local/mine"
        assert found.places == {"folder": str(tmp_path / "models" / "mine")}
        assert [one.name for one in found.local_files] == ["config.json", "model.safetensors"]
    write_open_clip(Path("models/mine"))  # Both: open_clip's is first.
    assert resolved("models/mine").architecture == "local-dir:models/mine"
    assert resolved("models/mine").request.requested == "local-dir:models/mine"
    assert resolved("transformers:models/mine").architecture == "transformers:models/mine"


def test_a_folder_of_transformers_may_have_a_name(tmp_path: Path) -> None:
    write_transformers(tmp_path / "mine")
    for typed in (str(tmp_path / "mine"), f"transformers:{tmp_path / 'mine'}"):
        found = resolve(ModelRequest(typed, name="run-7"))
        assert (found.label, found.request.is_own) == ("local/run-7", True)


def test_short_names_and_open_clips_names_come_before_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("siglip2", "ViT-B-32/openai"):
        write_transformers(Path(name))
    assert resolved("siglip2").label == "ViT-B-16-SigLIP2/webli"
    assert resolved("ViT-B-32/openai").label == "ViT-B-32/openai"
    assert resolved("./ViT-B-32/openai").label == "local/openai"


def test_a_repository_of_transformers_gets_one_folder() -> None:
    found = resolved("transformers:google/siglip-base-patch16-224")
    assert found.architecture == "transformers:google/siglip-base-patch16-224"
    assert found.label == "transformers/google--siglip-base-patch16-224"
    assert not found.is_local and found.local_files == () and found.places == {}


def test_a_folder_under_the_prefix_of_the_other_layout_says_which_to_type(tmp_path: Path) -> None:
    ours, theirs = write_open_clip(tmp_path / "a"), write_transformers(tmp_path / "b")
    with pytest.raises(InputError, match=f"use --model transformers:{theirs}"):
        resolved(f"local-dir:{theirs}")
    write_transformers(tmp_path / "c", kind="bert")  # What would be refused is not named.
    with pytest.raises(InputError, match="'bert' encodes texts only"):
        resolved(f"local-dir:{tmp_path / 'c'}")
    with pytest.raises(InputError, match=f"contains no config.json .*--model local-dir:{ours}"):
        resolved(f"transformers:{ours}")


def test_a_name_without_weights_says_how_to_give_some() -> None:
    with pytest.raises(InputError, match=r"names no weights; .*ViT-B-32/TAG, or .*--checkpoint"):
        resolved("ViT-B-32")


def test_a_name_that_is_nearly_a_short_one_suggests_it() -> None:
    with pytest.raises(InputError, match="did you mean siglip2?"):
        resolved("siglip-2")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "names no model; for example: --model siglip2"),
        ("/", "names no model"),
        (" ", "names no model"),
        ("foo:bar/baz", "unknown prefix 'foo:'; give NAME/TAG of open_clip, hf-hub:REPO, "),
        ("foo:bar", "local-dir:FOLDER, transformers:REPO, transformers:FOLDER or timm:NAME"),
        ("transformers:", "names no folder; for the current one: transformers:."),
        ("transformers:a/b/c", "no repository of the hub and no folder; expected transfo"),
        ("./none", "none: no such folder; --model ./none needs a model's folder"),
        ("/none/there", "/none/there: no such folder"),
        ("ViT-B/32", "--model ViT-B/32: names no weights; give ViT-B-32/TAG, or ViT-B-32 with"),
        ("siglip-large", "names no weights; give NAME/TAG of open_clip"),
        ("ViT-B-32:openai", "unknown prefix 'ViT-B-32:'"),
        ("https://huggingface.co/timm/x", "unknown prefix 'https:'"),
        ("local-dir:", "names no folder; for the current one: local-dir:."),
        ("hf-hub:", "is no repository of the hub; expected hf-hub:OWNER/NAME"),
        ("hf-hub:a b", "is no repository of the hub"),
        ("hf-hub:../..", "is no repository of the hub"),
        ("hf-hub:a/b/c", "is no repository of the hub"),
        ("hf-hub:a--b", "is no repository of the hub"),
        ("timm:", "names no model; for example: timm:vit_small_patch14_dinov2.lvd142m"),
        ("timm:a/b/c", "is no repository of the hub: timm:OWNER/NAME"),
        ("ViT-B-32/", "names no weights"),
        ("/openai", "/openai: no such folder; --model /openai needs a model's folder"),
    ],
)
def test_a_name_that_can_be_none_is_refused(name: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        resolved(name)
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["siglip3", "siglip-large", "clip-b32", "vit_of_none"])
def test_no_other_model_is_offered_for_a_name(name: str) -> None:
    with pytest.raises(InputError) as refused:
        resolved(name)
    assert "did you mean" not in str(refused.value)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match="is a file; --model takes a model's folder, or the name"):
        resolved(str(tmp_path / "w.safetensors"))


def test_a_model_of_timm_is_its_name_and_tag_or_a_repository(tmp_path: Path) -> None:
    dino = resolved("timm:vit_small_patch14_dinov2.lvd142m")
    assert dino.label == "timm/vit_small_patch14_dinov2.lvd142m"
    for typed in ("timm:org/model", "timm:hf-hub:org/model"):
        assert resolved(typed).label == "timm/org--model"
        assert resolved(typed).architecture == "timm:hf-hub:org/model"
    (tmp_path / "w.pt").write_bytes(b"x")
    own = resolved("timm:test_vit", checkpoint=tmp_path / "w.pt")
    assert (own.label, own.weights_file) == ("local/test_vit", tmp_path / "w.pt")


def test_a_model_of_timm_without_a_tag_has_timms_default_one() -> None:
    assert resolved("timm:vit_small_patch14_dinov2").label == (
        "timm/vit_small_patch14_dinov2.lvd142m"
    )


def test_a_model_of_timm_takes_no_configuration_of_open_clip(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("{}")
    with pytest.raises(InputError, match="is open_clip's; omit it with timm:"):
        resolved("timm:test_vit", config=tmp_path / "c.json")


def test_an_unknown_prefix_is_refused_with_a_checkpoint_too(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"x")
    with pytest.raises(InputError, match="unknown prefix 'foo:'"):
        resolved("foo:bar", checkpoint=tmp_path / "w.pt")


def test_missing_files_are_named_with_their_option(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--checkpoint .*none\.pt: no such file"):
        resolved("x", checkpoint=tmp_path / "none.pt")
    with pytest.raises(InputError, match=r"--model-config .*none\.json: no such file"):
        resolved("x/y", config=tmp_path / "none.json")


def test_a_model_that_brings_its_weights_takes_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"x")
    for name in ("hf-hub:org/model", "transformers:org/model"):
        with pytest.raises(InputError, match="omit --checkpoint"):
            resolved(name, checkpoint=tmp_path / "w.pt")
    with pytest.raises(InputError, match="omit --model-config"):
        resolved("transformers:org/model", config=tmp_path / "w.pt")


def test_a_local_model_is_known_by_every_file_that_decides_it(tmp_path: Path) -> None:
    for name in ("w.pt", "c.json"):
        (tmp_path / name).write_text(name)
    given = {"checkpoint": tmp_path / "w.pt", "config": tmp_path / "c.json"}
    first = resolved("c", **given).checkpoint
    assert first == resolved("c", **given).checkpoint
    (tmp_path / "c.json").write_text("changed")
    assert first not in (resolved("c", **given).checkpoint, None)

    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("open_clip_config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_text(name)
    found = {resolved(f"local-dir:{folder}").checkpoint}
    for path in sorted(folder.iterdir()):
        path.write_text("changed")
        found.add(resolved(f"local-dir:{folder}").checkpoint)
    assert len(found) == 4
    assert resolved("siglip2").checkpoint is None


def test_requests_and_plans_import_no_torch() -> None:
    code = "import sys, oodcache.extract.run.run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_the_environment_says_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    sleep_while_waiting()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_the_command_sets_it_before_anything_imports_torch() -> None:
    script = (
        "import os, sys, oodcache.cli.main, oodcache.extract.run.plan as plan\n"
        "def found(*_, **__):\n"
        "    print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])\n"
        "    sys.exit(0)\n"
        "plan.plan = found\n"
        "sys.argv = ['oodcache', 'extract', '--model', 'tiny-clip', '--classes', 'imagenet']\n"
        "oodcache.cli.main.main()\n"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, env=without(), check=False)
    assert ran.stdout == "False PASSIVE\n", ran.stderr


def without() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
