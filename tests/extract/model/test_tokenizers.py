"""Claims about tokenizers: none is downloaded in silence, and another one is another model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import open_clip
import pytest
import torch
from samples import SIGLIP_LIKE, load, load_small, local_folder, make_small_model, planned, silent
from samples.extract.siglip_models import KINDS, small_config, write_repository
from samples.study.benchmark import CLIP, SIGLIP

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.extract.model import loading, tokenizers
from oodcache.extract.model.request import ModelRequest, resolve
from oodcache.extract.run import run
from oodcache.score.words.mining import cleaning


@pytest.mark.slow
def test_a_name_like_siglips_downloads_no_tokenizer(tmp_path: Path) -> None:
    notes: list[str] = []
    model = make_small_model(tmp_path, "my-siglip")
    ours = load_small(model, notes)
    assert ours.signature.tokenizing["tokenizer"] == "SimpleTokenizer"
    assert any("CLIP's (49,408 tokens) is used" in note for note in notes)
    text = {"context_length": 77, "vocab_size": 32000, "width": 16, "heads": 2, "layers": 1}
    foreign = make_small_model(tmp_path, "my-siglip-32k", text_cfg=text)
    with pytest.raises(InputError, match="names no tokenizer; add text_cfg.hf_tokenizer_name"):
        load_small(foreign)


def test_a_tokenizer_that_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    text = {
        **{"context_length": 16, "vocab_size": 100, "width": 16, "heads": 2, "layers": 1},
        "hf_tokenizer_name": str(tmp_path / "none"),
    }
    model = make_small_model(tmp_path, "wants-a-tokenizer", text_cfg=text)
    notes: list[str] = []
    with pytest.raises(InputError, match="its tokenizer .* cannot be loaded") as refused:
        load_small(model, notes)
    assert "local-dir: with tokenizer.json" in str(refused.value)
    assert not any("the hub" in note for note in notes)  # A path is no repository.
    alone = ModelRequest(model.config.stem, model.checkpoint, model.config)
    images = loading.load(resolve(alone), notes.append, with_texts=False)
    assert images.images(torch.zeros(1, 3, 16, 16, dtype=torch.uint8)).vectors.shape == (1, 16)


WORDS = ("<pad>", "<unk>", "a", "photo", "of", "cat")


def write_tokenizer(folder: Path, words: Sequence[str]) -> None:
    """Write a tokenizer of whole words, each one's id being its place."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(
        models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>"})
    )


def folder_with_tokenizer(tmp_path: Path) -> Path:
    """Return a local folder like SigLIP's: a bias, and a tokenizer of its own."""
    text = {
        **{"context_length": 9, "vocab_size": len(WORDS), "width": 16, "heads": 2, "layers": 1},
        **{"hf_tokenizer_name": "org/elsewhere", "tokenizer_kwargs": {"clean": "canonicalize"}},
        **{"no_causal_mask": True, "pool_type": "last", "proj_bias": True},
    }
    model = make_small_model(
        tmp_path, "sigmoid-like", init_logit_bias=-10, custom_text=True, text_cfg=text
    )
    folder = local_folder(tmp_path / "mine", model, SIGLIP_LIKE)
    write_tokenizer(folder, WORDS)
    return folder


def test_a_local_folders_own_tokenizer_is_used_at_its_own_length(tmp_path: Path) -> None:
    folder = folder_with_tokenizer(tmp_path)
    ours = load(f"local-dir:{folder}")
    assert ours.tokenize is not None
    assert ours.signature.tokenizing == load(f"local-dir:{folder}").signature.tokenizing
    assert ours.signature.tokenizing["tokenizer"] == "HFTokenizer"
    assert ours.signature.tokenizing["context_length"] == 9
    assert ours.tokenize(["A photo of a CAT."]).tolist() == [[2, 3, 4, 2, 5, 0, 0, 0, 0]]
    assert ours.prompts(ours.tokens(["a photo of a cat"])).vectors.shape == (1, 16)


