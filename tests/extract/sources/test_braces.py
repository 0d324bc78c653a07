"""Claims about braces in paths, with bash as the judge where it is there."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.cache.errors import InputError
from oodcache.extract.sources.braces import expand

BASH = shutil.which("bash")
NUMBERS = st.integers(0, 1200).flatmap(
    lambda number: st.sampled_from([str(number), f"{number:03d}", f"{number:05d}"])
)
RANGES = st.tuples(NUMBERS, NUMBERS).map(lambda ends: f"{{{ends[0]}..{ends[1]}}}")
WORDS = st.lists(st.sampled_from(["a", "b", "train", "07", ""]), min_size=2, max_size=4)
LISTS = WORDS.map(lambda words: f"{{{','.join(words)}}}")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("x.tar", ["x.tar"]),
        ("x/{8..11}.tar", ["x/8.tar", "x/9.tar", "x/10.tar", "x/11.tar"]),
        ("{000..2}", ["000", "001", "002"]),
        ("{2..0}", ["2", "1", "0"]),
        ("{a,b}-{0..1}.tar", ["a-0.tar", "a-1.tar", "b-0.tar", "b-1.tar"]),
    ],
)
def test_braces_mean_what_they_do_in_a_shell(pattern: str, expected: list[str]) -> None:
    assert expand(pattern) == expected


@pytest.mark.skipif(BASH is None, reason="there is no bash to compare with")
@given(st.lists(st.one_of(RANGES, LISTS, st.sampled_from(["x", "/", "-"])), max_size=4))
def test_bash_agrees(parts: list[str]) -> None:
    pattern = "p" + "".join(parts) + ".tar"
    try:
        found = expand(pattern)
    except InputError as error:
        assert "the limit is" in str(error)
        return
    said = subprocess.run([str(BASH), "-c", f"printf '%s\\n' {pattern}"], capture_output=True)
    assert said.stdout.decode().splitlines() == found


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("x/{0..9.tar", "its braces do not match"),
        ("x/0..9}.tar", "its braces do not match"),
        ("{a,{b,c}}", "its braces do not match"),
        ("x/{9}.tar", r"\{9\} is neither a range"),
        ("x/{0..}.tar", r"\{0\.\.\} is neither a range"),
        ("x/{0..999999999999}.tar", "expands to 1,000,000,000,000 files"),
        ("{0..999}{0..999}", "expands to 1,000,000 files"),
    ],
)
def test_braces_that_mean_nothing_or_too_much_are_refused(pattern: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        expand(pattern)
