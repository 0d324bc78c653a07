"""What every command is: click's, with --quiet, that rejects repeated options and empty values."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import Any

import click

from oodcache.cache.store.screen import wrapped_command
from oodcache.cli import groups

INDENT = 2  # Of click's help texts.
TIMES = {2: "twice"}
_quiet = [False]


def is_quiet() -> bool:
    """Return whether the running command was given --quiet."""
    return _quiet[0]


def _hush(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Note --quiet of a command or of a group above it; a new command line starts without."""
    _quiet[0] = value or (context.parent is not None and _quiet[0])


class StrictCommand(click.Command):
    """A command with --quiet, which rejects what click would misread in silence.

    Of an option given twice click keeps the last value; an empty path is the current folder.
    """

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        quiet = click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=_hush,
            help="Hide progress and hints; warnings are still printed.",
        )
        self.params.append(quiet)

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help; examples that are too long continue behind a backslash."""
        whole = self.help
        try:
            self.help = _folded(whole or "", formatter.width - INDENT)
            super().format_help_text(context, formatter)
        finally:
            self.help = whole

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under the headings of their groups."""
        for heading, records in groups.sections(self, context):
            with formatter.section(heading):
                formatter.write_dl(records)

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Raise UsageError for a repeated option that takes one value, or for an empty value."""
        values, _, typed = self.make_parser(context).parse_args(list(args))
        for parameter, times in Counter(typed).items():
            if times > 1 and _takes_one(parameter):
                count = TIMES.get(times, f"{times} times")
                what = f"{_written(parameter)} is given {count}; it takes one value"
                raise click.UsageError(what, context)
            if _is_empty(values.get(str(parameter.name))):
                what = f"{_written(parameter)} is empty: is a shell variable unset?"
                raise click.UsageError(what, context)
        try:
            return super().parse_args(context, args)
        except click.MissingParameter as error:
            example = _example(self.help or "", context.command_path)
            if not example:
                raise
            what = f"{error.format_message().rstrip('.')}; for example: {example}"
            if error.param is not None and "FILE|NAME" in str(error.param.metavar):
                what += "; list the names with: oodcache cache ls"
            raise click.UsageError(what, context) from None


class StrictGroup(StrictCommand, click.Group):
    """A group of such commands."""

    command_class = StrictCommand

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        super().format_options(context, formatter)
        self.format_commands(context, formatter)


def _folded(help_text: str, width: int) -> str:
    """Return a help text, each of its examples on lines of at most `width` columns."""
    lines: list[str] = []
    for line in inspect.cleandoc(help_text).replace("\\\n", " ").splitlines():
        is_example = line.lstrip().startswith("oodcache ")
        example = line[: len(line) - len(line.lstrip())] + " ".join(line.split())
        lines += wrapped_command(example, width) if is_example else [line]
    return "\n".join(lines)


def _example(help_text: str, command: str) -> str:
    """Return the first example in a command's help, on one line."""
    lines = help_text.replace("\\\n", " ").splitlines()
    found = [" ".join(one.split()) for one in lines if one.strip().startswith(f"{command} ")]
    return found[0] if found else ""


def _takes_one(parameter: click.Parameter) -> bool:
    if not isinstance(parameter, click.Option):
        return False
    return not (parameter.multiple or parameter.is_flag or parameter.count)


def _is_empty(value: object) -> bool:
    return value == "" or (isinstance(value, list | tuple) and any(map(_is_empty, value)))


def _written(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Option):
        return "/".join(parameter.opts)
    return str(parameter.metavar or parameter.name).upper()
