"""Claims about what scores are fitted to, as it is found in the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.score.negatives import cosines, unit
from scipy.special import logsumexp
from sklearn.metrics import roc_auc_score

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.negatives import write_negatives
from oodcache.cache.files.texts import TextFile
from oodcache.cache.watch import Watch
from oodcache.score.evaluation import Evaluated
from oodcache.score.measures.result import LeakCount
from oodcache.score.onepass.variants import parse_all
from oodcache.score.own.function import own_score
from oodcache.score.words.leak_search import LeakSearch
from oodcache.score.words.miner import MiningRequest, mine

CLASSES, WORDS = unit(4, 1, 8), unit(60, 2, 8)
INSIDE, OUTSIDE = unit(90, 3, 8), unit(70, 4, 8)
Write = Callable[..., ImageFile | TextFile]


@pytest.fixture(autouse=True)
def files(write_images: Write, write_texts: Write) -> None:
    write_texts("four", CLASSES)
    write_texts("words", WORDS, class_names=[f"word {place}" for place in range(60)])
    write_images("inside", INSIDE)
    write_images("outside", OUTSIDE)


def mined(cache: Path, keep: str = "50%", nearest: int | None = None) -> None:
    """Mine the words that are far from the classes, as `far`."""
    found = mine(
        MiningRequest(
            *(cache, "tiny"),
            classes="four",
            words=["words"],
            keep=keep,
            nearest=nearest,
            name="far",
        ),
        Watch(),
    )
    write_negatives(found.path, found)


def test_a_result_is_that_of_the_plain_ratio_over_the_words_far_away(
    tmp_path: Path, score: Callable[..., Evaluated]
) -> None:
    mined(tmp_path)
    found = score("neglabel:groups=1,temperature=0.1", negatives="far", classes="four").results[0]
    distance = np.quantile(cosines(WORDS, CLASSES), 0.95, axis=1, method="linear")
    far = WORDS[np.argsort(distance)[:30]]
    ratios = [
        logsumexp(cosines(one, CLASSES) / 0.1, axis=1) - logsumexp(cosines(one, far) / 0.1, axis=1)
        for one in (INSIDE, OUTSIDE)
    ]
    expected = roc_auc_score([1] * 90 + [0] * 70, np.concatenate(ratios))
    assert found.auroc == pytest.approx(expected, abs=1e-12)
    assert (found.negatives, found.bank) == ("far", None)


def test_a_grid_mines_again_for_each_percentile_and_number(
    tmp_path: Path, score: Callable[..., Evaluated]
) -> None:
    mined(tmp_path)
    grid = "neglabel:groups=1,temperature=0.1,percentile=50|95,number=mined|10"
    found = score(grid, negatives="far", classes="four").results
    assert len({one.auroc for one in found}) == 4
    alone = score("neglabel:groups=1,temperature=0.1", negatives="far", classes="four").results[0]
    assert alone.auroc in {one.auroc for one in found}


def test_a_score_without_what_it_needs_is_told_what_to_type(
    tmp_path: Path, score: Callable[..., Evaluated], write_images: Write
) -> None:
    def refusal(*specifications: str) -> str:
        with pytest.raises(InputError) as error:
            score(*specifications, classes="four")
        return str(error.value)

    assert refusal("mcm", "csp") == (
        "csp needs negatives: give --negatives NAME; make them with: oodcache negatives --model "
        "tiny --classes four --words nouns -o NAME"
    )
    mined(tmp_path)
    assert refusal("eoe") == "eoe needs negatives: give --negatives far"
    assert refusal("adaneg") == "adaneg needs negatives: give --negatives far"
    # Only those with nearest words can serve.
    assert refusal("clipscope") == (
        "clipscope needs negatives: far has no nearest words; add them with: oodcache negatives "
        "--model tiny --classes four --words words --template 'a {}' --keep 50% --nearest 30 "
        "--overwrite -o far"
    )
    mined(tmp_path, nearest=10)
    assert refusal("clipscope") == "clipscope needs negatives: give --negatives far"
    assert refusal("vim", "knn") == (
        "vim needs a bank: give --bank NAME, training images; make them with: oodcache extract "
        "--model tiny NAME=FOLDER"
    )
    write_images("train", unit(9, 5, 8))
    assert refusal("knn") == "knn needs a bank: give --bank train, if it holds training images"


def test_what_is_given_in_vain_is_said(score: Callable[..., Evaluated]) -> None:
    said: list[str] = []
    score("mcm", bank="train", negatives="words", classes="four", note=said.append)
    assert said[:2] == [
        "--negatives words: unused by the requested scores",
        "--bank train: unused by the requested scores",
    ]


def own(read: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the arguments for a user's score that reads the nearest vector of what it is given."""
    function = own_score(lambda batch: (batch.images @ read(batch).T).max(axis=1), "mine")
    return {"variants": parse_all(["mine", "mcm"], {"mine": function}), "classes": "four"}


