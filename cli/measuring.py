"""The options that `score` and `metrics` share: how to measure, and what becomes of the results."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from oodcache.cli.options import note, share
from oodcache.score.measures.result import FPR_CONVENTIONS, STANDARD, Conventions

if TYPE_CHECKING:
    from oodcache.score.scoring import Results

Command = TypeVar("Command", bound=Callable[..., Any])
FORMATS = ("table", "csv", "json", "markdown", "latex")
SUFFIXES = {".csv": "csv", ".json": "json", ".md": "markdown", ".tex": "latex"}


def shares(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[float, ...]:
    """Return shares above 0 and at most 1."""
    return tuple(share(context, parameter, one, example="0.95", may_be_one=True) for one in texts)


HOW = (
    click.option(
        "--fpr-convention",
        type=click.Choice(FPR_CONVENTIONS),
        default=STANDARD.fpr_convention,
        show_default=True,
        help="Which FPR, as docs/conventions.md says; they can reverse an order.",
    ),
    click.option(
        "--tpr",
        "tprs",
        multiple=True,
        callback=shares,
        metavar="SHARE",
        help="Also the FPR that keeps this share of ID; may repeat: --tpr 0.9 --tpr 0.99. [0.95]",
    ),
    click.option(
        "--bootstrap",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="Intervals of all measures from N resamples, such as 1000. [none]",
    ),
    click.option(
        "--seed", type=click.IntRange(min=0), help="Of the resamples: equal seeds, equal draws. [0]"
    ),
    click.option(
        "--reliability",
        is_flag=True,
        help="Shares kept at p = 0.5, Brier and ECE, of scores that are probabilities.",
    ),
    # The name that --reliability had in 0.1.
    click.option("--calibration", is_flag=True, hidden=True),
    click.option(
        "--compare",
        is_flag=True,
        help="Test every two scores on the same images (DeLong, Holm).",
    ),
)
WHERE = (
    click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        help="Of what is printed or written. [table, or by --output's ending]",
    ),
    click.option(
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write there, and print the table.",
    ),
)


def measuring(command: Command) -> Command:
    """Give a command the options of how to measure, and of where the results go."""
    for option in reversed((*HOW, *WHERE)):
        command = option(command)
    return command


def conventions(given: Mapping[str, Any]) -> Conventions:
    """Return what the options say of how to measure."""
    if given["seed"] is not None and not given["bootstrap"]:
        raise click.UsageError("--seed draws nothing without --bootstrap N: give both or neither")
    return Conventions(
        fpr_convention=given["fpr_convention"],
        tprs=tuple(dict.fromkeys(given["tprs"])) or STANDARD.tprs,
        bootstrap=given["bootstrap"],
        seed=given["seed"] or STANDARD.seed,
        calibration=given["reliability"] or given["calibration"],
    )


def deliver(results: Results, given: Mapping[str, Any]) -> None:
    """Print what was measured, or write it and print the table, as the options say."""
    from oodcache.report.tables import formats
    from oodcache.score import scoring

    output, form = given["output"], given["form"]
    if output is not None:
        text = formats.FORMATS[form or SUFFIXES.get(output.suffix, "table")](*results)
        scoring.save(text, output)
        note(f"wrote {output}")
    if output is not None or form in (None, "table"):
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo(formats.table(*results, width=width), nl=False)
    else:
        click.echo(formats.FORMATS[form](*results), nl=False)
