"""A loaded model: images and prompts in, float32 unit vectors out."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import torch

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.format.identity import LOADED_FROM, Identity, ModelIdentity
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run.decoding import Preparation

LIBRARIES = ("oodcache", "torch", "torchvision", "open_clip_torch", "timm", "pillow", "h5py")

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Encoded:
    """Unit vectors (n, D) in float32, and their lengths before normalisation, (n,)."""

    vectors: torch.Tensor
    norm: torch.Tensor

    def unfit(self) -> dict[int, str]:
        """Return the rows whose vector has no direction, each with the reason; on the CPU."""
        what = {
            "non-finite values": ~torch.isfinite(self.norm),
            "a zero vector, which cannot be normalised": self.norm == 0,
        }
        return {
            row: f"the model returned {reason}"
            for reason, rows in what.items()
            for row in torch.nonzero(rows).flatten().tolist()
        }


@dataclass(frozen=True)
class Signature:
    """What a loaded model records in every file it makes; small and picklable.

    `preprocessing` and `tokenizing` describe how images and prompts are prepared. `places` are
    those of the user's own files; `libraries` are those that the vectors depend on.
    """

    identity: ModelIdentity
    precision: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    tokenizing: Mapping[str, Any]
    places: Mapping[str, str] = field(default_factory=dict)
    libraries: Sequence[str] = LIBRARIES

    def identify(self, kind: str, origin: Mapping[str, Any]) -> Identity:
        """Return the identity of a file of `kind`, "images" or "texts", made by this model."""
        versions = {library: importlib.metadata.version(library) for library in self.libraries}
        return Identity(
            model=self.identity,
            source={**origin, LOADED_FROM: dict(self.places)} if self.places else origin,
            encoding=self.preprocessing if kind == "images" else self.tokenizing,
            precision=self.precision,
            versions={**versions, "python": platform.python_version()},
        )


@dataclass(frozen=True)
class Encoder:
    """A model in evaluation mode on its device.

    `preprocessing`, then `normalize` on the device, turn an image's bytes into the model's input.
    `tokenize` is None in a model loaded for images only.
    """

    model: Any  # One of open_clip's or transformers' classes.
    signature: Signature
    device: torch.device
    preprocessing: Preparation
    normalize: Callable[[torch.Tensor], Any]
    tokenize: Callable[[list[str]], torch.Tensor] | None
    towers: Towers

    def images(self, pixels: torch.Tensor) -> Encoded:
        """Return the vectors of images as `preprocessing` makes them, both on the device."""
        return self._encode(self.towers.images, self.normalize(pixels))

    def prompts(self, tokens: torch.Tensor) -> Encoded:
        """Return the vectors of tokenized prompts, both on the device."""
        return self._encode(self.towers.texts, tokens)

    def tokens(self, prompts: Sequence[str]) -> torch.Tensor:
        """Return prompts tokenized at the model's own length and padding, pinned for a GPU."""
        assert self.tokenize is not None, "loaded for images only"
        tokens = self.tokenize(list(prompts))
        return tokens.pin_memory() if self.device.type == "cuda" else tokens

    def _encode(self, tower: Tower, batch: Any) -> Encoded:
        with torch.inference_mode(), self._autocast():
            features = tower(batch)
        # float32 first: normalised in bfloat16, norms range from 0.997 to 1.003.
        features = features.float()
        return Encoded(torch.nn.functional.normalize(features, dim=-1), features.norm(dim=-1))

    def _autocast(self) -> AbstractContextManager[Any]:
        dtype = DTYPES[self.signature.precision["autocast"]]
        if dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype)


Tower = Callable[[Any], torch.Tensor]


@dataclass(frozen=True)
class Towers:
    """The functions that encode a batch of normalised images and a batch of tokens."""

    images: Tower
    texts: Tower


