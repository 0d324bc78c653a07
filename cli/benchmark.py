"""`oodcache benchmark`: the field's benchmarks by name, run from images to tables."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from oodcache.cache.errors import InputError
from oodcache.cache.text import printable
from oodcache.cache.watch import Hint
from oodcache.cli import stopping, streams
from oodcache.cli.commands import StrictCommand, StrictGroup
from oodcache.cli.extract import extract
from oodcache.cli.groups import MODEL, OUTPUT, SETS
from oodcache.cli.measuring import conventions
from oodcache.cli.options import (
    CACHE,
    DATA_ROOT,
    LISTED_AS,
    WATCH,
    asked,
    class_lists,
    note,
    progress,
    subcommand,
    tell,
)
from oodcache.cli.score import score
from oodcache.extract.model.request import check_torch

if TYPE_CHECKING:
    from oodcache.score.inputs.question import Question
    from oodcache.score.words.leak_search import LeakSearch
    from oodcache.study.protocols.protocol import ProtocolRun

# Options that are the protocol's, and those of both commands.
OF_PROTOCOL = ("models", "classes", "id_set", "ood_sets", "csid", "select_on", "cache")
WEIGHTS = ("checkpoint", "name", "model_config")
EXTRACTING = (*WEIGHTS, "precision", "exif", "fast_decode", "device", "batch_size", "workers")


def _own(command: click.Command, names: Sequence[str] = ()) -> list[click.Parameter]:
    """Return the options of a command: those named, or all that are not the protocol's."""
    every = [one for one in command.params if one.name != "quiet"]
    return [one for one in every if (one.name in names if names else one.name not in OF_PROTOCOL)]


def _with_prompt_of_protocol(option: click.Parameter) -> click.Parameter:
    """Return score's --template with the help that it has here."""
    if option.name != "templates":
        return option
    ours = copy.copy(option)
    assert isinstance(ours, click.Option)
    ours.help = "Prompt template with {}, extracted if missing; may repeat. [the protocol's]"
    return ours


OF_EXTRACT = _own(extract, EXTRACTING)
OF_SCORE = [_with_prompt_of_protocol(one) for one in _own(score)]


@click.group(cls=StrictGroup, short_help="Run the field's benchmarks by name.")
def benchmark() -> None:
    """List, check and run benchmarks: OpenOOD's, MOS, MCM's, and protocols of your own.

    \b
    oodcache benchmark ls
    oodcache benchmark check openood-imagenet --data-root /data
    oodcache benchmark run openood-imagenet --model siglip2 --data-root /data
    """


@benchmark.command(short_help="List the benchmarks, or print one's file.")
@click.argument("name", required=False, metavar="[NAME|FILE.toml]")
@LISTED_AS
def ls(name: str | None, form: str) -> None:
    """List the benchmarks; with a NAME, print its file, to copy and change.

    \b
    oodcache benchmark ls
    oodcache benchmark ls openood-cifar10 > mine.toml
    """
    from oodcache.cli.following import follow
    from oodcache.study.protocols import shipped

    found = shipped.every() if name is None else [shipped.find(name)]
    if form == "json":
        click.echo(shipped.to_json(found), nl=False)
    elif name is None:
        click.echo(shipped.table(found, streams.screen()), nl=False)
        follow(["benchmark", "check", found[0].name])
    else:
        click.echo(shipped.path_of(name).read_text("utf-8"), nl=False)


@benchmark.command(short_help="Count a benchmark's images.")
@click.argument("name", metavar="NAME|FILE.toml")
@DATA_ROOT
def check(name: str, data_root: Path) -> None:
    """Count a benchmark's images, and say which list or folder is wanted where.

    \b
    oodcache benchmark check openood-cifar10 --data-root /data
    oodcache benchmark check mine.toml
    """
    from oodcache.cli.following import EXAMPLE, follow, of_data_root
    from oodcache.study.protocols import checking, shipped

    for line in checking.checked(shipped.find(name), data_root, progress=progress):
        tell(line)
    follow(["benchmark", "run", name, "--model", EXAMPLE, *of_data_root(data_root)])


