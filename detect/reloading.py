"""Reloading of a detector's model, as it was for the calibration set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import LOADED_FROM, OVERRIDDEN
from oodcache.cache.format.rules import shown
from oodcache.cache.watch import Hint, Note
from oodcache.detect.detector import SavedDetector
from oodcache.extract.model.names.typed import folder_of, own_folder
from oodcache.extract.model.request import (
    ARITHMETIC,
    PREPROCESSING,
    TORCHVISION,
    ModelRequest,
    resolve,
)

if TYPE_CHECKING:
    from oodcache.extract.memory.parts import GivenModel
    from oodcache.extract.run.embedding import Embedder

AGAIN = "use the model that it was calibrated with (--model, --checkpoint), or calibrate again"
HELD_AGAIN = "give the model that it was calibrated with, or make the detector again"
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Runtime:
    """Where the model is and what it runs on; None means as before, or the default.

    `held` is the model itself, if it is in memory.
    """

    model: str | None = None
    checkpoint: Path | None = None
    config: Path | None = None
    device: str | None = None
    batch_size: int = 256
    workers: int | None = None
    held: GivenModel | None = None


def loaded(saved: SavedDetector, runtime: Runtime, note: Note) -> Embedder:
    """Return the model loaded as it was for the calibration set, or held, and checked."""
    if runtime.held is not None:
        return _checked(saved, _of_held(saved, runtime.held, runtime, note), note)
    from oodcache.extract.model.request import check_torch, sleep_while_waiting

    request = request_again(saved, runtime)
    check_torch()
    sleep_while_waiting()
    from oodcache.extract.run.embedding import Embedder

    note(Hint(f"loading {request.requested} …"))
    what = f"--model {request.requested}"
    return _checked(saved, Embedder.by_name(request, note), note, what, AGAIN)


def _checked(
    saved: SavedDetector,
    embedder: Embedder,
    note: Note,
    what: str = "model",
    again: str = HELD_AGAIN,
) -> Embedder:
    """Return a model, the `what` of messages; raise InputError if it is not the detector's."""
    found = embedder.signature
    saved.check_model(found.identity, what, again)
    saved.check_preprocessing(found.preprocessing, what, again)
    if found.precision != saved.precision:
        note(f"{what}: its precision or device differs from the calibration set's")
    return embedder


def _of_held(saved: SavedDetector, held: GivenModel, runtime: Runtime, note: Note) -> Embedder:
    """Return a model in memory with the detector's settings."""
    _check_not_imported(saved)
    from oodcache.extract.memory import models
    from oodcache.extract.run.embedding import Embedder

    request = ModelRequest(
        "in memory", precision=_autocast(saved), device=runtime.device, **_decoding(saved)
    )
    return Embedder(models.loaded_as(held, request, saved.model, note))


def request_again(saved: SavedDetector, runtime: Runtime) -> ModelRequest:
    """Return the request for the model with its preprocessing and precision."""
    _check_not_imported(saved)
    if saved.model.was_in_memory:
        raise InputError(
            f"calibrated with {saved.model.label}, a model in memory, which has no name to load it "
            "by: give it in Python, Detector.load(FILE, model=(module, preprocess)), or embed "
            "images with cache.extract and detect them as a cached dataset"
        )
    requested = runtime.model or _folder_again(saved)
    checkpoint, config = runtime.checkpoint, runtime.config
    is_folder = _recorded(saved) is not None or (runtime.model and folder_of(runtime.model))
    if saved.model.name == "local" and not is_folder and checkpoint is None:
        checkpoint = _place(saved, "checkpoint")
        config = config or _place(saved, "model_config")
        if checkpoint is None or not _are_those(saved, requested, checkpoint, config):
            raise InputError(
                f"{requested}: the detector needs your own checkpoint, which is not where it was"
                "; give it with --checkpoint FILE, and --model-config FILE.json if extract had it"
            )
    arithmetic: dict[str, Any] = {name: saved.precision.get(name) is True for name in ARITHMETIC}
    return ModelRequest(
        requested,
        checkpoint,
        config,
        _overrides(saved),
        _autocast(saved),
        runtime.device,
        **_decoding(saved),
        **arithmetic,
    )


def _check_not_imported(saved: SavedDetector) -> None:
    if saved.is_imported:
        raise InputError(
            f"calibrated on {saved.calibrated_on}, imported embeddings whose preprocessing is "
            "unknown: it judges only cached datasets"
        )


def _decoding(saved: SavedDetector) -> dict[str, Any]:
    """Return how the calibration set's files were decoded, as a request says it."""
    return {
        "fast_decode": saved.preprocessing.get("decoder") == TORCHVISION,
        "exif": saved.preprocessing.get("exif") is True,
    }


def _folder_again(saved: SavedDetector) -> str:
    """Return the `--model` of the detector; a folder where it was, from any working directory."""
    folder, prefix = _recorded(saved), saved.load.partition(":")[0]
    if folder is None or folder.is_dir():
        return saved.load
    if (before := _place(saved, "folder")) is not None:
        return f"{prefix}:{before}"
    raise InputError(
        f"{folder}: no such folder, but the detector's model was there; give its location "
        f"with --model {prefix}:PATH"
    )


def _recorded(saved: SavedDetector) -> Path | None:
    """Return the folder that the model was in, None if it was no folder of the user's own."""
    return own_folder(saved.load) if saved.model.name == "local" else None


def _place(saved: SavedDetector, name: str) -> Path | None:
    """Return where one of the user's own files was, None if it is not there any more."""
    places = saved.provenance.get(LOADED_FROM)
    found = places.get(name) if isinstance(places, Mapping) else None
    if not isinstance(found, str) or "\0" in found:
        return None
    return Path(found) if Path(found).exists() else None


def _are_those(saved: SavedDetector, requested: str, checkpoint: Path, config: Path | None) -> bool:
    """Return whether files have the contents that they had: a detector may name any file."""
    return resolve(ModelRequest(requested, checkpoint, config)).checkpoint == saved.model.checkpoint


def _autocast(saved: SavedDetector) -> str:
    found = saved.precision.get("autocast")
    if found not in PRECISIONS:
        raise InputError(f"the detector has precision {shown(found)}, not {', '.join(PRECISIONS)}")
    return str(found)


def _overrides(saved: SavedDetector) -> dict[str, Any]:
    """Return the preprocessing settings as given by the user."""
    given = saved.preprocessing.get(OVERRIDDEN)
    names = [name for name in PREPROCESSING if isinstance(given, list) and name in given]
    found = {name: saved.preprocessing.get(name) for name in names}
    for name, value in found.items():
        types = [type(one) for one in value] if isinstance(value, list) else []
        triple = len(types) == 3 and set(types) <= {int, float}
        if not (triple if name in ("mean", "std") else isinstance(value, str)):
            raise InputError(f"the detector's preprocessing has {name} {shown(value)}")
    return found
