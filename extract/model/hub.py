"""A model's files on the Hugging Face hub: fetched, or instructions to place them by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.text import LONGEST_LINE
from oodcache.cache.watch import Hint, Note
from oodcache.extract.model.names import repositories
from oodcache.extract.model.request import CONFIG, HUB, LOCAL_DIR, TRANSFORMERS, Resolved

DEFAULT_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
# Files that may hold a tokenizer's vocabulary, the most common first, and small ones next to it.
WORDS = (
    *("tokenizer.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model"),
    *("vocab.txt", "vocab.json"),
)
SPECIAL = ("tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True)
class Wanted:
    """Files of one repository: the first of `either` that it has, and small ones with it.

    Those `beside` it are fetched, too, if `is_whole`: each that the repository has.
    """

    repository: str
    either: tuple[str, ...]
    beside: tuple[str, ...] = ()
    is_whole: bool = False

    def folder(self) -> Path | None:
        """Return the folder of the local hub cache that has one of `either`, None if none has."""
        for file in self.either:
            found = try_to_load_from_cache(self.repository, file)
            if isinstance(found, str):
                return Path(found).parent
        return None

    def fetch(self) -> None:
        """Fetch them into the cache; errors of the hub's client pass through."""
        for file in self.beside if self.is_whole else ():
            try:
                repositories.fetch(self.repository, file)
            except LocalEntryNotFoundError:
                raise
            except EntryNotFoundError:
                continue
        for place, file in enumerate(self.either, 1):
            try:
                repositories.fetch(self.repository, file)
            except LocalEntryNotFoundError:  # The hub cannot be reached: do not try the next.
                raise
            except EntryNotFoundError:
                if place == len(self.either):
                    raise
            else:
                return


@dataclass(frozen=True)
class HubFiles:
    """All files that one model needs from the hub.

    `in_a_folder` tells whether a `local-dir:` with all of them would be the same model.
    """

    requested: str
    wanted: tuple[Wanted, ...]
    in_a_folder: bool

    @property
    def tokenizer(self) -> Wanted | None:
        """The tokenizer's files, None if it does not come from the hub."""
        return next((one for one in self.wanted if one.either == WORDS), None)

    def fetch(self, note: Note, *, only: int | None = None) -> None:
        """Fetch missing files of all, or of the first `only`.

        Raises InputError with instructions to place all of them by hand.
        """
        for one in self.wanted[:only]:
            try:
                if one.folder() is not None:
                    continue
                if not constants.HF_HUB_OFFLINE:
                    note(Hint(f"{self.requested}: fetching {one.either[0]} of {one.repository} …"))
                one.fetch()
            except Exception as error:  # The network, the hub or a disk: report any failure.
                raise InputError(self._failure(one, error)) from error

    def _failure(self, missing: Wanted, error: Exception) -> str:
        start = f"--model {self.requested}: "
        if isinstance(error, RepositoryNotFoundError):
            return f"{start}{repositories.refused(missing.repository, error)}"
        is_absent = isinstance(error, EntryNotFoundError)
        if missing.either == (CONFIG,) and is_absent and not _is_local(error):
            other = f"{TRANSFORMERS}{missing.repository}"
            return f"{start}{missing.repository} has no {CONFIG}; for transformers: --model {other}"
        # Nearly all repositories have the first of a tokenizer's file names.
        files = " or ".join(missing.either if len(missing.either) == 2 else missing.either[:1])
        end = f" of {missing.repository}: {_reason(error)}; "
        room = LONGEST_LINE - len(f"{start}{files}{end}".encode())
        text = f"{start}{files}{end}{self.placing(room)}"
        if len(text.encode()) > LONGEST_LINE:
            text = f"{start}{missing.either[0]}{end}{self.placing(0)}"
        return text

    def placing(self, most: int = 350) -> str:
        """Return the commands to run on a machine with network access, and what to copy.

        Of its wordings the longest that has at most `most` bytes, or else the shortest.
        """
        names: dict[str, list[str]] = {}
        for one in self.wanted:
            names.setdefault(one.repository, []).extend([one.either[0], *one.beside])
        # Of files that only some repositories have, none can be named.
        whole = {one.repository for one in self.wanted if one.is_whole}
        commands = [
            f"hf download {repository} {' '.join(dict.fromkeys(files))}".removesuffix(" ")
            for repository, files in ((one, names[one] * (one not in whole)) for one in names)
        ]
        folders = " and ".join("models--" + name.replace("/", "--") for name in names)
        other = (
            "; or add  --local-dir DIR  there, copy DIR, and use  --model local-dir:DIR"
            if self.in_a_folder
            else ""
        )
        run = f"on a machine with network access run  {'  and  '.join(commands)}  and copy"
        place = f"from its ~/.cache/huggingface/hub into {constants.HF_HUB_CACHE}"
        texts = [f"{run} {folders} {place}{other}", f"{run} {folders} {place}"]
        shortest = f"{run} models--… {place}"
        return next((text for text in texts if len(text.encode()) <= most), shortest)


