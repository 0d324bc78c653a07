"""Options of open_clip's preprocessing, rejected for models with an image processor."""

from __future__ import annotations

from oodcache.cache.errors import InputError
from oodcache.extract.model.request import TRANSFORMERS, Resolved


def check(resolved: Resolved) -> None:
    """Raise InputError for an option that a model in transformers' layout does not take."""
    request = resolved.request
    if not resolved.architecture.startswith(TRANSFORMERS):
        return
    if request.preprocessing:
        option = f"--image-{next(iter(request.preprocessing)).replace('_', '-')}"
        raise InputError(
            f"{option}: {request.requested} has an image processor of transformers, which is used "
            "as it is; edit preprocessor_config.json in a copy of the model"
        )
    if request.fast_decode:
        raise InputError(
            f"--fast-decode: {request.requested} has an image processor of transformers, which "
            "resizes by torchvision already: run without it"
        )
