"""Claims about open_clip's architectures by name, without importing it."""

from __future__ import annotations

import subprocess
import sys

import open_clip
import pytest

from oodcache.extract.model.names import architectures


def test_the_names_are_those_that_open_clip_lists() -> None:
    code = (
        "import sys; from oodcache.extract.model.names import architectures as a\n"
        "print(*sorted(a.known())); sys.exit('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with_weights = {name for name, _ in open_clip.list_pretrained()}
    # Other tests add architectures of their own to open_clip's.
    assert with_weights <= set(ran.stdout.split()) <= set(open_clip.list_models())
    assert architectures.known() == set(open_clip.list_models())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ViT-B-23", "ViT-B-32"),
        ("VIT-B-32", "ViT-B-32"),
        ("convnxt_base", "convnext_base"),
        ("ViT-H-32", None),  # Another size is another model.
        ("openai", None),
        ("google", None),
    ],
)
def test_a_slip_is_answered_and_another_size_is_not(typed: str, meant: str | None) -> None:
    near = architectures.nearest(typed, open_clip.list_models())
    assert (near[0] if near else None) == meant
