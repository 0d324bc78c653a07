import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.cache.format.identity import Identity, ModelIdentity, from_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)

MODEL: dict[str, Any] = {
    "name": "n",
    "pretrained": "p",
    "requested": "r",
    "weights": "w",
    "architecture": {"embed_dim": 4},
    "checkpoint": None,
    "logit_scale": 1,
    "logit_bias": None,
}


def changed(identity: Identity, change: Callable[[Any], Any]) -> str:
    fields = json.loads(replace(identity, vectors="ab").to_json())
    change(fields)
    return json.dumps(fields)


def model(**values: Any) -> Callable[[Any], Any]:
    return lambda fields: fields["model"].update(values)


def test_an_identity_survives_json(identity: Identity) -> None:
    stored = replace(identity, vectors="ab")
    assert from_json(stored.to_json()) == stored


def test_a_bias_that_is_absent_is_not_a_bias_of_zero(identity: Identity) -> None:
    for bias in (None, 0.0):
        stored = replace(
            identity, vectors="ab", model=replace(identity.model, logit_bias=bias)
        ).to_json()
        assert from_json(stored).model.logit_bias == bias


def test_equal_identities_give_equal_texts_whatever_the_order_of_their_keys(
    identity: Identity,
) -> None:
    one, other = ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert replace(identity, encoding=one).to_json() == replace(identity, encoding=other).to_json()


def test_a_label_is_the_models_folder(identity: Identity) -> None:
    assert identity.model.label == "small/demo"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (model(logit_scale=-1.5), "'model.logit_scale' is -1.5, not a positive number"),
        (model(logit_scale=10**400), "not a positive number"),
        (model(logit_scale="10"), "'model.logit_scale' is '10', not a positive number"),
        (model(logit_scale=True), "'model.logit_scale' is True, not a positive number"),
        (model(logit_scale=0), "'model.logit_scale' is 0, not a positive number"),
        (model(logit_bias=[1]), "'model.logit_bias' is [1], not a number or null"),
        (model(logit_bias=False), "'model.logit_bias' is False, not a number or null"),
        (model(name=""), "'model.name' is '', not a text"),
        (model(name="\ud800"), "surrogates not allowed"),
        (model(architecture=[7]), "'model.architecture' is [7], not an object"),
        (model(checkpoint=7), "'model.checkpoint' is 7, not a text"),
        (
            model(more=7),
            "'model' holds ['architecture', 'checkpoint', 'logit_bias', 'logit_scale', 'more',",
        ),
        (lambda one: one.update(model=[]), "'model' is not an object"),
        (lambda one: one.update(precision="x"), "'precision' is not an object"),
        (lambda one: one["source"].pop("name"), "'source.name' is None, not a text"),
        (lambda one: one["source"].update(fingerprint=1), "'source.fingerprint' is 1, not a text"),
        (lambda one: one["versions"].update(a=1), "'versions.a' is 1, not a text"),
        (lambda one: one.update(vectors=""), "'vectors' is '', not a text"),
        (lambda one: one.pop("vectors"), "it holds ['encoding', 'model', 'precision', 'source', "),
    ],
)
def test_a_wrong_field_is_named(
    identity: Identity, change: Callable[[Any], Any], words: str
) -> None:
    with pytest.raises(ValueError) as refused:
        from_json(changed(identity, change))
    assert words in str(refused.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_no_json_is_refused(identity: Identity, number: str) -> None:
    text = changed(identity, model(logit_scale="@")).replace('"@"', number)
    with pytest.raises(ValueError, match=f"contains {number}, which is not JSON"):
        from_json(text)


@pytest.mark.parametrize("levels", [17, 500, 10_000, 1_000_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_json_is_refused(levels: int, opening: str, closing: str) -> None:
    with pytest.raises(ValueError, match="nested deeper than 16 levels"):
        from_json(opening * levels + "1" + closing * levels)


@given(JSON)
def test_any_other_json_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError):
        from_json(json.dumps(value))


@given(st.sampled_from(["model", "source", "encoding", "precision", "versions", "vectors"]), JSON)
def test_any_value_of_any_field_is_taken_or_a_value_error(field: str, value: Any) -> None:
    whole = {
        "model": MODEL,
        "source": {"name": "n", "fingerprint": "f"},
        "encoding": {},
        "precision": {},
        "versions": {},
        "vectors": "ab",
    }
    try:
        from_json(json.dumps({**whole, field: value}))
    except ValueError:
        return
    assert isinstance(value, str if field == "vectors" else dict)


@given(st.sampled_from(sorted(ModelIdentity.__dataclass_fields__)), JSON)
def test_any_value_of_any_field_of_the_model_is_taken_or_a_value_error(
    field: str, value: Any
) -> None:
    try:
        made = ModelIdentity(**{**MODEL, field: value})
    except ValueError:
        return
    assert getattr(made, field) is value


def test_labels_are_class_numbers_only_where_the_source_says_so(identity: Identity) -> None:
    for more, numbers in (({}, False), ({"labels": "numbers"}, True), ({"labels": ["x"]}, False)):
        source = {**identity.source, **more}
        assert replace(identity, source=source).has_class_numbers == numbers
