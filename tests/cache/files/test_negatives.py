"""Claims about files of negatives; for each rule the smallest files that break it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.cache import names
from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.files.negatives import (
    RULES,
    Negatives,
    WordList,
    parse_keep,
    read_negatives,
    write_negatives,
)

PAGE = Path(__file__).parents[3] / "docs" / "cache-format.md"
NICE = "the nice {}"
NOUNS = WordList("nouns", "a" * 64, NICE, "negative", 95.0, 20, ("rök", "jar", "zoo"), (NICE,))
NEAR = replace(NOUNS, near=("cat", "dög"))
POOL = WordList("pool", "b" * 64, "a {}", "csp", 100.0, 4, ("old thing",), ("a {}",))
SAMPLE = Negatives(
    path=Path("x.json"),
    model="small",
    pretrained="demo",
    weights="00" * 32,
    architecture={"embed_dim": 4},
    classes="pets",
    class_vectors="c" * 64,
    template="the nice {}",
    keep="15%",
    lists=(NOUNS, POOL),
    versions={"oodcache": "0.1.0"},
    templates=("the nice {}",),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = names.negatives_path(tmp_path, "small/demo", "x")
    write_negatives(path, SAMPLE)
    return path


def test_what_is_written_is_read_back(path: Path, tmp_path: Path) -> None:
    assert path == tmp_path / "small/demo/negatives/x.json"
    found = read_negatives(path)
    assert found == replace(SAMPLE, path=path)
    assert (found.name, found.label, found.percentile) == ("x", "small/demo", 95)
    some = replace(SAMPLE, keep="10000", lists=(NOUNS,))
    assert write_negatives(path, some) == read_negatives(path) == replace(some, path=path)
    assert [one.name for one in path.parent.iterdir()] == ["x.json"]


def test_the_file_is_json_that_people_can_read(path: Path) -> None:
    found = json.loads(path.read_text())
    assert found["format"] == "oodcache-negatives"
    assert found["lists"][0]["words"] == ["rök", "jar", "zoo"]


def of_list(place: int = 0, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda found: found["lists"][place].update(changes)


def of_file(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda found: found.update(changes)


def with_near(
    of_nouns: list[Any], of_pool: list[Any], *, far: list[str] | None = None
) -> Callable[[dict[str, Any]], None]:
    def change(found: dict[str, Any]) -> None:
        found["version"] = 4
        if far is not None:
            found["lists"][0]["words"] = far
        for one, near in zip(found["lists"], (of_nouns, of_pool), strict=True):
            one["near"] = near

    return change


DAMAGE: list[tuple[str, str, Callable[[dict[str, Any]], Any]]] = [
    ("N1", "its format is 'other', not 'oodcache-negatives'", of_file(format="other")),
    ("N1", "its format is None", lambda found: found.pop("format")),
    ("N1", "version is 5, but this oodcache reads 1 to 4", of_file(version=5)),
    ("N1", "version is True", of_file(version=True)),
    ("N1", "it contains NaN", of_list(percentile=float("nan"))),
    ("N1", "it contains Infinity", of_file(architecture={"x": float("inf")})),
    ("N2", "it holds [", of_file(more=1)),
    ("N2", "it holds [", lambda found: found.pop("keep")),
    ("N2", "list 1 holds [", of_list(1, more=1)),
    ("N2", "lists of it is None, not a list", of_file(lists=None)),
    ("N2", "list 0 holds 'int'", of_file(lists=[7])),
    ("N2", "model of it is '', not a text", of_file(model="")),
    ("N2", "architecture of it is [], not an object", of_file(architecture=[])),
    ("N2", "versions of it is {'a': 1}", of_file(versions={"a": 1})),
    ("N2", "words of list 0 is 'cat', not a list of texts", of_list(words="cat")),
    ("N2", "words of list 0 is ['cat', 1]", of_list(words=["cat", 1])),
    ("N2", "candidates of list 0 is -1, not a count", of_list(candidates=-1)),
    ("N2", "candidates of list 0 is 20.0, not a count", of_list(candidates=20.0)),
    ("N2", "percentile of list 0 is True, not a number", of_list(percentile=True)),
    ("N3", "'../x' is not a valid file name", of_file(model="../x")),
    ("N3", "'.x' is not a valid file name", of_file(classes=".x")),
    ("N3", "'a/b' is not a valid file name", of_list(vocabulary="a/b")),
    ("N3", "'abc' is not a SHA-256", of_file(class_vectors="abc")),
    ("N3", "is not a SHA-256", of_list(vectors="A" * 64)),
    ("N4", "percentile is 100.5", of_list(percentile=100.5)),
    ("N4", "percentile is -1", of_list(percentile=-1)),
    ("N4", "keep: '0%' is not a share", of_file(keep="0%")),
    ("N4", "keep: 'all' is not a share", of_file(keep="all")),
    ("N5", "vocabulary 'nouns' is listed twice", of_list(1, vocabulary="nouns")),
    ("N5", "role is 'other', not negative or csp", of_list(role="other")),
    ("N5", "there is no list of negatives", of_list(role="csp")),
    ("N5", "there is no list of negatives", of_file(lists=[])),
    ("N6", "nouns has 3 words of 2 candidates", of_list(candidates=2)),
    ("N6", "word 'jar' is listed twice", of_list(words=["jar", "zoo", "jar"])),
    ("N6", "word 'zoo' is listed twice", of_list(1, words=["zoo"])),
    ("N7", "it was changed after it was written; mine", of_list(words=["jar", "rök", "zoo"])),
    ("N7", "it was changed after it was written; mine", of_list(percentile=94.0)),
    ("N7", "it was changed after it was written; mine", of_file(sha256="0" * 64)),
    ("N2", "it holds [", lambda found: found.pop("sha256")),
    ("N2", "list 1 holds [", lambda found: found["lists"][1].pop("templates")),
    ("N2", "list 0 holds [", of_list(near=["cat"])),
    ("N2", "list 0 holds [", of_file(version=4)),
    ("N2", "templates of it is 'a {}', not a list of texts", of_file(templates="a {}")),
    ("N8", "template is 'the nice {}', but templates are ['a {}']", of_file(templates=["a {}"])),
    ("N8", "template is 'average', but templates are ['a {}']", of_list(1, template="average")),
    ("N8", "template is 'a {}', but templates are []", of_list(1, templates=[])),
    ("N8", "template 'a {}' is listed twice", of_list(1, templates=["a {}", "a {}"])),
    ("N9", "pool is a conjugated pool with near words", with_near([], ["red thing"])),
    ("N9", "version is 4, but no list has near words", with_near([], [])),
    ("N9", "has near words, but no far ones", with_near(["cat"], [], far=[])),
    ("N6", "word 'jar' is listed twice", with_near(["cat", "jar"], [])),
    ("N6", "nouns has 21 words of 20 candidates", with_near([str(at) for at in range(18)], [])),
    ("N2", "near of list 0 is ['cat', 7], not a list of texts", with_near(["cat", 7], [])),
]


@pytest.mark.parametrize(("rule", "words", "damage"), DAMAGE)
def test_a_file_that_breaks_a_rule_is_refused_with_its_number(
    path: Path, rule: str, words: str, damage: Callable[[dict[str, Any]], Any]
) -> None:
    found = json.loads(path.read_text())
    damage(found)
    path.write_text(json.dumps(found))
    with pytest.raises(RuleError) as refused:
        read_negatives(path)
    assert words in str(refused.value)
    assert str(refused.value).endswith(f"(rule {rule})")
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not valid JSON: Expecting value"),
        (b"[" * 100_000, "is nested deeper than 16 levels"),
        (b'{"a":' * 100_000, "is nested deeper than 16 levels"),
        (b"[" * 20 + b"]" * 20, "is nested deeper than 16 levels"),
        (b'{"format": 1, "format": 2}', "it has a duplicate key"),
        (b'{"a": 1e999}', "Out of range float"),
        (b"\xff", "is not valid JSON: 'utf-8' codec"),
        (b'{"a": "\\ud800"}', "surrogates not allowed"),
        (b"[]", "its format is 'list'"),
        (b" " * (2**24 + 1), "has more than 16777216 bytes"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not valid JSON"),
    ],
    ids=range(11),
)
def test_what_is_no_json_object_is_refused_in_one_line(
    path: Path, content: bytes, words: str
) -> None:
    path.write_bytes(content)
    with pytest.raises(RuleError) as refused:
        read_negatives(path)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 700
    assert str(refused.value).endswith("(rule N1)")


def test_nearest_words_are_of_version_4_and_files_without_them_of_version_3(path: Path) -> None:
    without = path.read_bytes()
    found = write_negatives(path, replace(SAMPLE, lists=(NEAR, POOL)))
    assert found == read_negatives(path) == replace(SAMPLE, path=path, lists=(NEAR, POOL))
    assert found.nearest == 2
    stored = json.loads(path.read_text())
    assert [one["near"] for one in stored["lists"]] == [["cat", "dög"], []]
    assert (stored["version"], json.loads(without)["version"]) == (4, 3)
    assert b"near" not in without
    swapped = write_negatives(path, replace(SAMPLE, lists=(replace(NEAR, near=("dög", "cat")),)))
    assert len({one.digest for one in (SAMPLE, found, swapped)}) == 3
    write_negatives(path, SAMPLE)
    assert path.read_bytes() == without


def test_a_file_without_nearest_words_has_the_bytes_of_version_3(path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == "a70bd9a47fed5e846c91b8551d1f2a21fd56e10b54c309d2165757cc28b12824"


@pytest.mark.parametrize("version", [1, 2])
def test_older_versions_do_not_say_which_templates_and_are_read(path: Path, version: int) -> None:
    found = json.loads(path.read_text()) | {"version": version}
    for one in (found, *found["lists"]):
        del one["templates"]
    del found["sha256"]
    if version == 2:
        compact = json.dumps(found, sort_keys=True, separators=(",", ":"))
        found["sha256"] = hashlib.sha256(compact.encode()).hexdigest()
    path.write_text(json.dumps(found))
    lists = tuple(replace(one, templates=()) for one in SAMPLE.lists)
    assert read_negatives(path) == replace(SAMPLE, path=path, lists=lists, templates=())


def test_the_sum_is_that_of_the_other_fields_however_they_are_spaced(path: Path) -> None:
    found = json.loads(path.read_text())
    stored = found.pop("sha256")
    compact = json.dumps(found, sort_keys=True, separators=(",", ":"))
    assert stored == hashlib.sha256(compact.encode()).hexdigest()
    path.write_text(json.dumps({"sha256": stored, **found}, indent=4))
    assert read_negatives(path) == replace(SAMPLE, path=path)


def test_every_rule_is_broken_here_and_a_heading_of_the_page_word_for_word() -> None:
    assert {rule for rule, _, _ in DAMAGE} == set(RULES)
    headings = re.findall(r"^### (N\d+): (.+)$", PAGE.read_text(), re.M)
    assert headings == list(RULES.items())


def test_what_breaks_a_rule_is_not_written(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(RuleError, match="N6"):
        write_negatives(path, replace(SAMPLE, lists=(replace(NOUNS, candidates=1),)))
    assert path.read_bytes() == before


def test_what_is_no_file_is_refused_in_the_systems_words(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for name, words in (("none.json", "No such file"), (".", "Is a directory|not a file")):
        with pytest.raises(InputError, match=words):
            read_negatives(tmp_path / name)
    with pytest.raises(InputError, match="is not a file"):
        read_negatives(tmp_path / "pipe.json")


@pytest.mark.parametrize("text", ["", "0", "0%", "101%", "-1", "1.5", "15 %", "1e3", "%", "10,000"])
def test_what_is_no_share_and_no_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a share, such as 15%, or a count"):
        parse_keep(text)


@given(st.integers(1, 10**8))
def test_shares_and_counts_are_exact(number: int) -> None:
    assert parse_keep(str(number)) == number
    percent = Fraction(number, 10**6)
    assert parse_keep(f"{float(percent):.6f}%") == percent / 100
