"""Claims about repositories of the hub: which layout they have, and what is said of others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError
from samples.extract.local_hub import LocalHub, local_hub, place

from oodcache.cache.errors import InputError
from oodcache.extract.model.names import repositories
from oodcache.extract.model.request import ModelRequest, resolve

CONFIGS = {"open_clip_config.json": "{}", "config.json": json.dumps({"model_type": "siglip"})}


def folder_with(path: Path, *names: str, **more: str) -> Path:
    path.mkdir(parents=True)
    for name, text in ({name: CONFIGS[name] for name in names} | more).items():
        (path / name).write_text(text)
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, empty."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    return tmp_path / "hub"


@pytest.fixture
def offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return cache


def at(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def online(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A hub with a repository of each layout, of both, and of others."""
    adapter = {"adapter_config.json": "{}"}
    folders = {
        "org/open": folder_with(tmp_path / "a", "open_clip_config.json"),
        "org/theirs": folder_with(tmp_path / "b", "config.json"),
        "org/both": folder_with(tmp_path / "c", "open_clip_config.json", "config.json"),
        "org/none": folder_with(tmp_path / "d"),
        "org/adapter": folder_with(tmp_path / "e", **adapter),
        "org/bert": folder_with(tmp_path / "f", **{"config.json": '{"model_type": "bert"}'}),
    }
    with local_hub(folders) as hub:
        at(monkeypatch, hub.endpoint)
        yield hub


def refused(repository: str) -> str:
    with pytest.raises(InputError) as caught:
        resolve(ModelRequest(repository))
    said = str(caught.value)
    assert said.startswith(f"--model {repository}: ")
    assert "\n" not in said and len(said.encode()) < 600
    return said


def test_a_repository_is_read_by_its_layout_and_asked_once(online: LocalHub) -> None:
    for name, architecture, label in (
        ("org/open", "hf-hub:org/open", "hf-hub/org--open"),
        ("org/both", "hf-hub:org/both", "hf-hub/org--both"),
        ("org/theirs", "transformers:org/theirs", "transformers/org--theirs"),
    ):
        found = resolve(ModelRequest(name))
        assert (found.architecture, found.label) == (architecture, label)
        assert found.request.requested == architecture
        online.asked.clear()
        assert resolve(ModelRequest(name)).label == label
        assert online.asked == []


def test_what_a_repository_lacks_is_said(online: LocalHub) -> None:
    assert "org/none has neither open_clip_config.json (open_clip) nor" in refused("org/none")
    assert "org/adapter is an adapter of peft" in refused("org/adapter")
    assert "config.json: model_type 'bert' encodes texts only" in refused("org/bert")
    assert "the hub has no org/gone, or it is private" in refused("org/gone")


def test_what_is_here_is_read_without_a_network(tmp_path: Path, offline: Path) -> None:
    place(offline, "org/theirs", folder_with(tmp_path / "b", "config.json"))
    place(offline, "org/both", folder_with(tmp_path / "c", *CONFIGS))
    assert resolve(ModelRequest("org/theirs")).label == "transformers/org--theirs"
    assert resolve(ModelRequest("org/both")).label == "hf-hub/org--both"


def test_what_is_not_here_is_said_with_what_to_fetch_and_where_to_put_it(offline: Path) -> None:
    assert refused("org/model") == (
        "--model org/model: is no folder, is not in the hub's cache on this machine, and "
        "HF_HUB_OFFLINE is set; on a machine with network access run  hf download org/model  and "
        f"copy models--org--model from its ~/.cache/huggingface/hub into {offline}; or add  "
        "--local-dir DIR  there, copy DIR, and use  --model DIR"
    )


@pytest.mark.parametrize(
    ("repository", "words"),
    [
        ("google/siglip2-base-patch16-224", "the same weights as --model ViT-B-16-SigLIP2/webli; "),
        ("facebook/dinov2-small", "DINO encodes images only, which timm:NAME takes; for another"),
    ],
)
def test_what_may_be_here_in_its_place_is_named(offline: Path, repository: str, words: str) -> None:
    assert words in refused(repository)


@pytest.mark.slow
def test_a_checkpoint_is_looked_for_without_the_libraries_that_load_it(offline: Path) -> None:
    code = (
        "import sys; from oodcache.cache.errors import InputError\n"
        "from oodcache.extract.model.names import repositories\n"
        "try:\n    repositories.check_here('org/model', 'transformers:org/model')\n"
        "except InputError as error:\n    print(error)\n"
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(offline)}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    said, loaded = ran.stdout.splitlines()
    assert said.startswith("--model transformers:org/model: is no folder, is not in the hub's cach")
    assert said.endswith("or add  --local-dir DIR  there, copy DIR, and use  --model DIR")
    assert loaded == "[]"


def test_a_checkpoint_of_another_kind_is_refused_before_its_weights(
    tmp_path: Path, offline: Path
) -> None:
    bert = folder_with(tmp_path / "f", **{"config.json": '{"model_type": "bert"}'})
    place(offline, "org/bert", bert)
    with pytest.raises(InputError, match="transformers:org/bert: config.json: model_type 'bert'"):
        repositories.check_here("org/bert", "transformers:org/bert")


def test_a_hub_that_cannot_be_reached_is_said_at_once(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "http://127.0.0.1:9")
    began = time.monotonic()
    assert "this machine, and http://127.0.0.1:9 cannot be reached; on a" in refused("org/model")
    place(cache, "org/theirs", folder_with(tmp_path / "b", "config.json"))
    assert resolve(ModelRequest("org/theirs")).label == "transformers/org--theirs"
    with pytest.raises(LocalEntryNotFoundError):
        repositories.fetch("org/model", "x.json")
    assert time.monotonic() - began < 20  # Several tries take longer.


def test_a_gated_repository_says_where_its_terms_are(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, "https://hub")
    answer = httpx2.Response(403, request=httpx2.Request("HEAD", "https://hub/org/model"))
    error = GatedRepoError("gated", response=answer)
    assert repositories.refused("org/model", error) == (
        "org/model is gated: accept its terms at https://hub/org/model, then run  hf auth login  "
        "(or set HF_TOKEN)"
    )
