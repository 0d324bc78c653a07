"""Claims about every command: an option that takes one value is given once."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from itertools import product

import click
import pytest
from samples import Run

from main import run as study
from oodcache.cache.watch import Hint
from oodcache.cli.commands import StrictCommand
from oodcache.cli.main import oodcache as group
from oodcache.cli.options import command_line, note
from oodcache.score.kernel.choice import in_use


def walk(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            assert sub is not None
            yield from walk(sub, *path, name)


COMMANDS = {"main.py": study} | {" ".join(path): command for path, command in walk(group)}
OPTIONS = [
    (name, one)
    for name, command in COMMANDS.items()
    for one in command.params
    if isinstance(one, click.Option)
]


def parsed(name: str, *args: str) -> str:
    """Return the usage error of a command line, "" if there is none."""
    try:
        COMMANDS[name].make_context(name, list(args))
    except click.ClickException as error:
        return error.format_message()
    return ""


def test_every_option_that_takes_one_value_is_refused_twice() -> None:
    of_one = [
        (name, one)
        for name, one in OPTIONS
        if not one.multiple and not one.is_flag and not one.count
    ]
    assert len(of_one) > 80
    for name, one in of_one:
        value = ["1"] * one.nargs
        for first, second in product(one.opts, one.opts):
            wanted = f"{'/'.join(one.opts)} is given twice; it takes one value"
            assert parsed(name, first, *value, second, *value) == wanted


def test_an_empty_value_is_refused_for_every_option_and_argument() -> None:
    for name, command in COMMANDS.items():
        for one in command.params:
            empty = [""] * one.nargs if one.nargs > 0 else ["x", ""]
            typed = [] if isinstance(one, click.Argument) else [one.opts[0]]
            if getattr(one, "is_flag", False):
                continue
            if isinstance(one, click.Argument):
                before = [each for each in command.params if isinstance(each, click.Argument)]
                typed = ["x"] * before.index(one)
            error = parsed(name, *typed, *empty)
            assert error.endswith("is empty: is a shell variable unset?"), (name, one, error)


def test_what_may_repeat_is_not_refused_for_it() -> None:
    for name, one in OPTIONS:
        if one.name not in ("help", "version") and (one.multiple or one.is_flag):
            value = [] if one.is_flag else ["1"]
            assert "is given" not in parsed(name, one.opts[0], *value, one.opts[0], *value)


def test_an_option_given_three_times_is_a_usage_error(oodcache: Run) -> None:
    refused = oodcache("data", "ls", *["--format", "json"] * 3)
    assert refused.status == 2
    assert "--format is given 3 times; it takes one value" in refused.err


def test_one_value_is_typed_and_another_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OODCACHE_DIR", "elsewhere")
    context = COMMANDS["cache ls"].make_context("ls", ["--cache", "here"])
    assert str(context.params["cache"]) == "here"


@pytest.mark.parametrize(
    ("typed", "quiet"),
    [("-q cache ls", True), ("cache ls --quiet", True), ("cache -q ls", True), ("cache ls", False)],
)
def test_quiet_hides_hints_and_never_a_warning(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: str, quiet: bool
) -> None:
    def noted(*_: object) -> list[str]:
        note(Hint("wrote x"))
        note("x has 3 unreadable images")
        return ["a"]

    monkeypatch.setattr("oodcache.cache.store.listing.listed", noted)
    monkeypatch.setattr("oodcache.cache.store.listing.table", lambda *_, **__: "")
    monkeypatch.setattr("oodcache.cli.following.after_listing", lambda *_: None)
    group.main(typed.split(), "oodcache", standalone_mode=False)
    shown = ["x has 3 unreadable images"] if quiet else ["wrote x", "x has 3 unreadable images"]
    assert capsys.readouterr().err.splitlines() == shown


def test_a_command_line_within_a_quiet_one_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    for outer, shown in (([], "hint\n"), (["-q"], "")):
        with group.make_context("oodcache", [*outer, "scores"]):
            inner = command_line(click.Group("g", {"x": QUIET}, params=group.params))
            inner(["x"])
        assert capsys.readouterr().err == shown


QUIET = StrictCommand("x", callback=lambda: note(Hint("hint")))


def test_every_command_can_be_quiet() -> None:
    assert {name for name, one in OPTIONS if one.name == "quiet"} == set(COMMANDS)


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version_and_the_kernel_are_printed(oodcache: Run, option: str) -> None:
    told = f"oodcache, version {version('oodcache')}\nkernel: {in_use()}\n"
    assert oodcache(option).out == told


@pytest.mark.parametrize(
    ("typed", "what", "example"),
    [
        ("calibrate", "Missing option '--model'", "oodcache calibrate --model siglip2 --id pets"),
        ("report", "Missing argument 'RESULTS'", "oodcache report results.json pets=photos/pets"),
        ("cache export", "Missing argument 'FILE'", "oodcache cache export embeddings/tiny-clip"),
    ],
)
def test_what_is_missing_comes_with_an_example(
    oodcache: Run, typed: str, what: str, example: str
) -> None:
    refused = oodcache(*typed.split())
    assert refused.status == 2
    assert f"Error: {what}; for example: {example}" in " ".join(refused.err.split())


@pytest.mark.parametrize("command", ["info", "rm"])
def test_files_that_are_not_named_can_be_listed(oodcache: Run, command: str) -> None:
    refused = oodcache("cache", command)
    assert refused.status == 2
    assert refused.err.endswith("; list the names with: oodcache cache ls\n")
