"""Claims about what the hub cannot give: one line with the files, their repository, their place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import open_clip
import pytest
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError
from samples import SIGLIP_LIKE, SmallModel, load, local_folder, write_image
from samples.extract.local_hub import local_hub, place
from samples.extract.siglip_models import KINDS, small_config, write_repository

from oodcache.cache.errors import InputError
from oodcache.extract.model import hub

WORDS = "tokenizer.json tokenizer_config.json special_tokens_map.json"
WEIGHTS = "open_clip_model.safetensors open_clip_config.json"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, empty, on a machine that says it is offline."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def refused(requested: str, notes: list[str] | None = None) -> str:
    with pytest.raises(InputError) as caught:
        load(requested, notes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("requested", "repository", "files"),
    [
        ("siglip", "timm/ViT-B-16-SigLIP", f"{WEIGHTS} {WORDS}"),
        ("siglip2", "timm/ViT-B-16-SigLIP2", f"{WEIGHTS} {WORDS}"),
        ("clip", "timm/vit_base_patch16_clip_224.laion400m_e31", WEIGHTS),
        ("clip-datacomp", "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K", WEIGHTS),
        ("clip-openai", "timm/vit_base_patch16_clip_224.openai", WEIGHTS),
        (
            "ViTamin-S/datacomp1b",
            "jienengchen/ViTamin-S",
            "pytorch_model.safetensors open_clip_config.json",
        ),
    ],
)
def test_missing_weights_are_named_with_the_command_and_the_place(
    cache: Path, requested: str, repository: str, files: str
) -> None:
    notes: list[str] = []
    said = refused(requested, notes)
    first = files.split()[0]
    either = (
        f"{first} or {'pytorch_model.bin' if first[0] == 'p' else 'open_clip_pytorch_model.bin'}"
    )
    assert said.startswith(
        f"--model {requested}: {either} of {repository}: not on this machine, and HF_HUB_OFFLINE "
        "is set; on a machine with network access run  "
    )
    folder = "models--" + repository.replace("/", "--")
    assert f"run  hf download {repository} {files}  and copy {folder} from its " in said
    assert said.endswith(
        f"~/.cache/huggingface/hub into {cache}; or add  --local-dir DIR  there, copy DIR, and "
        "use  --model local-dir:DIR"
    )
    assert not any("asking" in note for note in notes)  # Nobody is asked.


def test_a_text_tower_of_another_repository_is_named_too_and_is_no_local_folders(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "LONGEST_LINE", 2000)  # The whole wording.
    said = refused("roberta-ViT-B-32/laion2b_s12b_b32k")
    repository = "laion/CLIP-ViT-B-32-roberta-base-laion2B-s12B-b32k"
    assert f"hf download {repository} {WEIGHTS}  and  " in said
    assert f"and  hf download roberta-base config.json {WORDS}  and copy models--laion" in said
    assert "and models--roberta-base from" in said
    assert "local-dir" not in said


LONG = ("ViT-bigG-14-worldwide-378/metaclip2_worldwide", "ViT-SO400M-16-SigLIP-i18n-256/webli")


@pytest.mark.parametrize("requested", LONG)
def test_long_names_leave_the_commands_whole(cache: Path, requested: str) -> None:
    said = refused(requested)
    assert len(said.encode()) <= 580 + max(0, len(str(cache)) - 40)
    assert said.count("hf download ") == 2
    assert said.endswith(f"and copy models--… from its ~/.cache/huggingface/hub into {cache}")


@pytest.fixture
def tagged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give open_clip a small SigLIP with a tag whose weights and tokenizer are org/small's."""
    config = small_config("ViT-B-16-SigLIP")
    config["text_cfg"]["hf_tokenizer_name"] = "org/small"
    path = tmp_path / "small-words.json"
    path.write_text(json.dumps(config))
    open_clip.add_model_config(path)
    tag = {"tag": {"hf_hub": "org/small/", **SIGLIP_LIKE}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "small-words", tag)
    return write_repository(tmp_path / "small", "ViT-B-16-SigLIP", config=config)


