"""Claims about figures as files: every kind in every format, whatever names are in it."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from PIL import Image
from samples import slow_except
from samples.report.figures import HOSTILE, PLAIN, Sample, sample

from oodcache.cache.errors import InputError
from oodcache.report.content import Content
from oodcache.report.figures import kinds
from oodcache.report.figures.canvas import DPI, printable, style
from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.kinds import (
    ENDINGS,
    KINDS,
    OF_KINDS,
    WIDTHS,
    check,
    displayed,
    draw,
    inches,
    look,
    rows_of,
    save,
)

PLAIN_SAMPLE = sample()
HOSTILE_SAMPLE = sample("w" * 150 + "ID", HOSTILE, labels=HOSTILE)
LARGE_SAMPLE = sample(outside=("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"))


@cache
def plain(kind: str, width: float) -> Figure:
    """Draw the plain sample, or return what was drawn of it before."""
    return draw(kind, PLAIN_SAMPLE.subject(kind, width=width))


def file(
    tmp_path: Path, kind: str, ending: str, of: Sample = PLAIN_SAMPLE, width: float = 3.25
) -> Path:
    path, is_plain = tmp_path / f"figure{ending}", of is PLAIN_SAMPLE
    save(plain(kind, width) if is_plain else draw(kind, of.subject(kind, width=width)), path)
    return path


# The width of the SVGs below: both are saved from one figure.
@pytest.mark.parametrize("width", slow_except([6.75], WIDTHS.values()))
@pytest.mark.parametrize("kind", KINDS)
def test_a_png_has_the_width_asked_for(tmp_path: Path, kind: str, width: float) -> None:
    with Image.open(file(tmp_path, kind, ".png", width=width)) as image:
        assert (image.format, image.width) == ("PNG", round(width * DPI))
        assert len(np.unique(np.asarray(image.convert("L")))) > 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_equal_figures_are_equal_bytes_in_every_format(tmp_path: Path, kind: str) -> None:
    for folder in ("first", "second"):
        drawn = draw(kind, PLAIN_SAMPLE.subject(kind))
        for ending in ENDINGS:
            save(drawn, tmp_path / folder / f"a{ending}")
    for ending, head in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        first = (tmp_path / f"first/a{ending}").read_bytes()
        assert first.startswith(head)
        assert first == (tmp_path / f"second/a{ending}").read_bytes()


AGAIN = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from samples.report.figures import HOSTILE, sample
from oodcache.report.figures.kinds import draw, save
made = sample(HOSTILE[0], HOSTILE[1:4], labels=HOSTILE)
for ending in (".png", ".svg", ".pdf"):
    for kind in ("roc", "fooled"):
        save(draw(kind, made.subject(kind)), Path(kind + ending))
assert "matplotlib.pyplot" not in sys.modules
"""


