"""The groups of options in a command's help, and the options that belong to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

Record = tuple[str, str]  # An option with its values, and its help.
OF_ALL = {"--quiet", "--help", "--version"}
FEW = 8  # Options of a command that are listed without groups.


class GroupedOption(click.Option):
    """An option that names the heading under which help lists it."""

    def __init__(self, *declarations: Any, heading: str, **given: Any) -> None:
        super().__init__(*declarations, **given)
        self.heading = heading


@dataclass(frozen=True)
class OptionGroup:
    """A heading in help; its `option` is click's, for an option below that heading."""

    heading: str

    def option(
        self, *declarations: str, cls: type[GroupedOption] = GroupedOption, **given: Any
    ) -> Callable[..., Any]:
        """Return click's decorator for an option of this group."""
        return click.option(*declarations, cls=cls, heading=self.heading, **given)


MODEL = OptionGroup("Model")
SETS = OptionGroup("Sets")
SCORES = OptionGroup("Scores")
MEASURES = OptionGroup("Measures")
WORDS = OptionGroup("Words")
THRESHOLD = OptionGroup("Threshold")
RUN = OptionGroup("Run")
OUTPUT = OptionGroup("Output")
OTHERS = OptionGroup("Options")
IN_ORDER = (MODEL, SETS, SCORES, WORDS, MEASURES, THRESHOLD, RUN, OTHERS, OUTPUT)
ORDER = tuple(one.heading for one in IN_ORDER)


def heading_of(option: click.Parameter) -> str:
    """Return the heading of an option; those that come with every command are output's."""
    if isinstance(option, GroupedOption):
        return option.heading
    return (OUTPUT if OF_ALL.intersection(option.opts) else OTHERS).heading


def sections(command: click.Command, context: click.Context) -> list[tuple[str, list[Record]]]:
    """Return each heading of a command's help with its options; a few options have one heading."""
    records = [
        (heading_of(one), record)
        for one in command.get_params(context)
        if not isinstance(one, click.Argument)
        and (record := one.get_help_record(context)) is not None
    ]
    named = dict.fromkeys(heading for heading, _ in records)
    if len(records) <= FEW or not named.keys() - {OTHERS.heading, OUTPUT.heading}:
        return [(OTHERS.heading, [record for _, record in records])]
    return [
        (heading, [record for of, record in records if of == heading])
        for heading in sorted(named, key=ORDER.index)
    ]
