"""Claims about leaks as lines of text."""

from __future__ import annotations

from dataclasses import replace

from oodcache.report.leak_lines import leak_lines
from oodcache.score.words.leaks import Leak, Leaks

KNOWN = Leaks(
    *("dtd", 1200, 2, "labels of its images", "spelling", None),
    names=(Leak("Stripes", "stripe", "name"), Leak("crane", "crane", "name")),
    descendants=None,
    ancestors=None,
)


def test_every_leak_is_shown_with_the_class_that_it_names() -> None:
    assert leak_lines([KNOWN]) == [
        "dtd: 2 leaks among 1,200 words, by spelling; 2 classes from labels of its images",
        "  Stripes: stripe",
        "  crane: crane",
        "  only spellings were compared; --wordnet FOLDER finds synonyms too",
    ]
    many = tuple(Leak(f"w{place}", "stripe", "name") for place in range(100))
    assert len(leak_lines([replace(KNOWN, names=many)])) == 102


def test_words_above_and_below_are_shown_apart_and_cut() -> None:
    below = tuple(Leak(f"w{place}", "stripe", "descendant") for place in range(12))
    found = replace(
        KNOWN,
        compared="WordNet 3.0",
        in_wordnet=1,
        names=(),
        descendants=below,
        ancestors=(Leak("bird", "crane", "ancestor"),),
    )
    lines = leak_lines([found])
    assert lines[0].startswith("dtd: 0 leaks among 1,200 words, by WordNet 3.0; 2 classes (1 in W")
    assert lines[1].startswith("  12 words below a class, no leaks: w0 (stripe), w1 (stripe), ")
    assert lines[1].endswith("w9 (stripe), … and 2 more")
    assert lines[2:] == ["  1 word above a class, no leaks: bird (crane)"]


def test_unknown_leaks_are_no_zero() -> None:
    unknown = replace(KNOWN, classes=None, names=None, source="its images have no labels")
    assert leak_lines([unknown, KNOWN])[0] == (
        "dtd: leaks not known, since its images have no labels; give its class names with "
        "--leaks-of dtd=FILE"
    )


def test_escape_codes_in_words_are_shown_as_text() -> None:
    (_, line, *_) = leak_lines([replace(KNOWN, names=(Leak("\x1b[2J", "a\nb", "name"),))])
    assert line == r"  \x1b[2J: a\nb"
