"""Claims about WordNet: what its files say is read, and other files are refused.

The excerpts have WordNet's own lines; numbers and names are worked by hand from them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.words import word_net
from oodcache.score.words.word_net import WordNet, read_wordnet

EXCERPT = Path(__file__).parent / "wordnet"
WORDNET = Path("/usr/share/wordnet")
BIRD, MACHINE = "n02012849", "n03126707"


@pytest.fixture(scope="module")
def wordnet() -> WordNet:
    return read_wordnet(EXCERPT)


def test_synsets_have_their_lemmas_with_spaces_and_without_markers(wordnet: WordNet) -> None:
    assert wordnet.release == "3.0"
    assert wordnet.names(["n02013177"]) == ["whooping crane", "whooper", "Grus americana"]
    # Written "handy 0 ready_to_hand(p) 0", a satellite of another adjective.
    assert wordnet.names(["a00019731"]) == ["handy", "ready to hand"]
    assert wordnet.names(["a01790808"]) == ["striped", "stripy"]


def test_a_name_has_all_its_senses_and_an_id_one(wordnet: WordNet) -> None:
    people = {"n10914331", "n10914447"}
    assert wordnet.senses("Cranes") == {BIRD, MACHINE, "n09295455", *people}
    assert wordnet.senses("unheard of") == set()
    assert wordnet.synset(BIRD) == {BIRD}
    assert wordnet.synset("n99999999") == set()


def test_what_is_above_and_below_is_found_at_any_distance(wordnet: WordNet) -> None:
    above = wordnet.names(sorted(wordnet.ancestors({BIRD})))
    assert above[:2] == ["entity", "physical entity"]
    assert above[-3:] == ["aquatic bird", "wading bird", "wader"]
    assert wordnet.descendants({BIRD}) == {"n02013177"}
    assert len(wordnet.descendants({"n00001740"})) == 13  # All that are in the excerpt.
    assert BIRD not in wordnet.ancestors({BIRD}) | wordnet.descendants({BIRD})


def test_ids_are_those_of_one_release(wordnet: WordNet) -> None:
    later = WordNet("3.1", wordnet.lemmas, wordnet.above)
    assert later.synset(BIRD) == set()
    assert later.senses("whooper") == {"n02013177"}


def test_a_circle_of_pointers_ends() -> None:
    circle = WordNet("3.0", {"n1": ["a"], "n2": ["b"]}, {"n1": ["n2"], "n2": ["n1", "n3"]})
    assert circle.ancestors({"n1"}) == {"n2", "n3"}
    assert circle.names(circle.ancestors({"n1"})) == ["b"]


def test_nouns_alone_are_enough(tmp_path: Path) -> None:
    shutil.copy(EXCERPT / "data.noun", tmp_path)
    assert read_wordnet(tmp_path).senses("stripy") == set()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda text: text[: len(text) // 2], r"line \d+ is not a WordNet synset; give an unch"),
        (lambda text: text.replace(" n 01 crane", " n zz crane"), "line 42 is not a WordNet syn"),
        (lambda text: text.replace("crane 0 004 @", "crane 0 400 @"), "line 42 is not a WordNet"),
        (lambda text: "cat\ndog\n", "has no licence of WordNet at its top"),
        (lambda text: "", "has no licence of WordNet at its top"),
        (lambda text: text.replace("WordNet 3.0 C", "WordNet 3.1 C"), "of WordNet 3.0, but data"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, changed, words: str) -> None:  # type: ignore[no-untyped-def]
    text = (EXCERPT / "data.noun").read_text()
    (tmp_path / "data.noun").write_text(changed(text))
    shutil.copy(EXCERPT / "data.adj", tmp_path)
    with pytest.raises(InputError) as refused:
        read_wordnet(tmp_path)
    assert re.search(words, str(refused.value))
    assert "\n" not in str(refused.value)


def test_a_folder_without_nouns_and_a_huge_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="contains no data.noun; give the folder with WordNet's"):
        read_wordnet(tmp_path)
    monkeypatch.setattr(word_net, "LIMIT", 1000)
    with pytest.raises(InputError, match="larger than 1,000 bytes, too large for a database file"):
        read_wordnet(EXCERPT)


@pytest.mark.skipif(not WORDNET.is_dir(), reason="no /usr/share/wordnet: install wordnet-base")
def test_wordnets_own_files_are_read_whole() -> None:
    found = read_wordnet(WORDNET)
    files = [WORDNET / name for name in ("data.noun", "data.adj")]
    counted = subprocess.run(["grep", "-hvc", "^  ", *files], capture_output=True, check=True)
    assert len(found.lemmas) == sum(map(int, counted.stdout.split()))
    assert found.names(found.synset(BIRD)) == ["crane"]
