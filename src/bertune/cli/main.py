"""The command line. Commands are files in commands/, imported only when they are called."""

import importlib
import sys
from typing import Any

import click
import typer
from typer.main import get_command

from bertune.base import registry

HELP = "Fine-tune a BERT from a file of labelled text: checked data, an honest score, a report, a plain model."


class Lazy(click.Group):
    """A group that imports a command's file when the command is called or its own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(registry.names("commands"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command, or None where there is none of this name."""
        if cmd_name not in registry.names("commands"):
            near = registry.nearest(cmd_name, list(registry.names("commands")))
            ctx.fail(f"there is no command {cmd_name!r}; did you mean {near}?")
        module = importlib.import_module(f"bertune.cli.commands.{cmd_name}")
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(cmd_name)(getattr(module, cmd_name))
        return get_command(app)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the first line of their docstrings, read without importing them."""
        rows = [(name, registry.describe("commands", name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _version(ctx: click.Context, param: Any, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from bertune import __version__

        click.echo(f"bertune {__version__}")
        ctx.exit()


@click.group(cls=Lazy, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def app() -> None:
    """The command line of bertune."""


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 our failure, 2 the user's input, 3 and 130 stopped but resumable."""
    from bertune.cli.ending import ending

    with ending():
        app.main(args=arguments, prog_name="bertune", standalone_mode=False)
    sys.exit(0)
