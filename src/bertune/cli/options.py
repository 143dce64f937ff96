"""The options that several commands share."""

from typing import Annotated

import typer

DATA = "file, folder or hf:<dataset> with labelled rows"
Data = Annotated[str, typer.Argument(help=DATA, metavar="DATA")]
MaybeData = Annotated[str | None, typer.Argument(help=DATA, metavar="DATA")]
Run = Annotated[str, typer.Argument(help="folder of a run", metavar="RUN")]
Valid = Annotated[str | None, typer.Option("--valid", help="file with validation rows", metavar="F")]
Test = Annotated[str | None, typer.Option("--test", help="file with test rows", metavar="F")]
Task = Annotated[str | None, typer.Option("--task", help="task; else recognised", metavar="T")]
Text = Annotated[str | None, typer.Option("--text", help="column with the text", metavar="C")]
TextPair = Annotated[str | None, typer.Option("--text-pair", help="column with the second text", metavar="C")]
Label = Annotated[str | None, typer.Option("--label", help="column with the label", metavar="C")]
ModelName = Annotated[str | None, typer.Option("--model", help="hub id, folder or known name", metavar="M")]
Out = Annotated[str | None, typer.Option("--out", help="where to write", metavar="PATH")]
Seed = Annotated[int | None, typer.Option("--seed", help="seed of everything random", metavar="N")]
RecipeFile = Annotated[str | None, typer.Option("--recipe", help="recipe file (TOML)", metavar="F.toml")]
Set = Annotated[list[str] | None, typer.Option("--set", help="one setting of the recipe", metavar="section.key=value")]
Processes = Annotated[int, typer.Option("--processes", min=1, help="processes that learn together here", metavar="N")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines on stdout, nothing else there")]
Language = Annotated[str | None, typer.Option("--language", help="language of the report: en or zh", metavar="L")]


def teller(as_json: bool) -> "Teller":  # type: ignore[name-defined]  # noqa: F821 - imported late
    """Who a command speaks through: JSON lines for machines, else people's lines on stderr.

    Of several processes of one run the first one speaks.
    """
    from bertune.base.processes import asked
    from bertune.runs.telling import Json, People, Silent

    if not asked().leads:
        return Silent()
    return Json() if as_json else People()
