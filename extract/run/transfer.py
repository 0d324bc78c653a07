"""Batches to a device and vectors back, while it computes; on the CPU the same code copies nothing.

A GPU is never waited for until there is more for it to do: batch k + 1 is on its way, and queued,
before the vectors of batch k are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import torch

from oodcache.extract.model.encoder import Encoded
from oodcache.extract.run.timing import MODEL, TRANSFER, Timing

Batch = TypeVar("Batch")


class Transfer:
    """Copies between the host and a device that nobody waits for before they are needed."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._is_cuda = device.type == "cuda"
        # Streams and events of torch.cpu do nothing, which is right wherever copies are waited for.
        self._lanes: Any = torch.cuda if self._is_cuda else torch.cpu
        self._lanes.set_device(device)
        self._side = self._lanes.Stream()

    def there(self, batch: torch.Tensor) -> torch.Tensor:
        """Return a batch on the device; what is computed from now on waits for its copy."""
        with self._lanes.stream(self._side):
            copied = batch.to(self._device, non_blocking=self._is_cuda)
        computing = self._lanes.current_stream()
        computing.wait_stream(self._side)
        if self._is_cuda:  # Or its memory would be given to the next copy, once it is let go here.
            copied.record_stream(computing)
        return copied

    def back(self, encoded: Encoded) -> Callable[[], Encoded]:
        """Begin the copy of what is computed; return what waits for it and gives it."""
        # torch pins the memory of a copy to the host that is not waited for.
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
    """Yield each batch with its vectors on the host, one batch after it was queued on the device.

    `tensor` gives what of a batch is encoded by `encode`, on the device.
    """
    queued: tuple[Batch, Callable[[], Encoded]] | None = None
    for batch in timing.waiting(timing.first, batches):
        with timing.during(TRANSFER):
            there = transfer.there(tensor(batch))
        with timing.during(MODEL):
            encoded = encode(there)
        with timing.during(TRANSFER):
            coming = transfer.back(encoded)
        if queued is not None:
            yield _finished(*queued, timing)
        queued = batch, coming
    if queued is not None:
        yield _finished(*queued, timing)


def _finished(batch: Batch, coming: Callable[[], Encoded], timing: Timing) -> tuple[Batch, Encoded]:
    with timing.during(MODEL):  # The copy is short; what is waited for is what it waits for.
        return batch, coming()
