"""Claims about replaced names on the page: in every place of a row, and in no image of its own."""

from __future__ import annotations

from collections.abc import Mapping

from samples.report.content import NAMES, sample

from oodcache.report.content import ImageRow
from oodcache.report.html.lines import PageCell, PageLine
from oodcache.report.html.renaming import (
    renamed,
    renamed_data,
    renamed_grid,
    renamed_line,
    renamed_row,
)
from oodcache.report.tables.grid import Grid, GridRow

NAMED = {"mcm": "MCM", "ViT-B-16": "CLIP", "SUN": "SUN397", "cat": "Cat", "fpr95": "x"}


def test_a_name_is_replaced_whole_or_in_its_parts() -> None:
    assert renamed("mcm", NAMED) == "MCM"
    assert renamed("mcm · ViT-B-16", NAMED) == "MCM · CLIP"
    assert renamed("mcm:temperature=0.1", NAMED) == "mcm:temperature=0.1"
    assert renamed("mcm · SUN", {"mcm · SUN": "both", "mcm": "no"}) == "both"


def test_numbers_of_a_line_are_kept() -> None:
    line = PageLine(
        (
            PageCell("mcm", small="ViT-B-16"),
            PageCell("SUN", classes="name"),
            PageCell("cat", 1.0, "number"),
        ),
        {"score": "mcm", "OOD set": "SUN"},
        True,
    )
    found = renamed_line(line, NAMED)
    assert [(one.text, one.small) for one in found.cells] == [
        ("MCM", "CLIP"),
        ("SUN397", ""),
        ("cat", ""),
    ]
    assert found.filters == {"score": "MCM", "OOD set": "SUN397"}
    assert found.best


def test_a_table_has_new_names_in_its_headings_and_labels_and_the_same_numbers() -> None:
    row = GridRow(("ViT-B-16", "accuracy"), ("ViT-B-16", "mcm"), "mcm", ((("1", "2"),),))
    grid = Grid("mcm", ("AUROC", "fpr95"), ("SUN",), ("model", "score"), (row,), ("mcm",))
    found = renamed_grid(grid, NAMED)
    assert found.ood_sets == ("SUN397",)
    assert found.rows == (GridRow(("CLIP", "accuracy"), ("CLIP", "MCM"), "MCM", ((("1", "2"),),)),)
    assert (found.title, found.measures, found.notes) == ("mcm", ("AUROC", "fpr95"), ("mcm",))


def test_data_has_new_names_in_texts_and_keys() -> None:
    data = {
        "name": "mcm · ViT-B-16",
        "n_ood": {"SUN": 3},
        "cells": {"SUN": {"auroc": 0.5, "fpr95": 0.1}},
        "sets": ("SUN", None, 1),
    }
    assert renamed_data(data, NAMED) == {
        "name": "MCM · CLIP",
        "n_ood": {"SUN397": 3},
        "cells": {"SUN397": {"auroc": 0.5, "fpr95": 0.1}},
        "sets": ["SUN397", None, 1],
    }


def by_set(one: ImageRow) -> tuple[Mapping[str, object], ...]:
    """Return all that a row has for each OOD set."""
    return (
        *(one.n_ood, one.curve.kept_ood, one.ranked.ood, one.shown.ood, one.fooled_ood),
        *(one.failing_ood, one.same, one.bands, one.reliability or {}),
    )


def test_a_row_of_images_has_new_names_of_sets_but_not_of_its_images() -> None:
    _, content = sample()
    new = {"near": "Near", "pets": "Pets", "mcm": "MCM"} | dict.fromkeys(NAMES[1:], "image")
    for row in content.rows:
        found = renamed_row(row, new)
        assert found.id == "Pets"
        for before, after in zip(by_set(row), by_set(found), strict=True):
            assert dict(after) == {new.get(name, name): one for name, one in before.items()}
        assert (found.key, found.fooled_id, found.failing_id) == (
            *(row.key, row.fooled_id, row.failing_id),
        )
