"""The files of a checkpoint of transformers: in a folder, or fetched into the hub's cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Note
from oodcache.extract.model.hub import HubFiles, Wanted
from oodcache.extract.model.names import configs, layouts
from oodcache.extract.model.names.configs import CONFIG
from oodcache.extract.model.names.layouts import ADAPTER, INDEX
from oodcache.extract.model.request import TRANSFORMERS, Resolved
from oodcache.extract.model.transformers.tokenizer_files import FILES as TOKENIZER
from oodcache.extract.model.transformers.tokenizer_files import VOCABULARIES, placing

# The image processor may be part of the second one, which then counts.
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
WEIGHTS = tuple(f"{name}{end}" for name in layouts.WEIGHTS for end in ("", INDEX))


@dataclass(frozen=True)
class CheckpointFiles:
    """A checkpoint's folder; `where` starts errors about what is in it."""

    folder: Path
    where: str

    def config(self) -> dict[str, Any]:
        """Return what config.json contains; raise InputError if it is no object."""
        return self._read(CONFIG)

    def processor(self) -> dict[str, Any]:
        """Return what the image processor's file says; raise InputError if there is none."""
        name = self.processor_name()
        read = self._read(name)
        nested = read.get("image_processor") if name == PROCESSORS[1] else None
        return nested if isinstance(nested, dict) else read

    def processor_name(self) -> str:
        """Return the file of the image processor that counts for transformers.

        Raises InputError if there is none.
        """
        found = [name for name in PROCESSORS if (self.folder / name).is_file()]
        if not found:
            has_words = any((self.folder / name).is_file() for name in VOCABULARIES)
            tokenizer = "" if has_words else ", and no tokenizer, which prompts need"
            raise InputError(
                f"{self.where}: has no {PROCESSORS[0]}, which says how images are prepared"
                f"{tokenizer}: {placing(self.folder)}"
            )
        read = {name: self._read(name) for name in found}
        nested = read.get(PROCESSORS[1], {}).get("image_processor")
        return PROCESSORS[1] if isinstance(nested, dict) else found[0]

    def weights(self) -> tuple[Path, ...]:
        """Return the files that hold the weights; raise InputError if one is missing."""
        return layouts.weights(self.folder)

    def _read(self, name: str) -> dict[str, Any]:
        return configs.read(self.folder / name, f"{self.where}: {name}")


def files_of(resolved: Resolved, note: Note, *, with_texts: bool) -> CheckpointFiles:
    """Return the files of a checkpoint; raise InputError if the hub's cannot be fetched."""
    name = resolved.architecture.removeprefix(TRANSFORMERS)
    if resolved.is_local:
        return CheckpointFiles(Path(name), name)
    requested = resolved.request.requested
    tokenizer = (Wanted(name, VOCABULARIES, TOKENIZER, is_whole=True),)
    wanted = (
        Wanted(name, (CONFIG,)),
        Wanted(name, PROCESSORS, (*PROCESSORS, ADAPTER), is_whole=True),
        *(tokenizer if with_texts else ()),
        Wanted(name, WEIGHTS),
    )
    hub_files = HubFiles(requested, wanted, in_a_folder=False)
    hub_files.fetch(note, only=2)
    found = try_to_load_from_cache(name, CONFIG)
    assert isinstance(found, str)
    files = CheckpointFiles(Path(found).parent, f"--model {requested}")
    layouts.check_no_adapter(files.folder, files.where)
    hub_files.fetch(note)
    index = next((one for one in WEIGHTS if (files.folder / one).is_file()), "")
    if index.endswith(INDEX):
        more = tuple(
            Wanted(name, (one,))
            for one in layouts.shards(files.folder / index, f"{files.where}: {index}")
        )
        HubFiles(requested, (*wanted, *more), in_a_folder=False).fetch(note)
    return files
