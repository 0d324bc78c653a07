"""Selective classification of a row, read back from an untrusted results file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from oodcache.cache.format.json_fields import Fields
from oodcache.score.measures.selective.selective import VARIANTS, RiskMeasures, Selective


def saved_selective(row: Mapping[str, Any]) -> Selective:
    """Return the measures in a row; raise ValueError if they are not valid."""
    given = Fields(row, "selective.").expect(*(one.name for one in fields(Selective)))
    given.count("images", 1)
    measures = {name: _measures(given.mapping(name), name) for name in VARIANTS}
    return Selective(row["images"], **measures)


def _measures(row: Mapping[str, Any], variant: str) -> RiskMeasures:
    where = f"selective.{variant}."
    given = Fields(row, where).expect(*(one.name for one in fields(RiskMeasures)))
    for name in ("aurc", "augrc"):
        given.fraction(name)
    for name in ("accuracy_at_coverage", "accuracy_at_tpr"):
        inner = Fields(given.mapping(name), f"{where}{name}.")
        for at in inner.values:
            inner.fraction(at, optional=name == "accuracy_at_tpr")
            _check_share(at, inner.where)
    return RiskMeasures(**row)


def _check_share(written: str, where: str) -> None:
    try:
        is_share = 0 < float(written) <= 1
    except ValueError:
        is_share = False
    if not is_share:
        raise ValueError(f"{where.removesuffix('.')!r} has {written[:60]!r}, which is no share")
