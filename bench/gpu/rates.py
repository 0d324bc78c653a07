"""Images/s of an extraction against what bounds it: the bare model, or decoding alone."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import torch

from bench.gpu.row import Row, at_least
from bench.gpu.samples import Setting, encoder, folder_of_images, narrow, prepared, synchronize
from oodcache.cache.watch import Watch
from oodcache.extract.model.encoder import Encoder
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run import completion, decoding, plan, targets

LEAST_OF_MODEL, LEAST_OF_DECODING = 0.95, 0.90
WORKERS, BATCH, PAIRS = 16, 256, 2
BOUND = 1.3  # How much faster decoding is where the model is the bound.
SHARED = Path("/dev/shm")
WATCH = Watch()


def rows(setting: Setting) -> Iterator[Row]:
    """Yield both."""
    workers, size = setting.size(WORKERS, 2), setting.size(BATCH, 16)
    size = _fitting(workers, size)
    yield _model_bound(setting, workers, size)
    yield _decode_bound(setting, workers, size)


def _fitting(workers: int, size: int) -> int:
    """Return a batch size of which two batches a worker fit into shared memory."""
    free = shutil.disk_usage(SHARED).free if SHARED.exists() else 2**40
    while size > 16 and (2 * workers + 4) * size * 3 * 224 * 224 > 0.8 * free:
        size //= 2
    return size


def _model_bound(setting: Setting, workers: int, size: int) -> Row:
    """Compare with `encode_image` on float32 tensors that are on the device."""
    name = setting.model("ViT-B-16")
    loaded = encoder(setting, name)
    with torch.inference_mode():
        ready = loaded.normalize(prepared(loaded, size, 64).to(loaded.device))

    def bare(batches: int) -> None:
        with torch.inference_mode():
            for _ in range(batches):
                loaded.model.encode_image(ready)
        synchronize(loaded.device)

    bare(3)
    few = setting.size(8, 2)
    rate = few * size / _seconds(lambda: bare(few))
    batches = _batches(setting, rate, size, 8)
    wanted = _planned(setting, "small", batches * size, 64, workers, size)
    what = f"{name}, float32, {workers} workers, batches of {size}: of a bare encode_image loop"
    decoded = batches * size / _seconds(lambda: _decode(wanted, loaded))
    if decoded < BOUND * rate and not setting.small:
        why = f"decoding is the bound here, {decoded:,.0f} images/s for the model's {rate:,.0f}"
        return Row(what, target=f"≥ {LEAST_OF_MODEL:g}", reason=why)
    return _compared(what, wanted, loaded, lambda: bare(batches), LEAST_OF_MODEL)


def _decode_bound(setting: Setting, workers: int, size: int) -> Row:
    """Compare a model that costs nothing with the same decoding, whose images nobody takes."""
    loaded = narrow(setting)
    few = _planned(setting, "few", setting.size(16 * size, 4 * size), 400, workers, size)
    rate = few.listings[0].rows / _seconds(lambda: _decode(few, loaded))
    count = _batches(setting, rate, size, 5) * size
    wanted = _planned(setting, "photographs", count, 400, workers, size)
    what = f"a narrow model, {workers} workers on {os.cpu_count()} processors, batches of {size}"
    limit = LEAST_OF_DECODING
    bound = f"{what}: of decoding alone"
    return _compared(bound, wanted, loaded, lambda: _decode(wanted, loaded), limit)


def _batches(setting: Setting, rate: float, size: int, seconds: float) -> int:
    """Return how many batches take so long."""
    return setting.size(min(400, max(8, round(rate * seconds / size))), 4)


def _planned(
    setting: Setting, name: str, count: int, side: int, workers: int, size: int
) -> plan.Plan:
    """Return a plan of images, whose file is made anew each time."""
    folder = folder_of_images(setting.folder / name, count, side)
    asked = plan.Extraction(
        model=ModelRequest("tiny-clip"),  # Names a folder; another model does the work.
        sources=[f"{name}={folder}"],
        data_root=setting.folder,
        cache=setting.folder / "embeddings",
        workers=workers,
        settings=plan.Settings(batch_size=size, overwrite=True),
    )
    return plan.plan(asked, WATCH)


def _decode(wanted: plan.Plan, loaded: Encoder) -> None:
    """Decode all images as extraction does, but for the copies."""
    (listing,), size = wanted.images, wanted.settings.batch_size
    whole = range(listing.rows)
    batches = [whole[first : first + size] for first in whole[::size]]
    settings = {"workers": wanted.workers, "pin_memory": False}
    for _ in decoding.batches(listing.contents, loaded.preprocessing, batches, **settings):
        pass


def _compared(
    what: str, wanted: plan.Plan, loaded: Encoder, bound: Callable[[], None], least: float
) -> Row:
    """Return the median over pairs of our rate by the bound's."""

    def ours() -> None:
        (target,) = targets.targets(wanted, "bench/random")
        engine = completion.InProcess(wanted, loaded, WATCH)
        completion.complete(target, wanted, engine, WATCH)

    count = wanted.listings[0].rows
    pairs = [(_seconds(ours), _seconds(bound)) for _ in range(PAIRS)]
    rate, limit = (count / median(one) for one in zip(*pairs, strict=True))
    told = f"{rate:,.0f} for {limit:,.0f} images/s, {count:,} images"
    return at_least(what, median(its / our for our, its in pairs), least, told)


def _seconds(do: Callable[[], None]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start
