"""Claims about options that a model with an image processor does not take."""

from __future__ import annotations

from typing import Any

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.model.names import options
from oodcache.extract.model.request import ModelRequest, resolve

OF_OPEN_CLIP: list[tuple[dict[str, Any], str]] = [
    ({"preprocessing": {"mean": [0.5] * 3}}, "--image-mean: transformers:a/b has an image"),
    ({"fast_decode": True}, "--fast-decode: transformers:a/b has an image processor"),
]


@pytest.mark.parametrize(("option", "said"), OF_OPEN_CLIP)
def test_options_of_open_clips_preprocessing_are_refused(option: Any, said: str) -> None:
    with pytest.raises(InputError) as error:
        options.check(resolve(ModelRequest("transformers:a/b", **option)))
    assert said in str(error.value)
    options.check(resolve(ModelRequest("ViT-B-32/openai", **option)))
    options.check(resolve(ModelRequest("transformers:a/b", precision="bfloat16", exif=True)))
