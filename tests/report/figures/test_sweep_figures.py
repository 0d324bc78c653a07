"""Claims about the figure of a grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from samples.report.figures import PLAIN, PROVENANCE, Sample, sample

from oodcache.cache.errors import InputError
from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.kinds import draw
from oodcache.score.measures.result import Result
from oodcache.score.measures.shots import Shots

BASE = sample()
FIRST = BASE.saved.results[0]
TEMPERATURES: tuple[float | str, ...] = (1.0, 0.001, "learned")


def grid(*scores: str, templates: tuple[str, ...] = ("a {}",)) -> list[Result]:
    """Return results whose AUROC and FPR95 are all different."""
    found: list[Result] = []
    for score in scores:
        for template in templates:
            for value in TEMPERATURES:
                for ood in PLAIN:
                    number = len(found) / 1000
                    found.append(
                        replace(
                            FIRST,
                            score=score,
                            template=template,
                            parameters={"temperature": value},
                            ood=ood,
                            auroc=0.6 + number,
                            auroc_ci=(0.5 + number, 0.7 + number),
                            fpr95=0.2 + number,
                        )
                    )
    return found


def of(results: list[Result], **provenance: Any) -> Sample:
    saved = replace(BASE.saved, results=tuple(results), provenance=PROVENANCE | provenance)
    return Sample(saved, BASE.content, {})


def curves(axes: Axes) -> list[Line2D]:
    """Return the lines of results, neither whiskers nor rings."""
    return [one for one in axes.lines if one.get_marker() != "None" and one.get_markersize() < 8]


def test_one_score_has_a_line_for_each_ood_set_over_a_logarithmic_axis() -> None:
    made = of(grid("mcm"))
    figure = draw("sweep", made.subject("sweep", width=6.75))
    auroc, fpr95 = figure.axes
    assert auroc.get_xscale() == "log"
    assert (auroc.get_ylabel(), fpr95.get_ylabel()) == ("AUROC (%)", "FPR95 (%)")
    for place, ood in enumerate(PLAIN):
        own = {one.parameters["temperature"]: one for one in made.saved.results if one.ood == ood}
        # The scale that the model learned is 50.
        wanted = [own[0.001], own["learned"], own[1.0]]
        for axes, measure in ((auroc, "auroc"), (fpr95, "fpr95")):
            line = curves(axes)[place]
            assert list(line.get_xdata()) == [0.001, 0.02, 1.0]
            assert list(line.get_ydata()) == [100 * getattr(one, measure) for one in wanted]
    whiskers = [one for one in auroc.lines if one.get_marker() == "None"]
    assert len(whiskers) == 3 * len(PLAIN)
    assert not [one for one in fpr95.lines if one.get_marker() == "None"]
    first = [one for one in made.saved.results if one.ood == "SUN"][1].auroc_ci
    assert first is not None
    assert list(whiskers[0].get_ydata()) == [100 * first[0], 100 * first[1]]


def test_a_value_that_was_typed_as_a_word_has_a_ring() -> None:
    figure = draw("sweep", of(grid("mcm")).subject("sweep"))
    assert [one.get_text() for one in figure.legends[0].get_texts()] == [*PLAIN, "learned"]
    rings = [one for one in figure.axes[0].lines if one.get_markerfacecolor() == "none"]
    assert [list(one.get_xdata()) for one in rings] == [[0.02]] * len(PLAIN)


def test_several_scores_have_a_row_of_panels_for_each_ood_set() -> None:
    two = FigureChoice(ood_sets=("SUN", "Places"))
    figure = draw("sweep", of(grid("mcm", "energy")).subject("sweep", two))
    assert len(figure.axes) == 4
    assert [one.get_title(loc="left") for one in figure.axes[::2]] == ["SUN", "Places"]
    assert [one.get_text() for one in figure.legends[0].get_texts()] == ["mcm", "energy", "learned"]
    assert [len(curves(one)) for one in figure.axes] == [2, 2, 2, 2]


def test_what_is_no_number_stands_from_the_top_down() -> None:
    made = of(grid("mcm"), models={})
    auroc, _ = draw("sweep", made.subject("sweep", width=6.75)).axes
    assert [one.get_text() for one in auroc.get_yticklabels()] == ["learned", "0.001", "1"]
    assert auroc.yaxis_inverted()
    own = [one for one in made.saved.results if one.ood == "SUN"]
    line = curves(auroc)[0]
    assert list(line.get_xdata()) == [100 * own[place].auroc for place in (2, 1, 0)]
    assert [round(one) for one in line.get_ydata()] == [0, 1, 2]


def test_templates_are_a_parameter_and_other_parameters_are_of_the_first_template() -> None:
    made = of(grid("mcm", templates=("a {}", "the {}")))
    figure = draw("sweep", made.subject("sweep", parameter="template", width=6.75))
    assert [one.get_text() for one in figure.axes[0].get_yticklabels()] == ["a {}", "the {}"]
    assert len(figure.axes) == 2 * len(PLAIN)
    figure = draw("sweep", made.subject("sweep"))
    assert len(figure.axes) == 2
    figure = draw("sweep", made.subject("sweep", FigureChoice(templates=("the {}",))))
    second = [one for one in made.saved.results if one.template == "the {}" and one.ood == "SUN"]
    assert 100 * second[0].auroc in curves(figure.axes[0])[0].get_ydata()


def test_a_score_is_named_without_the_parameter() -> None:
    figure = draw(
        "sweep", of(grid("mcm", "energy")).subject("sweep", FigureChoice(scores=("energy",)))
    )
    assert len(figure.axes) == 2


@pytest.mark.parametrize(
    ("results", "choice", "parameter", "says"),
    [
        (
            [FIRST],
            FigureChoice(),
            None,
            "results.json: no parameter has several values, and there is one template; score a "
            "grid, such as --score 'mcm:temperature=1|0.1|learned'",
        ),
        (
            grid("mcm"),
            FigureChoice(),
            "bias",
            "--parameter 'bias': not in results.json; there are: temperature",
        ),
        (
            grid("mcm", "energy"),
            FigureChoice(scores=("mcm:temperature=learned",)),
            None,
            "--score 'mcm:temperature=learned': not in results.json; there are: mcm, energy",
        ),
        (
            [*grid("mcm"), replace(FIRST, score="margin", parameters={})],
            FigureChoice(scores=("margin",)),
            None,
            "--score margin: has one value of each parameter, and a sweep needs several; "
            "there are: mcm",
        ),
    ],
)
def test_what_is_not_there_is_refused_naming_what_is(
    results: list[Result], choice: FigureChoice, parameter: str | None, says: str
) -> None:
    with pytest.raises(InputError) as refused:
        draw("sweep", of(results).subject("sweep", choice, parameter=parameter))
    assert str(refused.value) == says


def test_numbers_beside_a_word_are_written_as_they_are_typed() -> None:
    rows = [
        replace(FIRST, score="neglabel", parameters={"number": value}, negatives="words")
        for value in (2000.0, 500.0, "mined")
    ]
    left, _ = draw("sweep", of(rows).subject("sweep")).axes
    assert [one.get_text() for one in left.get_yticklabels()] == ["mined", "500", "2000"]


def test_shots_have_doublings_as_axis_and_a_band_between_the_draws() -> None:
    rows = [
        replace(
            FIRST,
            **{"score": "tip", "parameters": {}, "ood": PLAIN[0], "auroc": 0.8, "fpr95": 0.3},
            **{"bank": f"train:{number}", "bank_labels": "own", "auroc_ci": None},
            shots=Shots.of(
                number, {"0": {"auroc": 0.7, "fpr95": 0.2}, "1": {"auroc": 0.9, "fpr95": 0.4}}
            ),
        )
        for number in (1, 2, 16)
    ]
    figure = draw("sweep", of(rows).subject("sweep", width=6.75))
    auroc, fpr95 = figure.axes
    assert (auroc.get_xscale(), figure.get_supxlabel()) == ("log", "shots")
    assert [one.get_text() for one in fpr95.get_xticklabels()] == ["1", "2", "16"]
    for axes, ends in ((auroc, (70, 90)), (fpr95, (20, 40))):
        (band,) = axes.collections
        heights = band.get_paths()[0].vertices[:, 1]  # type: ignore[index]
        assert (heights.min(), heights.max()) == pytest.approx(ends)


def test_scores_with_the_same_numbers_are_one_line_with_both_names() -> None:
    first, second = grid("mcm", "energy"), grid("mcm")
    alike = [*first, *(replace(one, score="glmcm") for one in second)]
    figure = draw("sweep", of(alike).subject("sweep", width=6.75))
    names = [one.get_text() for one in figure.legends[0].get_texts()]
    assert names == ["mcm = glmcm", "energy", "learned"]
    assert all(len(curves(axes)) == 2 for axes in figure.axes)
    # Another number on one OOD set makes two lines in all panels.
    alike[-1] = replace(alike[-1], auroc=0.99)
    figure = draw("sweep", of(alike).subject("sweep", width=6.75))
    assert all(len(curves(axes)) == 3 for axes in figure.axes)


def test_several_models_are_lines_and_scores_beyond_eight_lines_are_named() -> None:
    scores = ["mcm", "energy", "max-logit", "sigmoid-mcm", "msp"]
    both = [replace(one, model=model) for model in ("A", "B") for one in grid(*scores)]
    both = [replace(one, auroc=one.auroc + (one.model == "B") / 99) for one in both]
    notes: list[str] = []
    figure = draw("sweep", of(both).subject("sweep", width=6.75, note=notes.append))
    names = [one.get_text() for one in figure.legends[0].get_texts()]
    drawn = [one for one in names if "·" in one]
    assert len(drawn) == 2 * 4
    assert {one.split("/")[0] for one in drawn} == {"A", "B"}
    assert notes == ["left out msp: choose with --score"]
