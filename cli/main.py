"""The command group `oodcache`, and the one place where an error becomes an exit status."""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import sys
from importlib import import_module
from typing import Any

import click

from oodcache.cache.errors import InputError
from oodcache.cache.format.versions import VERSION
from oodcache.cache.text import printable, readable, shortened
from oodcache.cli import stopping, streams
from oodcache.cli.commands import StrictGroup
from oodcache.cli.options import SETTINGS, TYPED

# In the order of use. Each is the command of this name in the file of this name.
COMMANDS = (
    *("demo", "data", "extract", "negatives", "score", "scores", "metrics", "report", "plot"),
    *("calibrate", "detect", "cache", "benchmark", "reproduce"),
)

# With a folder for each class in pets/, and other images in strays/.
QUICK_START = """\
oodcache extract --model clip --classes pets=pets/ pets=pets/ strays=strays/
oodcache score --model clip --id pets --ood strays --output results.json
oodcache report results.json pets=pets/ strays=strays/ -o report.html
oodcache calibrate --model clip --id pets --score mcm --alpha 0.05 -o d.json
oodcache detect d.json strays/"""
GARBAGE = 10_000  # New objects after which Python looks for garbage; its own number is 700.
TRY = "try it, nothing is downloaded: oodcache demo; all commands: oodcache -h"


class Ordered(StrictGroup):
    """A group that lists its commands in the order of use, and imports those that are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names in the order of use."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return the command of this name, None if there is none."""
        if name in COMMANDS and name not in self.commands:
            self.add_command(getattr(import_module(f"oodcache.cli.{name}"), name))
        return super().get_command(context, name)

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments as typed, for the provenance of results; print QUICK_START if none."""
        if not args and not context.resilient_parsing:
            click.echo(QUICK_START)
            click.echo(TRY, err=True)
            context.exit()
        context.meta[TYPED] = [readable(one) for one in args]
        return super().parse_args(context, args)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; raise Interrupted on Ctrl-C."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt as error:
            raise stopping.Interrupted from error


def print_version(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    """Print the version and the kernel in use, and exit, if it `is_asked` for."""
    if is_asked and not context.resilient_parsing:
        from oodcache.score.kernel.choice import in_use

        click.echo(f"oodcache, version {VERSION}\nkernel: {in_use()}")
        context.exit()


@click.group(cls=Ordered, context_settings=SETTINGS)
@click.option(
    *("-V", "--version"),
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Show the version and the kernel in use, and exit.",
)
def oodcache() -> None:
    """Compare zero-shot out-of-distribution (OOD) scores on cached embeddings.

    \b
    Try it; nothing is downloaded:
        oodcache demo
    On your own images, extract once (needs PyTorch), then score (CPU only):
        oodcache extract --model siglip2 --classes pets=names.txt pets=photos/pets strays=photos/x
        oodcache score --model siglip2 --id pets --ood strays
    Turn the best score into a detector, and apply it to new images:
        oodcache calibrate --model siglip2 --id pets --score mcm --alpha 0.05 -o detector.json
        oodcache detect detector.json photos/new
    """


def main(command: click.Command = oodcache, name: str = "oodcache") -> None:
    """Run a command line and exit with its status.

    0 is success, 1 a user error (one line), 2 a usage error, 130 Ctrl-C, 143 SIGTERM. Any other
    exception is a bug and keeps its traceback.
    """
    _collect_rarely()
    streams.prepare()
    stopping.listen()
    try:
        _run(command, name)
    except (KeyboardInterrupt, stopping.Interrupted, click.Abort):
        _stopped(130)
    except stopping.Terminated:
        _stopped(143)
    except Exception:
        _unless_stopped()
        raise


def _collect_rarely() -> None:
    """Look for garbage less often, and not at the end: it took a tenth of a short command."""
    gc.set_threshold(GARBAGE)
    atexit.register(gc.freeze)


def _run(command: click.Command, name: str) -> None:
    """Run the command line; on an error that the user can fix, print one line and exit."""
    try:
        command.main(prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        _show(error)
        sys.exit(error.exit_code)
    except InputError as error:
        _fail(str(error))
    except MemoryError as error:
        _fail(f"out of memory: {str(error) or 'no incomplete file was written'}")
    except BrokenPipeError:
        # The reader (`| head`) has gone.
        _drop_stdout()
        sys.exit(1)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            _fail("too many open files: raise the limit (ulimit -n 1024), or use fewer --workers")
        if error.filename is None:
            # Our writers name their file: an error without a name is standard output's.
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
                raise
            _drop_stdout()
            what = f"cannot write to standard output: {error.strerror}"
            _fail(f"{what}; redirect it to a disk with free space")
        _fail(f"{os.fsdecode(error.filename)}: {error.strerror}")


def _drop_stdout() -> None:
    """Discard buffered output so that it cannot raise at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stopped(status: int) -> None:
    stopping.silence()
    # Overwrite the ^C that a terminal shows, and leave no empty line below a bar.
    start = "\r" if sys.stderr.isatty() else ""
    print(f"{start}oodcache: {stopping.message()}", file=sys.stderr)
    sys.exit(status)


def _unless_stopped() -> None:
    """Exit as stopped if a signal arrived: a library may have turned it into its own error."""
    if status := stopping.status():
        _stopped(status)


def _show(error: click.ClickException) -> None:
    text = io.StringIO()
    error.show(text)
    for line in text.getvalue().splitlines():
        print(shortened(line), file=sys.stderr)


def _fail(message: str) -> None:
    _unless_stopped()
    print(f"oodcache: {shortened(printable(message))}", file=sys.stderr)
    sys.exit(1)
