"""Claims about the prompts of transformers' checkpoints: tokens are those of the model's card."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from samples.extract.siglip_models import KINDS as SIGLIP_KINDS
from samples.extract.siglip_models import trained_tokenizer, write_tokenizer
from samples.extract.transformers_folders import LAYOUTS, LENGTH

from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import Vocabulary
from oodcache.extract.model.tokenizers import lengths
from oodcache.extract.model.transformers.prompts import Prompts, load_prompts
from oodcache.extract.run import cuts
from oodcache.extract.run.plan import TextListing
from oodcache.score.words.mining import cleaning

TEXTS = ["a photo of a cat", "The small RED Digit, 7!", ""]
Folder = Callable[[str], Path]


@pytest.fixture
def written(folders: dict[str, Path]) -> Folder:
    return folders.__getitem__


@pytest.fixture
def copied(written: Folder, tmp_path: Path) -> Folder:
    return lambda kind: Path(shutil.copytree(written(kind), tmp_path / kind))


def prompts_of(folder: Path, notes: list[str] | None = None, **text: object) -> Prompts:
    """Load a folder's prompts; `text` changes its text configuration."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder)
    for name, value in text.items():
        setattr(config.text_config, name, value)
    heard = [] if notes is None else notes
    return load_prompts(folder, config, where="--model x", note=heard.append)


def refused(folder: Path, **text: object) -> str:
    with pytest.raises(InputError) as error:
        prompts_of(folder, **text)
    said = str(error.value)
    assert said.startswith("--model x: ")
    assert "\n" not in said
    assert len(said.encode()) < 600
    return said


def configure(folder: Path, **changes: object) -> None:
    """Change tokenizer_config.json; None takes a key away."""
    path = folder / "tokenizer_config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: one for key, one in config.items() if one is not None}))


