"""A checkpoint file: recognised by its content, and its state dict; pickled code is never run."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.exchange.lookalikes import HEAD, lookalike
from oodcache.cache.text import counted, listed
from oodcache.cache.watch import Note

# Where training programs put a model's weights, the first that is there.
UNDER = (
    *("state_dict", "model_state_dict", "model", "module"),
    *("params", "net", "weights", "student"),
    *("ema", "model_ema", "state_dict_ema", "ema_state_dict"),
)
# Of torch.compile, of DDP, of Lightning, of modules that contain the model.
PREFIXES = ("_orig_mod.", "module.", "model.", "clip.", "net.")
AVERAGES = ("ema", "average", "teacher")  # Parts of keys whose weights are other ones.
CHECKED = (torch.float16, torch.bfloat16, torch.float32, torch.float64)  # Not 8 bits.
DEEPEST = 3  # Levels above the state dict; an untrusted file may contain itself.
SAVE = "save model.state_dict() as .safetensors"
PICKLES = (b"\x80", b"PK\x03\x04")
SCRIPT = (
    "is a TorchScript archive, which contains code: use open_clip's copy of it (OpenAI's is "
    "--model ViT-B-32/openai), or save the state dict of torch.jit.load as .safetensors"
)
State = dict[str, torch.Tensor]


def state_dict(path: Path, note: Note) -> State:
    """Return the weights in a file by name, prefixes of training programs removed with a note.

    Raises InputError, naming what the file is instead, if it contains no state dict.
    """
    loaded = read(path)
    state, under = _found(path, loaded)
    if under not in ([], ["state_dict"]):
        others = listed(name for name in loaded if name != under[0])
        note(
            f"{path}: its weights are under {' and '.join(map(repr, under))}"
            + (f"; {others} are not read" if others else "")
        )
    elif others := listed(_averages(loaded) if under else []):
        note(f"{path}: its weights are under 'state_dict'; {others} are not read")
    bare, prefixes = _without_prefixes(state)
    if prefixes:
        note(f"{path}: its names begin with {' and '.join(prefixes)}, which is removed")
    check_finite(path, bare)
    return bare


def _averages(loaded: Mapping[object, object]) -> list[object]:
    """Return the keys of other weights beside a state dict, such as a moving average."""
    return [
        key
        for key, value in loaded.items()
        if key != "state_dict"
        and any(part in str(key).lower() for part in AVERAGES)
        and isinstance(value, Mapping)
    ]


def check_finite(path: Path, state: State) -> None:
    """Raise InputError if a weight is NaN or infinite: every vector would be, too."""
    for name, value in state.items():
        if name in ("logit_scale", "logit_bias"):  # Loading says more about these.
            continue
        is_float = isinstance(value, torch.Tensor) and value.dtype in CHECKED
        # The sum shows it without a copy; it may overflow where all are finite.
        if is_float and not value.sum().isfinite() and not value.isfinite().all():
            bad = int((~value.isfinite()).sum())
            raise InputError(
                f"{path}: {bad:,} of the {value.numel():,} numbers of {name} are NaN or infinite: "
                "the training diverged, or the file is damaged; use an earlier checkpoint"
            )


def misfit(state: State, wanted: State) -> str:
    """Return why weights do not fit those of a model, with a few of the names; "" if they do."""
    # torch's batch norm supplies its counter.
    missing = [one for one in wanted if one not in state and "num_batches" not in one]
    others = [one for one in state if one not in wanted]
    parts = [f"lacks {counted(len(missing), 'tensor')}: {listed(missing)}"] if missing else []
    parts += [f"has {len(others):,} others: {listed(others)}"] if others else []
    shapes = [
        f"{name} is {tuple(state[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    more = f" and {len(shapes) - 1:,} more" if len(shapes) > 1 else ""
    return "; ".join(parts or [f"{one}{more}" for one in shapes[:1]])


def read(path: Path) -> Any:
    """Return what a file of torch.save or safetensors contains; never run code from it."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        if _is_safetensors(head):
            return load_file(path)
        _check(path, head)
        with path.open("rb") as file:  # By its name, torch would take .safetensors for it.
            source = file if path.suffix == ".safetensors" else path
            return torch.load(source, weights_only=True, map_location="cpu")
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:  # The libraries have no common exception for damaged files.
        raise InputError(f"{path}: {_refusal(str(error)) or first_lines(error)[:200]}") from error


def _is_safetensors(head: bytes) -> bool:
    """Return whether a file starts with the length of a header, and with that header."""
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") < 10**8


def _check(path: Path, head: bytes) -> None:
    """Raise InputError unless a file starts as those of torch.save do."""
    if (what := lookalike(head)) is not None:
        raise InputError(f"{path}: {what}")
    if not head.startswith(PICKLES):
        raise InputError(f"{path}: contains no weights: expected a file of torch.save, or {SAVE}")
    if head.startswith(b"PK"):
        _check_zip(path)


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError):
        raise InputError(f"{path}: is cut off or damaged: copy or download it again") from None
    names = [one.filename for one in members]
    if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
        raise InputError(f"{path}: {SCRIPT}")
    if not any(name.endswith("data.pkl") for name in names):
        raise InputError(f"{path}: is a zip archive of {listed(names)}, not a file of torch.save")
    if sum(one.file_size for one in members) > 2 * path.stat().st_size + HEAD:
        raise InputError(f"{path}: unpacks to more than its size, unlike files of torch.save")


def _refusal(text: str) -> str | None:
    """Return a known error of torch.load in words, None for another."""
    if "weights_only" not in text and "Weights only" not in text:
        return None
    if "TorchScript" in text:
        return SCRIPT
    found = re.search(r"GLOBAL ([\w.]{1,80}) was not", text)
    which = f" ({found[1]})" if found else ""
    return (
        f"rejected: it contains pickled objects besides tensors{which}, which could run code; "
        "save its state dict as .safetensors"
    )


def _found(path: Path, loaded: Any) -> tuple[State, list[str]]:
    """Return a state dict, and the keys that it was under."""
    under: list[str] = []
    while isinstance(loaded, Mapping) and len(under) < DEEPEST:
        key = next((one for one in UNDER if isinstance(loaded.get(one), Mapping)), None)
        if key is None:
            break
        under.append(key)
        loaded = loaded[key]
    if not isinstance(loaded, Mapping):
        kind = "one tensor" if isinstance(loaded, torch.Tensor) else f"a {type(loaded).__name__}"
        raise InputError(f"{path}: holds {kind}, not a state dict: {SAVE}")
    if not any(isinstance(one, torch.Tensor) for one in loaded.values()):
        names = listed(loaded) or "nothing"
        raise InputError(f"{path}: holds no tensors but {names}: {SAVE}")
    return {str(name): value for name, value in loaded.items()}, under


def _without_prefixes(state: State) -> tuple[State, list[str]]:
    """Return a state dict whose names begin with no prefix that all share, and the prefixes."""
    removed: list[str] = []
    compiled = {name.replace("_orig_mod.", ""): value for name, value in state.items()}
    if compiled.keys() != state.keys() and len(compiled) == len(state):
        state, removed = compiled, ["_orig_mod."]
    while prefix := next((one for one in PREFIXES if all(n.startswith(one) for n in state)), None):
        state = {name.removeprefix(prefix): value for name, value in state.items()}
        removed.append(prefix)
    return state, removed
