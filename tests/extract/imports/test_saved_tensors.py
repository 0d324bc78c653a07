"""Claims about .pt files: tensors come out, pickled code does not run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oodcache.cache.errors import InputError
from oodcache.extract.imports.saved_tensors import read


class Hostile:
    """What writes a file if it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_tensors_come_out_by_name_and_one_alone_under_none(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    features = torch.randn(5, 3, requires_grad=True)
    torch.save(features, path)
    np.testing.assert_array_equal(read(path)[""], features.detach().numpy())
    torch.save({"a": features.half(), "b": torch.tensor([1, 2])}, path)
    found = read(path)
    assert (found["a"].dtype, found["b"].dtype) == (np.float16, np.int64)
    torch.save(features.bfloat16(), path)
    np.testing.assert_array_equal(read(path)[""], features.detach().bfloat16().float().numpy())


def test_no_pickled_code_is_run(tmp_path: Path) -> None:
    trace, path = tmp_path / "ran", tmp_path / "x.pt"
    torch.save(Hostile(trace), path)
    words = "is damaged, or holds more than tensors, and only tensors are read"
    assert refusal(path) == f"{path}: {words}"
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists(), "the pickle was harmless, and the test showed nothing"


@pytest.mark.filterwarnings("ignore:Validating sparse")
def test_what_holds_no_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    for value, kind in (({"a": 1}, "int"), ([1], "list"), ({"a": {"b": torch.ones(1)}}, "dict")):
        torch.save(value, path)
        assert refusal(path) == f"{path}: holds {kind}, and only tensors are read"
    torch.save(torch.ones(2, 2).to_sparse(), path)
    assert "only tensors are read" in refusal(path)


def test_a_damaged_or_missing_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save(torch.ones(100), path)
    path.write_bytes(path.read_bytes()[:500])
    assert "is damaged" in refusal(path)
    path.write_bytes(b"")
    assert "is damaged" in refusal(path)
    assert refusal(tmp_path / "none.pt").endswith("cannot be read: No such file or directory")


def test_without_torch_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refusal(tmp_path / "x.pt").endswith("type  pip install 'oodcache[extract]'")
