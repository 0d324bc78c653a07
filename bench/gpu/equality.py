"""Vectors of the device against the CPU's: float32, channels_last, bfloat16, float16, errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from bench.gpu.row import Row, at_most
from bench.gpu.samples import Setting, encoder, prepared, vectors
from oodcache.cache.errors import InputError
from oodcache.extract.model.encoder import Encoder, device_of, towers

FLOAT32 = 1e-5
# Twice what the demo's models lost on a CPU (docs/benchmarks.md, Precision).
LOST = {"bfloat16": 1.2e-3, "float16": 2.6e-5}
PROMPTS = [f"a photo of the number {number}" for number in range(16)]


def rows(setting: Setting) -> Iterator[Row]:
    """Yield how far each way to compute is off the CPU's float32."""
    name = setting.model("ViT-B-32")
    cpu, ours = encoder(setting, name, "cpu"), encoder(setting, name)
    are_one = ours.signature.identity == cpu.signature.identity
    yield Row(f"{name}: identity, with its scale", f"equal: {are_one}", "equal: True", are_one)
    pixels = prepared(cpu, setting.size(72, 24))  # Whole batches and a smaller one.
    exact = vectors(cpu, pixels)
    yield _off(f"{name}, float32", vectors(ours, pixels), exact)
    yield _again(name, ours, pixels)
    tokens = cpu.tokens(PROMPTS)
    found = ours.prompts(tokens.to(ours.device)).vectors.cpu()
    yield _off(f"{name}, float32, prompts", found, cpu.prompts(tokens).vectors)
    for precision, limit in LOST.items():
        yield _lost(name, _in(ours, precision), pixels, exact, limit)
    if setting.is_cuda:
        yield _full(ours)
    else:
        yield Row("a batch that does not fit", reason="no CUDA")
    last = replace(ours, towers=towers(ours.model, channels_last=True))
    yield _off(f"{name}, --channels-last", vectors(last, pixels), exact)
    if setting.small:
        yield Row("RN50, --channels-last", reason="a small check")
    else:
        yield _convolutions(setting)
    yield from _devices(setting, name, pixels, exact)


def _off(what: str, found: torch.Tensor, exact: torch.Tensor) -> Row:
    off = float((found.double() - exact.double()).abs().max())
    return at_most(f"{what}: largest difference to the CPU's values", off, FLOAT32)


def _again(name: str, ours: Encoder, pixels: torch.Tensor) -> Row:
    """Return whether a second run gives the same bits, as resuming wants it; not promised."""
    are_equal = torch.equal(vectors(ours, pixels), vectors(ours, pixels))
    return Row(f"{name}, float32, run twice", "equal bits" if are_equal else "other last bits")


def _in(model: Encoder, precision: str) -> Encoder:
    signature = model.signature
    arithmetic = {**signature.precision, "autocast": precision}
    return replace(model, signature=replace(signature, precision=arithmetic))


def _lost(
    name: str, model: Encoder, pixels: torch.Tensor, exact: torch.Tensor, limit: float
) -> Row:
    cosines = (vectors(model, pixels).double() * exact.double()).sum(dim=1)
    lost = 1 - cosines / exact.double().norm(dim=1)
    precision, median = model.signature.precision["autocast"], float(lost.median())
    row = at_most(f"{name}, {precision}: 1 - cosine to float32", float(lost.max()), limit)
    return replace(row, figure=f"{row.figure} at most, {median:.2g} at the median")


def _full(model: Encoder) -> Row:
    """Return whether a batch for which the GPU has no memory is one line."""
    total = torch.cuda.get_device_properties(model.device).total_memory
    used = torch.cuda.memory_reserved(model.device)
    torch.cuda.set_per_process_memory_fraction((used + 2**28) / total, model.device)
    what, wanted = "a batch that does not fit", "one line with --batch-size"
    try:
        vectors(model, torch.zeros(8192, 3, 224, 224, dtype=torch.uint8), 8192)
    except InputError as error:
        is_line = "--batch-size" in str(error) and "\n" not in str(error)
        return Row(what, str(error).partition(":")[0], wanted, is_line)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, model.device)
    return Row(what, "no error", wanted, False)


def _convolutions(setting: Setting) -> Row:
    """Return how far a network of convolutions is off: by TF32 it would be by far."""
    cpu, ours = encoder(setting, "RN50", "cpu"), encoder(setting, "RN50")
    last, pixels = replace(ours, towers=towers(ours.model, channels_last=True)), prepared(cpu, 16)
    return _off("RN50, --channels-last", vectors(last, pixels), vectors(cpu, pixels))


def _devices(
    setting: Setting, name: str, pixels: torch.Tensor, exact: torch.Tensor
) -> Iterator[Row]:
    what, wanted = "--device cuda:99", "one line"
    try:
        device_of("cuda:99")
        yield Row(what, "no error", wanted, False)
    except InputError as error:
        yield Row(what, str(error)[:60], wanted, "\n" not in str(error))
    if torch.cuda.device_count() < 2 or not setting.is_cuda:
        yield Row("--device cuda:1", reason=f"{torch.cuda.device_count()} GPUs here")
        return
    yield _off(f"{name}, cuda:1", vectors(encoder(setting, name, "cuda:1"), pixels), exact)
