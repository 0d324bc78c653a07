"""The options that `score` and `metrics` share: how to measure, and where results go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from oodcache.cache.watch import Hint
from oodcache.cli import streams
from oodcache.cli.groups import MEASURES, OUTPUT
from oodcache.cli.options import FILE, note, share
from oodcache.report.tables import formats
from oodcache.report.tables.measured import COLUMNS
from oodcache.report.tables.measured import STANDARD as STANDARD_COLUMNS
from oodcache.report.tables.measured import parsed as parsed_columns
from oodcache.score.measures.groups import parsed
from oodcache.score.measures.result import FPR_CONVENTIONS, STANDARD, Conventions

if TYPE_CHECKING:
    from oodcache.score.scoring import Measured

Command = TypeVar("Command", bound=Callable[..., Any])


def columns(text: str) -> tuple[str, ...]:
    """Return the names of a table's columns, typed with commas."""
    try:
        return parsed_columns(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


OPTIONS = (
    MEASURES.option(
        "--fpr-convention",
        type=click.Choice(FPR_CONVENTIONS),
        default=STANDARD.fpr_convention,
        help="FPR convention (docs/measures.md); it can change which score is best.",
    ),
    MEASURES.option(
        "--tpr",
        "tprs",
        multiple=True,
        type=share("0.95", most=1),
        metavar="SHARE",
        help="TPR to report the FPR at; may repeat: --tpr 0.95 --tpr 0.99. [0.95]",
    ),
    MEASURES.option(
        "--bootstrap",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="Resamples for confidence intervals of all measures, such as 1000.",
    ),
    MEASURES.option("--seed", type=click.IntRange(min=0), help="Random seed for --bootstrap. [0]"),
    MEASURES.option(
        "--reliability",
        is_flag=True,
        help="Also report shares kept at p = 0.5, Brier score and ECE (probability scores only).",
    ),
    # The name that --reliability had in 0.1.
    click.option("--calibration", is_flag=True, hidden=True),
    MEASURES.option(
        "--selective",
        is_flag=True,
        help="Also report the errors among accepted images: AURC, AUGRC, accuracy at coverages.",
    ),
    MEASURES.option(
        "--compare", is_flag=True, help="Test every pair of scores for a difference (DeLong, Holm)."
    ),
    MEASURES.option(
        "--group",
        "groups",
        multiple=True,
        metavar="NAME=SET,SET",
        help="Also average over these OOD sets; may repeat: --group scenes=SUN,Places",
    ),
    OUTPUT.option(
        "--format",
        "form",
        type=click.Choice(tuple(formats.FORMATS)),
        help="Output format. [table, or by the extension of --output]",
    ),
    OUTPUT.option(
        "--columns",
        "shown",
        type=columns,
        metavar="NAME,NAME",
        help=f"Columns of the results table, of {', '.join(COLUMNS)}; such as --columns auroc,fpr. "
        f"[{','.join(STANDARD_COLUMNS)}]",
    ),
    OUTPUT.option(
        "-o", "--output", type=FILE, help="File for the results; the table is still printed."
    ),
    OUTPUT.option("--explain", is_flag=True, help="Print all notes below the table."),
)


def measuring(command: Command) -> Command:
    """Add the options to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def conventions(given: Mapping[str, Any], draws: str = "--bootstrap N") -> Conventions:
    """Return the conventions that the options set; `draws` names what --seed is for."""
    if given["shown"] and given["output"] is None and given["form"] in formats.WHOLE:
        raise click.UsageError(
            f"--columns applies to tables; {given['form']} always has every measure"
        )
    if given["output"] is not None and given["form"] is None:
        formats.by_ending(given["output"])  # Before anything is computed.
    if given["seed"] is not None and not given["bootstrap"] and not _is_drawn(given):
        raise click.UsageError(f"--seed has no effect without {draws}")
    return Conventions(
        fpr_convention=given["fpr_convention"],
        tprs=tuple(dict.fromkeys(given["tprs"])) or STANDARD.tprs,
        bootstrap=given["bootstrap"],
        seed=given["seed"] or STANDARD.seed,
        calibration=given["reliability"] or given["calibration"],
        groups=parsed(given["groups"]),
        selective=given["selective"],
    )


def bank_seed(given: Mapping[str, Any]) -> int:
    """Return the seed of --bank NAME:N: its own, or --seed if that seeds nothing else."""
    typed, seed = given["bank_seed"], given["seed"]
    if typed is not None and not _is_drawn(given):
        raise click.UsageError("--bank-seed has no effect without --bank NAME:N")
    if typed is None and seed and given["bootstrap"] and _is_drawn(given):
        note(f"--seed {seed} is for --bootstrap; --bank-seed 0 draws --bank {given['bank']}")
    if typed is None and not given["bootstrap"]:
        typed = seed
    return typed or 0


def _is_drawn(given: Mapping[str, Any]) -> bool:
    """Return whether the bank is a random sample, NAME:N."""
    return ":" in (given.get("bank") or "")


def deliver(context: click.Context, results: Measured, given: Mapping[str, Any]) -> None:
    """Print the results and what to type next; with --output, write them and print the table."""
    from oodcache.cli import following
    from oodcache.report.findings import exchanged
    from oodcache.score import scoring

    output, form = given["output"], given["form"]
    look = formats.TableLook(explain=given["explain"], columns=given["shown"])
    if output is not None:
        form = form or formats.by_ending(output)
        scoring.save(formats.text(form, *results, look=look), output)
        note(Hint(f"wrote {output}"))
    form = "table" if output is not None or form is None else form
    screen = streams.screen()
    look = replace(look, width=screen.width, styled=screen.styled)
    click.echo(formats.text(form, *results, look=look), nl=False)
    if asked := exchanged.question(results.results, results.provenance):
        note(asked)
    else:
        following.after_results(context, given, results.results)