def towers(model: Any, *, channels_last: bool = False, compiled: bool = False) -> Towers:
    """Return the towers of a model; compilation starts with the first batch."""
    images, texts = model.encode_image, model.encode_text
    if compiled:
        images, texts = _compiled(images), _compiled(texts)
    if not channels_last:
        return Towers(images, texts)
    model.to(memory_format=torch.channels_last)
    return Towers(lambda batch: images(batch.contiguous(memory_format=torch.channels_last)), texts)


def _compiled(tower: Tower) -> Tower:
    """Return a tower compiled for any batch size: the last batch of a shard is smaller."""
    compiled = torch.compile(tower)
    # It warns of places, such as NaFlex's check of shapes, that it does not compile.
    logging.getLogger("torch._dynamo").setLevel(logging.ERROR)

    def encode(batch: Any) -> torch.Tensor:
        for tensor in (batch,) if isinstance(batch, torch.Tensor) else vars(batch).values():
            torch._dynamo.maybe_mark_dynamic(tensor, 0)
        try:
            return compiled(batch)
        except torch._dynamo.exc.TorchDynamoException as error:
            raise InputError(f"--compile: {_reason(error)}; run without --compile") from error

    return encode


def _reason(error: BaseException) -> str:
    """Return the first line of the innermost cause; the outer ones address torch's developers."""
    while error.__cause__ is not None or getattr(error, "inner_exception", None) is not None:
        error = error.__cause__ or error.inner_exception  # type: ignore[attr-defined]
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"torch cannot compile the model: {lines[0] if lines else type(error).__name__}"


def device_of(requested: str | None) -> torch.device:
    """Return the device asked for, by default the GPU if there is one; TF32 is off from here on.

    Raises InputError if there is no such device.
    """
    wanted = requested or _own_device()
    try:
        device = torch.device(wanted)
        device = torch.empty(0, device=device).device  # Adds the device number.
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"--device {wanted}: {first_lines(error)}; try --device cpu") from None
    full_float32()
    return device


def full_float32() -> None:
    """Multiply and convolve float32 in full, without TF32, whichever way torch was told to use it.

    torch has two sets of switches. After the older ones alone, convolutions, and so the patch
    embedding, would still follow torch.backends.fp32_precision; after the newer ones alone, reading
    an older one raises.
    """
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    for one in _switches():
        one.fp32_precision = "ieee"


@contextmanager
def in_full_float32() -> Iterator[None]:
    """Compute as after `full_float32` within the context; restore the user's switches."""
    newer = [(one, one.fp32_precision) for one in _switches()]
    matmul = cudnn = None
    with suppress(RuntimeError):  # A mix of both sets cannot be read.
        matmul = torch.get_float32_matmul_precision()
    with suppress(RuntimeError):
        cudnn = torch.backends.cudnn.allow_tf32
    try:
        full_float32()
        yield
    finally:
        if matmul is not None:
            torch.set_float32_matmul_precision(matmul)
        if cudnn is not None:
            torch.backends.cudnn.allow_tf32 = cudnn
        for one, was in newer:
            one.fp32_precision = was


def _switches() -> tuple[Any, ...]:
    backends: Any = torch.backends
    cuda, cudnn, cpu = backends.cuda, backends.cudnn, backends.mkldnn
    return cuda.matmul, cudnn.conv, cudnn.rnn, cpu.matmul, cpu.conv, cpu.rnn


def moved(module: Any, device: torch.device) -> Any:
    """Return a module on the device; raise InputError if it does not fit there."""
    try:
        return module.to(device)
    except torch.OutOfMemoryError as error:
        text = f"--device {device}: no room for the model: {first_lines(error)}"
        raise InputError(text) from None


def _own_device() -> str:
    """Return the GPU if there is one; with several, the one that torchrun assigns."""
    if not torch.cuda.is_available():
        return "cpu"
    rank = os.environ.get("LOCAL_RANK", "")
    return f"cuda:{rank}" if rank and torch.cuda.device_count() > 1 else "cuda"


def precision(request: ModelRequest, device: torch.device) -> dict[str, Any]:
    """Return the arithmetic of a request on a device, as files record it."""
    return {
        "autocast": request.precision,
        "tf32": False,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        **request.arithmetic,
    }