def features(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.get_text_features(**inputs).pooler_output
    return found


@pytest.mark.parametrize("kind", LAYOUTS)
def test_vectors_are_those_of_transformers_by_hand(written: Folder, kind: str) -> None:
    from transformers import AutoModel, AutoProcessor

    folder = written(kind)
    model = AutoModel.from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    if kind in ("clip", "metaclip_2"):  # The call of their cards.
        by_hand = dict(processor(text=TEXTS, padding=True, return_tensors="pt"))
        assert set(by_hand) == {"input_ids", "attention_mask"}
    else:  # Google's cards: lower case, and 64 tokens without a mask, here as many as there are.
        texts = [text.lower() for text in TEXTS]
        size = {"padding": "max_length", "truncation": True, "max_length": LENGTH}
        by_hand = {"input_ids": processor(text=texts, **size, return_tensors="pt")["input_ids"]}
    prompts = prompts_of(folder)
    ours = prompts.inputs(prompts(TEXTS))
    assert set(ours) == set(by_hand)
    torch.testing.assert_close(
        features(model, ours), features(model, by_hand), rtol=1e-5, atol=1e-5
    )


def test_siglip_is_padded_to_what_its_text_tower_reads(
    copied: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, library = StringIO(), logging.getLogger("transformers")
    monkeypatch.setattr(library, "handlers", [logging.StreamHandler(said)])
    for kind in ("siglip", "siglip2", "siglip2-naflex"):
        folder = copied(kind)
        configure(folder, model_max_length=3)
        prompts = prompts_of(folder)
        tokens = prompts(["a photo of a small cat", "cat"])
        assert tokens.shape == (2, LENGTH)
        assert list(prompts.inputs(tokens)) == ["input_ids"]
        padding = prompts.tokenizer.pad_token_id
        assert tokens[1, -1] == padding
        assert lengths(prompts, ["a photo of a small cat"])[0] > 3
    assert "longer than" not in said.getvalue()  # What transformers says of the wrong length.


def test_clip_is_padded_with_its_own_token_and_masked(written: Folder) -> None:
    prompts = prompts_of(written("clip"))
    tokens = prompts.inputs(prompts(["cat"]))
    size = lengths(prompts, ["cat"])[0]
    end = prompts.tokenizer.convert_tokens_to_ids("<|endoftext|>")
    assert tokens["input_ids"][0, size - 1 :].tolist() == [end] * (LENGTH - size + 1)
    assert tokens["attention_mask"][0].tolist() == [1] * size + [0] * (LENGTH - size)


def test_gemmas_tokenizer_keeps_capitals_and_siglip_2_reads_none(written: Folder) -> None:
    fixed, naflex = prompts_of(written("siglip2")), prompts_of(written("siglip2-naflex"))
    assert type(fixed.tokenizer).__name__ == "GemmaTokenizer"
    assert type(naflex.tokenizer).__name__ == "Siglip2Tokenizer"
    pair = ["A photo of a CAT", "a photo of a cat"]
    kept = fixed.tokenizer(pair)["input_ids"]
    assert kept[0] != kept[1]
    tokens = fixed(pair)
    assert tokens[0].tolist() == tokens[1].tolist()
    assert tokens.tolist() == naflex(pair).tolist()
    assert naflex.clean_fn("CAT") == "CAT"  # Its own tokenizer does it.
    assert fixed.settings()["clean"] == naflex.settings()["clean"] == "lower"


def test_a_siglip_tokenizer_told_to_keep_case_is_given_lower_case(copied: Folder) -> None:
    folder = copied("siglip")
    plain = prompts_of(folder)(TEXTS)
    configure(folder, do_lower_case=False)
    assert prompts_of(folder)(TEXTS).tolist() == plain.tolist()


def test_metaclip_2_keeps_case_and_words_are_compared_so(written: Folder) -> None:
    prompts = prompts_of(written("metaclip_2"))
    upper, lower = prompts(["a CAT", "a cat"])
    assert upper.tolist() != lower.tolist()
    assert cleaning(prompts.settings())("Cat") == "Cat"
    assert cleaning(prompts_of(written("clip")).settings())("Cat") == "cat"
    assert cleaning(prompts_of(written("siglip")).settings())("Cat!") == "cat"


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_prompt_has_the_same_tokens_alone_and_in_a_batch(written: Folder, kind: str) -> None:
    prompts = prompts_of(written(kind))
    together = prompts(TEXTS)
    assert together.dtype == torch.int64
    assert together.tolist() == [prompts([text])[0].tolist() for text in TEXTS]
    assert prompts([]).shape == (0, *together.shape[1:])


@pytest.mark.parametrize("kind", LAYOUTS)
def test_long_prompts_are_counted_and_lost_names_are_rejected(written: Folder, kind: str) -> None:
    prompts = prompts_of(written(kind))
    long = "cat " * LENGTH

    def check(*templates: str) -> list[str]:
        notes: list[str] = []
        vocabulary = Vocabulary(("cat", "dog"), ("", ""), templates)
        cuts.check(TextListing("d", vocabulary, ""), prompts, notes.append)
        return notes

    assert check("a {}") == []
    assert check("a {}", "{} " + long)[0].startswith(
        f"d: 2 of 4 prompts are longer than the model reads ({LENGTH} tokens) and cut"
    )
    with pytest.raises(InputError, match="nothing is left of 2 class names"):
        check(long + "{}")


def test_prompts_that_are_equal_before_the_cut_are_not_merged_by_it(written: Folder) -> None:
    long = "{} " + "cat " * LENGTH
    for kind, names in (("clip", ("Dog", "dog")), ("siglip", ("dog", "Dog!"))):
        vocabulary = Vocabulary(names, ("", ""), (long,))
        notes: list[str] = []
        cuts.check(TextListing("d", vocabulary, ""), prompts_of(written(kind)), notes.append)
        assert len(notes) == 1
    different = Vocabulary(("dog " * LENGTH + "a", "dog " * LENGTH + "of"), ("", ""), ("{}",))
    with pytest.raises(InputError, match="are the same once they are cut"):
        cuts.check(TextListing("d", different, ""), prompts_of(written("clip")), notes.append)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_settings_know_the_vocabulary_and_no_call_changes_them(written: Folder, kind: str) -> None:
    prompts = prompts_of(written(kind))
    before = prompts.settings()
    prompts(TEXTS)
    assert prompts.settings() == before == prompts_of(written(kind)).settings()
    assert before["mask"] == (kind in ("clip", "metaclip_2"))
    assert json.loads(json.dumps(before)) == before


def test_another_vocabulary_or_case_is_another_sha256(copied: Folder) -> None:
    folder = copied("siglip2")
    before = prompts_of(folder).settings()["sha256"]
    path = folder / "tokenizer.json"
    changed = json.loads(path.read_text())
    vocab = changed["model"]["vocab"]
    first, second = list(vocab)[-2:]
    vocab[first], vocab[second] = vocab[second], vocab[first]
    path.write_text(json.dumps(changed))
    assert prompts_of(folder).settings()["sha256"] != before
    pieces = copied("siglip")
    before = prompts_of(pieces).settings()["sha256"]
    configure(pieces, do_lower_case=False)
    assert prompts_of(pieces).settings()["sha256"] != before


@pytest.mark.parametrize(
    "change", [{"truncation_side": "left"}, {"split_special_tokens": True}], ids=str
)
def test_a_setting_that_changes_tokens_is_recorded(
    copied: Folder, change: dict[str, object]
) -> None:
    folder = copied("clip")
    texts = ["a photo of a cat " * LENGTH, "a <|endoftext|> cat"]
    before = prompts_of(folder)
    configure(folder, **change)
    after = prompts_of(folder)
    assert after(texts).tolist() != before(texts).tolist()
    assert after.settings() != before.settings()


def test_a_vocabulary_larger_than_the_text_towers_is_rejected(written: Folder) -> None:
    said = refused(written("siglip2"), vocab_size=60)
    assert "its tokenizer has 82 tokens, its text tower 60: it is another model's" in said


def test_a_special_token_beyond_the_text_tower_is_rejected(written: Folder) -> None:
    said = refused(written("clip"), vocab_size=913)
    assert "its tokenizer has 914 tokens, its text tower 913, not token 913 (eos): it is" in said


def test_tokens_that_no_prompt_has_may_lie_beyond_the_text_tower(copied: Folder) -> None:
    """The multilingual SigLIP: 250,000 words, and a tokenizer with 100 more, <extra_id_…>."""
    folder = copied("siglip2")
    tokenizer = trained_tokenizer(SIGLIP_KINDS["ViT-B-16-SigLIP2"])
    size = tokenizer.get_vocab_size()
    tokenizer.add_tokens([f"<extra_id_{number}>" for number in range(5)])
    tokenizer.save(str(folder / "tokenizer.json"))
    prompts = prompts_of(folder, vocab_size=size)
    assert prompts(TEXTS).max() < size
    with pytest.raises(InputError, match=r"'a <extra_id_1>' has token \d+, and the text tower"):
        prompts(["a cat", "a <extra_id_1>"])


def test_siglip_with_t5s_fast_tokenizer_reads_lower_case(copied: Folder) -> None:
    """The class adds 100 <extra_id_…> beyond what the text tower knows; no prompt has them."""
    from tokenizers import Tokenizer

    folder = copied("siglip")
    (folder / "spiece.model").unlink()
    write_tokenizer(folder, SIGLIP_KINDS["ViT-B-16-SigLIP"])
    configure(folder, extra_ids=None, tokenizer_class="T5TokenizerFast")
    pieces = Tokenizer.from_file(str(folder / "tokenizer.json"))
    prompts = prompts_of(folder, vocab_size=pieces.get_vocab_size())
    assert len(prompts.tokenizer) == pieces.get_vocab_size() + 100
    numbers = pieces.encode("a photo of a cat").ids
    padding = [pieces.token_to_id("</s>")] * (LENGTH - len(numbers))
    assert prompts(["A Photo of a CAT"]).tolist() == [[*numbers, *padding]]
    stopped = pieces.encode("a photo of a cat!").ids  # Punctuation stays.
    assert prompts(["A Photo of a CAT!"])[0, : len(stopped)].tolist() == stopped != numbers


def test_a_vocabulary_much_smaller_than_the_text_towers_is_noted(written: Folder) -> None:
    notes: list[str] = []
    prompts_of(written("siglip2"), notes)
    assert notes == []
    prompts_of(written("siglip2"), notes, vocab_size=256_000)
    assert notes == [
        "--model x: its tokenizer has 82 tokens, its text tower 256,000: is it this model's?"
    ]


def test_an_end_that_the_text_tower_does_not_look_for_is_rejected(written: Folder) -> None:
    for kind, end in (("clip", 913), ("metaclip_2", 2)):
        said = refused(written(kind), eos_token_id=7)
        assert f"ends prompts with token {end}, and its text tower looks for 7 (eos_token" in said
    # As in OpenAI's configurations: then the tower looks for the largest number.
    prompts_of(written("clip"), eos_token_id=2)
    refused(written("clip"), eos_token_id=None)


def test_padding_on_the_left_is_rejected_unless_a_file_says_it(copied: Folder) -> None:
    folder = copied("siglip2-naflex")
    configure(folder, padding_side=None)
    said = refused(folder)
    assert "Siglip2Tokenizer puts it on the left" in said
    assert said.endswith('add  "padding_side": "right"')
    configure(folder, padding_side="left")
    notes: list[str] = []
    assert prompts_of(folder, notes)(["cat"])[0, 0] == prompts_of(folder).tokenizer.pad_token_id
    assert notes == [
        "--model x: its tokenizer pads on the left, as tokenizer_config.json says; published ones "
        "on the right"
    ]


@pytest.mark.parametrize("content", ['{"a": 1}', "[" * 10**5 + "]" * 10**5, "", "\x00", "null"])
def test_a_hostile_vocabulary_is_one_line(copied: Folder, content: str) -> None:
    folder = copied("siglip2")
    (folder / "tokenizer.json").write_text(content)
    assert "its tokenizer cannot be loaded (tokenizer.json, tokenizer_config" in refused(folder)


def test_a_vocabulary_that_cannot_read_every_word_is_one_line(copied: Folder) -> None:
    folder = copied("metaclip_2")
    configure(folder, tokenizer_class="PreTrainedTokenizerFast")
    path = folder / "tokenizer.json"
    changed = json.loads(path.read_text())
    changed["model"]["unk_id"] = None
    path.write_text(json.dumps(changed))
    assert "its tokenizer cannot be loaded (" in refused(folder)


def test_a_vocabulary_that_makes_the_library_panic_is_one_line(copied: Folder) -> None:
    folder = copied("siglip2-naflex")
    path = folder / "tokenizer.json"
    changed = json.loads(path.read_text())
    changed["post_processor"]["single"][1]["SpecialToken"]["id"] = "<none>"
    path.write_text(json.dumps(changed))
    assert "its tokenizer cannot be loaded (" in refused(folder)


def test_an_interruption_is_no_fault_of_the_tokenizer(
    written: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **others: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prompts_of(written("siglip2"))
