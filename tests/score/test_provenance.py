"""Claims about what is told of the files behind a result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from samples.score.negatives import unit

from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.negatives import write_negatives
from oodcache.cache.files.texts import TextFile
from oodcache.cache.watch import Watch
from oodcache.score.evaluation import Evaluated
from oodcache.score.measures.result import Conventions
from oodcache.score.onepass.variants import parse_all
from oodcache.score.own.loading import of_function
from oodcache.score.provenance import of_bootstrap, of_code, of_models, provenance, resampling
from oodcache.score.words.miner import MiningRequest, mine

Write = Callable[..., ImageFile | TextFile]
Score = Callable[..., Evaluated]


@pytest.fixture(autouse=True)
def files(write_images: Write, write_texts: Write) -> None:
    write_texts("animals", unit(3, 1, 8))
    write_texts("words", unit(9, 2, 8), class_names=[f"word {place}" for place in range(9)])
    write_images("inside", unit(12, 3, 8))
    write_images("outside", unit(7, 4, 8))


def test_it_tells_each_files_weights_and_vectors(score: Score, tmp_path: Path) -> None:
    told = provenance(score("mcm", classes="animals").files)
    folder = tmp_path / "Tiny" / "one"
    assert [Path(one["path"]) for one in told] == [
        folder / "texts" / "animals.h5",
        folder / "images" / "inside.h5",
        folder / "images" / "outside.h5",
    ]
    assert {one["weights"] for one in told} == {"1" * 64}
    assert len({one["vectors"] for one in told}) == 3
    assert all(set(one) == set(told[0]) for one in told)


def test_it_tells_which_words_were_negatives_and_whose_vectors_they_have(
    score: Score, tmp_path: Path
) -> None:
    found = mine(
        MiningRequest(
            *(tmp_path, "tiny"),
            classes="animals",
            words=["words"],
            keep="4",
            name="far",
        ),
        Watch(),
    )
    write_negatives(found.path, found)
    evaluated = score("neglabel:groups=2", classes="animals", negatives="far")
    of_negatives, of_words = provenance(evaluated.files)[3:]
    words = "\n".join(("words", *found.lists[0].words))
    assert of_negatives == {
        "path": str(found.path),
        "weights": "1" * 64,
        "vectors": None,
        "shards": None,
        "source": {
            "name": "far",
            "keep": "4",
            "words": hashlib.sha256(words.encode()).hexdigest(),
        },
        "precision": {},
        "versions": {name: version(name) for name in ("oodcache", "numpy")},
    }
    assert of_words["vectors"] == found.lists[0].vectors


def test_of_each_model_it_is_told_what_decides_its_scores(score: Score) -> None:
    files = score("mcm", classes="animals").files
    model = files[0].identity.model if isinstance(files[0], TextFile) else None
    assert model is not None
    assert of_models(files) == {
        "Tiny/one": {
            "requested": model.requested,
            "weights": "1" * 64,
            "logit_scale": model.logit_scale,
            "logit_bias": model.logit_bias,
        }
    }


def gap(batch: object, *, k: int = 1) -> None:
    """A score of the user's own."""


def test_it_tells_the_file_that_defines_a_users_score() -> None:
    variants = parse_all(["mcm", "gap:k=1|2"], {"gap": of_function(gap)})
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    assert of_code(variants) == {"gap": {"sha256": digest}}
    assert of_code(parse_all(["mcm"])) == {}


def test_the_resamples_are_recorded_and_read_back() -> None:
    how = Conventions(bootstrap=1000, seed=7)
    assert of_bootstrap(how) == {"bootstrap": {"resamples": 1000, "seed": 7}}
    assert resampling(of_bootstrap(how)) == how
    assert of_bootstrap(Conventions(seed=7)) == {} and resampling({}) is None


@pytest.mark.parametrize(
    "odd",
    [3, {}, {"resamples": 1, "seed": 0}, {"resamples": 10**6, "seed": 0}, {"resamples": 9.0}]
    + [{"resamples": 9, "seed": seed} for seed in (-1, True, "0", None)],
)
def test_resamples_that_nobody_recorded_are_rejected(odd: object) -> None:
    with pytest.raises(ValueError, match="not 2 to 100,000 resamples and a seed from 0"):
        resampling({"bootstrap": odd})
