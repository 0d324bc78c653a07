"""`--compile`: the same vectors, one compilation for batches of any size, and what it gains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from bench.gpu.equality import FLOAT32
from bench.gpu.row import Row, at_most
from bench.gpu.samples import Setting, encoder, prepared, synchronize, vectors
from oodcache.cache.errors import InputError
from oodcache.extract.model.encoder import Encoder, towers

ONCE = 0.2  # Of the first batch's time, which a batch of another size takes at most.


def rows(setting: Setting) -> Iterator[Row]:
    """Yield what compiling changes."""
    name = setting.model("ViT-B-32")
    cpu, plain = encoder(setting, name, "cpu"), encoder(setting, name)
    large, smaller = setting.size(64, 16), setting.size(40, 10)
    pixels = prepared(cpu, large)
    ours = replace(plain, towers=towers(plain.model, compiled=True))
    start = time.perf_counter()
    try:
        found = vectors(ours, pixels, large)
    except InputError as error:
        yield Row(f"{name}, --compile", target="compiles", is_met=False, reason=str(error))
        return
    first = time.perf_counter() - start
    off = float((found - vectors(cpu, pixels, large)).abs().max())
    yield at_most(f"{name}, --compile: largest difference to the CPU's values", off, FLOAT32)
    start = time.perf_counter()
    vectors(ours, pixels[:smaller], smaller)
    second = time.perf_counter() - start
    row = at_most("a batch of another size, of the first one's time", second / first, ONCE)
    yield replace(row, figure=f"{second / first:.2g} (first batch: {first:.1f} s)")
    size = setting.size(256, 16)
    rates = [_rate(one, size, setting.size(20, 3)) for one in (ours, plain)]
    gain = f"{rates[0] / rates[1]:.2f} ({rates[0]:,.0f} for {rates[1]:,.0f} images/s)"
    yield Row(f"{name}, float32: rate with --compile, of that without", gain)


def _rate(model: Encoder, size: int, count: int) -> float:
    """Return the images/s of a tower whose batches are on the device."""
    batch = prepared(model, size).to(model.device)
    model.images(batch)
    synchronize(model.device)
    start = time.perf_counter()
    for _ in range(count):
        model.images(batch)
    synchronize(model.device)
    return count * size / (time.perf_counter() - start)
