"""The files of a checkpoint's tokenizer: found, not too large, of a class that can be loaded."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from transformers.utils import is_protobuf_available, is_sentencepiece_available

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.json_text import read_object

# All files that a tokenizer of these models may have: vocabularies, and what stands beside them.
VOCABULARIES = (
    *("tokenizer.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model"),
    "vocab.json",
)
CONFIG = "tokenizer_config.json"
FILES = (*VOCABULARIES, "merges.txt", CONFIG, "special_tokens_map.json", "added_tokens.json")
# Bytes. SigLIP 2's tokenizer.json has 34 MB; MetaCLIP 2's has 3.5 times as many words.
LARGEST, LARGEST_BESIDE = 256 * 2**20, 16 * 2**20
PIECES = "SiglipTokenizer"
OF_ANOTHER = "it is another model's: use the files that were saved with these weights"


def checked(folder: Path, kind: str, where: str) -> dict[str, Any]:
    """Return tokenizer_config.json, {} if there is none; `kind` is the checkpoint's model_type.

    Raises InputError, starting with `where`, if the files are no tokenizer that can be loaded.
    """
    found = [name for name in VOCABULARIES if (folder / name).exists()]
    if not found:
        raise InputError(f"{where}: no file of a tokenizer is there; {placing(folder)}")
    for name in FILES:
        _check_size(folder / name, LARGEST if name in VOCABULARIES else LARGEST_BESIDE, where)
    declared = _declared(folder / CONFIG, where)
    custom = declared.get("auto_map")
    if isinstance(custom, dict | list) and (isinstance(custom, list) or "AutoTokenizer" in custom):
        raise InputError(
            f"{where}: {CONFIG} names code of its own for the tokenizer (auto_map), which oodcache "
            "does not run: save the tokenizer as one of transformers' classes, without auto_map"
        )
    own = declared.get("tokenizer_class") or (PIECES if kind == "siglip" else "")
    if not isinstance(own, str):
        raise InputError(f"{where}: tokenizer_class of {CONFIG} is {str(own)[:40]}, not a name")
    if own.removesuffix("Fast") == PIECES:
        _check_pieces(folder, where, is_stated="tokenizer_class" in declared)
    return declared


def _check_size(path: Path, most: int, where: str) -> None:
    if not path.exists():
        return
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{where}: {path.name} is not a file; {OF_ANOTHER}")
    if found.st_size > most:
        raise InputError(
            f"{where}: {path.name} has {found.st_size:,} bytes, more than the {most:,} that a "
            f"tokenizer may have; {OF_ANOTHER}"
        )


def _declared(path: Path, where: str) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return read_object(path, LARGEST_BESIDE)
    except ValueError as error:
        raise InputError(f"{where}: {path.name}: {first_lines(error)}") from error


def _check_pieces(folder: Path, where: str, *, is_stated: bool) -> None:
    """Raise InputError unless a SiglipTokenizer can be loaded: transformers would take another."""
    if not (folder / "spiece.model").exists():
        by = "" if is_stated else f" (if it is of another class, {CONFIG} must name it)"
        raise InputError(f"{where}: {folder} has no spiece.model, which {PIECES} reads{by}")
    absent = {
        "sentencepiece": not is_sentencepiece_available(),
        "protobuf": not is_protobuf_available(),
    }
    if any(absent.values()):
        names = " ".join(name for name, is_absent in absent.items() if is_absent)
        raise InputError(f"{where}: {PIECES} needs {names}: run  pip install {names}")


def placing(folder: Path) -> str:
    """Return how to get the files of a tokenizer and an image processor, and where to put them."""
    return (
        f"run  AutoProcessor.from_pretrained(BASE).save_pretrained({str(folder)!r})  in Python, "
        "BASE being the model that was trained further; or copy those of "
        f"{', '.join(VOCABULARIES)}, merges.txt, {CONFIG} and preprocessor_config.json that its "
        "repository has into that folder"
    )
