"""Claims about batches on their way: their order, what is waited for when, and the same values.

No GPU is here: what these tests run is the code that a GPU would run, with the CPU's own streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from oodcache.cache.errors import InputError
from oodcache.extract.model.encoder import Encoded
from oodcache.extract.run.timing import DECODING, MODEL, TRANSFER, Timing
from oodcache.extract.run.transfer import Transfer, pipelined

CPU = torch.device("cpu")


def encode(batch: torch.Tensor) -> Encoded:
    return Encoded(batch * 2, batch.sum(dim=1))


def numbered(count: int) -> list[torch.Tensor]:
    return [torch.full((3, 2), float(number)) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_every_batch_comes_back_once_with_its_own_vectors(count: int) -> None:
    batches = list(enumerate(numbered(count)))
    came = list(pipelined(batches, lambda batch: batch[1], encode, Transfer(CPU), Timing(DECODING)))
    assert [batch[0] for batch, _ in came] == list(range(count))
    for (_, given), encoded in came:
        assert torch.equal(encoded.vectors, given * 2)
        assert torch.equal(encoded.norm, given.sum(dim=1))


class Logged(Transfer):
    """A transfer that writes down what it is asked for."""

    def __init__(self, log: list[str]) -> None:
        super().__init__(CPU)
        self.log = log

    def there(self, batch: torch.Tensor) -> torch.Tensor:
        self.log.append(f"send {int(batch[0, 0])}")
        return super().there(batch)

    def back(self, encoded: Encoded) -> Callable[[], Encoded]:
        number, coming = int(encoded.vectors[0, 0]) // 2, super().back(encoded)

        def wait() -> Encoded:
            self.log.append(f"wait {number}")
            return coming()

        return wait


def test_a_batch_is_queued_before_the_one_before_it_is_waited_for() -> None:
    log: list[str] = []

    def logged(batch: torch.Tensor) -> Encoded:
        log.append(f"encode {int(batch[0, 0])}")
        return encode(batch)

    for _ in pipelined(numbered(3), lambda batch: batch, logged, Logged(log), Timing(DECODING)):
        log.append("taken")
    assert log == [
        *("send 0", "encode 0", "send 1", "encode 1", "wait 0", "taken"),
        *("send 2", "encode 2", "wait 1", "taken", "wait 2", "taken"),
    ]


def test_each_wait_is_counted_as_what_it_is_for() -> None:
    now = [0.0]

    class Slow(Transfer):
        def there(self, batch: torch.Tensor) -> torch.Tensor:
            now[0] += 1
            return super().there(batch)

    def slow(batch: torch.Tensor) -> Encoded:
        now[0] += 10
        return encode(batch)

    def decoded() -> Iterator[torch.Tensor]:
        for batch in numbered(3):
            now[0] += 100
            yield batch

    timing = Timing(DECODING, lambda: now[0])
    for _ in pipelined(decoded(), lambda batch: batch, slow, Slow(CPU), timing):
        now[0] += 1000
    assert list(timing.seconds().values()) == [300, 3, 30, 3000]
    assert list(timing.seconds())[:3] == [DECODING, TRANSFER, MODEL]


def test_a_device_that_is_no_gpu_needs_no_streams_of_its_own() -> None:
    meta = Transfer(torch.device("meta"))
    assert meta.there(torch.zeros(2, 3)).device.type == "meta"


def test_an_error_of_a_later_batch_comes_after_nothing_is_lost_but_that_one_before() -> None:
    def failing() -> Iterator[torch.Tensor]:
        yield from numbered(2)
        raise OSError("gone")

    taken = 0
    with pytest.raises(OSError, match="gone"):
        for _ in pipelined(failing(), lambda batch: batch, encode, Transfer(CPU), Timing(DECODING)):
            taken += 1
    assert taken == 1


def test_a_batch_for_which_there_is_no_memory_is_one_line_and_other_errors_are_none() -> None:
    def too_large(batch: torch.Tensor) -> Encoded:
        return encode(torch.empty(2**60, dtype=torch.uint8))

    def on_a_gpu(batch: torch.Tensor) -> Encoded:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def broken(batch: torch.Tensor) -> Encoded:
        return encode(batch @ batch)

    for encoder, why in ((too_large, "can't allocate"), (on_a_gpu, "CUDA out of memory")):
        words = f"^no memory for a batch of 3: .* a smaller --batch-size; .*{why}[^\\n]*$"
        with pytest.raises(InputError, match=words):
            list(pipelined(numbered(2), lambda one: one, encoder, Transfer(CPU), Timing(DECODING)))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        list(pipelined(numbered(2), lambda one: one, broken, Transfer(CPU), Timing(DECODING)))
