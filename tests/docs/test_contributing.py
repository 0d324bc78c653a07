"""Claims about CONTRIBUTING.md: its examples work, and the files that it names are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import write_image
from samples.report.results import FIRST

from oodcache.cache.format.versions import VERSION
from oodcache.extract.sources.datasets import FORMS, Form
from oodcache.extract.sources.listing import ImageSource
from oodcache.report.tables.formats import FORMATS, Format
from oodcache.score.formulas.class_scores import CLASS_SCORES
from oodcache.score.formulas.definition import Parameter, Score
from oodcache.score.formulas.prototypes import PROTOTYPE_SCORES
from oodcache.score.formulas.tile import Tile
from oodcache.score.measures.metrics import Counts

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
EXAMPLES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.S))
NEW = "extract/sources/json_lines.py"


def example(file: str, **names: Any) -> dict[str, Any]:
    """Return the names that the example of a file makes."""
    exec(EXAMPLES[file], names)
    return names


@pytest.fixture
def tile() -> Tile:
    images = np.eye(3, dtype=np.float32)
    classes = np.array([[0.6, 0.8, 0.0], [1.0, 0.0, 0.0]], np.float32)
    return Tile(images, classes, np.ascontiguousarray(classes.T))


def test_the_page_names_files_that_are_there() -> None:
    named = set(re.findall(r"\b(?:\w+/)+\w+\.(?:py|md)\b", PAGE))
    assert len(named) >= 10
    for name in named - {NEW}:
        assert (ROOT / name).is_file(), name
    assert len(re.findall(r"^### To add ", PAGE, re.M)) == 5
    assert len(EXAMPLES) == 6


def test_the_class_score_weighs_the_second_cosine(tile: Tile) -> None:
    scores = dict(CLASS_SCORES)
    example("score/formulas/class_scores.py", Score=Score, Parameter=Parameter, CLASS_SCORES=scores)
    ranked = scores["top-two"].rank(tile, None, weight=0.5)
    assert ranked == pytest.approx([1.0 + 0.3, 0.8, 0.0])
    assert scores["top-two"].facts["parameters"] == "weight = 0.5"


def test_the_bank_score_is_the_product_with_the_banks_mean(tile: Tile) -> None:
    scores = dict(PROTOTYPE_SCORES)
    example("score/formulas/prototypes.py", Score=Score, PROTOTYPE_SCORES=scores)
    assert scores["center"].rank(tile, np.array([1.0, 2.0, 3.0])) == pytest.approx([1, 2, 3])


def test_the_measure_counts_what_is_on_the_right_side() -> None:
    # Thresholds 3, 2, 1: ID 2 and 3, OOD 1.
    counts = Counts(np.array([3.0, 2.0, 1.0]), np.array([0, 1, 2, 2]), np.array([0, 0, 0, 1]))
    assert example("score/measures/metrics.py")["accuracy"](counts) == 1


def test_the_image_source_lists_what_its_file_names(tmp_path: Path) -> None:
    write_image(tmp_path / "one" / "1.png", 1)
    (tmp_path / "list.jsonl").write_text('{"path": "one/1.png", "label": "cat"}\n')
    list_json_lines, forms = example(NEW)["list_json_lines"], dict(FORMS)
    example("extract/sources/datasets.py", Form=Form, FORMS=forms, list_json_lines=list_json_lines)
    listing = forms["json-lines"].listed(ImageSource("mine", tmp_path / "list.jsonl"))
    assert list(listing.images.paths) == [b"one/1.png"]
    assert list(listing.images.label_names) == ["cat"]


def test_the_format_is_text_of_results() -> None:
    formats = dict(FORMATS)
    example("report/tables/formats.py", Format=Format, FORMATS=formats)
    assert formats["names"].whole is not None
    assert formats["names"].whole([FIRST], [], {}) == f"{FIRST.score}\n"


def test_the_citation_has_what_cff_wants_and_the_version_of_the_package() -> None:
    lines = (ROOT / "CITATION.cff").read_text().splitlines()
    fields = dict(line.split(": ", 1) for line in lines if re.match(r"[a-z-]+: ", line))
    assert {"cff-version", "message", "title"} <= fields.keys()
    assert fields["cff-version"] == "1.2.0"
    assert fields["version"] == VERSION
