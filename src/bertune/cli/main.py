"""The command line. Commands are files in commands/, imported only when they are called."""

import importlib
import io
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from bertune.base import registry
from bertune.base.processes import asked

HELP = "Fine-tune a BERT from a file of labelled text: checked data, an honest score, a report, a plain model."
NAMES = {"help_option_names": ["-h", "--help"]}


class Lazy(TyperGroup):
    """A group that imports a command's file when the command is called or its own help is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands."""
        return list(registry.names("commands"))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One command; where there is none of this name, an error that names the nearest."""
        names = self.list_commands(ctx)
        if cmd_name not in names:
            ctx.fail(f"there is no command {cmd_name!r}; did you mean {registry.nearest(cmd_name, names)}?")
        module = importlib.import_module(f"bertune.cli.commands.{cmd_name}")
        command = typer.Typer(add_completion=False, rich_markup_mode=None)
        command.command(cmd_name, context_settings=NAMES)(getattr(module, cmd_name))
        return get_command(command)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands with the first line of their docstrings, read without importing them."""
        rows = [(name, registry.describe("commands", name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _version(wanted: bool) -> None:
    if wanted:
        from bertune.base.version import VERSION

        typer.echo(f"bertune {VERSION}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")]
app = typer.Typer(cls=Lazy, help=HELP, add_completion=False, rich_markup_mode=None, context_settings=NAMES)


@app.callback()
def bertune(version: Version = False) -> None:
    """The command line of bertune."""


def _readable_streams(as_json: bool) -> None:
    """JSON lines are UTF-8 everywhere; elsewhere a character that a terminal lacks is shown as its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if as_json and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 our failure, 2 the user's input, 3 and 130 stopped but resumable."""
    from bertune.cli.ending import ending

    arguments = sys.argv[1:] if arguments is None else arguments
    if asked().count > 1:  # torch, which reads it as it is imported, would warn of weights that a head does not use
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    _readable_streams(as_json="--json" in arguments)
    with ending(arguments):
        # Not main(): it turns Ctrl-C into an exit code of its own and drops the message.
        command = get_command(app)
        with command.make_context("bertune", arguments or ["--help"]) as context:
            command.invoke(context)
    sys.exit(0)
