"""Claims about files of class names: each form is read for what it is, or rejected."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.texts import class_files

NO_IDS = ("", "")


def written(folder: Path, text: str) -> Path:
    path = folder / "names.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "ids", "names"),
    [
        # WordNet's own: synset_words.txt, map_clsloc.txt, wnids.txt.
        (
            "n01440764 tench, Tinca tinca\nn02012849 crane\n",
            ("n01440764", "n02012849"),
            ("tench", "crane"),
        ),
        (
            "n02119789 1 kit_fox\nn02100735 2 English_setter\n",
            ("n02119789", "n02100735"),
            ("kit_fox", "English_setter"),
        ),
        ("n01440764\nn02012849\n", NO_IDS, ("n01440764", "n02012849")),
        ("n01440764,tench\nn02012849,crane\n", ("n01440764", "n02012849"), ("tench", "crane")),
        # JSON and Python.
        ('["cat", "guide dog"]', NO_IDS, ("cat", "guide dog")),
        ("['cat',\n 'guide dog',]\n", NO_IDS, ("cat", "guide dog")),
        ('{"1": "dog", "0": "cat"}', NO_IDS, ("cat", "dog")),
        # transformers' config.json, COCO's annotations, YOLO's data.yaml.
        ('{"model_type": "vit", "id2label": {"1": "dog", "0": "cat"}}', NO_IDS, ("cat", "dog")),
        (
            '{"info": {}, "categories": [{"id": 1, "name": "cat"}, {"id": 3, "name": "dog"}]}',
            ("1", "3"),
            ("cat", "dog"),
        ),
        ("nc: 2\nnames: [cat, guide dog]\n", NO_IDS, ("cat", "guide dog")),
        ("names: ['cat', 'dog']  # 2\ntrain: a\n", NO_IDS, ("cat", "dog")),
        ("names: [\n  'cat',  # 0\n  'dog',\n]\nnc: 2\n", NO_IDS, ("cat", "dog")),
        ("names: {1: 'dog', 0: 'cat'}\n", NO_IDS, ("cat", "dog")),
        ("path: x\n\n# Classes\nnames:\n  0: cat\n  1: dog # x\n\nnc: 2\n", NO_IDS, ("cat", "dog")),
        ("train: a\nnames:\n- cat\n- dog\nnc: 2\n", NO_IDS, ("cat", "dog")),
        ("{0: 'cat',\n 1: 'dog'}", NO_IDS, ("cat", "dog")),
        ('{"cat": 1, "dog": 0}', NO_IDS, ("dog", "cat")),
        ('{"0": ["n1", "cat"], "1": ["n2", "dog"]}', ("n1", "n2"), ("cat", "dog")),
        ('{"n1": "cat", "n2": "dog"}', ("n1", "n2"), ("cat", "dog")),
        # CSV.
        ("class_id,class_name\n1,dog\n0,cat\n", NO_IDS, ("cat", "dog")),
        ('wnid,name\nn1,"cat, tabby"\nn2,dog\n', ("n1", "n2"), ("cat, tabby", "dog")),
        (",class_name,supercategory\n0,cat,animal\n1,dog,animal\n", NO_IDS, ("cat", "dog")),
        ("0,cat\n1,dog\n", NO_IDS, ("cat", "dog")),
        ("0;cat\n1;dog\n", NO_IDS, ("cat", "dog")),
        ('"0", "cat"\n"1", "dog"\n', NO_IDS, ("cat", "dog")),
        ("class,label\n1,dog\n0,cat\n", NO_IDS, ("cat", "dog")),
        ("class,label\nn01440764,tench\n", ("n01440764",), ("tench",)),
        # A name before its number or id.
        ("dog\t1\ncat\t0\n", NO_IDS, ("cat", "dog")),
        ("tench\tn01440764\n", ("n01440764",), ("tench",)),
        ('{"dog": "1", "cat": "0"}', NO_IDS, ("cat", "dog")),
        ("dog 1\nguide cat 0\n", NO_IDS, ("guide cat", "dog")),
        ("cat, 0\ndog, 1\n", NO_IDS, ("cat", "dog")),
        ("/a/airfield 0\n/a/apse/indoor 1\n", NO_IDS, ("airfield", "apse_indoor")),
        ("/a/airfield\n/b/bar\n", NO_IDS, ("airfield", "bar")),
        ("n01440764,tench, Tinca tinca\n", ("n01440764",), ("tench",)),
        ("tench n01440764\n", ("n01440764",), ("tench",)),
        # Lists.
        ("- cat\n- 'guide dog'\n", NO_IDS, ("cat", "guide dog")),
        ("dog: 1\ncat: 0\n", NO_IDS, ("cat", "dog")),
        ("0: cat\n1: dog\n", NO_IDS, ("cat", "dog")),
        ("0 cat\n1 guide dog\n", NO_IDS, ("cat", "guide dog")),
        ("'cat',\n'dog',\n", NO_IDS, ("cat", "dog")),
        ('"cat, tabby"\ndog\n', NO_IDS, ("cat, tabby", "dog")),
        # Plain names, whatever is in them.
        ("tench, Tinca tinca\ngoldfish, Carassius\n", NO_IDS, None),
        ('"a" and "b"\nx\n', NO_IDS, None),
        ("'hood\n.22\n", NO_IDS, None),
        ("7 up\n3 musketeers\n", NO_IDS, None),
        ("0\n1\n", NO_IDS, None),
        ("index\na, b\n", NO_IDS, None),
        ("0\t0\n1\t1\n", ("0", "1"), ("0", "1")),
        ("name\n", ("",), None),
        ("Golf 2012\nPolo 2010\n", NO_IDS, None),
        ("level 1\nlevel 2\n", NO_IDS, None),
        ("1 euro\n2 euros\n5 euros\n", ("",) * 3, None),
        ("3:10 to Yuma\n8 mile\n", NO_IDS, None),
        ("C #\nitem # 4\n", NO_IDS, None),
        (";-)\n%\n", NO_IDS, None),
    ],
)
def test_a_form_is_read_for_what_it_is(
    tmp_path: Path, text: str, ids: tuple[str, ...], names: tuple[str, ...] | None
) -> None:
    notes: list[str] = []
    expected = tuple(text.splitlines()) if names is None else names
    assert class_files.read(written(tmp_path, text), notes.append) == (ids, expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cat\nn01440764 tench\n", "line 1 has no WordNet id, but others have"),
        ("n01440764 tench\nn02012849\n", "line 1 has a WordNet id, but not every line has a name"),
        ("n1\tcat\nn2 dog\n", "line 2: expected an id, a tab and a name"),
        ("n02119789 2 fox\nn02100735 1 setter\n", "line 1 numbers its WordNet id, but the lines"),
        ('{"1": "cat", "2": "dog"}', "are numbered from 1 to 2, 2 in all, but class numbers count"),
        ('{"0": {"name": "cat"}}', "line 1 looks like JSON or a Python literal, but it holds"),
        ('{"0": "cat", "0": "dog"}', "line 1 looks like JSON or a Python literal, but"),
        ('{"0": "cat",\n', "line 1 looks like JSON or a Python literal without its end"),
        ("[" * 99 + "]" * 99, "line 1 looks like JSON or a Python literal, but"),
        ("[]", "but it is empty"),
        ("cat,dog,fish\n", "line 1 looks like several names in one line; expected a class name"),
        ("cat,1\ndog,2\n", "line 1 looks like CSV without a header class_name or name"),
        ("id,score\n0,1\n", "line 1 looks like a header of CSV without a column class_name"),
        ("id,name\n0,cat\n1\n", "line 1 looks like CSV, but its rows have different lengths"),
        ("id\tname\nn1\tcat\n", r"line 1 looks like a header, 'id\tname': remove it"),
        ("class_name\ncat\n", "line 1 looks like a header, 'class_name': remove it"),
        ("0\ncat\ndog\n", "line 1 looks like a header, '0': remove it"),
        ("1. cat\n2. dog\n", "numbered from 1 to 2, 2 in all, but class numbers count from 0"),
        ("<!DOCTYPE html>\n", "line 1 looks like HTML"),
        ("version https://git-lfs.github.com/spec/v1\n", "looks like a Git LFS pointer"),
        ("item {\n  id: 1\n}\n", "line 1 looks like a program or a configuration"),
        ("classes = ['cat',\n'dog']\n", "line 1 looks like a program"),
        ("// names\ncat\n", "line 1 looks like a comment (comments start with #)"),
        ("# names\n#\n", "has only comments"),
        ("class_id,label\n0,0\n1,1\n", "but its 'label' are all numbers"),
        ("cat\t5\ndog\t7\n", "are numbered from 5 to 7"),
        ('{"cat": "5", "dog": "7"}', "are numbered from 5 to 7"),
        ("Names\ncat\n", "line 1 looks like a header, 'Names': remove it"),
        ('"class"\n"cat"\n', "line 1 looks like a header, '\"class\"': remove it"),
        ("cat 1\ndog 2\n", "are numbered from 1 to 2"),
        ("/a/airfield 0\n/b/bar\n", "line 2 has no number, but others have"),
        ("1: person\n2: bicycle\n4: car\n", "are numbered from 1 to 4, 3 in all"),
        ("0 cat\n2 dog\n", "are numbered from 0 to 2, 2 in all"),
        ("* cat\n* dog\n", "line 1 looks like a list with bullets"),
        ("(1) cat\n(2) dog\n", "line 1 looks like a list with numbers in brackets"),
        ("0|cat\n1|dog\n", "line 1 looks like a number, a mark and a name"),
        ("0=cat\n1=dog\n", "line 1 looks like a number, a mark and a name"),
        ("0 - cat\n1 - dog\n", "line 1 looks like a number, a mark and a name"),
        ("0 -> cat\n1 -> dog\n", "line 1 looks like a number, a mark and a name"),
        ("| id |\n|---|\n| cat |\n", "line 1 looks like a Markdown table"),
        ("cat\n; dogs\n", "line 2 looks like a comment"),
        ("cat\ndog # a pet\n", "line 2 looks like a comment"),
        ("'cat' 'dog'\n'owl' 'yak'\n", "line 1 looks like several names in one line"),
        ("# names\ncat\ndog\ncat\n", "line 4 repeats line 2, 'cat'"),
    ],
)
def test_what_is_no_list_of_names_is_rejected_with_what_is_wanted(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(InputError) as error:
        class_files.read(written(tmp_path, text))
    assert words in str(error.value)
    assert len(str(error.value).replace(str(tmp_path), "")) < 300


def test_comments_and_forms_are_reported_and_plain_names_are_not(tmp_path: Path) -> None:
    notes: list[str] = []
    path = written(tmp_path, "# my classes\n0: cat\n1: dog\n")
    assert class_files.read(path, notes.append)[1] == ("cat", "dog")
    assert notes == [
        f"{path}: skipped 1 comment line, the first '# my classes'",
        f"{path}: read as numbered names, 2 classes",
    ]
    notes.clear()
    class_files.read(written(tmp_path, "cat\ndog\n"), notes.append)
    class_files.read(written(tmp_path, "n1\tcat\nn2\tdog\n"), notes.append)
    class_files.read(written(tmp_path, "0\tcat\n1\tdog\n"), notes.append)
    assert not notes


def test_ids_that_are_other_numbers_than_the_lines_are_reported(tmp_path: Path) -> None:
    notes: list[str] = []
    class_files.read(written(tmp_path, "1\tcat\n2\tdog\n"), notes.append)
    assert len(notes) == 1
    assert "its ids are numbers, but not 0, 1, 2, …: class numbers in lists" in notes[0]
