"""Claims about what a score of the registry tells of itself."""

from __future__ import annotations

from oodcache.score.formulas.definition import Score


def test_facts_write_defaults_as_they_are_typed() -> None:
    score = Score(
        rank=lambda rows: rows,
        shown=lambda ranked, classes: ranked,
        formula="f",
        ranks_by="itself",
        source="s",
        use="u",
        limits="l",
        defaults={"temperature": 0.01, "top": 100.0, "scale": "learned"},
    )
    assert score.facts["parameters"] == "temperature = 0.01, top = 100, scale = learned"
    assert list(score.facts) == ["formula", "ranks by", "parameters", "source", "use", "limits"]
