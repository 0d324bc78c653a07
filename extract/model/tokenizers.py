"""A model's own tokenizer, at its own context length; one without a vocabulary is rejected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import open_clip
from open_clip.tokenizer import HFTokenizer

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.watch import Note
from oodcache.extract.model.hub import SPECIAL, WORDS, HubFiles
from oodcache.extract.model.request import LOCAL_DIR, Resolved


def load_tokenizer(
    resolved: Resolved, config: Mapping[str, Any], files: HubFiles, note: Note
) -> Any:
    """Return the model's own tokenizer; raise InputError if it cannot be loaded.

    For a name with "siglip" in it and no hf_tokenizer_name, open_clip would download another one.
    """
    text = config["text_cfg"]
    name = resolved.architecture
    by_name = "siglip" in name.lower() and not name.startswith(LOCAL_DIR) and ":" not in name
    if by_name and not text.get("hf_tokenizer_name"):
        if text.get("vocab_size", 49408) != 49408:
            raise InputError(
                f"--model {resolved.request.requested}: its configuration names no tokenizer; "
                "add text_cfg.hf_tokenizer_name, or use a local-dir: with tokenizer.json"
            )
        note(f"{name}: its configuration names no tokenizer; CLIP's (49,408 tokens) is used")
        return open_clip.SimpleTokenizer(context_length=text.get("context_length", 77))
    try:
        tokenize = _made(name, text, files)
    except Exception as error:
        raise InputError(_failure(resolved, text, files, first_lines(error))) from error
    inner = getattr(tokenize, "tokenizer", None)  # None: CLIP's, which comes with open_clip.
    if why := "" if inner is None else lacking(inner):
        raise InputError(_failure(resolved, text, files, why))
    return tokenize


def tokenizing(tokenize: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tokenizer's settings, as an identity records them."""
    clean = getattr(tokenize, "clean_fn", None)
    return {
        "tokenizer": type(tokenize).__name__,
        "name": config["text_cfg"].get("hf_tokenizer_name", ""),
        "context_length": tokenize.context_length,
        "clean": getattr(clean, "__name__", ""),
        "sha256": _sha256(tokenize),
    }


def lengths(tokenize: Any, texts: Sequence[str]) -> list[int]:
    """Return how many tokens each text has before it is cut, special ones included.

    0 for a tokenizer of an unknown kind.
    """
    if getattr(tokenize, "tokenizer", None) is None:
        ends = 2 if hasattr(tokenize, "encode") else 0
    else:
        ends = 3 if _is_clips(tokenize) else 0
    return [len(tokens) + ends for tokens in uncut(tokenize, texts)]


def uncut(tokenize: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return the tokens of each text before it is cut, without those that open_clip itself adds.

    None for a tokenizer of an unknown kind.
    """
    if not texts:  # transformers fails on none.
        return []
    inner = getattr(tokenize, "tokenizer", None)
    if inner is None:
        is_known = hasattr(tokenize, "encode")
        return [list(tokenize.encode(text)) if is_known else [] for text in texts]
    cleaned = [tokenize.clean_fn(text) for text in texts]
    encoded = inner(cleaned, add_special_tokens=not _is_clips(tokenize), verbose=False)
    return [list(tokens) for tokens in encoded["input_ids"]]


def _is_clips(tokenize: Any) -> bool:
    return getattr(tokenize, "tokenizer_mode", "") == "clips"


def _made(name: str, text: Mapping[str, Any], files: HubFiles) -> Any:
    """Return open_clip's tokenizer; if the hub cannot be reached, from its cached files.

    transformers first asks the hub for a config.json, which SigLIP's repositories do not have.
    """
    try:
        return open_clip.get_tokenizer(name)
    except Exception:
        folder = files.tokenizer.folder() if files.tokenizer else None
        if folder is None:
            raise
    return HFTokenizer(
        str(folder),
        context_length=text.get("context_length", 77),
        tokenizer_mode=text.get("tokenizer_mode"),
        **text.get("tokenizer_kwargs", {}),
    )


def lacking(tokenizer: Any) -> str:
    """Return what transformers' tokenizer lacks because files are missing, "" if it is complete.

    Without a vocabulary file transformers silently makes a tokenizer to which every word is
    unknown.
    """
    words = set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens)
    if not any(character.isalpha() for word in words for character in _bare(word)):
        return "its vocabulary has no words"
    return "" if tokenizer.pad_token_id is not None else "it has no padding token"


def is_word(token: str) -> bool:
    """Return whether prompts may have a token; <0x41>, <extra_id_0> and [unused1] are none.

    >>> is_word("▁cat"), is_word("<extra_id_0>")
    (True, False)
    """
    return bool(_bare(token))


def _bare(word: str) -> str:
    """Return a word without space markers, "" for <0x41>, <extra_id_0> or [unused1]."""
    return "" if word[:1] in "<[" and word[-1:] in ">]" else word.strip("▁Ġ")


def _failure(resolved: Resolved, text: Mapping[str, Any], files: HubFiles, why: str) -> str:
    wanted = text.get("hf_tokenizer_name", "")
    start = f"--model {resolved.request.requested}: its tokenizer {wanted} cannot be loaded ({why})"
    if not resolved.architecture.startswith(LOCAL_DIR):
        other = "without network access use a local-dir: with tokenizer.json"
        return f"{start}; {files.placing() if files.wanted else other}"
    folder = resolved.architecture.removeprefix(LOCAL_DIR)
    absent = [file for file in (WORDS[0], *SPECIAL) if not (Path(folder) / file).is_file()]
    if not absent:
        return f"{start}; {WORDS[0]} and {SPECIAL[0]} in {folder} are not a tokenizer's"
    return (
        f"{start}; {folder} contains no {', '.join(absent)}: on a machine with network access run  "
        f"hf download {wanted} {' '.join((WORDS[0], *SPECIAL))} --local-dir DIR  and copy its "
        f"files into {folder}"
    )


def _sha256(tokenize: Any) -> str:
    """Return a SHA-256 over a tokenizer's whole vocabulary."""
    inner = getattr(tokenize, "tokenizer", tokenize)
    backend = getattr(inner, "backend_tokenizer", None)
    if backend is not None:
        known = backend.to_str()
    else:
        words = inner.get_vocab() if hasattr(inner, "get_vocab") else inner.encoder
        known = json.dumps(words, sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()
