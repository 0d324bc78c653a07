"""What every command is: a click command that rejects repeated options and empty values."""

from __future__ import annotations

from collections import Counter

import click

TIMES = {2: "twice"}


class StrictCommand(click.Command):
    """A command that rejects what click would misread in silence.

    Of an option given twice click keeps the last value; an empty path is the current folder.
    """

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
        return super().parse_args(context, args)


class StrictGroup(StrictCommand, click.Group):
    """A group of such commands."""

    command_class = StrictCommand


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
