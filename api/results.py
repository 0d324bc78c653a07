"""Results in Python: rows of numbers, and the tables, files, reports and figures of them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from oodcache.arguments import ANY_OOD, PLACES, Argument, Folder, checked, folder_of, found
from oodcache.cache.errors import InputError
from oodcache.cache.watch import Note, Watch
from oodcache.score.measures.result import Counterpart, Difference, Result
from oodcache.wording import in_python, noted, to_stderr, worded

if TYPE_CHECKING:
    import pandas

    from oodcache.cache.files.scores import ScoredImages
    from oodcache.report.figures.kinds import Figure
    from oodcache.report.saved.results import Saved
    from oodcache.report.tables.grid import Grid
    from oodcache.score.inputs.question import Question
    from oodcache.score.own.function import Function
    from oodcache.study.gathering import Sources

IN_MEMORY = Path("results")
MOST = 60  # Scores that a notebook or a shell shows of one object.
Places = Mapping[str, str | Path]


def _no_results(name: str, value: Any) -> str | None:
    return None if isinstance(value, Results) else found(name, value)


RUN = Argument('the Results of another run, such as Results.load("before.json")', _no_results)


@dataclass(frozen=True)
class Behind:
    """Where the scores of single images come from: the question asked, or the arrays given.

    Results that were read from a file have neither: their scores are computed again from `cache`.
    """

    cache: Path = Path("embeddings")
    asked: Question | None = None
    given: Sequence[ScoredImages] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Results(Sequence[Result]):
    """A sequence of `Result`, one per score and OOD set, in the order of the table.

    A slice is a Results, and it equals a list of the same rows. In a notebook it is a table.
    `provenance` has what the numbers were made from (docs/output/results.md), `published` the rows
    of `--published` in a file. All methods raise InputError, in one line, for what cannot be made.
    """

    rows: tuple[Result, ...]
    provenance: Mapping[str, Any]
    compared: tuple[Difference, ...] | None = None
    path: Path = IN_MEMORY
    behind: Behind = field(default_factory=Behind)
    published: tuple[Counterpart, ...] | None = None

    @classmethod
    @checked()
    def load(cls, path: str | Path, *, cache: Folder | str | Path = "embeddings") -> Results:
        """Return the results in a JSON file of `save`, `oodcache score` or `oodcache metrics`.

        `cache` is what `report` and `plot` compute single images' scores from: a cache, or its
        folder. Raises InputError if the file at `path` holds no results, or was changed.
        """
        from oodcache.report.saved import results as saved

        found = saved.read(Path(path))
        behind = Behind(folder_of(cache))
        parts = (found.results, found.provenance, found.differences or None, found.path, behind)
        return cls(*parts, found.published)

    @overload
    def __getitem__(self, place: int) -> Result: ...
    @overload
    def __getitem__(self, place: slice) -> Results: ...
    def __getitem__(self, place: int | slice) -> Result | Results:
        """Return a row, or the Results of a slice with the differences between its rows."""
        if not isinstance(place, slice):
            return self.rows[place]
        rows = self.rows[place]
        return replace(self, rows=rows, compared=_between(rows, self.compared))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.rows)

    def __eq__(self, other: object) -> bool:
        """Return whether `other` is a list, a tuple or Results of the same rows."""
        if not isinstance(other, list | tuple | Results):
            return NotImplemented
        return [*self] == [*other]

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Sequence[Result]) -> list[Result]:
        """Return the rows of both in a list."""
        return [*self, *other]

    def __radd__(self, other: Sequence[Result]) -> list[Result]:
        return [*other, *self]

    def __repr__(self) -> str:
        """Return the table, of the first scores if there are many."""
        from oodcache.report.tables import terminal

        if not self:
            return "no results"
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        return "\n".join([terminal.drawn(self._tables(), width, styled=False), *self._hidden()])

    def _repr_html_(self) -> str:
        """Return the table as HTML, of the first scores if there are many."""
        from oodcache.report.tables.hypertext import to_html

        if not self:
            return "<p>no results</p>"
        return "\n".join([to_html(self._tables()), *(f"<p>{one}</p>" for one in self._hidden())])

    @property
    def notes(self) -> list[str]:
        """Return what a reader of the numbers should know, as `--explain` prints it."""
        from oodcache.report.tables.notes.caption import caption

        return [in_python(one) for one in caption(self.rows)] if self.rows else []

    @property
    def findings(self) -> list[str]:
        """Return three sentences, as a report begins: the best row, the next, what to distrust."""
        from oodcache.report.findings.findings import findings

        if not self:
            return []
        return [in_python(one) for one in findings(self._saved()).sentences]

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Return the paired tests between scores; InputError unless they were asked for."""
        if self.compared is None:
            how = "evaluate(..., compare=True)"
            if not any(one.classes for one in self.rows):
                how = "oodcache.compare(id_scores, ood_scores)"
            raise InputError(f"{self.path}: no differences were asked for; use {how}")
        return self.compared

    def to_pandas(self) -> pandas.DataFrame:
        """Return a DataFrame, a row for each result and a column for each number or text.

        `variant` names the score, with the model or the template if there are several:
        `df.pivot(index="variant", columns="ood", values="auroc")`. docs/python.md has all columns.
        """
        try:
            import pandas
        except ImportError:
            raise InputError("to_pandas needs pandas: type  pip install pandas") from None
        from oodcache.report.tables.columns import flat

        frame = pandas.DataFrame(flat(self.rows))
        # Whole numbers, some of them missing: pandas would make them floats.
        whole = [name for name in ("shots", "bank_draws") if name in frame]
        return frame.astype(dict.fromkeys(whole, "Int64"))

    @checked()
    def save(self, path: str | Path) -> None:
        """Write the file that `--output` writes, by ending: .json .csv .md .tex .html .txt."""
        from oodcache.report.tables import formats
        from oodcache.score.scoring import save

        save(self._text(formats.by_ending(Path(path))), Path(path))

    def latex(self) -> str:
        """Return the tables in LaTeX, as `--format latex` prints them."""
        return self._text("latex", in_our_words=True)

    def markdown(self) -> str:
        """Return the tables in Markdown, as `--format markdown` prints them."""
        return self._text("markdown", in_our_words=True)

    @checked(images=PLACES, earlier=RUN)
    def report(
        self,
        path: str | Path,
        *,
        images: Places | None = None,
        data_root: str | Path = "data",
        scores: Sequence[str | Function] = (),
        earlier: Results | None = None,
        note: Note = to_stderr,
    ) -> None:
        """Write the HTML page of `oodcache report`: tables, curves, thresholds and images.

        `images` maps datasets to their folders, for thumbnails; others are looked up below
        `data_root`. Results from a file need scores of your own again, in `scores`. With the
        results of an `earlier` run the page begins with what changed since.
        """
        from oodcache.study import gathering

        sources = self._sources(images, data_root, scores)
        before = None if earlier is None else earlier._saved()
        gathering.write(self._saved(), Path(path), sources, Watch(noted(note)), earlier=before)

    @checked(images=PLACES, ood=ANY_OOD)
    def plot(
        self,
        kind: str = "roc",
        *,
        models: str | Sequence[str] = (),
        templates: str | Sequence[str] = (),
        scores: str | Function | Sequence[str | Function] = (),
        ood: str | Sequence[str] = (),
        width: str | float = "one",
        measure: str | None = None,
        form: str | None = None,
        parameter: str | None = None,
        labels: Mapping[str, str] | None = None,
        font: str = "sans",
        images: Places | None = None,
        data_root: str | Path = "data",
        note: Note = to_stderr,
    ) -> Figure:
        """Return the Figure of `oodcache plot`: results, heatmap, roc, pr, histogram, threshold, …

        `kind` names it. `models`, `templates`, `scores` and `ood` choose rows, each one or several,
        () for all; `scores` may be functions. `width` is "one" or "two" columns, or inches.
        `measure` is "auroc" or "fpr95" (heatmap, ranking, scatter), `form` "shown" or "ranked"
        (histogram, threshold, fooled), `parameter` what a sweep shows. `labels` maps names to those
        to show instead, `font` is "sans" or "serif". `images` maps datasets to their folders
        (fooled), others are below `data_root`. `note` is called with each line for the user.
        `figure.savefig("roc.pdf")` writes it. Raises InputError for what a kind cannot show.
        """
        from oodcache.report.figures import kinds
        from oodcache.report.figures.choice import FigureChoice
        from oodcache.study.drawing import drawn

        own = {"measure": measure, "form": form, "parameter": parameter, "images": images}
        named = _several(scores)
        texts = [one if isinstance(one, str) else str(one.__name__) for one in named]
        renamed = [f"{old}={new}" for old, new in (labels or {}).items()]
        rows = (_several(models), _several(templates), texts, _several(ood), renamed)
        choice = FigureChoice(*rows)
        kinds.check_choice("font", font, kinds.TYPEFACES)
        look = kinds.look(kind, own, width) | {"font": font}
        kinds.check_library()
        sources = self._sources(images, data_root, named)
        figure = drawn(kind, self._saved(), choice, look, sources, Watch(noted(note)))
        return kinds.displayed(figure)

    def _tables(self) -> list[Grid]:
        """Return the tables of the first scores."""
        from oodcache.report.tables.grid import by_row
        from oodcache.report.tables.sections import sections

        first = [one for row in [*by_row(self.rows).values()][:MOST] for one in row.values()]
        return worded(sections(first, _between(first, self.compared) or ()))

    def _hidden(self) -> list[str]:
        from oodcache.report.tables.grid import by_row

        count = len(by_row(self.rows))
        return [f"… {count - MOST:,} more of {count:,} scores"] if count > MOST else []

    def _text(self, form: str, *, in_our_words: bool = False) -> str:
        from oodcache.report.tables import formats, sections

        if not self:
            raise InputError("no results to write")
        compared = self.compared or ()
        if in_our_words:
            is_latex = form == formats.LATEX
            grids = sections.sections(self.rows, compared, self.published, explain=is_latex)
            return formats.written(worded(grids), form, None)
        return formats.text(form, self.rows, compared, self.provenance, self.published)

    def _saved(self) -> Saved:
        """Return the results as they are read back from a file."""
        from oodcache.report.saved import results as saved

        return saved.parsed(self._text("json").encode(), self.path)

    def _sources(
        self, images: Places | None, data_root: str | Path, scores: Sequence[str | Function]
    ) -> Sources:
        from oodcache.score.own.given_again import code_among
        from oodcache.study.gathering import Sources

        typed = [f"{name}={path}" for name, path in (images or {}).items()]
        code: list[Any] = [one for one in scores if callable(one)]
        code += code_among(one for one in scores if isinstance(one, str))
        behind = self.behind
        return Sources(
            *(None, behind.cache, typed, Path(data_root), code, behind.asked, behind.given)
        )


def _between(
    rows: Sequence[Result], compared: Sequence[Difference] | None
) -> tuple[Difference, ...] | None:
    """Return the differences between some rows alone."""
    from oodcache.report.tables.grid import key

    if compared is None:
        return None
    there = {(one.id, one.ood, key(one)) for one in rows}
    return tuple(
        one
        for one in compared
        if {(one.id, one.ood, one.first), (one.id, one.ood, one.second)} <= there
    )


def _several(given: Any) -> tuple[Any, ...]:
    return (given,) if isinstance(given, str) or callable(given) else tuple(given)
