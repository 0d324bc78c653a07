"""Claims about examples/own_score.ipynb: it runs as it is, and prints what it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "own_score.ipynb"


def words(cells: list[Any]) -> list[str]:
    """Return what the cells show as text, without digits, of which another processor has others."""
    shown = [one for cell in cells for one in cell.get("outputs", ()) if "data" in one]
    return [re.sub(r"[\d.–-]+(e-\d+)?", "0", one["data"]["text/plain"]) for one in shown]


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_it_shows(tmp_path: Path) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    before = words(notebook.cells)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()  # Raises the error of a cell.
    after = words(notebook.cells)
    assert len(before) == len(after) == 5
    for shown, printed in zip(before[:1] + before[3:], after[:1] + after[3:], strict=True):
        assert shown == printed
    table, columns = after[1], after[2]
    assert all(
        f"  top_gap:k={k} " in notebook.cells[4].outputs[-1].data["text/plain"] for k in "135"
    )
    assert "margin" in table and "auroc_low" in columns
    assert (tmp_path / "embeddings/tiny-clip/demo/images/digits.h5").is_file()
