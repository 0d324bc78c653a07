"""A `--model` that no model has: refused, with the names that may be meant."""

from __future__ import annotations

import re
from importlib.util import find_spec

from oodcache.cache.errors import InputError
from oodcache.cache.names import SHORT_NAMES
from oodcache.extract.model.names import architectures, configs, twins, typed

TIMM_NAME = re.compile(r"[a-z0-9]+_[a-z0-9_]{0,80}(\.[a-z0-9_]{1,80})?")


def check_repository(name: str) -> None:
    """Raise InputError, with what may be meant, unless a name can be a repository of the hub."""
    known = architectures.known()
    whole, bare = name.strip("/").replace("/", "-"), name.strip("/")
    if whole in known:
        give = f"give {whole}/TAG, or {whole} with --checkpoint FILE"
        raise InputError(f"--model {bare}: names no weights; {give}")
    if "/" not in bare or bare != name or not typed.REPOSITORY.fullmatch(name):
        raise InputError(_no_weights(bare))
    if near := architectures.nearest(typed.architecture(name), known):
        tag = name.rpartition("/")[2]
        raise InputError(
            f"--model {name}: open_clip has no model {typed.architecture(name)!r}; did you mean "
            f"{' or '.join(f'{one}/{tag}' for one in near)}? For a repository of the hub type "
            f"{typed.HUB}{name} or {typed.TRANSFORMERS}{name}; for your own architecture: "
            "--model-config FILE.json"
        )


def _no_weights(name: str) -> str:
    """Return what to type in place of a name that is nothing that a model can be."""
    near = _meant(name)
    question = f"did you mean {near}? Otherwise " if near else ""
    return (
        f"--model {name}: names no weights; {question}give NAME/TAG of "
        f"open_clip, OWNER/NAME of the hub, a folder, or one of {', '.join(SHORT_NAMES)}; or the "
        "name of an architecture with --checkpoint FILE"
    )


def _meant(name: str) -> str | None:
    """Return the same name as it is typed: with an owner, a prefix or a slip less."""
    if (whole := twins.with_owner(name)) is not None:
        return whole
    if kind := next((kind for kind, own in configs.CLASSES.items() if own == name), ""):
        return f"a model of that class, such as {configs.EXAMPLES[kind]}"
    near = architectures.nearest(name, SHORT_NAMES, 1)
    return near[0] if near else f"{typed.TIMM}{name}" if _is_of_timm(name) else None


def _is_of_timm(name: str) -> bool:
    """Return whether timm has a name, with its tag or without."""
    if not TIMM_NAME.fullmatch(name) or find_spec("timm") is None:
        return False
    from timm.models import is_model  # Imports torch: only for an error.

    return bool(is_model(name.partition(".")[0]))