def test_a_missing_tokenizer_is_named_where_the_weights_are_there(
    cache: Path, tagged: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    shutil.copy(tagged / "open_clip_model.safetensors", weights)
    place(cache, "org/small", weights)
    said = refused("small-words/tag")
    assert said.startswith("--model small-words/tag: tokenizer.json of org/small: not on this ")
    assert f"hf download org/small {WEIGHTS} {WORDS}  and copy models--org--small from " in said
    shutil.rmtree(cache)
    place(cache, "org/small", tagged)
    assert load("small-words/tag").tokens(["a photo of a cat"]).shape == (1, 64)


def test_a_hub_repositorys_missing_files_are_named(
    cache: Path, small_sigmoid: SmallModel, tmp_path: Path
) -> None:
    said = refused("hf-hub:org/none")
    assert said.startswith("--model hf-hub:org/none: open_clip_config.json of org/none: not on ")
    files = f"open_clip_config.json open_clip_model.safetensors {WORDS}"
    assert f"hf download org/none {files}  and copy models--org--none from its" in said
    folder = local_folder(tmp_path / "m", small_sigmoid, SIGLIP_LIKE)
    (folder / "model.safetensors").unlink()
    place(cache, "org/model", folder)
    assert "open_clip_model.safetensors or open_clip_pytorch_model.bin of org/model" in refused(
        "hf-hub:org/model"
    )


@pytest.mark.parametrize("name", KINDS)
def test_a_hub_repository_that_was_copied_here_is_the_folder_itself(
    cache: Path, tmp_path: Path, name: str
) -> None:
    config = small_config(name)
    config["text_cfg"]["hf_tokenizer_name"] = "org/model"
    folder = write_repository(tmp_path / "m", name, config=config)
    place(cache, "org/model", folder)
    ours, local = load("hf-hub:org/model"), load(f"local-dir:{folder}")
    assert ours.signature.tokenizing == local.signature.tokenizing
    assert ours.signature.preprocessing == local.signature.preprocessing
    assert ours.signature.identity.weights == local.signature.identity.weights
    tokens = ours.tokens(["a photo of a cat"])
    assert tokens.tolist() == local.tokens(["a photo of a cat"]).tolist()
    np.testing.assert_array_equal(ours.prompts(tokens).vectors, local.prompts(tokens).vectors)


def test_a_repository_in_the_other_layout_says_what_to_type(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused("hf-hub:google/siglip-base-patch16-224") == (
        "--model hf-hub:google/siglip-base-patch16-224: is in transformers' layout: use --model "
        "transformers:google/siglip-base-patch16-224, or the same weights of open_clip: --model "
        "ViT-B-16-SigLIP/webli"
    )

    def fetch(repository: str, file: str) -> Path:
        raise EntryNotFoundError(file)

    monkeypatch.setattr(hub.repositories, "fetch", fetch)
    assert refused("hf-hub:org/model") == (
        "--model hf-hub:org/model: org/model has no open_clip_config.json; for transformers: "
        "--model transformers:org/model"
    )


def test_a_gated_repository_is_said_with_where_to_ask(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(repository: str, file: str) -> Path:
        request = httpx2.Request("HEAD", f"https://hub/{repository}")
        raise GatedRepoError("gated", response=httpx2.Response(403, request=request))

    monkeypatch.setattr(hub.repositories, "fetch", fetch)
    for requested, repository in (
        ("hf-hub:org/model", "org/model"),
        ("siglip2", "timm/ViT-B-16-SigLIP2"),
    ):
        said = refused(requested)
        assert said.startswith(f"--model {requested}: {repository} is gated: accept its terms at ")
        assert said.endswith("then run  hf auth login  (or set HF_TOKEN)")


def extracting(folder: Path, requested: str, endpoint: str) -> subprocess.Popen[str]:
    """Start the command in a process of its own, whose hub is at `endpoint`."""
    write_image(folder / "images" / "a.png", 0)
    online = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "oodcache", "extract", "--model", requested),
            *("i=images", "--workers", "0"),
        ],
        cwd=folder,
        env={**online, "HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said_at_last(run: subprocess.Popen[str]) -> str:
    """Return the last line of a run that was refused."""
    _, errors = run.communicate()
    assert run.returncode == 1
    return errors.splitlines()[-1]


@pytest.fixture(scope="module")
def unreached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A run whose hub does not answer."""
    run = extracting(tmp_path_factory.mktemp("unreached"), "siglip2", "http://127.0.0.1:9")
    yield run
    run.kill()


@pytest.mark.slow
def test_what_the_hub_has_is_fetched_and_what_it_has_not_is_said(
    tmp_path: Path, unreached: subprocess.Popen[str]
) -> None:
    config = small_config("ViT-B-16-SigLIP")
    folder = write_repository(tmp_path / "m", "ViT-B-16-SigLIP", config=config)
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(folder / "open_clip_config.json", bare)
    with local_hub({"org/model": folder, "org/bare": bare}) as hub:
        made = extracting(tmp_path, "hf-hub:org/model", hub.endpoint)
        _, errors = made.communicate()
        assert made.returncode == 0, errors
        assert "org/model/open_clip_model.safetensors" in hub.asked
        without = said_at_last(extracting(tmp_path, "hf-hub:org/bare", hub.endpoint))
        none = said_at_last(extracting(tmp_path, "hf-hub:org/none", hub.endpoint))
    assert "bin of org/bare: the repository has no such file; " in without
    assert none == (
        "oodcache: --model hf-hub:org/none: the hub has no org/none, or it is private (run  hf "
        "auth login  first); is the name correct?"
    )


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached_is_the_same_line(unreached: subprocess.Popen[str]) -> None:
    _, errors = unreached.communicate()
    last = errors.splitlines()[-1]
    asking = "siglip2: fetching open_clip_model.safetensors of timm/ViT-B-16-SigLIP2 …"
    assert unreached.returncode == 1
    assert asking in errors.splitlines()
    assert "not on this machine, and http://127.0.0.1:9 cannot be reached; on a machine" in last
    assert f"hf download timm/ViT-B-16-SigLIP2 {WEIGHTS}  and copy models--timm--ViT" in last
    assert "home/hub; or add  --local-dir DIR  there" in last
    assert "open_clip_pytorch_model.bin" not in errors.replace(last, "")  # Tried in vain once.
