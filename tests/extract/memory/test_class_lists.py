"""Claims about class names from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.memory.class_lists import vocabulary
from oodcache.extract.texts import vocabularies


def made(classes: Any, name: str | None = "pets", template: Any = ()) -> tuple[str, Any]:
    return vocabulary(classes, name, template, lambda text: None)


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_a_list_of_names_is_the_vocabulary_of_a_file_of_them(kind: Any, tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("house_cat\ndog\n")
    expected = vocabularies.find(f"pets={file}", ["a {}", "the {}"])
    assert made(kind(["house_cat", "dog"]), template=["a {}", "the {}"]) == expected
    assert expected[1].names == ("house cat", "dog")


@pytest.mark.parametrize(
    "classes",
    [
        (name for name in ("cat", "dog")),
        dict.fromkeys(["cat", "dog"]).keys(),
        {3: "cat", 1: "dog"}.values(),
    ],
)
def test_an_iterator_and_the_keys_or_values_of_a_dict_are_a_list(classes: Any) -> None:
    assert made(classes) == made(["cat", "dog"])


def test_numbers_and_ids_of_a_mapping_order_and_identify_classes() -> None:
    assert made({1: "dog", 0: "cat"})[1].names == ("cat", "dog")
    assert made({np.int64(1): "dog", np.uint8(0): "cat"}) == made(["cat", "dog"])
    assert made({"dog": np.int64(1), "cat": np.int64(0)}) == made(["cat", "dog"])
    found = made({"n02123045": "tabby", "n02099601": "retriever"})[1]
    assert (found.ids, found.names) == (("n02123045", "n02099601"), ("tabby", "retriever"))


def test_a_text_is_what_the_command_line_takes(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
    assert made("imagenet10", None)[0] == "imagenet10"
    assert made(f"animals={tmp_path}") == ("animals", made(tmp_path)[1])
    assert made(str(tmp_path))[0] == "pets"
    assert made(tmp_path)[1].names == ("cat", "dog")


@pytest.mark.parametrize(
    ("classes", "name", "said"),
    [
        (["cat"], None, 'classes is a list: give it a name, such as name="pets"'),
        (["cat"], "a/b", "vocabulary 'a/b' is not a valid file name"),
        (["cat", ""], "pets", "classes[1] is '': expected a name"),
        (["cat", "dog", "cat"], "pets", "classes[2] repeats classes[0], 'cat'"),
        (["cat", None], "pets", "classes: it holds 'None' for a name"),
        ([], "pets", "classes: it is empty"),
        (7, "pets", "classes is int: expected a list of names"),
        ({"cat", "dog"}, "pets", "classes is set: expected a list of names"),
        ({True: "cat"}, "pets", "classes: it is not a list of names, or an object of numbers"),
        ({0: "cat", 2: "dog"}, "pets", "classes: its classes are numbered from 0 to 2, 2 in all"),
        ("nowhere", "pets", "--classes 'nowhere' is not known"),
    ],
)
def test_what_are_no_names_is_refused(classes: Any, name: str | None, said: str) -> None:
    with pytest.raises(InputError) as refused:
        made(classes, name)
    assert said in str(refused.value)


def test_a_template_is_a_text() -> None:
    with pytest.raises(InputError, match="template.0. is int: expected a text"):
        made(["cat"], template=[7])
