"""Claims about identities: they change with the weights, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from samples import SmallModel, load_small

from oodcache.extract.model.identity import weights_sha256


@pytest.mark.slow
def test_the_weights_hash_does_not_depend_on_the_file_format(
    small_model: SmallModel, tmp_path: Path
) -> None:
    state = torch.load(small_model.checkpoint, weights_only=True)
    safe = tmp_path / "small.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, safe)
    one = load_small(small_model).signature.identity
    other = load_small(small_model, checkpoint=safe).signature.identity
    assert one.weights == other.weights == weights_sha256(state)
    assert one.checkpoint != other.checkpoint
    assert one.label == f"local/small-{one.weights[:8]}"


def test_the_weights_hash_sees_every_number_name_and_shape() -> None:
    base = {"a": torch.zeros(2, 3), "b": torch.ones(1)}
    others = [
        {"a": torch.zeros(2, 3), "b": torch.full((1,), 2.0)},
        {"a": torch.zeros(3, 2), "b": torch.ones(1)},
        {"a": torch.zeros(2, 3), "c": torch.ones(1)},
        {"a": torch.zeros(2, 3), "b": torch.ones(1, dtype=torch.float64)},
    ]
    hashes = {weights_sha256(state) for state in [base, *others]}
    assert len(hashes) == 5
    assert weights_sha256(dict(reversed(base.items()))) == weights_sha256(base)
