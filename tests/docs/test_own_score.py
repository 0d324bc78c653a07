"""Claims about docs/own-score.md: its Python blocks run in order, and do what the page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from samples.score.files import lists, mined, write_images, write_texts
from samples.score.own import unit
from samples.score.words import CLASSES, NICE, words_of
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

import oodcache
from oodcache.score.measures.result import Result

__all__ = ["lists", "mined", "write_images", "write_texts"]
PAGE = (Path(__file__).parents[2] / "docs" / "own-score.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture
def names(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_images: Callable[..., Any],
    write_texts: Callable[..., Any],
) -> dict[str, Any]:
    """Return the names that the page's first block defines, over a small cache."""
    count, dimension = CLASSES.shape
    for seed, name in enumerate(("pets", "strays", "train")):
        labels = np.arange(40) % count
        noise = unit(40, seed, dimension) * (2 if name == "strays" else 0.5)
        vectors = CLASSES[labels] + noise
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        write_images(
            name, vectors.astype(np.float32), labels=labels, label_names=words_of("class", count)
        )
    write_texts("pets", CLASSES, class_names=words_of("class", count), templates=[NICE])
    (tmp_path / "embeddings").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    defined: dict[str, Any] = {}
    run(BLOCKS[0], defined)
    return defined


def run(block: str, names: dict[str, Any]) -> list[Result]:
    code = block.replace('"siglip2"', '"tiny"').replace('id="pets"', 'id="pets", classes="pets"')
    exec(code, names)
    rows: list[Result] = names.pop("rows", [])
    return rows


def test_the_first_example_stands_beside_mcm(
    names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = run(BLOCKS[0], names)
    assert [(row.score, dict(row.parameters)) for row in rows] == [
        ("mcm", {"temperature": 1.0}),
        *(("top5_gap", {"k": k}) for k in (5.0, 3.0, 10.0)),
    ]
    assert capsys.readouterr().out.startswith("mcm {'temperature': 1.0} 0.")


def test_the_example_with_a_bank_ranks_as_knn(names: dict[str, Any]) -> None:
    own, ours = run(BLOCKS[1].replace('bank="train"', 'bank="train", note=print'), names)
    assert (own.bank, own.bank_labels, own.negatives) == ("train", "own", None)
    assert own.auroc == pytest.approx(ours.auroc, abs=1e-9)


def vectors(name: str) -> Any:
    return oodcache.open("embeddings").images("tiny", name).embeddings


def test_the_isolation_forest_is_scikit_learns_of_the_bank(names: dict[str, Any]) -> None:
    (row,) = run(BLOCKS[2], names)
    forest = IsolationForest(random_state=0).fit(vectors("train"))
    inside, outside = (forest.score_samples(vectors(name)) for name in ("pets", "strays"))
    is_id = np.repeat([True, False], [len(inside), len(outside)])
    expected = roc_auc_score(is_id, np.concatenate([inside, outside]))
    assert (row.score, row.bank) == ("isolation", "train")
    assert row.auroc == pytest.approx(expected, abs=1e-9)
    assert row.auroc != 0.5


def test_the_ensemble_gives_the_banks_own_images_the_mean_of_their_ranks(
    names: dict[str, Any],
) -> None:
    (row,) = run(BLOCKS[3], names)
    assert row.auroc > 0.6
    train, classes = vectors("train").astype(float), CLASSES.astype(float)
    nearest = [np.delete(train @ one, place).max() for place, one in enumerate(train)]
    batch = SimpleNamespace(bank=SimpleNamespace(vectors=train), classes=classes)
    images, of_classes = names["of_bank"](batch)
    np.testing.assert_allclose(images, np.sort(nearest), rtol=1e-12)
    np.testing.assert_allclose(of_classes, np.sort((train @ classes.T).max(axis=1)), rtol=1e-12)


def test_the_example_with_negatives_reads_the_mined_words(
    names: dict[str, Any], mined: Callable[..., Any]
) -> None:
    mined(name="words")
    (row,) = run(BLOCKS[4], names)
    assert (row.score, row.negatives, row.bank) == ("lead", "words", None)
    assert 0.5 < row.auroc < 1


def test_the_example_with_torch_ranks_as_knn(names: dict[str, Any]) -> None:
    run(BLOCKS[5], names)
    asked = 'id="pets", ood="strays", scores=[nearest_by_torch, "knn:k=5"], bank="train"'
    own, ours = run(f'rows = cache.evaluate("tiny", {asked})', names)
    assert own.auroc == pytest.approx(ours.auroc, abs=1e-9)


def test_the_score_of_a_whole_set_runs(names: dict[str, Any]) -> None:
    run(BLOCKS[6], names)
    (row,) = run('rows = cache.evaluate("tiny", id="pets", ood="strays", scores=density)', names)
    assert row.score == "density"
    assert not 0.45 < row.auroc < 0.55  # Its sets differ in density: it is no score of chance.


def test_the_class_for_a_stream_has_a_row_for_each_order(names: dict[str, Any]) -> None:
    rows = run(BLOCKS[7], names)
    assert [one.stream and one.stream.order for one in rows] == [None, "shuffle:3", "id-first"]
    assert rows[1].parameters == {"weight": 1.0, "batch": 64.0}


def test_every_block_is_run() -> None:
    assert len(BLOCKS) == 8
