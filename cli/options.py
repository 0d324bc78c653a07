"""What several commands share: options, and the function that prints notes."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oodcache.cache.text import printable, shortened
from oodcache.cache.watch import Hint, Note, Watch, bars
from oodcache.cli import stopping, streams
from oodcache.cli.commands import is_quiet
from oodcache.cli.groups import OUTPUT, RUN, SCORES, SETS, OptionGroup

if TYPE_CHECKING:
    from oodcache.score.inputs.question import Question
    from oodcache.score.words.leak_search import ClassFile

_bars = bars(stopping.check)
_depth = [0]  # Of commands that run commands.
TYPED = "oodcache.typed"  # The key in click's context of the arguments as they were typed.
SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True}
PATH = click.Path(path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


def data_root(flag: str, help: str, kind: click.Path = PATH) -> Callable[..., Any]:
    """Return an option for the folder with the images."""
    return SETS.option(
        *(flag, "data_root"),
        type=kind,
        envvar="OODCACHE_DATA",
        default="data",
        show_envvar=True,
        help=help,
    )


def wordnet_folder(group: OptionGroup) -> Callable[..., Any]:
    """Return an option for the folder of WordNet's files."""
    return group.option(
        "--wordnet",
        type=FOLDER,
        metavar="FOLDER",
        help="Folder with WordNet's data.noun: synonyms of class names are leaks too; such as "
        "/usr/share/wordnet.",
    )


CACHE = SETS.option(
    "--cache",
    type=FOLDER,
    envvar="OODCACHE_DIR",
    default="embeddings",
    show_envvar=True,
    help="Folder with the cached embeddings.",
)
DATA_ROOT = data_root("--data-root", "Folder with the known datasets.")
DEVICE = RUN.option("--device", help="Device: cpu, cuda, cuda:1, … [cuda if available]")
BATCH_SIZE = RUN.option(
    "--batch-size",
    type=click.IntRange(1),
    default=256,
    help="Images per batch.",
)
WORKERS = RUN.option(
    "--workers",
    type=click.IntRange(0),
    help="Worker processes that decode images. [one per processor, at most 8]",
)
CLASSES = SETS.option("--classes", help="Cached vocabulary with the class names. [the only one]")
CLASS_NAMES = SETS.option(
    "--class-names",
    type=click.Choice(("open_clip", "source")),
    default="open_clip",
    help="Class names of imagenet10 and imagenet20: open_clip's ImageNet names or their paper's.",
)
NEGATIVES = SCORES.option(
    "--negatives",
    help="Negative labels, mined by oodcache negatives; for neglabel, eoe, csp, adaneg, tanl, "
    "clipscope.",
)
BANK = SCORES.option(
    "--bank",
    metavar="NAME[:N|N]",
    help="Cached training images, all or N per class; for knn, mahalanobis, probe, …; a curve "
    'over N with --bank "train:1|2|4|8|16".',
)
BANK_LABELS = SCORES.option(
    "--bank-labels",
    type=click.Choice(("own", "predicted")),
    default="own",
    help="Labels of the bank: its own, or the nearest class as predicted by the model.",
)
BANK_SEED = SCORES.option(
    "--bank-seed",
    type=click.IntRange(min=0),
    help="Random seed for --bank NAME:N. [--seed without --bootstrap, otherwise 0]",
)
BANK_DRAWS = SCORES.option(
    "--bank-draws",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Draws of --bank NAME:N, with seeds from --bank-seed: rows are means with the range.",
)
STREAMS = SCORES.option(
    "--stream",
    "streams",
    multiple=True,
    metavar="ORDER",
    help="Order of the images, for scores that learn from it: shuffle, shuffle:N, id-first, "
    "ood-first, drift, ratio:R or file:FILE.csv; may repeat. [shuffle]",
)
STREAM_SEED = SCORES.option(
    "--stream-seed",
    type=click.IntRange(min=0),
    default=0,
    help="Random seed of --stream; shuffle:N uses N seeds from it.",
)
LISTED_AS = OUTPUT.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    help="Output format.",
)


def note(text: str) -> None:
    """Print one line on stderr, where it does not mix with results; no hint with --quiet."""
    if is_quiet() and isinstance(text, Hint):
        return
    print(shortened(printable(text)), file=sys.stderr, flush=True)


def tell(line: str) -> None:
    """Print a line of results, continued on further lines if the screen is too narrow."""
    click.echo(streams.screen().fitted(printable(line)))


def progress(
    description: str, total: int, unit: str
) -> AbstractContextManager[Callable[[int], None]]:
    """Return a bar on stderr, as `bars` does; none with --quiet."""
    if is_quiet():
        return nullcontext(lambda done: stopping.check())
    return _bars(description, total, unit)


WATCH = Watch(note, progress)


def asked(given: Mapping[str, Any], **others: Any) -> Question:
    """Return the Question that a command's options ask; `others` are its remaining fields."""
    from oodcache.score.inputs.question import Question

    named = {one.name: given[one.name] for one in fields(Question) if one.name in given}
    return Question(**named, **others)


def class_lists(given: Mapping[str, Any], told: Note = note) -> dict[str, ClassFile]:
    """Return the class names in the files of --leaks-of SET=FILE, read as those of --classes."""
    if not given["leaks_of"]:
        return {}
    from oodcache.extract.texts import class_files
    from oodcache.score.words.leak_search import with_files

    return with_files(given["leaks_of"], lambda path: class_files.read(path, told))


def typed_line(context: click.Context) -> str:
    """Return the command as it was typed."""
    return shlex.join(["oodcache", *context.meta[TYPED]])


def subcommand(context: click.Context) -> Callable[[Sequence[str]], object]:
    """Return a function that runs an `oodcache` command from its arguments."""
    return command_line(context.find_root().command)


def command_line(group: click.Command) -> Callable[[Sequence[str]], object]:
    """Return a function that runs a command line of `group`, quiet if this one is."""
    hushed = ["--quiet"] if is_quiet() else []

    def run(typed: Sequence[str]) -> object:
        _depth[0] += 1
        try:
            return group.main([*hushed, *typed], "oodcache", standalone_mode=False)
        finally:
            _depth[0] -= 1

    return run


def is_within() -> bool:
    """Return whether another command, such as demo, runs this one."""
    return _depth[0] > 0


def share(example: str, most: float = math.nextafter(1, 0)) -> Callable[[str], float]:
    """Return the type of an option: a share above 0 and at most `most`, no percentage."""

    def fits(number: float) -> bool:
        return 0 < number <= most

    def convert(text: str) -> float:
        try:
            number = float(text.removesuffix("%"))
        except ValueError:
            number = math.nan
        if fits(number) and not text.endswith("%"):
            return number
        if (number >= 2 or text.endswith("%")) and fits(number / 100):
            raise click.BadParameter(f"{text} is a percentage; use {number / 100!r}")
        bounds = "above 0 and at most 1" if most == 1 else "above 0 and below 1"
        raise click.BadParameter(f"{text} is not a share {bounds}; for example: {example}")

    return convert