@benchmark.command(
    cls=StrictCommand,
    params=[*OF_EXTRACT, *OF_SCORE],
    short_help="Extract what is missing, and score.",
)
@click.argument("benchmark", metavar="NAME|FILE.toml")
@MODEL.option("--model", required=True, help="Model, as extract takes it.")
@DATA_ROOT
@CACHE
@SETS.option(
    "--without",
    multiple=True,
    metavar="DATASET",
    help="Dataset of the benchmark to leave out, such as imagenet-es; may repeat.",
)
@OUTPUT.option("--dry-run", is_flag=True, help="Print the commands instead of running them.")
@click.pass_context
def run(context: click.Context, /, **given: Any) -> None:
    """Extract what is not in the cache, and score: near, far and full spectrum, with accuracy.

    It runs extract and score, shows their command lines, and takes most of their options.

    \b
    oodcache benchmark run mos --model siglip2 --data-root /data
    oodcache benchmark run openood-imagenet --model clip --score mcm --score energy --bootstrap 1000
    oodcache benchmark run mine.toml --model siglip2 -o results.json
    oodcache benchmark run openood-cifar10 --model clip --dry-run
    """
    from oodcache.study.protocols import asking, lines, sameness, shipped

    stopping.resumable()
    protocol = shipped.find(given["benchmark"]).without(given["without"])
    questions = [_question(given, one) for one in protocol.runs]
    wanted = lines.ProtocolRequest(
        *(given["model"], given["cache"], given["data_root"]),
        extracting=_typed(context, OF_EXTRACT),
        scoring=_typed(context, OF_SCORE),
        templates=tuple(one for one in given["templates"] if "{}" in one),
        selects=any(map(_selects, questions)),
        own_weights=any(given[one] is not None for one in WEIGHTS),
    )
    if given["form"] not in (None, "table") and given["output"] is None and len(protocol.runs) > 1:
        what = f"{protocol.name} has {len(protocol.runs)} tables: give --output FILE"
        raise click.UsageError(f"--format {given['form']}: {what}")
    extractions = lines.extractions(protocol, wanted)
    every = [*extractions, *lines.scorings(protocol, wanted)]
    if given["dry_run"]:
        click.echo("\n".join(printable(lines.typed(one)) for one in every))
        return
    asking.check(protocol, questions, wanted)
    lines.check_there(protocol, wanted)
    sameness.check_same(protocol, wanted, WATCH)
    if extractions:
        check_torch()
    for one in every:
        note(Hint(f"$ {lines.typed(one)}"))
        subcommand(context)(one)
    if line := lines.picking(protocol, questions, wanted):
        note(Hint(line))


# Help lists the command's own options before those of extract and score, and --quiet last.
run.params.sort(key=lambda one: (one.name == "quiet", one in (*OF_EXTRACT, *OF_SCORE)))


def _typed(context: click.Context, options: Sequence[click.Parameter]) -> list[str]:
    """Return the options that were typed, as arguments of the command that they are of."""
    found: list[str] = []
    for option in options:
        if context.get_parameter_source(str(option.name)) != ParameterSource.COMMANDLINE:
            continue
        value = context.params[str(option.name)]
        several = value if isinstance(value, tuple) else (value,)
        found += [part for one in several for part in _argument(option, one)]
    return found


def _argument(option: click.Parameter, value: object) -> list[str]:
    # A default that was typed: the option of a flag has no value.
    name = option.opts[-1]
    return [name] if isinstance(value, bool) else [name, str(value)]


def _question(given: dict[str, Any], run: ProtocolRun) -> Question:
    """Return what is asked of a run.

    Raises, before anything is extracted, what `score` would raise for the options.
    """
    own = given | {"bank_seed": 0, "models": [given["model"]], "id_set": run.id, "csid": run.csid}
    own |= {"ood_sets": run.outside, "classes": run.vocabulary}
    leaks = _leaks(given)
    try:
        question = asked(own, conventions=conventions(given), leaks=leaks)
        return question.asking(given["specifications"], given["ablation"])
    except InputError as error:
        raise InputError(_without_csid(str(error), run.csid)) from None


def _leaks(given: dict[str, Any]) -> LeakSearch:
    from oodcache.score.words.leak_search import LeakSearch, parsed

    for name, file in parsed(given["leaks_of"]).items():
        if file is not None and file.is_fifo():
            what = f"--leaks-of {name[:60]}: {file} is a pipe, which is read only once"
            raise InputError(f"{what}; save the names in a file")
    lists = class_lists(given, lambda text: None)  # `score` tells.
    return LeakSearch(lists, given["wordnet"], given["without_leaks"])


def _selects(question: Question) -> bool:
    """Return whether a score chooses parameters."""
    variants = question.variants
    return len({one.score for one in variants}) < len(variants)


def _without_csid(text: str, csid: Sequence[str]) -> str:
    """Return an error with the option that leaves out the csid sets here."""
    without = " ".join(f"--without {one}" for one in csid)
    text = text.replace("omit --csid", f"use {without}")
    return text.replace("without --csid", f"with {without}")
