"""Claims about the ranking figure: the drawn ranks and bars are those of the results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from samples.report.figures import PLAIN, sample
from samples.report.results import results
from scipy.stats import rankdata

from oodcache.cache.errors import InputError
from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.kinds import Subject, choose, draw
from oodcache.report.saved.results import Saved
from oodcache.score.measures.shots import Shots

SAMPLE = sample()
SETS = tuple("abcdefghij")


def subject(saved: Saved, **changes: object) -> Subject:
    choice = FigureChoice()
    return replace(Subject(saved, choose("ranking", saved, choice), choice), **changes)  # type: ignore[arg-type]


def notes_of(saved: Saved, **changes: object) -> list[str]:
    found: list[str] = []
    draw("ranking", subject(saved, note=found.append, **changes))
    return found


def test_each_row_has_its_mean_rank_from_the_best_down() -> None:
    axes = draw("ranking", SAMPLE.subject("ranking")).axes[0]
    shown = [one for one in axes.lines if one.get_marker() == "o"]
    labels = [one.get_text() for one in axes.get_yticklabels()]
    rows = SAMPLE.subject("ranking").chosen.rows()
    aurocs = np.array([[row[ood].auroc for ood in PLAIN] for row in rows.values()])
    ranks = dict(zip((key[2] for key in rows), rankdata(-aurocs, axis=0).mean(axis=1), strict=True))
    assert labels == sorted(ranks, key=ranks.__getitem__)
    for label, one in zip(labels, shown, strict=True):
        assert float(np.asarray(one.get_xdata())[0]) == pytest.approx(ranks[label])
    assert axes.yaxis_inverted()


def test_bars_join_rows_that_do_not_differ() -> None:
    # One row is better on every set; the three others change places.
    rows = [
        replace(one, auroc=0.9 if one.score == "max-logit" else 0.5 + 0.01 * ((row + column) % 3))
        for row in range(4)
        for column, one in enumerate(results(*SETS)[row * len(SETS) : (row + 1) * len(SETS)])
    ]
    figure = draw("ranking", subject(Saved(SAMPLE.saved.path, tuple(rows), (), {})))
    names = [one.get_text() for one in figure.axes[0].get_yticklabels()]
    assert names[0] == "max-logit"
    dots = [one for one in figure.axes[1].lines if one.get_marker() == "o"]
    assert [list(np.asarray(one.get_ydata())) for one in dots] == [[1, 2, 3]]
    texts = [one.get_text() for one in figure.texts]
    assert texts[0] == "mean rank over 10 OOD sets, by AUROC"
    foot = " ".join(texts)
    assert "bars: no difference shown at 5 % (signed-rank tests over sets, Holm)" in foot


def test_with_few_sets_it_says_that_no_test_over_sets_can_show_a_difference() -> None:
    saved = Saved(SAMPLE.saved.path, tuple(results("SUN", "Places")), (), {})
    assert notes_of(saved) == [
        "2 OOD sets: no test over sets can show a difference among 4 scores at 5 %, which needs 8 "
        "sets; score again with --compare for tests of the images of these sets"
    ]
    (note,) = notes_of(saved, measure="fpr95")
    assert note.endswith("tests of images are of AUROC, not of FPR95")
    figure = draw("ranking", subject(saved))
    assert len(figure.axes) == 1
    assert figure.texts[-1].get_text() == "no test of differences"


def test_where_compare_is_refused_it_is_not_advised() -> None:
    rows = results("SUN", "Places", shots=Shots.of(4, {"0": {"auroc": 0.5}}))
    (note,) = notes_of(Saved(SAMPLE.saved.path, tuple(rows), (), {}))
    assert note.endswith("8 sets; tests of images need --compare, which takes one bank")


def test_rows_that_lack_a_set_are_left_out_and_named() -> None:
    rows = [one for one in results("SUN", "Places") if (one.score, one.ood) != ("max-logit", "SUN")]
    saved = Saved(SAMPLE.saved.path, tuple(rows), (), {})
    assert notes_of(saved)[0] == "left out max-logit: not measured on the same sets"


def test_one_row_alone_has_no_rank() -> None:
    saved = Saved(SAMPLE.saved.path, (results("SUN")[0],), (), {})
    with pytest.raises(InputError, match="a ranking needs two scores or more on the same OOD sets"):
        draw("ranking", subject(saved))
