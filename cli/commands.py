"""What every command is: a click command that rejects an option given twice for one value."""

from __future__ import annotations

from collections import Counter

import click

TIMES = {2: "twice"}


class StrictCommand(click.Command):
    """A command that takes one value of an option once: click itself would keep the last."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Raise UsageError for a repeated option that takes one value; flags may repeat."""
        _, _, typed = self.make_parser(context).parse_args(list(args))
        for option, times in Counter(typed).items():
            if times > 1 and _takes_one(option):
                name, count = "/".join(option.opts), TIMES.get(times, f"{times} times")
                raise click.UsageError(f"{name} is given {count}; it takes one value", context)
        return super().parse_args(context, args)


class StrictGroup(StrictCommand, click.Group):
    """A group of such commands."""

    command_class = StrictCommand


def _takes_one(parameter: click.Parameter) -> bool:
    if not isinstance(parameter, click.Option):
        return False
    return not (parameter.multiple or parameter.is_flag or parameter.count)
