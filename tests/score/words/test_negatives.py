"""Claims about negatives read back: where they fit, mined again, refused where not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.score.words import (
    ADJECTIVES,
    CLASSES,
    NICE,
    NOUNS,
    PHOTO,
    unit_rows,
    words_of,
    write_old,
)

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import Negatives, write_negatives
from oodcache.cache.files.texts import TextFile
from oodcache.score.inputs.selection import Prompted, Selection, Vectors, prompted
from oodcache.score.words.negatives import Mined, open_negatives, unlike_paper

Write = Callable[..., TextFile]


def selected(texts: TextFile, classes: Sequence[int] | None = None) -> Selection:
    wanted = range(len(texts.vocabulary.names)) if classes is None else classes
    return Selection(texts, np.array(wanted, np.intp), ())


def scored(texts: TextFile, *templates: str) -> list[Prompted]:
    return prompted(selected(texts), templates)


def reopened(tmp_path: Path, texts: TextFile, classes: Sequence[int] | None = None) -> Mined:
    return open_negatives(tmp_path, selected(texts, classes), "x")


def test_vectors_are_those_of_the_words_in_the_files_order(
    tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]
) -> None:
    written = mined(csp=["pool"])
    found = reopened(tmp_path, lists["pets"])
    words = [word for one in written.lists[:2] for word in one.words]
    assert found.words() == words
    rows = {**dict(zip(words_of("noun", 40), NOUNS, strict=True))}
    rows |= dict(zip(words_of("adjective", 20), ADJECTIVES, strict=True))
    assert found.vectors().tobytes() == np.array([rows[word] for word in words]).tobytes()
    assert found.vectors().dtype == np.float32
    with_pool = found.words(csp=True)
    assert with_pool == [*words, *written.lists[2].words]
    assert len(found.vectors(csp=True)) == len(with_pool)
    assert [one.path.stem for one in found.files] == ["nouns", "adjectives", "pool"]


def test_with_a_near_end_the_farthest_words_are_the_same(
    tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]
) -> None:
    asked: tuple[dict[str, Any], ...] = ({}, {"number": 25}, {"percentile": 50.0, "csp": True})
    found = []
    for nearest in (None, 12):
        mined(csp=["pool"], nearest=nearest)
        again = reopened(tmp_path, lists["pets"])
        found.append([again.vectors(**one).tobytes() for one in asked])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("wanted", "options"),
    [
        ({"percentile": 50.0}, {"percentile": 50.0}),
        ({"number": 25}, {"keep": "25"}),
        ({"percentile": 0.0, "number": 60}, {"percentile": 0.0, "keep": "60"}),
    ],
)
@pytest.mark.parametrize("csp", [False, True])
def test_mined_again_they_are_what_the_command_would_have_kept(
    tmp_path: Path,
    mined: Callable[..., Negatives],
    lists: dict[str, TextFile],
    wanted: dict[str, Any],
    options: dict[str, Any],
    csp: bool,
) -> None:
    mined(csp=["pool"])
    again = reopened(tmp_path, lists["pets"])
    found, vectors = again.words(**wanted, csp=csp), again.vectors(**wanted, csp=csp)
    fresh = mined(csp=["pool"] if csp else [], **options)
    assert found == [word for one in fresh.lists for word in one.words]
    assert vectors.tobytes() == reopened(tmp_path, lists["pets"]).vectors(csp=csp).tobytes()


def test_words_and_classes_of_several_templates_are_averaged(
    tmp_path: Path, write_texts: Write, mined: Callable[..., Negatives]
) -> None:
    texts = write_texts("pets", CLASSES, CLASSES[::-1], templates=["a {}", "b {}"])
    words = write_texts("nouns", NOUNS, NOUNS[::-1].copy(), templates=["a {}", "b {}"])
    found = mined(words=["nouns"])
    assert (found.template, found.lists[0].template) == ("average", "average")
    mean = words.embeddings.astype(float).mean(axis=0)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    again = reopened(tmp_path, texts)
    places = [words.vocabulary.names.index(word) for word in again.words()]
    assert np.allclose(again.vectors(), mean[places], rtol=0, atol=1e-7)


def test_notes_say_where_templates_and_classes_differ(
    tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]
) -> None:
    notes: list[str] = []
    mined(words=["nouns"], notes=notes)
    assert notes == ["nouns: 40 words; kept 6 of 40 candidates"]
    assert reopened(tmp_path, lists["pets"]).notes(scored(lists["pets"], NICE)) == []
    (nice,) = scored(lists["pets"], NICE)
    other = replace(nice, template="a {}", templates=("a {}",))
    (said,) = reopened(tmp_path, lists["pets"]).notes([other, nice])
    assert "mined with the classes in 'the nice {}', scored in 'a {}'" in said
    (said,) = reopened(tmp_path, lists["pets"], [0, 1]).notes(scored(lists["pets"], NICE))
    assert "mined with all 9 classes of pets, scored with 2 of them" in said
    mined(notes=notes)
    assert "classes in 'the nice {}', but adjectives in 'This is a {} photo'" in notes[-1]
    assert notes[-1] in reopened(tmp_path, lists["pets"]).notes(scored(lists["pets"], NICE))


def test_no_negatives_say_what_to_type(tmp_path: Path, lists: dict[str, TextFile]) -> None:
    with pytest.raises(InputError) as refused:
        reopened(tmp_path, lists["pets"])
    assert str(refused.value) == (
        f"{tmp_path / 'Tiny/one'}: no negatives 'x' (there are: none); make them with: oodcache "
        "negatives --model tiny --classes pets --words nouns -o x"
    )


def test_negatives_of_other_classes_say_what_to_type(
    tmp_path: Path, mined: Callable[..., Negatives], write_texts: Write
) -> None:
    mined(keep="20")
    others = write_texts("cars", unit_rows(3, 7))
    with pytest.raises(InputError) as refused:
        reopened(tmp_path, others)
    assert str(refused.value) == (
        f"{names.negatives_path(tmp_path, 'Tiny/one', 'x')}: mined with classes pets, whose "
        f"vectors differ from those of {others.path}; mine again with: oodcache negatives "
        "--model tiny --classes cars --words nouns --words adjectives --template 'the nice {}' "
        "--keep 20 -o x-cars"
    )


def test_a_list_that_was_made_anew_is_refused(
    tmp_path: Path, mined: Callable[..., Negatives], write_texts: Write, lists: dict[str, TextFile]
) -> None:
    mined(percentile=90, csp=["pool"], nearest=7)
    write_texts("nouns", NOUNS[::-1].copy(), templates=[NICE])
    with pytest.raises(InputError) as refused:
        reopened(tmp_path, lists["pets"])
    assert "mined from other vectors than" in str(refused.value)
    assert str(refused.value).endswith(
        "; mine again with: oodcache negatives --model tiny --classes pets --words nouns --words "
        "adjectives --csp pool --template 'the nice {}' --percentile 90 --nearest 7 --overwrite "
        "-o x"
    )
    names.text_path(tmp_path, "Tiny/one", "nouns").unlink()
    with pytest.raises(InputError, match="no vocabulary 'nouns' .* --classes nouns=FILE"):
        reopened(tmp_path, lists["pets"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"weights": "2" * 64},
            "mined with weights 22222222…, but .* has 11111111…: negatives belong",
        ),
        ({"architecture": {"x": 1}}, "mined with another architecture than"),
        (
            {"template": "b {}", "templates": ("b {}",)},
            "mined with template 'b {}', which .*pets.h5 does not have; add it first: oodcache "
            "extract --model tiny --classes pets=FILE --template 'b {}'; if need be, then ",
        ),
    ],
)
def test_negatives_of_another_model_are_refused(
    tmp_path: Path,
    mined: Callable[..., Negatives],
    lists: dict[str, TextFile],
    changes: dict[str, Any],
    words: str,
) -> None:
    found = mined()
    write_negatives(found.path, replace(found, **changes))
    with pytest.raises(InputError, match=f"{words}.*mine again with: oodcache negatives"):
        reopened(tmp_path, lists["pets"])


def test_a_word_that_is_not_in_its_list_is_refused(
    tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]
) -> None:
    write_old(mined(), lists["pets"], first="dragon")
    with pytest.raises(InputError, match=r"the word 'dragon' is not in .*nouns\.h5"):
        reopened(tmp_path, lists["pets"])


def test_a_near_word_that_is_not_in_its_list_is_refused(
    tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]
) -> None:
    found = mined(nearest=4)
    nouns, adjectives = found.lists
    changed = replace(nouns, near=("dragon", *nouns.near[1:]))
    write_negatives(found.path, replace(found, lists=(changed, adjectives)))
    with pytest.raises(InputError, match=r"the word 'dragon' is not in .*nouns\.h5"):
        reopened(tmp_path, lists["pets"])


def test_a_pool_that_is_not_there_and_parameters_that_make_no_sense_are_refused(
    tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]
) -> None:
    mined()
    found = reopened(tmp_path, lists["pets"])
    with pytest.raises(
        InputError, match="contains no conjugated pool.* --csp CSPWORDS --overwrite"
    ):
        found.vectors(csp=True)
    for wrong in ({"percentile": 101.0}, {"percentile": float("nan")}, {"number": 0}):
        with pytest.raises(InputError, match="cannot be mined again with"):
            found.vectors(**wrong)
    with pytest.raises(InputError, match="there are 60 words to choose from, fewer than 61"):
        found.vectors(number=61)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"template": NICE}, []),
        ({"template": NICE, "percentile": 90}, ["percentile 90, not 95"]),
        ({"template": NICE, "keep": "7.5%"}, ["keep 7.5%, not 15%"]),
        ({"template": NICE, "keep": "9"}, ["keep 9, not 15%"]),
        (
            {"template": NICE, "words": ["nouns"]},
            [f"word lists in {NICE!r}, not one in {NICE!r} and one in {PHOTO!r}"],
        ),
        ({"template": NICE, "csp": ["pool"]}, []),
    ],
)
def test_settings_that_the_paper_has_otherwise_are_said(
    mined: Callable[..., Negatives], changes: dict[str, Any], said: list[str]
) -> None:
    assert unlike_paper(mined(**changes)) == said


def test_classes_in_another_template_than_the_papers_are_said(
    mined: Callable[..., Negatives],
) -> None:
    found = replace(mined(), template="a {}")
    assert unlike_paper(found) == [f"classes in 'a {{}}', not {NICE!r}"]


A, B, C = (unit_rows(9, seed) for seed in (11, 12, 13))
X, Y = (unit_rows(40, seed) for seed in (14, 15))
TWO, THREE = ("a {}", "b {}"), ("a {}", "b {}", "c {}")


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("template", [None, "b {}"])
def test_templates_that_are_added_later_change_no_negative(
    tmp_path: Path,
    write_texts: Write,
    mined: Callable[..., Negatives],
    is_old: bool,
    template: str | None,
) -> None:
    texts = write_texts("pets", A, B, templates=TWO)
    write_texts("nouns", X, templates=["a {}"])
    found = mined(words=["nouns"], template=template)
    if is_old:
        write_old(found, texts)
    before = reopened(tmp_path, texts)
    words, vectors = before.words(percentile=50.0), before.vectors().tobytes()
    texts = write_texts("pets", A, B, C, templates=THREE)
    write_texts("nouns", X, Y, templates=TWO)
    after = reopened(tmp_path, texts)
    assert after.negatives == before.negatives
    assert after.negatives.templates == (("b {}",) if template else TWO)
    assert after.words(percentile=50.0) == words
    assert after.vectors().tobytes() == vectors


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize(
    ("classes", "nouns", "words"),
    [
        ((C, B, A), (X, Y), "mined with classes pets, whose vectors differ"),
        ((A, C, B), (X, Y), "mined with classes pets, whose vectors differ"),
        ((A, B, C), (Y, X), "mined from other vectors than"),
    ],
)
def test_changed_vectors_of_a_template_are_rejected_still(
    tmp_path: Path,
    write_texts: Write,
    mined: Callable[..., Negatives],
    is_old: bool,
    classes: tuple[Vectors, ...],
    nouns: tuple[Vectors, ...],
    words: str,
) -> None:
    old = write_texts("pets", A, B, templates=TWO)
    write_texts("nouns", X, templates=["a {}"])
    found = mined(words=["nouns"], template=None)
    if is_old:
        write_old(found, old)
    texts = write_texts("pets", *classes, templates=THREE)
    write_texts("nouns", *nouns, templates=TWO)
    with pytest.raises(InputError, match=words):
        reopened(tmp_path, texts)


def test_a_template_that_was_not_mined_with_may_change(
    tmp_path: Path, write_texts: Write, mined: Callable[..., Negatives]
) -> None:
    write_texts("pets", A, B, templates=TWO)
    write_texts("nouns", X, templates=["a {}"])
    mined(words=["nouns"], template="b {}")
    texts = write_texts("pets", B, C, templates=["b {}", "a {}"])
    assert reopened(tmp_path, texts).negatives.templates == ("b {}",)


def test_an_average_of_other_templates_is_noted(
    tmp_path: Path, write_texts: Write, mined: Callable[..., Negatives]
) -> None:
    write_texts("pets", A, B, templates=TWO)
    write_texts("nouns", X, Y, templates=TWO)
    mined(words=["nouns"], template=None)
    texts = write_texts("pets", A, B, C, templates=THREE)
    (said,) = reopened(tmp_path, texts).notes(scored(texts, "average"))
    assert said.endswith("with the classes in the average of 2, scored in the average of 3")