def of_repository(resolved: Resolved) -> HubFiles:
    """Return the files of `hf-hub:REPO`, its configuration first."""
    repository = resolved.architecture.removeprefix(HUB)
    wanted = (
        Wanted(repository, (CONFIG,)),
        Wanted(repository, DEFAULT_WEIGHTS),
        Wanted(repository, WORDS, SPECIAL),
    )
    return HubFiles(resolved.request.requested, wanted, in_a_folder=True)


def of_model(resolved: Resolved, config: Mapping[str, Any], *, with_texts: bool) -> HubFiles:
    """Return the hub files of a model with this configuration; a tokenizer if `with_texts`."""
    text = config["text_cfg"]
    tower = _wanted(text.get("hf_model_name"), ("config.json",))
    tokenizer = None
    if with_texts and not resolved.architecture.startswith(LOCAL_DIR):
        tokenizer = _wanted(text.get("hf_tokenizer_name"), WORDS, SPECIAL)
    weights = _weights(resolved)
    return HubFiles(
        resolved.request.requested,
        tuple(one for one in (weights, tower, tokenizer) if one is not None),
        in_a_folder=weights is not None and tower is None,
    )


def _weights(resolved: Resolved) -> Wanted | None:
    name = resolved.architecture
    if name.startswith(HUB):
        return Wanted(name.removeprefix(HUB), DEFAULT_WEIGHTS, (CONFIG,))
    if resolved.tag is None or resolved.request.checkpoint is not None:
        return None
    trained = open_clip.get_pretrained_cfg(name, resolved.tag)
    repository, _, file = str(trained.get("hf_hub") or "").rpartition("/")
    if "file" in trained or not repository:
        return None
    # open_clip prefers a .safetensors file of the same name.
    named = (str(Path(file).with_suffix(".safetensors")), file) if file else DEFAULT_WEIGHTS
    return Wanted(repository, tuple(dict.fromkeys(named)), (CONFIG,))


def _wanted(
    name: str | None, either: tuple[str, ...], beside: tuple[str, ...] = ()
) -> Wanted | None:
    """Return the files of a repository, None if `name` does not name one."""
    if not name or Path(name).is_dir() or not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        return None
    return Wanted(name, either, beside)


def _is_local(error: Exception) -> bool:
    """Return whether the hub was not asked, or not reached."""
    return isinstance(error, LocalEntryNotFoundError)


def _reason(error: Exception) -> str:
    if not _is_local(error):
        if isinstance(error, EntryNotFoundError):
            return "the repository has no such file"
        return f"cannot be fetched ({first_lines(error)})"
    if constants.HF_HUB_OFFLINE:
        return "not on this machine, and HF_HUB_OFFLINE is set"
    return f"not on this machine, and {constants.ENDPOINT} cannot be reached"
