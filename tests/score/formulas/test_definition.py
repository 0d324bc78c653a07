"""Claims about what a score of the registry tells of itself."""

from __future__ import annotations

from oodcache.score.formulas.definition import TEMPERATURE, Parameter, Score


def test_facts_write_defaults_as_they_are_typed() -> None:
    score = Score(
        rank=lambda tile, fitted: tile.rows.top,
        formula="f",
        ranks_by="itself",
        source="s",
        use="u",
        limits="l",
        parameters={
            "temperature": Parameter(0.01),
            "top": Parameter(100.0, whole=True),
            "scale": TEMPERATURE,
        },
    )
    assert score.facts["parameters"] == "temperature = 0.01, top = 100, scale = learned"
    assert list(score.facts) == ["formula", "ranks by", "parameters", "source", "use", "limits"]
