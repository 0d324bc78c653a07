"""Claims about templates that a tokenizer reads alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples.study.benchmark import CLIP, OPENAI, SIGLIP, write_words

from oodcache.cache import names
from oodcache.cache.files.texts import TextFile
from oodcache.cache.shards.shard_set import open_texts
from oodcache.study import published
from oodcache.study.prompts import extraction, found

EIGHTY = published.templates("openai")


def texts(cache: Path, *templates: str, encoding: dict[str, str] = CLIP) -> TextFile:
    write_words(cache, templates, words=("cat", "dog"), encoding=encoding)
    return open_texts(names.text_path(cache, OPENAI, "imagenet"))


@pytest.mark.parametrize(
    ("encoding", "wanted", "stored", "is_found"),
    [
        (CLIP, "A photo of a {}", "a photo of a {}", True),
        (CLIP, "a photo of a {}", "a photo  of a {} ", True),
        (CLIP, "a photo of a {}", "a photo of a {}.", False),
        (CLIP, "a photo of a {}", "a photo of the {}", False),
        (CLIP, "{} photo", "photo {}", False),
        (SIGLIP, "A photo of a {}", "a photo of a {}.", True),
        (SIGLIP, "a photo of a {}", "a photo, of a {}", True),
        (SIGLIP, "a photo of a {}", "a photo of {}", False),
        ({}, "a photo of a {}", "a photo of a {}.", False),
    ],
)
def test_a_template_is_found_where_the_tokenizer_reads_it_alike(
    tmp_path: Path, encoding: dict[str, str], wanted: str, stored: str, is_found: bool
) -> None:
    there = texts(tmp_path, "the {}", stored, encoding=encoding)
    assert found(there, [wanted]) == ((stored,) if is_found else ("",))


def test_the_same_template_goes_before_one_that_is_read_alike(tmp_path: Path) -> None:
    there = texts(tmp_path, "A photo of a {}", "a photo of a {}", "a PHOTO of a {}")
    assert found(there, ["a photo of a {}"]) == ("a photo of a {}",)
    assert found(there, ["a photo OF a {}"]) == ("A photo of a {}",)


def test_each_template_wanted_has_its_place(tmp_path: Path) -> None:
    there = texts(tmp_path, "the {}", "a {}")
    assert found(there, ["a {}", "some {}", "the {}"]) == ("a {}", "", "the {}")


def test_the_line_that_extracts_again_keeps_every_template(tmp_path: Path) -> None:
    there = texts(tmp_path, "a {}", "it's a {}")
    assert extraction(there, "the nice {}") == (
        "oodcache extract --model ViT-B-16/openai --classes imagenet --template 'a {}' "
        """--template 'it'"'"'s a {}' --template 'the nice {}' --overwrite"""
    )


def test_openais_templates_are_one_word_in_that_line(tmp_path: Path) -> None:
    there = texts(tmp_path, "a {}", *EIGHTY)
    assert extraction(there, "the nice {}") == (
        "oodcache extract --model ViT-B-16/openai --classes imagenet --template openai "
        "--template 'a {}' --template 'the nice {}' --overwrite"
    )
    some = texts(tmp_path / "some", *EIGHTY[:2])
    assert extraction(some, "openai") == (
        "oodcache extract --model ViT-B-16/openai --classes imagenet --template 'a bad photo of a "
        "{}.' --template 'a photo of many {}.' --template openai --overwrite"
    )