def test_texts_of_another_tokenizer_are_not_the_same_texts(tmp_path: Path) -> None:
    folder = folder_with_tokenizer(tmp_path)
    names = tmp_path / "names.txt"
    names.write_text("cat\n")

    def extract() -> None:
        request = ModelRequest(f"local-dir:{folder}")
        made = planned(tmp_path, request, [], classes=f"c={names}")
        run.run(made, Watch(lambda text: None, silent))

    extract()
    write_tokenizer(folder, [*WORDS[:2], *reversed(WORDS[2:])])
    with pytest.raises(InputError, match="made with another tokenizer; use --overwrite"):
        extract()


def test_files_say_by_name_how_open_clips_tokenizers_clean_a_text_up() -> None:
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer, get_clean_fn

    lower, canonical = get_clean_fn("lower"), get_clean_fn("canonicalize")
    assert {"tokenizer": SimpleTokenizer.__name__, "clean": lower.__name__} == CLIP
    assert {"tokenizer": HFTokenizer.__name__, "clean": canonical.__name__} == SIGLIP


def test_prompts_are_read_alike_where_open_clip_makes_them_equal() -> None:
    from open_clip.tokenizer import SimpleTokenizer, get_clean_fn

    typed = ["A photo of a cat", "a photo of a cat", "a photo of a cat."]
    tokens, canonical = SimpleTokenizer()(typed), get_clean_fn("canonicalize")
    assert tokens[0].equal(tokens[1]) and not tokens[1].equal(tokens[2])
    assert len({cleaning(CLIP)(one) for one in typed}) == 2
    assert len({canonical(one) for one in typed}) == 1
    assert len({cleaning(SIGLIP)(one) for one in typed}) == 1


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("missing", "why"),
    [
        (("tokenizer.json",), "its vocabulary has no words"),
        (("tokenizer_config.json", "special_tokens_map.json"), "it has no padding token"),
        (("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"), ""),
    ],
)
def test_a_tokenizer_in_part_is_refused_with_the_files_and_their_place(
    tmp_path: Path, name: str, missing: tuple[str, ...], why: str
) -> None:
    folder = write_repository(tmp_path / "m", name, config=small_config(name))
    for file in missing:
        (folder / file).rename(tmp_path / file)
    with pytest.raises(InputError) as refused:
        load(f"local-dir:{folder}")
    said = str(refused.value)
    assert why in said
    assert f"{folder} contains no {', '.join(missing)}: " in said
    files = "tokenizer.json tokenizer_config.json special_tokens_map.json"
    assert f"hf download timm/{name} {files} --local-dir DIR  and copy its files into" in said
    assert "\n" not in said
    for file in missing:
        (tmp_path / file).rename(folder / file)
    tokens = load(f"local-dir:{folder}").tokens(["A photo of a CAT!", "a photo of a cat"])
    assert tokens.shape == (2, 64)
    assert tokens[0].tolist() == tokens[1].tolist()


def test_both_generations_of_siglip_clean_prompts_by_canonicalize() -> None:
    for name in KINDS:
        text = open_clip.get_model_config(name)["text_cfg"]
        assert (text["tokenizer_kwargs"], text["context_length"]) == ({"clean": "canonicalize"}, 64)


def test_lengths_are_those_before_the_cut(tmp_path: Path) -> None:
    from open_clip.tokenizer import HFTokenizer

    write_tokenizer(tmp_path, WORDS)
    whole = HFTokenizer(str(tmp_path), context_length=3)
    assert tokenizers.lengths(whole, ["a", "a photo of a cat"]) == [1, 5]
    assert tokenizers.lengths(whole, []) == []
    assert whole(["a photo of a cat"]).shape == (1, 3)
    clip = open_clip.SimpleTokenizer(context_length=3)
    assert tokenizers.lengths(clip, ["a", "a photo of a cat"]) == [3, 7]
    assert tokenizers.lengths(object(), ["a"]) == [0]
