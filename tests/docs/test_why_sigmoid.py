"""Claims about docs/study/why-sigmoid.md: its blocks, run in order, give what stands below them."""

from __future__ import annotations

import io
import math
import re
import shlex
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from samples import Run
from sklearn.metrics import roc_auc_score

from oodcache.study import published

PAGE = (Path(__file__).parents[2] / "docs" / "study" / "why-sigmoid.md").read_text()
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.S)
# Not a name's digits (float32, FPR95), a parameter's (bias=-16) or a sign's.
NUMBER = re.compile(r"(?<![\w=.])(?<!=-)(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?![\w])")


@dataclass(frozen=True)
class Ran:
    """A block of the page: its language, what stands below it, and what it printed just now."""

    language: str
    shown: list[str]
    printed: list[str]


@dataclass(frozen=True)
class Page:
    """All blocks that were run, and the names that the Python ones share."""

    blocks: list[Ran]
    names: dict[str, Any]


@pytest.fixture
def page(oodcache: Run, demo: Path, tmp_path: Path) -> Page:
    """The page's blocks, run in order in a folder that has the demo's embeddings alone."""
    (tmp_path / "embeddings").symlink_to(demo / "embeddings")
    ran: list[Ran] = []
    names: dict[str, Any] = {}
    for language, code, shown in BLOCKS:
        printed = in_python(code, names) if language == "python" else in_shell(code, oodcache)
        ran.append(Ran(language, shown.splitlines(), printed.splitlines()))
    return Page(ran, names)


def in_python(code: str, names: dict[str, Any]) -> str:
    with redirect_stdout(io.StringIO()) as printed:
        exec(code, names)
    return printed.getvalue()


def in_shell(line: str, oodcache: Run) -> str:
    program, *arguments = shlex.split(line)
    assert program == "oodcache"
    done = oodcache(*arguments)
    assert done.status == 0, f"{line}\n{done.err}"
    return done.out


def words(line: str) -> str:
    """Return a line without its numbers and the width of its columns."""
    return " ".join(NUMBER.sub(" # ", line).split())


def agree(shown: str, printed: str) -> bool:
    """Return whether two lines say the same.

    Another processor may move a decimal by two of its last places and a count from 10 up by 1 %,
    rounded up: noise of 1e-6 in the vectors moved no decimal, and a count of 1,068 by two.
    """
    if words(shown) != words(printed):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(abs(value(one) - value(other)) <= slack(one) for one, other in pairs)


def value(number: str) -> float:
    return float(number.replace(",", ""))


def slack(number: str) -> float:
    if places := len(number.partition(".")[2]):
        return 2.001 * 10**-places
    return math.ceil(value(number) / 100) if value(number) >= 10 else 0


@pytest.mark.slow
def test_what_stands_below_each_block_is_what_it_prints(page: Page) -> None:
    assert [one.language for one in page.blocks] == ["sh", "python"] * 2 + ["sh"] * 3
    for block in page.blocks:
        assert block.shown, "nothing stands below a block"
        printed = iter(block.printed)
        for line in block.shown:
            if line.strip():
                # Lines may be left out, not put in another order.
                assert any(agree(line, other) for other in printed), (
                    f"{line!r} is not in\n" + "\n".join(block.printed)
                )


def test_a_number_that_is_off_or_another_word_is_noticed() -> None:
    assert agree("max  90.62 81.39–94.36 1068", "max 90.63  81.39–94.35  1070")
    assert not agree("max 90.62", "max 90.65")
    assert not agree("max 85", "max 87")
    assert not agree("b = 1", "b = 0")
    assert not agree("joint-energy:bias=-40 90.59", "joint-energy:bias=-16 90.59")
    assert not agree("behind .239", "behind .339")
    assert not agree("0.13* <.001", "0.13 <.001")


