"""Claims about ablation files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.cache.errors import InputError
from oodcache.score.onepass import ablation
from oodcache.score.onepass.variants import parse_all

ROOT = Path(__file__).parents[3]


def read(folder: Path, text: str) -> ablation.Ablation:
    path = folder / "a.toml"
    path.write_text(text)
    return ablation.read(path)


def test_a_grid_is_every_score_at_every_combination_of_its_values(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '[[scores]]\nscore = ["mcm", "energy"]\ntemperature = [1, 0.1, "learned"]\n'
        '[[scores]]\nscore = "joint-energy"\nscale = ["learned", 10]\nbias = ["none", -5]\n',
    )
    assert [one.label for one in found.variants] == [
        one.label
        for one in parse_all(
            [
                "mcm:temperature=1|0.1|learned",
                "energy:temperature=1|0.1|learned",
                "joint-energy:scale=learned|10,bias=none|-5",
            ]
        )
    ]
    assert len(found.variants) == 3 + 3 + 4
    assert found.templates == ()


def test_a_variant_of_two_grids_counts_once(tmp_path: Path) -> None:
    grid = '[[scores]]\nscore = "mcm"\ntemperature = 1\n'
    assert len(read(tmp_path, grid + grid + '[[scores]]\nscore = "mcm"').variants) == 1


def test_templates_keep_their_order(tmp_path: Path) -> None:
    found = read(tmp_path, 'templates = ["each", "a {}"]\n[[scores]]\nscore = "mcm"')
    assert found.templates == ("each", "a {}")
    assert read(tmp_path, 'templates = "average"\n[[scores]]\nscore = "mcm"').templates == (
        "average",
    )


@given(st.floats(1e-300, 1e300))
def test_a_temperature_keeps_all_its_digits(tmp_path_factory: object, value: float) -> None:
    folder = tmp_path_factory.mktemp("digits")  # type: ignore[attr-defined]
    found = read(folder, f'[[scores]]\nscore = "mcm"\ntemperature = {value!r}')
    assert found.variants[0].parameters == {"temperature": value}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "contains no grid; start one with a line [[scores]]"),
        ("scores = 3", "contains no grid; start one with a line [[scores]]"),
        ("scores = [1]", "contains no grid; start one with a line [[scores]]"),
        ("a = ", "not TOML: Invalid value (at end of document)"),
        ("grids = 1", "unknown key 'grids' (there are: scores, templates)"),
        (
            "[[scores]]\ntemperature = 1",
            '[[scores]] number 1: names no score; write for example: score = "mcm"',
        ),
        (
            '[[scores]]\nscore = "mcm"\n[[scores]]\nscore = "mcn"',
            "[[scores]] number 2: 'mcn': no score 'mcn'; did you mean mcm?",
        ),
        (
            '[[scores]]\nscore = "mcm"\ntemperature = [1, -2]',
            "[[scores]] number 1: 'mcm:temperature=1|-2': temperature=-2 is neither a number "
            "above 0 nor 'learned'",
        ),
        (
            '[[scores]]\nscore = "mcm"\ntemperature = []',
            "[[scores]] number 1: temperature is an empty list; omit it for the default",
        ),
        (
            '[[scores]]\nscore = "mcm"\ntemperature = true',
            "[[scores]] number 1: True is neither a number nor a text",
        ),
        (
            'templates = 7\n[[scores]]\nscore = "mcm"',
            "templates is 7, not a text or a list of texts",
        ),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert str(error.value) == f"{tmp_path / 'a.toml'}: {words}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scores" + ".a" * 100_000 + " = 1", "not TOML: a key has more than 64 parts"),
        ("[" + "'a' . " * 80 + "a]", "not TOML: a key has more than 64 parts"),
        ("scores = " + "[" * 10_000, "not TOML: "),
        ("scores = " + "9" * 10_000, "not TOML: "),
        ("#" * 2**20 + "\n", "larger than 1,048,576 bytes, too large for an ablation"),
        (
            f'[[scores]]\nscore = "gen"\ngamma = {[1] * 3000}\ntop = {[1] * 3000}',
            "9,000,000 variants, more than 10,000; use fewer values",
        ),
    ],
    ids=str.split("deep quoted nested number large many"),
)
def test_what_would_take_minutes_is_refused_at_once(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert words in str(error.value)


def test_dots_within_a_template_are_no_deep_key(tmp_path: Path) -> None:
    dotted = "a{}" + "." * 40 + " b." * 40
    found = read(tmp_path, f'templates = "{dotted}"\n[[scores]]\nscore = "mcm"')
    assert found.templates == (dotted,)


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: no such file or directory"):
        ablation.read(tmp_path / "none.toml")
    with pytest.raises(InputError, match="is a directory"):
        ablation.read(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"bytes\.toml: not TOML"):
        ablation.read(tmp_path / "bytes.toml")


def test_the_documented_example_is_an_ablation_file(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "scores.md").read_text()
    example = page.split("```toml\n")[1].split("```")[0]
    found = read(tmp_path, example)
    assert len(found.variants) > 10
    assert found.templates


def test_a_file_never_names_code(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "mine.py").write_text(f"open({str(mark)!r}, 'w')\ndef gap(batch): ...\n")
    name = f"{tmp_path}/mine.py:gap"
    with pytest.raises(InputError) as error:
        read(tmp_path, f'[[scores]]\nscore = "{name}"\nk = [3, 10]\n')
    words = f"{name!r} is code, which no file may name; type: --score '{name}:k=3|10'"
    assert words in str(error.value)
    assert not mark.exists()
