"""Claims about saved images that are read back with their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.files.scores import ScoredImages, write_scores
from oodcache.score.files.saved_images import read_images

HEAD = "model,template,data_set,path,label,nearest,mcm,mcm shown\n"
LINES = 'm/a,t,pets,1.png,cat,"a, b",0.5,0.75\nm/a,t,strays,x/\\xff.png,,dog,2,3\n'


def test_text_gives_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(HEAD + LINES)
    pets, strays = read_images(tmp_path / "s.csv")
    assert (pets.model, pets.template, pets.data_set) == ("m/a", "t", "pets")
    assert {name: one.tolist() for name, one in strays.scores.items()} == {
        "mcm": [2],
        "mcm shown": [3],
    }
    assert (pets.paths(), pets.labels(), pets.nearest()) == ([b"1.png"], [b"cat"], [b"a, b"])
    assert (strays.paths(), strays.labels()) == ([b"x/\\xff.png"], [b""])


def test_hdf5_gives_what_was_written(tmp_path: Path) -> None:
    names = [[b"\xff.png"], [b"cat"], [b"dog"]]
    lambdas = [lambda own=own: own for own in names]
    one = ScoredImages("m/a", "t", "pets", {"mcm": np.array([0.5])}, *lambdas)
    write_scores(tmp_path / "s.h5", [one])
    (back,) = read_images(tmp_path / "s.h5")
    assert [back.paths(), back.labels(), back.nearest()] == names


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("s.csv", "path,score\n1.png,2\n", "s.csv: not a file of oodcache score --save-scores"),
        ("s.npy", "", "s.npy: not a file of oodcache score --save-scores"),
        ("s.csv", "", "s.csv: not a file of oodcache score --save-scores"),
        ("s.csv", HEAD + "m/a,t\n", "line 2 has 2 cells, but line 1 has 8"),
        ("s.csv", HEAD + 'm/a,t,p,1.png,"x', "not CSV"),
    ],
)
def test_what_was_not_saved_so_is_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        read_images(tmp_path / name)