def test_every_number_of_the_text_is_the_studys_or_stands_in_an_output() -> None:
    without = r"```.*?```|`[^`\n]+`|\(\S+\.md\S*\)|^\|.*?$|^ {4}.*?$"
    text = re.sub(without, " ", PAGE, flags=re.S | re.M)
    outputs = {number for _, _, shown in BLOCKS for number in NUMBER.findall(shown)}
    study = {number for row in quoted() for number in row}
    # A threshold, the AUROC of chance, a share asked for, the bits of a type: none is measured.
    constants = {"0.5", "50", "95", "16"}
    told = [one for one in NUMBER.findall(text) if "." in one or value(one) >= 10]
    assert len(told) > 20
    assert set(told) <= outputs | study | constants


def quoted() -> list[tuple[str, str]]:
    """Return accuracy and AUROC of the study's rows as the page has them."""
    return re.findall(r"^\| [^|]+ \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.M)


def test_the_studys_rows_are_quoted_as_the_register_of_published_numbers_has_them() -> None:
    study = [row for row in published.rows() if row.source == "the study's README"]
    assert len(study) == 3
    for (accuracy, auroc), row in zip(quoted(), study, strict=True):
        assert row.accuracy == pytest.approx(float(accuracy) / 100)
        assert row.auroc == {"average": pytest.approx(float(auroc) / 100)}
    assert "**The 89.8 cannot be checked here.**" in PAGE
    assert "\n    make reproduce DATA=/data\n" in PAGE


@pytest.mark.slow
def test_its_rounding_is_pytorchs(page: Page) -> None:
    cache, texts = page.names["cache"], page.names["cache"].texts("tiny-sigmoid", "digits")
    vectors = cache.images("tiny-sigmoid", "digits").embeddings.astype(np.float64)
    cosine = torch.from_numpy(vectors @ texts.embeddings[0].astype(np.float64).T)
    for name, dtype in {"bfloat16": torch.bfloat16, "float16": torch.float16}.items():
        rounded = page.names[name]
        scale, bias = (
            torch.tensor([one]).to(dtype) for one in (texts.logit_scale, texts.logit_bias)
        )
        logits = cosine.to(dtype) * scale + bias
        ours = page.names["logits"]("tiny-sigmoid", "digits", rounded)
        assert np.array_equal(logits.float().numpy(), ours)
        for score, theirs in {"sigmoid": logits.sigmoid(), "softmax": logits.softmax(1)}.items():
            found = theirs.max(1).values.float().numpy()
            # Exponentials may differ in the last bit of a float32, and then round apart.
            assert np.mean(found != rounded(page.names[score](ours))) < 0.01


@pytest.mark.slow
def test_ties_counted_for_half_are_scikit_learns_and_the_ends_are_a_stable_argsorts(
    page: Page,
) -> None:
    rounded, logits, softmax = (page.names[name] for name in ("float16", "logits", "softmax"))
    digits, others = (
        rounded(softmax(logits("tiny-sigmoid", dataset, rounded)))
        for dataset in ("digits", "eight-nine")
    )
    with redirect_stdout(io.StringIO()) as printed:
        page.names["show"]("row", digits, others)
    half, none, every = (float(one) for one in re.findall(r"\d+\.\d+", printed.getvalue())[:3])

    together = np.concatenate([digits, others])
    is_id = np.arange(len(together)) < len(digits)
    assert half == pytest.approx(100 * roc_auc_score(is_id, together), abs=0.005)
    assert none == pytest.approx(100 * auroc_by_argsort(together, is_id), abs=0.005)
    assert every == pytest.approx(100 * auroc_by_argsort(together[::-1], is_id[::-1]), abs=0.005)


def auroc_by_argsort(scores: np.ndarray[Any, Any], is_id: np.ndarray[Any, Any]) -> float:
    """Return the AUROC that ranks without ties give (Mann and Whitney's U)."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(len(scores))
    n = int(is_id.sum())
    return float((ranks[is_id].sum() - n * (n - 1) / 2) / (n * (len(scores) - n)))