@pytest.mark.slow
def test_another_process_with_other_settings_writes_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nsvg.fonttype: path\naxes.grid: True\n")
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", AGAIN.format(tests=str(Path(__file__).parents[2]))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": "7", "MPLBACKEND": "svg", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    made = sample(HOSTILE[0], HOSTILE[1:4], labels=HOSTILE)
    for ending in ENDINGS:
        for kind in ("roc", "fooled"):
            here = file(tmp_path, kind, ending, made)
            assert (tmp_path / f"{kind}{ending}").read_bytes() == here.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_an_svg_has_its_names_as_text(tmp_path: Path, kind: str) -> None:
    root = ElementTree.parse(file(tmp_path, kind, ".svg", width=6.75)).getroot()
    texts = {"".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")}
    # A ranking is over all OOD sets, and names its scores.
    for name in ("max-logit", "mcm") if kind == "ranking" else PLAIN:
        assert any(name in text for text in texts), texts


@pytest.mark.parametrize("kind", slow_except(["roc", "heatmap"], KINDS))
def test_a_serif_font_is_in_all_texts_of_a_file(tmp_path: Path, kind: str) -> None:
    save(draw(kind, PLAIN_SAMPLE.subject(kind, font="serif")), tmp_path / "a.svg")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    texts = [*root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts
    assert all("STIXGeneral" in str(one.get("style")) for one in texts)


@pytest.mark.parametrize("kind", KINDS)
def test_names_that_were_replaced_are_in_no_figure(tmp_path: Path, kind: str) -> None:
    labels = ("SUN=First set", "mcm=MCM", "pets=Animals")
    subject = PLAIN_SAMPLE.subject(kind, FigureChoice(labels=labels), width=6.75)
    save(draw(kind, subject), tmp_path / "a.svg")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    texts = {"".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")}
    assert not [one for one in texts if "SUN" in one or "pets" in one or one == "mcm"]
    assert any("First set" in one for one in texts) or kind == "ranking"


def test_hostile_names_are_in_an_svg_as_they_are(tmp_path: Path) -> None:
    path = file(tmp_path, "threshold", ".svg", HOSTILE_SAMPLE, width=6.75)
    root = ElementTree.parse(path).getroot()
    texts = {"".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")}
    for name in HOSTILE[:6]:
        assert f"FPR: {printable(name)}" in texts
    assert not [one for one in root.iter() if one.tag.endswith("script")]
    assert any(text.startswith("FPR: ww") and "…" in text for text in texts)


def test_a_pdf_has_its_fonts_as_truetype_and_no_date(tmp_path: Path) -> None:
    content = file(tmp_path, "roc", ".pdf").read_bytes()
    assert b"/CIDFontType2" in content and b"/Type3" not in content
    assert b"CreationDate" not in content


class Recorder(RendererAgg):
    """A renderer that keeps the box of every text that is drawn level, from the top left."""

    def __init__(self, figure: Figure) -> None:
        width, height = figure.get_size_inches() * figure.dpi
        super().__init__(width, height, figure.dpi)
        self.boxes: list[tuple[float, float, float, float, str]] = []

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):  # type: ignore[no-untyped-def]
        width, height, descent = self.get_text_width_height_descent(s, prop, ismath)
        if angle == 0 and s:
            self.boxes.append((x, y - height + descent, x + width, y + descent, s))
        super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)


@pytest.mark.parametrize(
    ("of", "width"),
    [
        pytest.param(PLAIN_SAMPLE, 3.25, id="three", marks=pytest.mark.slow),
        pytest.param(HOSTILE_SAMPLE, 2.0, id="hostile-narrow"),
        pytest.param(HOSTILE_SAMPLE, 6.75, id="hostile-wide", marks=pytest.mark.slow),
        pytest.param(LARGE_SAMPLE, 3.25, id="ten", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_no_text_is_cut_off_or_lies_on_another(kind: str, of: Sample, width: float) -> None:
    drawn = draw(kind, of.subject(kind, width=width))
    drawn.set_dpi(100)
    with style():
        recorder = Recorder(drawn)
        drawn.draw(recorder)
    assert recorder.boxes
    for place, (left, top, right, bottom, text) in enumerate(recorder.boxes):
        assert left >= -1 and right <= recorder.width + 1, text
        assert top >= -1 and bottom <= recorder.height + 1, text
        for other in recorder.boxes[:place]:
            apart = (
                left >= other[2] - 1
                or right <= other[0] + 1
                or top >= other[3] - 1
                or bottom <= other[1] + 1
            )
            assert apart, (text, other[4])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_one_ood_set_and_few_images_are_enough(tmp_path: Path, kind: str) -> None:
    of = sample(outside=("SUN",), n_id=1, n_ood=1)
    assert file(tmp_path, kind, ".png", of).stat().st_size > 1000


@pytest.mark.slow
def test_a_hundred_rows_are_drawn_and_too_many_refused(tmp_path: Path) -> None:
    first = PLAIN_SAMPLE.saved.results[0]
    results = [
        replace(first, score="gen", parameters={"gamma": 0.1 * number, "top": 100.0}, ood=ood)
        for number in range(1, 101)
        for ood in PLAIN
    ]
    many = replace(PLAIN_SAMPLE, saved=replace(PLAIN_SAMPLE.saved, results=tuple(results)))
    for kind in ("heatmap", "results"):
        with Image.open(file(tmp_path, kind, ".png", many)) as image:
            assert image.height > 100 * 0.1 * DPI
    more = [replace(one, template=f"{number} {{}}") for one in results for number in range(5)]
    huge = replace(PLAIN_SAMPLE, saved=replace(PLAIN_SAMPLE.saved, results=tuple(more)))
    templates = FigureChoice(templates=tuple(f"{number} {{}}" for number in range(5)))
    with pytest.raises(InputError) as refused:
        draw("results", huge.subject("results", templates))
    assert str(refused.value).endswith(
        " inches high, over the limit of 100; choose fewer rows with --score or --ood"
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.jpg", "a.jpg: ends in '.jpg'; use .png, .svg or .pdf"),
        ("a", "a: has no ending; use .png, .svg or .pdf"),
    ],
)
def test_another_ending_is_refused(name: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        check(Path(name))
    assert str(refused.value) == says


def test_without_matplotlib_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        InputError, match="plot needs matplotlib: type pip install 'oodcache.report."
    ):
        check(Path("a.PNG"))


def test_kinds_are_known_without_matplotlib_and_numpy() -> None:
    code = (
        "import sys; from oodcache.report.figures.kinds import KINDS; "
        "assert not {'matplotlib', 'numpy'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_single_images_it_says_what_the_content_says() -> None:
    chosen = kinds.choose("roc", PLAIN_SAMPLE.saved, FigureChoice())
    with pytest.raises(InputError, match="^type this$"):
        rows_of(chosen, Content(PLAIN_SAMPLE.content.rows[1:], missing="type this"))


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/a.png: cannot be written: Not a directory"):
        save(draw("heatmap", PLAIN_SAMPLE.subject("heatmap")), tmp_path / "file" / "a.png")
    save(draw("heatmap", PLAIN_SAMPLE.subject("heatmap")), tmp_path / "new" / "a.png")
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["a.png"]


def test_a_notebook_shows_the_bytes_of_the_file(tmp_path: Path) -> None:
    figure, same = (draw("roc", PLAIN_SAMPLE.subject("roc")) for _ in range(2))
    save(same, tmp_path / "a.png")
    assert displayed(figure)._repr_png_() == (tmp_path / "a.png").read_bytes()  # type: ignore[attr-defined]


def test_a_width_is_that_of_columns_or_inches() -> None:
    assert [inches(one) for one in ("one", "two", "5.5", 2, 20.0)] == [3.25, 6.75, 5.5, 2, 20]
    for wrong in ("three", "1.9", 21, "nan", None):
        with pytest.raises(ValueError, match="is neither one nor two nor 2 to 20 inches"):
            inches(wrong)  # type: ignore[arg-type]


def test_arguments_of_a_call_are_those_of_its_kind() -> None:
    nothing: dict[str, object] = dict.fromkeys(OF_KINDS)
    assert look("roc", nothing, "one") == {"width": 3.25}
    assert look("heatmap", nothing | {"measure": "fpr95"}, 4) == {"width": 4, "measure": "fpr95"}
    assert look("fooled", nothing | {"images": {"a": "b"}}, 4) == {"width": 4}
    for kind, own, words in (
        ("roc", {"images": {"a": "b"}}, "images applies to fooled, not to roc"),
        ("heatmap", {"measure": "x"}, "measure 'x': there is none; choose one of auroc, fpr95"),
        ("pie", {}, "kind 'pie': there is none; choose one of results, "),
    ):
        with pytest.raises(InputError, match=words):
            look(kind, nothing | own, "one")
