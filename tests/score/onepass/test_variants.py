from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.score.cosines import ranked, shown

from oodcache.cache.errors import InputError
from oodcache.score.formulas.class_scores import CLASS_SCORES
from oodcache.score.formulas.definition import Parameter
from oodcache.score.formulas.registry import SCORES
from oodcache.score.formulas.tile import Tile
from oodcache.score.onepass.default_scores import DEFAULT
from oodcache.score.onepass.variants import Variant, parse, parse_all

positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
finite = st.floats(allow_nan=False, allow_infinity=False)


def named(key: str) -> list[Parameter]:
    """Return the parameters of that name, of all scores that have one."""
    found = [one.parameters[key] for one in SCORES.values() if key in one.parameters]
    assert found
    return found


def test_a_name_alone_takes_the_defaults() -> None:
    assert parse("mcm") == [Variant("mcm", {"temperature": 1.0})]
    assert parse("sigmoid-mcm") == [Variant("sigmoid-mcm", {"scale": "learned", "bias": "learned"})]
    assert parse("max-logit") == [Variant("max-logit", {})]
    for score in ("energy", "entropy", "variance"):
        assert parse(score) == [Variant(score, {"temperature": "learned"})]
    assert parse("margin") == [Variant("margin", {})]
    assert parse("gen") == [Variant("gen", {"temperature": "learned", "gamma": 0.1, "top": 100.0})]
    for score in ("joint-energy", "sigmoid-sum"):
        assert parse(score) == [Variant(score, {"scale": "learned", "bias": "learned"})]


def test_bars_make_a_grid_whose_last_parameter_runs_fastest() -> None:
    assert parse("sigmoid-mcm:scale=1|learned,bias=0|-2.5") == [
        Variant("sigmoid-mcm", {"scale": 1.0, "bias": 0.0}),
        Variant("sigmoid-mcm", {"scale": 1.0, "bias": -2.5}),
        Variant("sigmoid-mcm", {"scale": "learned", "bias": 0.0}),
        Variant("sigmoid-mcm", {"scale": "learned", "bias": -2.5}),
    ]


def test_parameters_may_stand_in_any_order() -> None:
    assert parse("sigmoid-mcm:bias=1,scale=2") == parse("sigmoid-mcm:scale=2,bias=1")


def test_a_variants_keys_are_in_the_order_of_the_registry() -> None:
    assert list(parse("sigmoid-mcm:bias=1,scale=2")[0].parameters) == ["scale", "bias"]


def test_a_label_names_what_is_not_at_its_default() -> None:
    labels = [one.label for one in parse_all([*DEFAULT, "sigmoid-mcm:scale=10|learned,bias=0"])]
    assert labels == [
        "mcm",
        "mcm:temperature=learned",
        "sigmoid-mcm",
        "max-logit",
        "energy",
        "sigmoid-mcm:scale=10,bias=0",
        "sigmoid-mcm:bias=0",
    ]


@given(st.sampled_from(["mcm", "energy", "entropy", "variance"]), positive | st.just("learned"))
def test_a_label_of_a_temperature_gives_the_variant_back(
    score: str, temperature: float | str
) -> None:
    variant = Variant(score, {"temperature": temperature})
    assert parse(variant.label) == [variant]


@given(
    st.sampled_from(["sigmoid-mcm", "joint-energy", "sigmoid-sum"]),
    positive | st.just("learned"),
    finite | st.sampled_from(["learned", "none"]),
)
def test_a_label_of_a_scale_and_a_bias_gives_the_variant_back(
    score: str, scale: float | str, bias: float | str
) -> None:
    variant = Variant(score, {"scale": scale, "bias": bias})
    assert parse(variant.label) == [variant]


def test_temperatures_that_differ_in_the_seventh_digit_are_two_variants() -> None:
    found = parse_all(["mcm:temperature=0.1000001|0.1000002"])
    assert [one.label for one in found] == [
        "mcm:temperature=0.1000001",
        "mcm:temperature=0.1000002",
    ]


def test_the_same_variant_counts_once_where_it_was_first_named() -> None:
    found = parse_all(["max-logit", "mcm:temperature=0.5|1.0|5e-1", "mcm", "mcm:temperature=1"])
    assert [one.label for one in found] == ["max-logit", "mcm:temperature=0.5", "mcm"]


def test_no_specification_gives_no_variant() -> None:
    assert parse_all([]) == []


