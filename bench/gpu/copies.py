"""Copies to and from the device: nothing is overwritten on the way, and the model runs meanwhile.

The model is a product of matrices that takes as long as the copy, so hiding one behind the other
halves the time: a real model would hide any copy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import torch

from bench.gpu.row import Row, at_least
from bench.gpu.samples import Setting, synchronize
from oodcache.extract.model.encoder import Encoded, device_of
from oodcache.extract.run.decoding import Decoded
from oodcache.extract.run.timing import DECODING, Timing
from oodcache.extract.run.transfer import Transfer, pipelined

HIDDEN = 0.5
RUNS = 3


def rows(setting: Setting) -> Iterator[Row]:
    """Yield both."""
    device = device_of(setting.device)
    transfer, work = Transfer(device), _Work(device, setting.size(2048, 64))
    shape = (setting.size(256, 8), 3, *(setting.size(224, 16),) * 2)
    yield _whole(transfer, work, shape, setting.size(64, 20))
    yield _hidden(transfer, work, shape, setting.size(8, 4))


class _Work:
    """A stand-in for a model: products of matrices, as many as `repeats`."""

    def __init__(self, device: torch.device, width: int) -> None:
        self.device, self.repeats = device, 8
        self._matrix = torch.eye(width, device=device)

    def encode(self, batch: torch.Tensor) -> Encoded:
        """Return a batch's sums, exact, once the products are made."""
        made = self._matrix
        for _ in range(self.repeats):
            made = made @ self._matrix
        # The product is 1 in this place, but a GPU only knows once it has made it.
        sums = batch.flatten(1).sum(dim=1, dtype=torch.int64) * made[0, 0].to(torch.int64)
        return Encoded(sums[:, None], sums)


def _whole(transfer: Transfer, work: _Work, shape: Sequence[int], count: int) -> Row:
    """Return how many batches arrive whole, whose pinned memory is used again and again."""
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)] * 4
    batches = [one.roll(number, 1).mul(number + 1) for number, one in enumerate(batches)]
    wanted = [one.flatten(1).sum(dim=1, dtype=torch.int64) for one in batches]

    def pinned() -> Iterator[Decoded]:
        for number in range(count):
            one = Decoded(batches[number % 4])
            yield one.pin_memory() if work.device.type == "cuda" else one

    right = 0
    found = pipelined(pinned(), lambda one: one.images, work.encode, transfer, Timing(DECODING))
    for number, (_, encoded) in enumerate(found):
        right += torch.equal(encoded.norm, wanted[number % 4])
    what = "batches that arrive whole, of all"
    return Row(what, f"{right} of {count}", "all", right == count)


def _hidden(transfer: Transfer, work: _Work, shape: Sequence[int], count: int) -> Row:
    """Return which share of the shorter one of copy and model the other one hides."""
    host = [torch.ones(*shape, dtype=torch.uint8) for _ in range(count)]
    if work.device.type == "cuda":
        host = [one.pin_memory() for one in host]
    host *= 4  # The same memory four times: the more batches, the less the first copy counts.
    there = [one.to(work.device) for one in host[:count]] * 4

    def copy() -> None:
        for one in host:
            transfer.there(one)

    def model() -> None:
        for one in there:
            work.encode(one)

    def both() -> None:
        for _ in pipelined(host, lambda one: one, work.encode, transfer, Timing(DECODING)):
            pass

    for _ in range(2):  # The second time all is warm.
        took, made = (_seconds(one, work.device) for one in (copy, model))
        work.repeats = max(1, min(1000, round(work.repeats * took / made)))
    _seconds(both, work.device)
    copies, models, pipes = (
        median(_seconds(one, work.device) for _ in range(RUNS)) for one in (copy, model, both)
    )
    what = "share of the copies that the model hides"
    if work.device.type != "cuda":
        return Row(what, reason="no CUDA: nothing is copied")
    share = (copies + models - pipes) / min(copies, models)
    rate = len(host) * host[0].numel() / copies / 1e9
    told = f"copy {copies * 1e3:.1f} ms, {rate:.0f} GB/s; model {models * 1e3:.1f} ms; "
    told += f"both {pipes * 1e3:.1f} ms"
    return at_least(what, share, HIDDEN, told)


def _seconds(do: Callable[[], None], device: torch.device) -> float:
    synchronize(device)
    start = time.perf_counter()
    do()
    synchronize(device)
    return time.perf_counter() - start
