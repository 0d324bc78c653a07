"""Claims about word lists: lines of text, WordNet's own files, adjectives with superclasses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import Vocabulary
from oodcache.extract.texts import class_files, vocabularies

EXCERPT = Path(__file__).parent / "wordnet"
WORDNET = Path("/usr/share/wordnet")
SUPERCLASSES = [
    *("environment", "space", "object", "scene", "place", "item", "area", "view", "thing"),
    *("pattern", "structure", "landscape", "vista", "creature"),
]


def found(specification: str) -> Vocabulary:
    return vocabularies.find(specification, ["the nice {}"])[1]


def test_the_lemmas_of_wordnets_index_are_names_with_blanks_for_underscores() -> None:
    nouns = found(f"nouns={EXCERPT / 'index.noun'}").names
    assert nouns[:3] == ("'hood", "'s gravenhage", ".22")
    assert "great white shark" in nouns
    assert "jack-o'-lantern" in nouns
    assert not any("_" in one or "Princeton" in one for one in nouns)
    assert len(nouns) == len((EXCERPT / "index.noun").read_text().splitlines()) - 29


def test_wordnets_index_is_known_by_its_content_whatever_it_is_called(tmp_path: Path) -> None:
    whole = (EXCERPT / "index.adj").read_text()
    lines = whole.splitlines(keepends=True)
    expected = class_files.read(EXCERPT / "index.adj")
    for name, text in (("words.txt", whole), ("bare.txt", "".join(lines[29:]))):
        (tmp_path / name).write_text(text)
        assert class_files.read(tmp_path / name) == expected
    assert expected[0] == ("",) * len(expected[1])


@pytest.mark.parametrize(
    ("below", "words"),
    [
        ("00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | that\n", "line 30 is not a WordNet"),
        ("cat n 8 5 @ ~ #m + - 8 1 02121620 02983507  \ncat\n", "line 31 is not a WordNet"),
        ("", "contains WordNet's licence but no words"),
        ("cat n 1 1 @ 1 0 02121620\ncat n 1 1 @ 1 0 02121620\n", "line 31 repeats line 30, 'cat'"),
    ],
)
def test_other_files_of_wordnet_are_refused(tmp_path: Path, below: str, words: str) -> None:
    licence = (EXCERPT / "index.noun").read_text().splitlines(keepends=True)[:29]
    (tmp_path / "data.noun").write_text("".join(licence) + below)
    with pytest.raises(InputError) as refused:
        class_files.read(tmp_path / "data.noun")
    assert words in str(refused.value)
    assert "data.noun" in str(refused.value)


@pytest.mark.skipif(not WORDNET.is_dir(), reason="no /usr/share/wordnet: install wordnet-base")
@pytest.mark.parametrize("kind", ["noun", "adj", "verb", "adv"])
def test_wordnets_own_files_are_read_whole(kind: str) -> None:
    path = WORDNET / f"index.{kind}"
    lines = [line for line in path.read_text().split("\n") if line and not line.startswith("  ")]
    assert found(f"w={path}").names == tuple(line.split(" ")[0].replace("_", " ") for line in lines)


def test_csp_joins_each_adjective_to_a_superclass_drawn_in_the_files_order(tmp_path: Path) -> None:
    path = tmp_path / "adjectives.txt"
    path.write_text("".join(f"a{number}\n" for number in range(1000)))
    names = found(f"pool=csp:{path}").names
    drawn = np.random.default_rng(0).integers(14, size=1000)
    assert names == tuple(f"a{at} {SUPERCLASSES[one]}" for at, one in enumerate(drawn))
    assert {one.split()[1] for one in names} == set(SUPERCLASSES)
    assert len(found(f"pool=csp:{EXCERPT / 'index.adj'}").names) == 25


def test_csp_keeps_ids_and_names_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1\tnice\n")
    pool = found(f"pool=csp:{tmp_path / 'a.txt'}")
    assert (pool.ids, pool.names[0].split()[0]) == (("1",), "nice")
    with pytest.raises(InputError, match=r"none\.txt: No such file"):
        found(f"pool=csp:{tmp_path / 'none.txt'}")


def test_imagenet21k_has_the_first_lemma_of_21841_synsets() -> None:
    name, words = vocabularies.find("imagenet21k", [])
    assert (name, len(words.names), len(set(words.ids))) == ("imagenet21k", 21841, 21841)
    by_id = dict(zip(words.ids, words.names, strict=True))
    # By hand, from WordNet: its first synset of living things, and a fish of ImageNet's thousand.
    assert by_id["n00004475"] == "organism"
    assert by_id["n01440764"] == "tench"
    assert not any("," in one or one != one.strip() for one in words.names)
    # Of timm's 21,844 lines three are no synsets of the release: this is one of them.
    assert "n03931044" not in by_id
