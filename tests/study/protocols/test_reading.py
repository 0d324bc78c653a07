"""Claims about protocol files: what they hold, and what is rejected, with the file and the key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.study.protocols import reading
from oodcache.study.protocols.protocol import Protocol

PAGE = (Path(__file__).parents[3] / "docs/protocols.md").read_text()
BASE = 'about = "x"\nid = "imagenet-val"\nclasses = "imagenet"\nfar = ["SUN"]\n'


def read(folder: Path, text: str) -> Protocol:
    path = folder / "mine.toml"
    path.write_text(text)
    return reading.read(path, "mine.toml")


def test_a_file_gives_each_set_its_role(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'about = "mine"\nid = "pets"\nclasses = "pets=lists/pets.txt"\n'
        'near = ["wolves"]\nfar = ["SUN"]\nood = ["strays"]\ncsid = ["sketches"]\n'
        'select_on = "Places"\ntemplates = ["a {}", "{}"]\n'
        '[groups]\nanimals = ["wolves", "strays"]\n'
        '[sets]\npets = "photos/pets"\nwolves = "photos/wolves"\nstrays = "lists/strays.txt"\n'
        'sketches = "sketches.csv"\n',
    )
    (run,) = found.runs
    assert run.roles == {
        "pets": "id",
        "wolves": "near",
        "SUN": "far",
        "strays": "ood",
        "sketches": "csid",
        "Places": "select_on",
    }
    assert (run.classes, run.templates) == ("pets=lists/pets.txt", ("a {}", "{}"))
    assert run.groups == {"animals": ("wolves", "strays")}
    assert found.places["strays"] == "lists/strays.txt"


def test_the_example_of_the_page_is_a_protocol_and_the_page_explains_every_key(
    tmp_path: Path,
) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    (run,) = read(tmp_path, example).runs
    assert run.groups == {"animals": ("wolves", "lions", "iNaturalist")}
    for key in reading.KEYS:
        assert re.search(rf"^\|.*`\[*{key}\]*`.*\|", PAGE, re.M), key


def test_runs_have_the_keys_of_the_file_and_their_own_instead(tmp_path: Path) -> None:
    runs = '[[runs]]\nid = "cub200"\nclasses = "cub200"\n[[runs]]\nfar = ["Places"]\n'
    first, second = read(tmp_path, BASE + runs).runs
    assert (first.id, first.classes, first.far) == ("cub200", "cub200", ("SUN",))
    assert (second.id, second.classes, second.far) == ("imagenet-val", "imagenet", ("Places",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BASE + 'fra = ["SUN"]', "unknown key 'fra'; did you mean far? Otherwise there are: about"),
        (BASE + '[[runs]]\nabout = "y"', "[[runs]] number 1: unknown key 'about'"),
        (BASE.replace("id =", "#"), 'id is missing; write for example: id = "imagenet-val"'),
        (BASE.replace("about =", "#"), "about is missing"),
        (BASE.replace("classes =", "#"), 'classes is missing; write for example: classes = "im'),
        (BASE.replace("far =", "#"), "names no OOD set; write for example: far ="),
        (BASE + "near = 3", "near is 3, not a list of texts"),
        (BASE + "near = [3]", "near is [3], not a list of texts"),
        (BASE + "select_on = 3", "select_on is 3, not a text"),
        (BASE + 'near = "NINCO"', "near is 'NINCO', not a list of texts"),
        (BASE + 'near = ["NINCO", "NINCO"]', "near: 'NINCO' is given twice"),
        (BASE + 'near = ["SUN"]', "far: 'SUN' is also near; a set has one role"),
        (BASE + 'csid = ["SUN"]', "csid: 'SUN' is also far; a set has one role"),
        (BASE + 'select_on = "SUN"', "select_on: 'SUN' is also far; a set has one role"),
        (
            BASE + 'near = ["imagenet-val:imagenet10"]',
            "near: 'imagenet-val:imagenet10' shares images with imagenet-val (id)",
        ),
        (BASE + 'near = ["SUN:dogs"]', "near: 'SUN:dogs': no subset 'dogs' (there are: imagenet10"),
        (BASE + 'near = ["SUN:@/etc/passwd"]', "near: 'SUN:@/etc/passwd': no subset"),
        (BASE + 'near = ["nico"]', "near: 'nico' is not a known dataset (oodcache data ls all);"),
        (BASE + 'near = ["--overwrite"]', "near: '--overwrite' is not a known dataset"),
        (BASE + '[sets]\nx = "photos/x"', "sets: 'x' has no role"),
        (BASE + '[sets]\nSUN = "/etc"', "sets: SUN is '/etc'; give a path below the data root"),
        (BASE + '[sets]\nSUN = "a/../../b"', "sets: SUN is 'a/../../b'; give a path below"),
        (BASE + '[sets]\nSUN = "a/{b,..}/c.tar"', "sets: SUN is 'a/{b,..}/c.tar'; give a path"),
        (
            BASE + '[sets]\nSUN = ".{./x/out,./x/put}{1,2}.tar"',
            "sets: SUN is '.{./x/out,./x/put}{1,2}.tar'; give a path below the data root",
        ),
        (BASE + '[sets]\nSUN = "{/etc,x}/1.tar"', "sets: SUN is '{/etc,x}/1.tar'; give a path"),
        (BASE + "[sets]\nSUN = 3", "sets: SUN is 3, not a path below the data root"),
        (BASE + '[sets]\n"a b" = "c"', "sets: dataset 'a b' is not a valid file name"),
        (BASE + "sets = 3", "sets is 3, not a table; start it with [sets]"),
        (BASE + '[groups]\nall = ["Places"]', "groups: all: 'Places' is no OOD set here (SUN)"),
        (BASE + '[groups]\nnear = ["SUN"]', "groups: near has a name of its own"),
        (BASE + "[groups]\nmine = []", "groups: mine is empty; list OOD sets of this file"),
        (BASE + '[groups]\nown-near = ["SUN"]', "groups: own-near: this name is kept for averages"),
        (BASE + '[groups]\naverage-x = ["SUN"]', "groups: average-x: this name is kept for ave"),
        (BASE + '[groups]\n"a b" = ["SUN"]', "groups: group 'a b' is not a valid file name"),
        (BASE + "runs = 3", "runs is no list of tables; start each with a line [[runs]]"),
        (BASE + 'templates = ["photo"]', "templates: 'photo' must contain {} once"),
        (BASE.replace('"imagenet"', '"pets"'), "classes: 'pets' is not known (known are: imagenet"),
        (BASE.replace('"imagenet"', '"pets=../p"'), "classes is '../p'; give a path below"),
        (BASE.replace('"imagenet"', '"pets="'), "classes is '', not a path below the data root"),
        ("about = ", "not TOML: "),
    ],
)
def test_what_is_no_protocol_is_an_error_of_one_line_with_the_file_and_the_key(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'mine.toml'}: ")
    assert words in message
    assert "\n" not in message
    assert len(message) < 600


def test_braces_name_several_tars_below_the_data_root(tmp_path: Path) -> None:
    found = read(tmp_path, BASE + '[sets]\nSUN = "tars/{000..127}.tar"')
    assert found.places == {"SUN": "tars/{000..127}.tar"}


def test_long_values_are_cut_in_errors(tmp_path: Path) -> None:
    for text in (f'near = ["{"a" * 9999}"]', f"near = {[*range(9999)]}", f'{"a" * 9999} = "x"'):
        with pytest.raises(InputError) as caught:
            read(tmp_path, BASE + text)
        assert len(str(caught.value)) < 600
