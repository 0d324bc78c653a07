"""Asynchronous copies: batches to a device and vectors back, while it computes.

Batch k + 1 is queued before the vectors of batch k are fetched, so a GPU never idles. On the CPU
the same code copies nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from oodcache.cache.errors import InputError, first_lines
from oodcache.extract.model.encoder import Encoded
from oodcache.extract.run.timing import MODEL, TRANSFER, Timing

Batch = TypeVar("Batch")
FULL = "DefaultCPUAllocator: can't allocate memory"  # Which on the CPU is a plain RuntimeError.


class Transfer:
    """Asynchronous copies between the host and a device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._is_cuda = device.type == "cuda"
        # torch.cpu's streams and events do nothing, which is right for synchronous copies.
        self._lanes: Any = torch.cuda if self._is_cuda else torch.cpu
        self._lanes.set_device(device)
        self._side = self._lanes.Stream()

    def there(self, batch: torch.Tensor) -> torch.Tensor:
        """Return a batch on the device; later computations wait for its copy."""
        with self._lanes.stream(self._side):
            copied = batch.to(self._device, non_blocking=self._is_cuda)
        computing = self._lanes.current_stream()
        computing.wait_stream(self._side)
        if self._is_cuda:  # Otherwise its memory could be reused by the next copy too early.
            copied.record_stream(computing)
        return copied

    def back(self, encoded: Encoded) -> Callable[[], Encoded]:
        """Start copying the results to the host; return a function that waits for them."""
        # torch pins the host memory of a non-blocking copy.
        copied = Encoded(
            encoded.vectors.to("cpu", non_blocking=self._is_cuda),
            encoded.norm.to("cpu", non_blocking=self._is_cuda),
        )
        arrived = self._lanes.Event()
        arrived.record()

        def wait() -> Encoded:
            arrived.synchronize()
            return copied

        return wait


def pipelined(
    batches: Iterable[Batch],
    tensor: Callable[[Batch], torch.Tensor],
    encode: Callable[[torch.Tensor], Encoded],
    transfer: Transfer,
    timing: Timing,
) -> Iterator[tuple[Batch, Encoded]]:
    """Yield each batch with its vectors on the host, one batch behind the device's queue.

    `encode` runs on the device, on `tensor(batch)`.
    """
    queued: tuple[Batch, Callable[[], Encoded]] | None = None
    for batch in timing.waiting(timing.first, batches):
        given = tensor(batch)
        with _room_for(len(given)):
            with timing.during(TRANSFER):
                there = transfer.there(given)
            with timing.during(MODEL):
                encoded = encode(there)
            with timing.during(TRANSFER):
                coming = transfer.back(encoded)
        if queued is not None:
            yield _finished(*queued, timing)
        queued = batch, coming
    if queued is not None:
        yield _finished(*queued, timing)


@contextmanager
def _room_for(count: int) -> Iterator[None]:
    """Raise InputError in one line if a batch of `count` inputs does not fit into memory."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and FULL not in str(error):
            raise
        raise InputError(
            f"no memory for a batch of {count}: run the same command again with a smaller "
            f"--batch-size; finished shards are kept ({first_lines(error)})"
        ) from None


def _finished(batch: Batch, coming: Callable[[], Encoded], timing: Timing) -> tuple[Batch, Encoded]:
    with timing.during(MODEL):  # The copy itself is short: this mostly waits for the model.
        return batch, coming()
