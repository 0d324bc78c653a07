"""Claims about the groups of options in help, and about the help of each option."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from samples import Run

from oodcache.cli import groups
from oodcache.cli.commands import StrictCommand
from oodcache.cli.main import oodcache as root

LARGE = ("score", "metrics", "extract", "plot", "report", "calibrate", "negatives", "benchmark run")
HEADINGS = [*groups.ORDER, "Commands"]


def walk(command: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            assert sub is not None
            yield from walk(sub, *path, name)


COMMANDS = dict(walk(root))


def shown(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


@pytest.mark.parametrize("name", LARGE)
def test_every_option_of_a_large_command_has_a_group(name: str) -> None:
    without = [
        one.opts[-1]
        for one in shown(COMMANDS[name])
        if groups.heading_of(one) == groups.OTHERS.heading
    ]
    assert without == [], "write SETS.option, SCORES.option … instead of click.option"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_each_option_once_below_a_heading_in_order(oodcache: Run, name: str) -> None:
    text = oodcache(*name.split(), "--help").out
    headings = re.findall(r"^([A-Z]\w*):$", text, re.MULTILINE)
    assert headings == [one for one in HEADINGS if one in headings]
    listed = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.MULTILINE)
    wanted = [max(one.opts, key=len) for one in shown(COMMANDS[name])]
    assert sorted(listed) == sorted([*wanted, "--help"])


def test_the_groups_of_score_are_sets_scores_measures_and_output(oodcache: Run) -> None:
    text = oodcache("score", "--help").out
    assert re.findall(r"^([A-Z]\w*):$", text, re.MULTILINE) == [
        "Sets",
        "Scores",
        "Measures",
        "Output",
    ]
    assert text.index("Scores:") < text.index("--bank NAME[:N") < text.index("Measures:")


def test_a_command_of_few_options_lists_them_together(oodcache: Run) -> None:
    for command in (("cache", "ls"), ("data", "fetch")):
        text = oodcache(*command, "--help").out
        assert re.findall(r"^([A-Z]\w*):$", text, re.MULTILINE) == ["Options"]
    listed = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.MULTILINE)
    assert listed == ["--data-root", "--mirror", "--quiet", "--help"]


def test_an_option_without_a_group_of_a_command_with_groups_is_listed_before_output() -> None:
    params = [groups.SETS.option(f"--set-{at}")(lambda: None) for at in range(9)]
    options = [one.__click_params__[0] for one in params]  # type: ignore[attr-defined]
    command = StrictCommand("x", params=[*options, click.Option(["--other"])])
    found = dict(groups.sections(command, click.Context(command)))
    assert list(found) == ["Sets", "Options", "Output"]
    assert [one for one, _ in found["Options"]] == ["--other TEXT"]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_of_an_option_is_a_fragment(name: str) -> None:
    for one in shown(COMMANDS[name]):
        whole = one.help or ""
        assert re.fullmatch(r"[A-Z].{8,}(\.|\]|: --\S.*)", whole), (one.opts, whole)
        assert not re.match(r"(Of|For|NAME)\b", whole), (one.opts, whole)
