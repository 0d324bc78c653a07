"""Claims about what is asked of a protocol: what cannot be scored is rejected beforehand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples.study.benchmark import write_sets

from oodcache.cache.errors import InputError
from oodcache.score.inputs.question import Question
from oodcache.score.measures.result import Conventions
from oodcache.study.protocols.asking import check
from oodcache.study.protocols.lines import ProtocolRequest
from oodcache.study.protocols.protocol import Protocol, ProtocolRun

RUN = ProtocolRun("pets", "breeds", ood=("SUN", "Places"), groups={"wild": ("SUN",)})
OWN = Protocol("mine.toml", "", (RUN,))


def asked(cache: Path, *scores: str, **changes: Any) -> None:
    question = Question(cache, ["clip-openai"], "pets", RUN.outside)
    question = replace(question, **changes).asking(scores or ("mcm",))
    check(OWN, [question], ProtocolRequest("clip-openai", cache, cache))


def test_a_bank_is_a_dataset_of_the_protocol_or_of_the_cache(tmp_path: Path) -> None:
    write_sets(tmp_path, sets={"Textures": 3})
    for bank in ("Textures", "Textures:2", "SUN"):
        asked(tmp_path, "knn", bank=bank)
    with pytest.raises(InputError, match="--bank train: not in the cache, and no dataset of mine"):
        asked(tmp_path, "knn", bank="train:2")


def test_weights_of_ones_own_may_have_any_files(tmp_path: Path) -> None:
    question = Question(tmp_path, ["m"], "pets", RUN.outside, bank="b").asking(["knn"])
    check(OWN, [question], ProtocolRequest("m", tmp_path, tmp_path, own_weights=True))


@pytest.mark.parametrize(
    ("scores", "changes", "words"),
    [
        (("knn",), {}, "knn needs a bank: give --bank NAME"),
        (("neglabel",), {}, "neglabel needs negatives: give --negatives NAME"),
        (("oodd:base=neglabel",), {}, "neglabel needs negatives: give --negatives NAME"),
        (("neglabel",), {"negatives": "x"}, "--negatives x: not in the cache (there are: none)"),
        ((), {"drop": Path("none.txt")}, "none.txt: No such file"),
        ((), {"conventions": Conventions(groups={"wild": ("SUN",)})}, "wild: the benchmark has"),
        ((), {"conventions": Conventions(groups={"x": ("pets",)})}, "x: 'pets': not among"),
    ],
)
def test_what_score_would_reject_is_one_line(
    tmp_path: Path, scores: tuple[str, ...], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        asked(tmp_path, *scores, **changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