@pytest.mark.parametrize("specification", DEFAULT)
def test_each_default_is_one_variant_of_a_known_score(specification: str) -> None:
    assert [one.label for one in parse(specification)] == [specification]


@pytest.mark.parametrize("score", SCORES)
def test_each_default_parameter_may_be_given_as_well(score: str) -> None:
    given_all = ",".join(f"{key}={value}" for key, value in SCORES[score].defaults.items())
    assert parse(f"{score}:{given_all}" if given_all else score) == parse(score)


@pytest.mark.parametrize(
    ("typed", "label"),
    [
        ("MCM", "mcm"),
        ("msp", "mcm:temperature=learned"),
        ("MSP:temperature=1", "mcm"),
        ("maxlogit", "max-logit"),
        ("MaxLogit", "max-logit"),
        ("max_logit", "max-logit"),
        ("ebo:temperature=0.1", "energy:temperature=0.1"),
        ("KNN:k=5", "knn:k=5"),
    ],
)
def test_other_programs_names_and_cases_stand_for_our_scores(typed: str, label: str) -> None:
    (found,) = parse(typed)
    assert found.label == label
    assert found.score in SCORES


def test_a_grid_is_counted_before_it_is_built() -> None:
    values = "|".join(["1"] * 3000)
    with pytest.raises(InputError, match=r"9,000,000 variants, more than 10,000; use fewer val"):
        parse(f"gen:gamma={values},top={values}")
    temperatures = "|".join(str(1 + one / 1000) for one in range(6000))
    with pytest.raises(InputError, match="12,000 variants"):
        parse_all([f"mcm:temperature={temperatures}", f"energy:temperature={temperatures}"])


