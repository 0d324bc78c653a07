"""Tensors in a .pt file, as CLIP_benchmark keeps its features, to NumPy."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy.typing as npt

from oodcache.cache.errors import InputError


def read(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return a .pt file's tensors by name, a tensor on its own as ''; run no pickled code."""
    if find_spec("torch") is None:
        raise InputError(f"{path}: a .pt needs torch: type  pip install 'oodcache[extract]'")
    import torch

    try:
        loaded = torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception:  # torch has no one exception for what is damaged or refused.
        what = "is damaged, or holds more than tensors, and only tensors are read"
        raise InputError(f"{path}: {what}") from None
    tensors = loaded if isinstance(loaded, dict) else {"": loaded}
    found = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided:
            raise InputError(f"{path}: holds {type(tensor).__name__}, and only tensors are read")
        if tensor.dtype == torch.bfloat16:  # Which NumPy does not have.
            tensor = tensor.float()
        found[str(name)] = tensor.detach().resolve_conj().resolve_neg().numpy()
    return found
