"""Claims about docs/models.md: its section on learned prompts runs as it is typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from samples import Run
from samples.cache.pets import write_names, write_pets

from oodcache.cache.files.texts import open_texts

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
SECTION = PAGE.partition("\n## Learned prompts\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```(python|console)\n(.*?)```", SECTION, re.S)
FOLDER = Path("embeddings/ViT-B-16/openai")
Write = Callable[..., Path]
__all__ = ["write_names", "write_pets"]


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what CoOp's trainer has, of three classes, as far as the page reads it."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = torch.nn.Module()
    learner = torch.nn.Module()
    learner.context = torch.nn.Parameter(torch.randn(3, 5, 8))
    learner.forward = lambda: learner.context  # type: ignore[method-assign]
    encoder = torch.nn.Linear(8, 4).half().float()
    model.prompt_learner = learner
    model.text_encoder = lambda prompts, tokens: encoder(prompts)[torch.arange(3), tokens]
    model.tokenized_prompts = torch.tensor([4, 3, 4])
    return SimpleNamespace(model=model)


@pytest.mark.slow
def test_learned_prompts_become_classes_that_score_takes(
    trainer: Any, oodcache: Run, write_pets: Write, write_names: Write
) -> None:
    for seed, name in enumerate(("pets", "strays")):
        write_pets(FOLDER / f"images/{name}.h5", count=30, seed=seed, requested="clip-openai")
    write_names(FOLDER / "texts/pets.h5")
    Path("names.txt").write_text("class 0\nclass 1\nclass 2\n")
    names: dict[str, Any] = {"trainer": trainer}
    for kind, block in BLOCKS:
        for line in block.splitlines() if kind == "console" else ():
            done = oodcache(*shlex.split(line)[1:])
            assert done.status == 0, done.err
            assert "coop" in line
        if kind == "python":
            exec(block, names)
    assert [kind for kind, _ in BLOCKS] == ["python", "python", "console"]
    learned = open_texts(FOLDER / "texts/coop.h5")
    expected = torch.nn.functional.normalize(names["vectors"], dim=-1)
    torch.testing.assert_close(torch.from_numpy(learned.embeddings[0]), expected)
    assert learned.identity.model.logit_scale == 10.0
    (row,) = names["rows"]
    assert f"{100 * row.auroc:.2f}" in done.out
