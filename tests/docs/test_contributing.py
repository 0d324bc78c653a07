"""Claims about CONTRIBUTING.md: its examples work, and the files that it names are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import write_image
from samples.report.results import FIRST

from oodcache.extract.sources.listing import ImageSource
from oodcache.report.tables.formats import FORMATS
from oodcache.score.formulas import bank_scores, registry
from oodcache.score.formulas.cosines import Rows
from oodcache.score.formulas.definition import Score
from oodcache.score.formulas.tile import Tile

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
EXAMPLES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.S))
NEW = "extract/sources/json_lines.py"


def example(file: str, **names: Any) -> dict[str, Any]:
    """Return the names that the example of a file makes."""
    exec(EXAMPLES[file], names)
    return names


def test_the_page_names_files_that_are_there() -> None:
    named = set(re.findall(r"\b(?:\w+/)+\w+\.(?:py|md)\b", PAGE))
    assert len(named) >= 8
    for name in named - {NEW}:
        assert (ROOT / name).is_file(), name
    assert len(EXAMPLES) == len(re.findall(r"^### To add ", PAGE, re.M)) == 5


def test_the_class_score_is_the_mean_of_the_two_largest_cosines() -> None:
    scores = dict(registry.CLASS_SCORES)
    example("score/formulas/registry.py", Score=Score, CLASS_SCORES=scores)
    cosine = np.array([[0.5, 0.25, 0.0]], np.float32)
    assert scores["top-two"].rank(Rows(cosine)) == pytest.approx([0.375])
    assert scores["top-two"].facts["parameters"] == "none"


def test_the_bank_score_is_the_product_with_the_banks_mean() -> None:
    scores = dict(bank_scores.BANK_SCORES)
    example("score/formulas/bank_scores.py", Score=Score, BANK_SCORES=scores)
    images = np.eye(3, dtype=np.float32)
    tile = Tile(images, images, np.ascontiguousarray(images.T))
    assert scores["center"].rank(tile, np.array([1.0, 2.0, 3.0])) == pytest.approx([1, 2, 3])


def test_the_measure_is_a_share() -> None:
    found = example("score/measures/metrics.py", np=np)["id_above_median"]
    assert found(np.array([0.0, 2.0, 3.0]), np.array([1.0, 1.0, 9.0])) == pytest.approx(2 / 3)


def test_the_image_source_lists_what_its_file_names(tmp_path: Path) -> None:
    write_image(tmp_path / "one" / "1.png", 1)
    (tmp_path / "list.jsonl").write_text('{"path": "one/1.png", "label": "cat"}\n')
    listing = example(NEW)["list_json_lines"](ImageSource("mine", tmp_path / "list.jsonl"))
    assert list(listing.images.paths) == [b"one/1.png"]
    assert list(listing.images.label_names) == ["cat"]


def test_the_format_is_text_of_results() -> None:
    formats = dict(FORMATS)
    example("report/tables/formats.py", FORMATS=formats)
    assert formats["names"]([FIRST], [], {}) == f"{FIRST.score}\n"


def test_the_citation_has_what_cff_wants_and_the_version_of_the_package() -> None:
    lines = (ROOT / "CITATION.cff").read_text().splitlines()
    fields = dict(line.split(": ", 1) for line in lines if re.match(r"[a-z-]+: ", line))
    assert {"cff-version", "message", "title"} <= fields.keys()
    assert fields["cff-version"] == "1.2.0"
    assert f"version = {fields['version']}" in (ROOT / "setup.cfg").read_text()
