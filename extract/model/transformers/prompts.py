"""Prompts of a checkpoint of transformers: its own tokenizer, padding and lower case, checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers.normalizers import Lowercase
from transformers import AutoTokenizer

from oodcache.cache.errors import InputError, first_lines, reason
from oodcache.cache.watch import Note
from oodcache.extract.model.tokenizers import is_word, lacking
from oodcache.extract.model.transformers.tokenizer_files import (
    CONFIG,
    OF_ANOTHER,
    VOCABULARIES,
    checked,
    placing,
)

# Trained on lower case and without a mask: padding is part of what these models read.
SIGLIP = ("siglip", "siglip2")
IN_USE = ("bos", "eos", "pad", "unk", "cls", "sep")
SENTENCE = "The quick brown fox jumps over the lazy dog"


@dataclass(frozen=True)
class Prompts:
    """A checkpoint's tokenizer at the length that its text tower reads; used like open_clip's.

    Made by `load_prompts(folder, config, where=…, note=…)`. `prompts(texts)` are the tokens of
    texts, one tensor of int64 that can be sliced, pinned and moved: (n, L) for SigLIP, and for
    models that are given a mask (n, 2, L), the numbers and the mask. `prompts.inputs(tokens)` are
    the arguments of the model's `get_text_features`. L is `context_length`. `tokenizer` and
    `clean_fn` are open_clip's names: what counts tokens, and the text that it is given. `where`
    starts every error.
    """

    tokenizer: Any  # One of transformers' classes.
    context_length: int
    vocabulary: int
    masked: bool
    clean_fn: Callable[[str], str]
    where: str

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the tokens of texts; raise InputError if the model does not know one of them."""
        shape = (0, 2, self.context_length) if self.masked else (0, self.context_length)
        if not texts:  # transformers fails on none.
            return torch.zeros(shape, dtype=torch.int64)
        encoded = self._encoded(texts)
        numbers = encoded["input_ids"]
        if int(numbers.max()) >= self.vocabulary:
            row = int((numbers >= self.vocabulary).any(dim=1).nonzero()[0])
            raise InputError(
                f"{self.where}: {_shown(texts[row])} has token {int(numbers[row].max()):,}, and "
                f"the text tower knows {self.vocabulary:,}: leave the special token out of it"
            )
        return torch.stack([numbers, encoded["attention_mask"]], 1) if self.masked else numbers

    def _encoded(self, texts: Sequence[str]) -> Mapping[str, torch.Tensor]:
        try:
            encoded: Mapping[str, torch.Tensor] = self.tokenizer(
                [self.clean_fn(text) for text in texts],
                padding="max_length",
                truncation=True,
                max_length=self.context_length,
                return_tensors="pt",
            )
        except BaseException as error:  # An untrusted vocabulary: report any failure.
            if not _is_fault(error):
                raise
            raise InputError(
                f"{self.where}: its tokenizer cannot read {_shown(texts[0])} "
                f"({first_lines(error)}); {OF_ANOTHER}"
            ) from error
        return encoded

    def inputs(self, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return tokens as the model's arguments: `input_ids`, and `attention_mask` if masked."""
        if not self.masked:
            return {"input_ids": tokens}
        return {"input_ids": tokens[:, 0], "attention_mask": tokens[:, 1]}

    def settings(self) -> dict[str, Any]:
        """Return what an identity records: whatever changes the tokens of a text."""
        return {
            "tokenizer": type(self.tokenizer).__name__,
            "context_length": self.context_length,
            "clean": self._cleaning(),
            "padding": f"{self.tokenizer.pad_token} {self.tokenizer.padding_side}",
            "mask": self.masked,
            **self._unusual(),
            "sha256": _sha256(self.tokenizer),
        }

    def _unusual(self) -> dict[str, Any]:
        """Return settings that no vocabulary has, if they are not those of published models."""
        side = self.tokenizer.truncation_side
        splits = bool(self.tokenizer.split_special_tokens)
        return {
            **({"truncation": side} if side != "right" else {}),
            **({"split_special_tokens": True} if splits else {}),
        }

    def _cleaning(self) -> str:
        """Return which texts have the same tokens, in the words of open_clip."""
        if hasattr(self.tokenizer, "canonicalize_text"):
            return "canonicalize"
        return "lower" if _ignores_case(self.tokenizer, self.clean_fn) else "whitespace"


def load_prompts(folder: Path, config: Any, *, where: str, note: Note) -> Prompts:
    """Return the prompts of the checkpoint in a folder, a user's own or a snapshot of the hub's.

    `config` is its configuration, an object of transformers; `where` (`--model NAME`, or a path)
    starts errors. Nothing is fetched and no code of the folder is run. Raises InputError if the
    tokenizer is missing, in part, too large, or another model's.
    """
    declared = checked(folder, config.model_type, where)
    try:
        tokenizer = _loaded(folder, config)
    except BaseException as error:  # An untrusted file: report any failure.
        if not _is_fault(error):
            raise
        found = next(name for name in VOCABULARIES if (folder / name).exists())
        beside = f", {CONFIG}" if (folder / CONFIG).exists() else ""
        why = f"{found}{beside}: {reason(error)[:55]}"  # What to do is long.
        raise InputError(
            f"{where}: its tokenizer cannot be loaded ({why}); {placing(folder)}"
        ) from error
    return made(tokenizer, config, declared, where=where, note=note)


def made(
    tokenizer: Any, config: Any, declared: Mapping[str, Any], *, where: str, note: Note
) -> Prompts:
    """Return the prompts of a model by its tokenizer, and by what is `declared` of that.

    Raises InputError if it is another model's.
    """
    text = config.text_config
    _check_vocabulary(tokenizer, text.vocab_size, where, note)
    _check_side(tokenizer, declared, where, note)
    in_lower_case = config.model_type in SIGLIP and not _ignores_case(tokenizer, str)
    prompts = Prompts(
        tokenizer=tokenizer,
        context_length=text.max_position_embeddings,
        vocabulary=text.vocab_size,
        masked=config.model_type not in SIGLIP and "attention_mask" in tokenizer.model_input_names,
        clean_fn=Lowercase().normalize_str if in_lower_case else str,
        where=where,
    )
    if config.model_type not in SIGLIP:
        _check_end(prompts, text.eos_token_id)
    return prompts


def _loaded(folder: Path, config: Any) -> Any:
    """Return the tokenizer that transformers takes for the model, once it has read a sentence."""
    tokenizer = AutoTokenizer.from_pretrained(
        folder, config=config, trust_remote_code=False, local_files_only=True
    )
    if why := lacking(tokenizer):
        raise ValueError(why)
    _numbers(tokenizer, SENTENCE)
    return tokenizer


def _is_fault(error: BaseException) -> bool:
    """Return whether a library failed; a panic of its Rust code is no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _check_vocabulary(tokenizer: Any, size: int, where: str, note: Note) -> None:
    """Raise InputError if prompts may have tokens that the text tower does not know.

    mT5's 100 <extra_id_…>, beyond the 250,000 words of the multilingual SigLIP, occur in none.
    """
    what = f"{where}: its tokenizer has {len(tokenizer):,} tokens, its text tower {size:,}"
    used = {name: getattr(tokenizer, f"{name}_token_id", None) for name in IN_USE}
    outside = [name for name, number in used.items() if number is not None and number >= size]
    if outside:
        raise InputError(f"{what}, not token {used[outside[0]]:,} ({outside[0]}): {OF_ANOTHER}")
    if len(tokenizer) > size and any(
        number >= size and is_word(word) for word, number in tokenizer.get_vocab().items()
    ):
        raise InputError(f"{what}: {OF_ANOTHER}")
    if len(tokenizer) < 0.9 * size:
        note(f"{what}: is it this model's?")


def _check_side(tokenizer: Any, declared: Mapping[str, Any], where: str, note: Note) -> None:
    """Raise InputError if padding goes to the left because no file says where it goes."""
    if tokenizer.padding_side == "right":
        return
    if "padding_side" not in declared:
        raise InputError(
            f"{where}: {CONFIG} does not say where padding goes, and {type(tokenizer).__name__} "
            'puts it on the left, where no published model has it: add  "padding_side": "right"'
        )
    note(f"{where}: its tokenizer pads on the left, as {CONFIG} says; published ones on the right")


def _check_end(prompts: Prompts, end: object) -> None:
    """Raise InputError unless the text tower finds the last token of a prompt, which it pools.

    It takes the first `end`; for 2, which old configurations of CLIP say, the largest number.
    Without one it would take the first token of all prompts, and all their vectors were equal.
    """
    tokens = prompts.inputs(prompts([SENTENCE]))["input_ids"][0]
    size = len(_numbers(prompts.tokenizer, prompts.clean_fn(SENTENCE)))
    last = min(size, prompts.context_length) - 1
    by_number = end == 2 and prompts.tokenizer.eos_token_id != 2
    ends = tokens if by_number else torch.tensor([int(token) == end for token in tokens]).int()
    if int(ends.argmax()) != last:
        raise InputError(
            f"{prompts.where}: its tokenizer ends prompts with token {int(tokens[last]):,}, and "
            f"its text tower looks for {str(end)[:20]} (eos_token_id): {OF_ANOTHER}"
        )


def _ignores_case(tokenizer: Any, clean: Callable[[str], str]) -> bool:
    upper, lower = SENTENCE.upper(), SENTENCE.lower()
    return _numbers(tokenizer, clean(upper)) == _numbers(tokenizer, clean(lower))


def _numbers(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer([text], verbose=False)["input_ids"][0])


def _sha256(tokenizer: Any) -> str:
    """Return a SHA-256 over all that makes tokens of a text, not over padding and truncation."""
    if (pieces := getattr(tokenizer, "sp_model", None)) is None:
        backend = tokenizer.backend_tokenizer
        backend.no_padding()  # Left by the last call; the next one sets its own.
        backend.no_truncation()
        return hashlib.sha256(backend.to_str().encode()).hexdigest()
    known = {
        "pieces": hashlib.sha256(pieces.serialized_model_proto()).hexdigest(),
        "lower": bool(getattr(tokenizer, "do_lower_case", False)),
        "added": {str(word): number for word, number in tokenizer.added_tokens_encoder.items()},
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _shown(text: str) -> str:
    return repr(text if len(text) <= 120 else f"{text[:120]}…")
