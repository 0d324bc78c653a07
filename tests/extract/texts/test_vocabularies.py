"""Claims about class names and templates."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples.extract.stored import IMAGE, class_label, structs, table, write_parquet

from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import Vocabulary
from oodcache.extract.sources.listing import Options
from oodcache.extract.texts import vocabularies
from oodcache.study import published


def from_text(tmp_path: Path, text: str | bytes) -> Vocabulary:
    path = tmp_path / "names.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return vocabularies.find(f"pets={path}", [])[1]


def test_a_text_file_gives_a_name_a_line(tmp_path: Path) -> None:
    found = from_text(tmp_path, "cat\nguide dog\n")
    assert found == Vocabulary(("cat", "guide dog"), ("", ""), ("a photo of a {}",))


def test_ids_stand_before_a_tab(tmp_path: Path) -> None:
    found = from_text(tmp_path, "n1\tcrane\nn2\tcrane\n")
    assert (found.ids, found.names) == (("n1", "n2"), ("crane", "crane"))


def test_a_byte_order_mark_and_dos_lines_are_no_part_of_a_name(tmp_path: Path) -> None:
    assert from_text(tmp_path, b"\xef\xbb\xbfcat\r\ndog\r\n").names == ("cat", "dog")


def test_a_blank_last_line_names_nothing(tmp_path: Path) -> None:
    assert from_text(tmp_path, "cat\ndog\n\n  \n").names == ("cat", "dog")


def test_a_name_may_contain_a_character_that_only_unicode_takes_for_a_line_end(
    tmp_path: Path,
) -> None:
    assert from_text(tmp_path, "red\u2028fox\ncat\n").names == ("red\u2028fox", "cat")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cat\n\ndog\n", "line 2 is blank; remove it"),
        ("cat\n   \ndog", "line 2 is blank"),
        ("cat\ndog\ncat\n", "line 3 repeats line 1, 'cat'"),
        ("n1\tcat\nn1\tdog\n", "line 2 repeats line 1, 'n1'"),
        ("n1\tcat\ndog\n", "line 2: expected an id, a tab and a name, as in line 1"),
        ("cat\nn1\tdog\n", "line 2: expected a name without a tab"),
        ("n1\tcat\tx\n", "line 1: expected an id, a tab and a name"),
        ("n1\t\n", "line 1 is blank"),
        ("", "is empty"),
        (b"caf\xe9\n", "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_not_a_list_of_names_is_refused(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    with pytest.raises(InputError) as refused:
        from_text(tmp_path, text)
    assert words in str(refused.value)
    assert "names.txt" in str(refused.value)


def test_class_folders_give_names_that_are_ids_too(tmp_path: Path) -> None:
    for name in ("zebra", "ant", ".git"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").write_text("x")
    found = vocabularies.find(f"c={tmp_path}", [])[1]
    assert found.names == found.ids == ("ant", "zebra")


def test_folders_of_thumbnails_and_copies_are_no_classes(tmp_path: Path) -> None:
    for name in ("cat", "dog", "@eaDir", ".thumbnails", "__MACOSX"):
        (tmp_path / name).mkdir()
    found = vocabularies.find(f"pets={tmp_path}", [])[1]
    assert found.names == ("cat", "dog")


def test_a_folder_without_class_folders_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="contains no class folders"):
        vocabularies.find(f"c={tmp_path}", [])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt: No such file"):
        vocabularies.find(f"c={tmp_path / 'none.txt'}", [])


@pytest.mark.parametrize("typed", ["pets=", "pets=csp:"])
def test_an_unset_variable_is_not_the_current_folder(typed: str) -> None:
    with pytest.raises(InputError, match=r"^pets=: names no path"):
        vocabularies.find(typed, ())


def test_an_unknown_vocabulary_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="known are: imagenet, .*NAME=FILE with one name per line"):
        vocabularies.find("cars", [])
    path = tmp_path / "names.txt"
    path.write_text("cat\n")
    with pytest.raises(InputError, match=f"use names={path}"):
        vocabularies.find(str(path), [])


def test_imagenet_has_each_wordnet_id_beside_its_name() -> None:
    name, found = vocabularies.find("imagenet", [])
    assert name == "imagenet"
    assert len(found.names) == len(set(found.ids)) == 1000
    # Worked by hand from WordNet: a fish, and the two homonyms that share a name elsewhere.
    by_id = dict(zip(found.ids, found.names, strict=True))
    assert by_id["n01440764"] == "tench"
    assert by_id["n02012849"] == "crane bird"
    assert by_id["n03126707"] == "construction crane"
    assert len(set(found.names)) == 998


def test_openai_stands_for_its_eighty_templates() -> None:
    templates = vocabularies.expand(["openai", "a photo of a {}"])
    assert len(templates) == 81
    assert templates[0] == "a bad photo of a {}."
    assert templates[-1] == "a photo of a {}"


def test_the_eighty_of_the_published_rows_are_openais() -> None:
    assert published.templates("openai") == vocabularies.expand(["openai"])


def test_a_template_given_twice_counts_once() -> None:
    assert vocabularies.expand(["a {}", "a {}"]) == ("a {}",)


@pytest.mark.parametrize("template", ["a photo", "{} and {}", "{0}", ""])
def test_a_template_wants_its_braces_once(template: str) -> None:
    with pytest.raises(InputError, match="must contain {} once, for the class name"):
        vocabularies.expand([template])


def test_the_fingerprint_tells_vocabularies_apart() -> None:
    words = [
        Vocabulary(("a", "b"), ("", ""), ("{}",)),
        Vocabulary(("b", "a"), ("", ""), ("{}",)),
        Vocabulary(("a", "b"), ("1", "2"), ("{}",)),
        Vocabulary(("a", "b"), ("", ""), ("a {}",)),
        Vocabulary(("ab",), ("",), ("{}",)),
    ]
    assert len({vocabularies.fingerprint(one) for one in words}) == len(words)


def test_the_subsets_of_imagenet_are_vocabularies_by_their_sources_names() -> None:
    name, ten = vocabularies.find("imagenet10", ["a {}"])
    assert (name, len(ten.names)) == ("imagenet10", 10)
    assert (ten.ids[8], ten.names[8]) == ("n02389026", "horse")
    of_imagenet = vocabularies.find("imagenet", ["a {}"])[1]
    assert of_imagenet.names[of_imagenet.ids.index("n02389026")] == "common sorrel horse"


def test_a_subset_without_names_of_its_own_has_imagenets() -> None:
    hundred, of_imagenet = (vocabularies.find(one, [])[1] for one in ("imagenet100", "imagenet"))
    by_id = dict(zip(of_imagenet.ids, of_imagenet.names, strict=True))
    assert hundred.names == tuple(by_id[one] for one in hundred.ids)


def test_a_hugging_face_dataset_names_its_classes(tmp_path: Path) -> None:
    features = {
        **{"image": IMAGE, "fine": class_label("kit_fox", "dog")},
        "coarse": class_label("animal", "plant"),
    }
    rows = table({"image": structs([(b"x", "a.png")]), "fine": [1], "coarse": [0]}, features)
    write_parquet(tmp_path / "data" / "test-00000-of-00001.parquet", rows)
    for typed in (tmp_path, tmp_path / "data" / "test-*.parquet"):
        options = Options(label_column="fine")
        found = vocabularies.find(f"c={typed}", [], options=options)[1]
        assert (found.ids, found.names) == (("kit_fox", "dog"), ("kit fox", "dog"))
        with pytest.raises(InputError, match="several columns of labels, 'fine', 'coarse'"):
            vocabularies.find(f"c={typed}", [])
