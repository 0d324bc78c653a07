"""Claims about the files of a checkpoint's tokenizer: what is missing or unfit is one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from samples.extract.transformers_folders import write_gemma_tokenizer, write_siglip_tokenizer

from oodcache.cache.errors import InputError
from oodcache.extract.model.transformers import tokenizer_files
from oodcache.extract.model.transformers.tokenizer_files import checked


def refused(folder: Path, kind: str = "siglip2") -> str:
    with pytest.raises(InputError) as error:
        checked(folder, kind, "--model x")
    said = str(error.value)
    assert said.startswith("--model x: ")
    assert "\n" not in said
    assert len(said.encode()) < 600
    return said


@pytest.fixture
def gemma(tmp_path: Path) -> Path:
    write_gemma_tokenizer(tmp_path)
    return tmp_path


@pytest.fixture
def pieces(tmp_path: Path) -> Path:
    write_siglip_tokenizer(tmp_path)
    return tmp_path


def test_a_whole_tokenizer_is_its_configuration(gemma: Path) -> None:
    assert checked(gemma, "siglip", "x")["tokenizer_class"] == "GemmaTokenizer"
    (gemma / "tokenizer_config.json").unlink()
    assert checked(gemma, "siglip2", "x") == {}


def test_a_missing_tokenizer_names_the_files_that_it_may_have(gemma: Path) -> None:
    (gemma / "tokenizer.json").unlink()
    said = refused(gemma)
    assert "no file of a tokenizer is there" in said
    for name in ("tokenizer.json", "spiece.model", "vocab.json", "tokenizer_config.json"):
        assert name in said
    assert f"save_pretrained({str(gemma)!r})" in said
    assert said.endswith("into that folder")


def test_a_siglip_tokenizer_without_its_pieces_is_rejected(gemma: Path) -> None:
    path = gemma / "tokenizer_config.json"
    path.write_text(json.dumps({"tokenizer_class": "SiglipTokenizer"}))
    assert refused(gemma).endswith("has no spiece.model, which SiglipTokenizer reads")
    path.unlink()  # Then it is the class that transformers takes for a siglip.
    assert "(if it is of another class, tokenizer_config.json must name it)" in refused(
        gemma, "siglip"
    )


@pytest.mark.parametrize("absent", ["sentencepiece", "protobuf"])
def test_pieces_without_their_library_are_rejected(
    pieces: Path, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    checked(pieces, "siglip", "x")
    monkeypatch.setattr(tokenizer_files, f"is_{absent}_available", lambda: False)
    assert refused(pieces, "siglip").endswith(f"needs {absent}: run  pip install {absent}")


@pytest.mark.parametrize("named", [["own.Words", None], {"AutoTokenizer": ["own.Words", None]}])
def test_a_tokenizer_with_code_of_its_own_is_rejected(gemma: Path, named: object) -> None:
    """transformers would silently take a class of its own for a model that it knows."""
    path = gemma / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": named}))
    assert "names code of its own for the tokenizer (auto_map)" in refused(gemma)
    path.write_text(json.dumps({"auto_map": {"AutoProcessor": "own.Both"}}))
    checked(gemma, "siglip2", "x")


def test_files_that_are_too_large_are_not_read(gemma: Path) -> None:
    os.truncate(gemma / "tokenizer.json", tokenizer_files.LARGEST + 1)
    assert "tokenizer.json has 268,435,457 bytes, more than the 268,435,456" in refused(gemma)
    os.truncate(gemma / "tokenizer.json", 9)
    os.truncate(gemma / "special_tokens_map.json", tokenizer_files.LARGEST_BESIDE + 1)
    assert "special_tokens_map.json has 16,777,217 bytes" in refused(gemma)


def test_a_pipe_is_no_file(gemma: Path) -> None:
    (gemma / "tokenizer.json").unlink()
    os.mkfifo(gemma / "tokenizer.json")
    assert "tokenizer.json is not a file" in refused(gemma)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[1]", "tokenizer_config.json: it contains a list, expected an object"),
        ("{", "tokenizer_config.json: "),
        ('{"a": NaN}', "it contains NaN, which is not JSON"),
        ('{"tokenizer_class": 5}', "tokenizer_class of tokenizer_config.json is 5, not a name"),
    ],
)
def test_a_configuration_that_is_none_is_rejected(gemma: Path, content: str, why: str) -> None:
    (gemma / "tokenizer_config.json").write_text(content)
    assert why in refused(gemma)