@pytest.mark.parametrize(
    ("specification", "words"),
    [
        ("mcn", "--score 'mcn': no score 'mcn'; did you mean mcm?"),
        ("max-logits", "--score 'max-logits': no score 'max-logits'; did you mean max-logit?"),
        (
            "mine",
            "--score 'mine': no score 'mine'; did you mean margin? (a function of your own: "
            "FILE.py:mine; in Python: pass the function)",
        ),
        ("mcm,Energy", "--score 'mcm,Energy': repeat the option: --score mcm --score energy"),
        (
            "mcm:temperature=1,energy",
            "--score 'mcm:temperature=1,energy': 'energy' is another score: repeat the option, "
            "--score energy",
        ),
        (
            "?",
            "--score '?': no score '?'; list them with: oodcache scores",
        ),
        (
            "mcm:tau=1",
            "--score 'mcm:tau=1': 'tau=1' sets no parameter of mcm (parameters: temperature); "
            "write for example mcm:temperature=learned",
        ),
        (
            "mcm:temperature",
            "--score 'mcm:temperature': 'temperature' sets no parameter of mcm "
            "(parameters: temperature); write for example mcm:temperature=learned",
        ),
        (
            "energy:",
            "--score 'energy:': '' sets no parameter of energy (parameters: temperature); "
            "write for example energy:temperature=learned",
        ),
        (
            "knn:neighbours=3",
            "--score 'knn:neighbours=3': 'neighbours=3' sets no parameter of knn (parameters: k); "
            "write for example knn:k=50",
        ),
        (
            "max-logit:scale=2",
            "--score 'max-logit:scale=2': 'scale=2' sets no parameter of max-logit "
            "(parameters: none); write for example max-logit",
        ),
        (
            "mcm:temperature=1,temperature=2",
            "--score 'mcm:temperature=1,temperature=2': sets temperature twice; "
            "write several values as temperature=A|B",
        ),
    ],
)
def test_what_does_not_parse_is_told_what_to_write(specification: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        parse(specification)
    assert str(error.value) == words


@pytest.mark.parametrize(
    "text", ["0", "-1", "nan", "inf", "-inf", "1e400", "1e-400", "", "Learned"]
)
@pytest.mark.parametrize("key", ["temperature", "scale"])
def test_a_temperature_or_scale_is_finite_and_above_zero(key: str, text: str) -> None:
    score = {"temperature": "mcm", "scale": "sigmoid-mcm"}[key]
    with pytest.raises(InputError) as error:
        parse(f"{score}:{key}={text}")
    assert str(error.value) == (
        f"--score '{score}:{key}={text}': {key}={text} is neither a number above 0 nor 'learned'"
    )


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400", "", "nil"])
def test_a_bias_is_finite(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse(f"sigmoid-mcm:bias=0|{text}")
    assert str(error.value) == (
        f"--score 'sigmoid-mcm:bias=0|{text}': "
        f"bias={text} is neither a number, 'learned' nor 'none'"
    )


@pytest.mark.parametrize("text", ["0", "-0.0", "-16.5", "1e300"])
def test_a_bias_may_be_nil_or_negative(text: str) -> None:
    assert parse(f"sigmoid-mcm:bias={text}")[0].parameters["bias"] == float(text)


def test_a_grid_of_scales_and_biases_is_labelled_by_what_is_not_learned() -> None:
    assert [one.label for one in parse("joint-energy:scale=learned|10,bias=learned|0|none")] == [
        "joint-energy",
        "joint-energy:bias=0",
        "joint-energy:bias=none",
        "joint-energy:scale=10",
        "joint-energy:scale=10,bias=0",
        "joint-energy:scale=10,bias=none",
    ]


def test_no_bias_counts_as_nil_whatever_the_model_has() -> None:
    without = parse("sigmoid-sum:bias=none")[0]
    assert without.numbers(logit_scale=50.0, logit_bias=-10.0) == {"scale": 50.0, "bias": 0.0}


def test_learned_is_the_models_scale_its_inverse_and_its_bias() -> None:
    for bias, counted in ((-10.0, -10.0), (0.0, 0.0), (None, 0.0)):
        found = parse("joint-energy")[0].numbers(logit_scale=50.0, logit_bias=bias)
        assert found == {"scale": 50.0, "bias": counted}
    found = parse("gen:top=7")[0].numbers(logit_scale=50.0, logit_bias=None)
    assert found == {"temperature": 0.02, "gamma": 0.1, "top": 7.0}


def test_a_variant_ranks_and_shows_as_its_score_does() -> None:
    cosine = np.random.default_rng(0).uniform(-0.1, 0.4, (10, 5)).astype(np.float32)
    # Against the axes as classes, an image's numbers are its cosines.
    axes = np.eye(5, dtype=np.float32)
    for variant in parse_all(CLASS_SCORES):
        numbers = variant.numbers(logit_scale=40.0, logit_bias=-12.0)
        found = variant.rank(Tile(cosine, axes, axes), numbers)
        assert np.array_equal(found, ranked(variant.score, cosine, **numbers))
        expected = shown(variant.score, cosine, **numbers)
        assert np.array_equal(variant.shown(found, 5, numbers), expected)


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "nan", "inf", "1e400", "", "learned", "all"])
def test_the_top_of_gen_is_a_whole_number_above_zero(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse(f"gen:top={text}")
    assert str(error.value) == (
        f"--score 'gen:top={text}': top={text} is not a whole number above 0"
    )


@pytest.mark.parametrize("text", ["0", "-0.1", "nan", "inf", "learned"])
def test_the_gamma_of_gen_is_finite_and_above_zero(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse(f"gen:gamma={text}")
    assert str(error.value) == (f"--score 'gen:gamma={text}': gamma={text} is not a number above 0")


def test_gen_may_be_given_all_of_its_parameters() -> None:
    assert [one.label for one in parse("gen:top=1|1e2,gamma=0.5,temperature=learned|0.02")] == [
        "gen:gamma=0.5,top=1",
        "gen:gamma=0.5",
        "gen:temperature=0.02,gamma=0.5,top=1",
        "gen:temperature=0.02,gamma=0.5",
    ]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("temperature", "learned", "learned"),
        ("temperature", "0.5", 0.5),
        ("scale", "learned", "learned"),
        ("bias", "none", "none"),
        ("bias", "-1e1", -10.0),
        ("gamma", "0.5", 0.5),
        ("top", "100.0", 100.0),
        ("remainder", "use", "use"),
        ("number", "mined", "mined"),
        ("number", "500", 500.0),
        ("percentile", "100", 100.0),
        ("seed", "0", 0.0),
        ("dimension", "auto", "auto"),
    ],
)
def test_a_value_is_a_number_or_one_of_the_parameters_words(
    key: str, text: str, value: float | str
) -> None:
    for parameter in named(key):
        assert parameter.read(key, text) == value


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("temperature", "none", "temperature=none is neither a number above 0 nor 'learned'"),
        ("scale", "none", "scale=none is neither a number above 0 nor 'learned'"),
        ("bias", "nil", "bias=nil is neither a number, 'learned' nor 'none'"),
        ("remainder", "1", "remainder=1 is neither 'drop' nor 'use'"),
        ("number", "0", "number=0 is neither a whole number above 0 nor 'mined'"),
        ("groups", "2.5", "groups=2.5 is not a whole number above 0"),
        ("seed", "-1", "seed=-1 is not a whole number, 0 or above"),
        (
            *("percentile", "101"),
            "percentile=101 is neither a number above 0 and at most 100 nor 'mined'",
        ),
        ("top", "1.5", "top=1.5 is not a whole number above 0"),
        ("gamma", "x", "gamma=x is not a number above 0"),
    ],
)
def test_what_is_no_value_is_told_what_one_is(key: str, text: str, words: str) -> None:
    for parameter in named(key):
        with pytest.raises(InputError) as error:
            parameter.read(key, text)
        assert str(error.value) == words


