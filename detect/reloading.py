"""A detector's model loaded again, as it was for the images that calibrated. Knows no click."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import OVERRIDDEN
from oodcache.cache.format.rules import shown
from oodcache.cache.watch import Note
from oodcache.detect.detector import SavedDetector
from oodcache.extract.model.request import (
    ARITHMETIC,
    LOCAL_DIR,
    PREPROCESSING,
    TORCHVISION,
    ModelRequest,
)

if TYPE_CHECKING:
    from oodcache.extract.run.embedding import Embedder

AGAIN = "give the model that it was calibrated with (--model, --checkpoint), or calibrate again"
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Runtime:
    """Where the model is now and what it is to run on; None is as it was, or as is found."""

    model: str | None = None
    checkpoint: Path | None = None
    config: Path | None = None
    device: str | None = None
    batch_size: int = 256
    workers: int | None = None


def loaded(saved: SavedDetector, runtime: Runtime, note: Note) -> Embedder:
    """Return the model loaded as it was for the images that calibrated, and checked."""
    from oodcache.extract.model.request import check_torch

    request = request_again(saved, runtime)
    check_torch()
    from oodcache.extract.run import threads

    threads.sleep_while_waiting()
    from oodcache.extract.run.embedding import Embedder

    note(f"loading {request.requested} …")
    embedder, what = Embedder(request, note), f"--model {request.requested}"
    found = embedder.signature
    saved.check_model(found.identity, what, AGAIN)
    saved.check_preprocessing(found.preprocessing, what, AGAIN)
    if found.precision != saved.precision:
        note(f"{what}: computes in another precision, or elsewhere, than what calibrated")
    return embedder


def request_again(saved: SavedDetector, runtime: Runtime) -> ModelRequest:
    """Return what is to be loaded: the model, prepared and computing as it was."""
    if saved.is_imported:
        raise InputError(
            f"calibrated on {saved.calibrated_on}, imported embeddings, whose preprocessing nobody "
            "knows: images cannot be judged alike, cached data sets can"
        )
    requested = runtime.model or saved.load
    folder = Path(requested.removeprefix(LOCAL_DIR))
    if runtime.model is None and requested.startswith(LOCAL_DIR) and not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder, and the detector's model was there: say where it is now, "
            "by --model local-dir:PATH"
        )
    is_own = saved.model.name == "local" and not requested.startswith(LOCAL_DIR)
    if is_own and runtime.checkpoint is None:
        raise InputError(
            f"{requested}: the detector's weights are a file of your own: say where it is now, by "
            "--checkpoint FILE, and by --model-config FILE.json if it was given to extract"
        )
    return ModelRequest(
        requested,
        runtime.checkpoint,
        runtime.config,
        _overrides(saved),
        _autocast(saved),
        runtime.device,
        fast_decode=saved.preprocessing.get("decoder") == TORCHVISION,
        **{name: saved.precision.get(name) is True for name in ARITHMETIC},
    )


def _autocast(saved: SavedDetector) -> str:
    found = saved.precision.get("autocast")
    if found not in PRECISIONS:
        raise InputError(f"the detector has precision {shown(found)}, not {', '.join(PRECISIONS)}")
    return str(found)


def _overrides(saved: SavedDetector) -> dict[str, Any]:
    """Return the settings of the preprocessing that the user gave, as they were given."""
    given = saved.preprocessing.get(OVERRIDDEN)
    names = [name for name in PREPROCESSING if isinstance(given, list) and name in given]
    found = {name: saved.preprocessing.get(name) for name in names}
    for name, value in found.items():
        if not (_is_triple(value) if name in ("mean", "std") else isinstance(value, str)):
            raise InputError(f"the detector's preprocessing has {name} {shown(value)}")
    return found


def _is_triple(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 3:
        return False
    return all(type(one) in (int, float) for one in value)
