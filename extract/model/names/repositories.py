"""A repository on the Hugging Face hub: files fetched, its layout, and why one is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from oodcache.cache.errors import InputError, first_lines
from oodcache.extract.model.names import configs, twins
from oodcache.extract.model.names.configs import CONFIG
from oodcache.extract.model.names.layouts import ADAPTER, MERGE, OPEN_CLIP
from oodcache.extract.model.names.typed import TIMM

DINO = re.compile(r"dino(-?v?[23])?-|dinov[23]", re.IGNORECASE)


def layout(repository: str, typed: str) -> str:
    """Return the file that describes a repository's model: open_clip's, or else transformers'.

    Nothing is asked of the hub that its cache here can answer. Raises InputError, beginning with
    `typed`, if it has neither, or is not here and cannot be asked.
    """
    with _explained(repository, typed):
        if _has_open_clip(repository):
            return OPEN_CLIP
    check_here(repository, typed)
    return CONFIG


def check_here(repository: str, typed: str) -> None:
    """Raise InputError, beginning with `typed`, unless a checkpoint of transformers is reachable.

    Neither torch nor transformers is imported, which takes seconds. The checkpoint's kind is read
    from its configuration.
    """
    with _explained(repository, typed):
        path = cached(repository, CONFIG) or fetch(repository, CONFIG)
    what = f"--model {typed}: {CONFIG}"
    configs.check(configs.read(path, what), what)


@contextmanager
def _explained(repository: str, typed: str) -> Iterator[None]:
    """Raise InputError, beginning with `typed`, for what the hub's client raises."""
    what = f"--model {typed}"
    try:
        yield
    except LocalEntryNotFoundError as error:
        raise InputError(f"{what}: {unreached(repository)}") from error
    except EntryNotFoundError as error:
        raise InputError(f"{what}: {_no_model(repository)}") from error
    except Exception as error:  # The network, the hub or a disk: report any failure.
        raise InputError(f"{what}: {refused(repository, error)}") from error


def cached(repository: str, file: str) -> Path | None:
    """Return a file in the local cache of the hub, None if it is not there."""
    found = try_to_load_from_cache(repository, file)
    return Path(found) if isinstance(found, str) else None


def fetch(repository: str, file: str) -> Path:
    """Return a file, fetched into the local cache; errors of the hub's client pass through.

    A hub that cannot be reached is LocalEntryNotFoundError at once: the client tries for half a
    minute, for every file.
    """
    if not constants.HF_HUB_OFFLINE:
        try:
            get_hf_file_metadata(hf_hub_url(repository, file))
        except HfHubHTTPError:
            pass  # The hub answered: the client says what, and remembers what is not there.
        except Exception as error:
            raise LocalEntryNotFoundError(first_lines(error)) from error
    return Path(hf_hub_download(repository, file))


def refused(repository: str, error: Exception) -> str:
    """Return why the hub gives nothing of a repository, and what to do."""
    if isinstance(error, GatedRepoError):
        return (
            f"{repository} is gated: accept its terms at {constants.ENDPOINT}/{repository}, then "
            "run  hf auth login  (or set HF_TOKEN)"
        )
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"the hub has no {repository}, or it is private (run  hf auth login  first); is the "
            "name correct?"
        )
    return f"{repository} cannot be fetched: {first_lines(error)[:200]}"


def unreached(repository: str) -> str:
    """Return that a repository is not here, and how to bring it from another machine."""
    is_offline = constants.HF_HUB_OFFLINE
    why = "HF_HUB_OFFLINE is set" if is_offline else f"{constants.ENDPOINT} cannot be reached"
    folder, other = "models--" + repository.replace("/", "--"), _instead(repository)
    return (
        f"is no folder, is not in the hub's cache on this machine, and {why}; {other}"
        f"on a machine with network access run  hf download {repository}  and copy {folder} from "
        f"its ~/.cache/huggingface/hub into {constants.HF_HUB_CACHE}; or add  --local-dir DIR  "
        "there, copy DIR, and use  --model DIR"
    )


def _instead(repository: str) -> str:
    """Return what may be here in a repository's place, "" if nothing is known."""
    if DINO.search(repository):
        return f"DINO encodes images only, which {TIMM}NAME takes; for another kind of model: "
    twin = twins.of_repository(repository)
    return f"open_clip has the same weights as --model {twin}; " if twin else ""


def _has_open_clip(repository: str) -> bool:
    """Return whether a repository has open_clip's layout, as far as can be told from here."""
    found = try_to_load_from_cache(repository, OPEN_CLIP)
    if found is not None:
        return isinstance(found, str)  # Otherwise the cache remembers that it has none.
    try:
        fetch(repository, OPEN_CLIP)
    except LocalEntryNotFoundError:
        if cached(repository, CONFIG) is None:
            raise
        return False
    except EntryNotFoundError:
        return False
    return True


def _no_model(repository: str) -> str:
    """Return what a repository without a configuration is."""
    try:
        fetch(repository, ADAPTER)
    except Exception:  # It was reached a moment ago: it has no adapter either.
        return (
            f"{repository} has neither {OPEN_CLIP} (open_clip) nor {CONFIG} (transformers), so it "
            "is no model that oodcache loads"
        )
    return f"{repository} is an adapter of peft ({ADAPTER}), which is not applied: {MERGE}"