@pytest.mark.usefixtures("tally")
def test_a_parameter_may_name_another_score_written_as_its_label() -> None:
    grid = parse("tally:base=msp|mcm:temperature=1.0|neglabel,weight=2")
    assert [one.parameters["base"] for one in grid] == [
        *("mcm:temperature=learned", "mcm", "neglabel"),
    ]
    assert grid[0].label == "tally:base=mcm:temperature=learned,weight=2"
    assert parse(grid[0].label) == grid[:1]
    assert [one.needs for one in grid] == ["", "", "negatives"]


@pytest.mark.usefixtures("tally")
@pytest.mark.parametrize(
    ("base", "problem"),
    [
        ("mmc", "base='mmc': no score 'mmc'; did you mean mcm?"),
        ("tally", "base=tally is a score that learns from the stream, not one of single images"),
        ("", "base= names no score; such as base=mcm"),
        ("nope", "no score 'nope'; list them with: oodcache scores (base is a built-in score with"),
        ("own.py:f", "no score 'own.py'; list them with: oodcache scores (base is a built-in"),
        ("gen:top=9,gamma=1", "'gamma=1' sets no parameter of tally (parameters: base, weight, "),
        ("gen:top=9,gamma=1", "; base is a built-in score with at most one parameter, as in "),
    ],
)
def test_a_named_score_is_one_of_single_images(base: str, problem: str) -> None:
    with pytest.raises(InputError) as raised:
        parse(f"tally:base={base}")
    assert problem in str(raised.value)


def test_settings_of_a_paper_stand_for_several_parameters() -> None:
    (found,) = parse("tanl:settings=paper,queue=50")
    assert found.label == "tanl:queue=50,gap=0.2,alpha=0.95"
    assert parse("tanl:settings=paper") == parse("tanl:gap=0.2,alpha=0.95")
    labels = [one.label for one in parse("tanl:weighting=0|2,settings=paper")]
    assert labels == [f"tanl:gap=0.2,alpha=0.95,weighting={number}" for number in (0, 2)]


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("tanl:settings=code", "settings=code: write settings=paper"),
        ("tanl:settings=paper,gap=0.5", "settings=paper sets gap too; omit one of them"),
        ("tanl:settings=paper,settings=paper", "write settings=paper"),
        ("oodd:settings=paper", "'settings=paper' sets no parameter of oodd"),
    ],
)
def test_settings_that_are_none_or_contradict_are_refused(typed: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse(typed)


def test_a_corpus_that_was_mined_from_needs_negatives_and_another_does_not() -> None:
    assert parse("tanl")[0].needs == "negatives"
    assert parse("tanl:corpus=nouns")[0].needs == ""


def test_a_corpus_is_the_word_list_that_a_score_names() -> None:
    named = {one: parse(one)[0].corpus for one in ("tanl", "tanl:corpus=nouns", "adaneg", "mcm")}
    assert named == {"tanl": "mined", "tanl:corpus=nouns": "nouns", "adaneg": None, "mcm": None}
    words = ("tanl:corpus=nouns", "csp", "oodd:base=csp")
    assert [parse(one)[0].has_words for one in (*words, "oodd", "mcm", "knn")] == [
        *(True, True, True),
        *(False, False, False),
    ]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tip-adapter", "tip"),
        ("Tip_Adapter", "tip"),
        ("linear_probe", "probe"),
        ("linear-probe:C=1", "probe"),
        ("logistic-regression", "probe"),
    ],
)
def test_the_usual_name_of_a_method_is_answered_with_ours(typed: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"; did you mean {meant}\\?$"):
        parse(typed)
