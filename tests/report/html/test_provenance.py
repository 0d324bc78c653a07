"""Claims about how it is told how results were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.report.results import FIRST

from oodcache.report.html.provenance import Named, digests_cut, making
from oodcache.report.saved.results import Saved


def of(provenance: Any) -> Saved:
    return Saved(Path("r.json"), (FIRST,), (), provenance)


def test_it_tells_the_command_the_models_and_every_file() -> None:
    told = making(
        of(
            {
                "command": "oodcache score --id 'a b'",
                "fpr_convention": "strict",
                "scores": None,
                "models": {"clip/one": {"weights": "00ff", "logit_bias": None, "logit_scale": 2.5}},
                "files": [
                    {"path": "x.h5", "shards": None, "precision": {"tf32": False, "d": "cpu"}}
                ],
                "versions": {"numpy": "2.4", "h5py": "3"},
            }
        )
    )
    assert told.command == "oodcache score --id 'a b'"
    assert told.facts == (("fpr convention", "strict"), ("versions", "numpy 2.4, h5py 3"))
    assert told.models == (Named("clip/one", (("weights", "00ff"), ("logit scale", "2.5"))),)
    assert told.files == (Named("x.h5", (("precision", "tf32 false, d cpu"),)),)


def test_what_is_empty_is_not_told() -> None:
    leaks = {"lists": {}, "wordnet": None, "left_out": ["cat"]}
    told = making(of({"leaks": leaks, "versions": {}, "ties": {"a": 0, "b": []}}))
    assert told.facts == (("leaks", 'left_out ["cat"]'), ("ties", "a 0"))


@pytest.mark.parametrize("odd", [None, 3, "text", [3, None, {"path": 3}], {"a": [1]}, {}])
def test_a_strangers_json_is_told_as_far_as_it_goes(odd: Any) -> None:
    told = making(of({"command": odd, "models": odd, "files": odd, "other": odd}))
    assert isinstance(told.command, str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(["command", "models", "files", "versions", "x"]), JSON))
def test_whatever_it_holds_becomes_text(provenance: Any) -> None:
    told = making(of(provenance))
    for facts in (told.facts, *(one.facts for one in (*told.models, *told.files))):
        assert all(isinstance(name, str) and isinstance(text, str) for name, text in facts)


def test_a_digest_has_its_rest_apart_and_other_text_stays_as_it_is() -> None:
    digest = "0123456789ab" + "c" * 52
    shown = digests_cut(f"sha256 {digest}, <b>")
    rest = f'<span class="screen">{"c" * 52}</span>'
    assert shown == f'sha256 <span class="digest">0123456789ab{rest}</span>, &lt;b&gt;'
    for text in ("0123456789ab", "A" * 64, "f" * 39, "x" + "f" * 64, ""):
        assert digests_cut(text) == text
