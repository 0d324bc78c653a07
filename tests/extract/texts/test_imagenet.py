"""Claims about ImageNet's ids and names."""

from __future__ import annotations

from oodcache.extract.texts import imagenet


def test_ids_are_in_the_order_of_wordnet() -> None:
    ids = imagenet.ids()
    assert list(ids) == sorted(ids)
    assert len(ids) == 1000


def test_ids_have_open_clips_names_or_else_first_lemmas() -> None:
    # Worked by hand from WordNet: the second is a class of ImageNet-21K only.
    assert imagenet.named(["n03126707", "n01440764"]) == (
        "ImageNet",
        ("construction crane", "tench"),
    )
    assert imagenet.named(["n01440764", "n00004475"]) == ("ImageNet-21K", ("tench", "organism"))
    assert imagenet.named(["n01440764", "n99999999"]) is None
