"""Claims about prompts that are longer than the model reads."""

from __future__ import annotations

from collections.abc import Sequence

import open_clip
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import Vocabulary
from oodcache.extract.run import cuts
from oodcache.extract.run.plan import TextListing

# One token each in CLIP's vocabulary, which adds one at the start and one at the end.
PHOTO = "a photo of a {}"  # 4 tokens and the name.


def told(names: Sequence[str], *templates: str, limit: int = 8) -> list[str]:
    notes: list[str] = []
    vocabulary = Vocabulary(tuple(names), ("",) * len(names), templates)
    tokenize = open_clip.SimpleTokenizer(context_length=limit)
    cuts.check(TextListing("d", vocabulary, ""), tokenize, notes.append)
    return notes


def test_prompts_as_long_as_the_model_reads_are_not_cut() -> None:
    assert told(["cat", "red fox"], PHOTO) == []


def test_cut_prompts_are_counted_and_the_first_is_named() -> None:
    assert told(["cat", "dog"], PHOTO, "a photo of a {}, a pet", limit=8) == [
        "d: 2 of 4 prompts are longer than the model reads (8 tokens) and cut, "
        "the first 'a photo of a cat, a pet'"
    ]
    assert told(["cat", "big red fox"], PHOTO, limit=8) == [
        "d: 1 of 2 prompts is longer than the model reads (8 tokens) and cut, "
        "the first 'a photo of a big red fox'"
    ]


def test_a_prompt_without_its_class_name_is_rejected() -> None:
    with pytest.raises(InputError) as error:
        told(["cat", "dog"], "a photo of a big red dog and a {}")
    assert str(error.value) == (
        "d: 2 of 2 prompts are longer than the model reads (8 tokens), and nothing is left of 2 "
        "class names, first in 'a photo of a big red dog and a cat'; shorten the template or the "
        "names"
    )


def test_two_names_that_are_cut_to_one_are_rejected() -> None:
    with pytest.raises(InputError, match=r"'a photo of a big red fox' and 'a photo of a big red d"):
        told(["big red fox", "cat", "big red dog"], PHOTO)
    for names in (["red fox", "red fox dog"], ["red fox dog", "red fox"]):
        with pytest.raises(InputError, match="are the same once they are cut; shorten"):
            told(names, PHOTO)


def test_equal_names_are_equal_without_a_cut() -> None:
    assert len(told(["big red fox", "Big  red fox"], PHOTO)) == 1