def test_a_users_score_names_the_references_that_it_read(
    tmp_path: Path, score: Callable[..., Evaluated], write_images: Write
) -> None:
    mined(tmp_path)
    write_images("train", unit(30, 7, 8))
    both = {"bank": "train", "negatives": "far", "bank_labels": "predicted"}
    notes: list[str] = []
    of_bank = score(**own(lambda batch: batch.bank.vectors), **both, note=notes.append).results
    assert [(one.bank, one.bank_labels, one.negatives) for one in of_bank] == [
        ("train", "predicted", None),
        (None, None, None),
    ]
    assert notes[0] == "--negatives far: unused by the requested scores"
    of_words = score(**own(lambda batch: batch.negatives), **both).results
    assert [(one.bank, one.negatives) for one in of_words] == [(None, "far"), (None, None)]


def test_a_users_score_without_what_it_reads_is_told_what_to_type(
    tmp_path: Path, score: Callable[..., Evaluated], write_images: Write
) -> None:
    mined(tmp_path)
    write_images("train", unit(30, 7, 8))
    with pytest.raises(InputError) as error:
        score(**own(lambda batch: batch.bank.vectors))
    words = "mine needs a bank: give --bank train, if it holds training images"
    assert str(error.value) == words
    with pytest.raises(InputError, match="^mine needs negatives: give --negatives far$"):
        score(**own(lambda batch: batch.negatives))


def test_a_users_score_of_whole_sets_is_called_once_for_each(
    score: Callable[..., Evaluated],
) -> None:
    sizes: list[int] = []

    def place(batch: Any) -> Any:
        sizes.append(len(batch))
        return batch.cosines.max(axis=1) - batch.cosines.max()

    place.whole = True  # type: ignore[attr-defined]
    variants = parse_all(["mine"], {"mine": own_score(place, "mine")})
    score(variants=variants, classes="four", select_on=None)
    assert sizes == [90, 70]


LEAKED = (3, 17, 31, 44, 58)


def with_leaks(write_images: Write) -> None:
    """Label the OOD images by words, of which five are in the list, and another set by numbers."""
    names = [*(f"Word_{place}" for place in LEAKED), "granite"]
    labels = [place % 6 for place in range(70)]
    write_images("outside", OUTSIDE, labels=labels, label_names=names)
    write_images("numbers", OUTSIDE[:30], labels=[0] * 30, label_names=["0"])


