"""Claims about a typed `--model`: its folder, its architecture, its mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.model.names import slips, typed


def test_a_folder_is_known_by_its_prefix_its_path_or_by_being_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("org/name").mkdir(parents=True)
    for name, folder in (
        ("local-dir:none", "none"),
        ("transformers:./none", "none"),
        ("transformers:/none", "/none"),
        ("transformers:~/org", f"{tmp_path}/org"),
        ("local-dir:~/none", f"{tmp_path}/none"),
        ("org/name", "org/name"),
        ("transformers:org/name", "org/name"),
        ("..", ".."),
    ):
        assert typed.folder_of(name) == Path(folder), name
    Path("org/w.safetensors").write_bytes(b"")
    assert typed.folder_of("org/w.safetensors") == Path("org/w.safetensors")  # To be refused.
    for name in ("siglip2", "org/other", "transformers:org/other", "hf-hub:org/name", "hf-hub:.."):
        assert typed.folder_of(name) is None, name


def test_a_recorded_name_is_a_folder_only_with_its_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ViT-B-32").mkdir()  # An architecture, of a checkpoint.
    assert typed.recorded_folder("ViT-B-32") is None
    assert typed.recorded_folder("transformers:ViT-B-32") == Path("ViT-B-32")
    assert typed.recorded_folder("local-dir:none") == Path("none")
    assert typed.recorded_folder("transformers:org/name") is None


def test_names_of_open_clip_are_known_in_each_of_its_spellings() -> None:
    for name in ("siglip2", "ViT-B-32/openai", "ViT-B/32/openai", "ViT-B-32/none", "tiny-clip"):
        assert typed.is_known(name)
    for name in ("ViT-B-32", "ViT-B-32/", "openai/clip-vit-base-patch32", "VIT-B-32/openai"):
        assert not typed.is_known(name)


@pytest.mark.parametrize("name", ["x" * 5000, "x/" * 2000 + "x", "transformers:" + "x" * 5000])
def test_a_name_that_is_too_long_for_a_path_is_no_folder(name: str) -> None:
    assert typed.folder_of(name) is None
    with pytest.raises(InputError):
        typed.check(name)
        slips.check_repository(name)