def test_scores_without_leaks_are_those_over_the_words_that_are_left(
    tmp_path: Path, score: Callable[..., Evaluated], write_images: Write
) -> None:
    mined(tmp_path)
    with_leaks(write_images)
    given = {"negatives": "far", "classes": "four", "ood_sets": ("outside", "numbers")}
    search = LeakSearch(leave_out=True)
    distance = np.quantile(cosines(WORDS, CLASSES), 0.95, axis=1, method="linear")
    order = np.argsort(distance)[:30]
    left = [place for place in order if place not in LEAKED]
    assert 25 <= len(left) < 30
    for parameters, far in (("", left), (",number=60,percentile=95", [*range(60)])):
        far = [place for place in far if place not in LEAKED]
        typed = f"neglabel:groups=1,temperature=0.1{parameters}"
        evaluated = score(typed, leaks=search, **given)
        found = evaluated.results[0]
        ratios = [
            logsumexp(cosines(one, CLASSES) / 0.1, axis=1)
            - logsumexp(cosines(one, WORDS[far]) / 0.1, axis=1)
            for one in (INSIDE, OUTSIDE)
        ]
        expected = roc_auc_score([1] * 90 + [0] * 70, np.concatenate(ratios))
        assert found.auroc == pytest.approx(expected, abs=1e-12)
        out = 60 - len(far) if parameters else 30 - len(far)
        assert found.leaks == LeakCount(len(far), 0, None, None, "spelling", left_out=out)
        assert found.is_diagnostic
        assert len(evaluated.left_out) == out


def test_each_row_counts_the_leaks_of_its_own_words(
    tmp_path: Path, score: Callable[..., Evaluated], write_images: Write
) -> None:
    mined(tmp_path, keep="40%", nearest=20)
    with_leaks(write_images)
    every = ("mcm", "neglabel:groups=1,number=60", "clipscope:near=mined,far=mined", "adaneg")
    every += ("oodd:base=neglabel-sigmoid,queue=5", "tanl:corpus=words,noise=stream")
    found = score(
        *every, negatives="far", classes="four", ood_sets=("outside", "numbers"), streams=["drift"]
    )
    distance = np.quantile(cosines(WORDS, CLASSES), 0.95, axis=1, method="linear")
    order = np.argsort(distance)
    far, both = order[:24], [*order[:24], *order[-20:]]
    words = {"neglabel": range(60), "clipscope": both, "tanl": range(60)}
    for row in found.results:
        if row.score == "mcm":
            assert row.leaks is None
            continue
        used = [*words.get(row.score, far)]
        leaked = sum(place in LEAKED for place in used)
        names = leaked if row.ood == "outside" else None
        assert row.leaks == LeakCount(len(used), names, None, None, "spelling"), row.score
        assert not row.is_diagnostic
    assert found.left_out == ()


def test_streams_without_leaks_are_those_over_the_words_that_are_left(
    tmp_path: Path, score: Callable[..., Evaluated], write_images: Write, write_texts: Write
) -> None:
    """The oracle is a cache whose list never had the words that are left out."""
    with_leaks(write_images)
    mined(tmp_path, keep="100%")
    every = ("adaneg:groups=1", "tanl:noise=stream,words=9", "oodd:base=eoe,queue=5")
    given = {"negatives": "far", "classes": "four", "streams": ["id-first"]}
    found = score(*every, leaks=LeakSearch(leave_out=True), **given).results
    kept = [place for place in range(60) if place not in LEAKED]
    write_texts("words", WORDS[kept], class_names=[f"word {place}" for place in kept])
    mined(tmp_path, keep="100%")
    expected = score(*every, **given).results
    assert [one.auroc for one in found] == [one.auroc for one in expected]
    assert [one.leaks and one.leaks.words for one in found] == [55] * len(found)
    assert [one.leaks and one.leaks.names for one in expected] == [0] * len(found)


def test_words_that_are_all_leaks_leave_nothing_to_score_with(
    tmp_path: Path, score: Callable[..., Evaluated], write_images: Write
) -> None:
    mined(tmp_path)
    names = [f"word {place}" for place in range(60)]
    write_images("outside", OUTSIDE, labels=[*range(60), *range(10)], label_names=names)
    search = LeakSearch(leave_out=True)
    for specification, words in (
        ("eoe", "far.json: all words are leaks; omit --without-leaks"),
        ("tanl:corpus=words,noise=stream", "every word of words is a leak; omit --without-leaks"),
    ):
        with pytest.raises(InputError, match=words):
            score(specification, negatives="far", classes="four", leaks=search)
