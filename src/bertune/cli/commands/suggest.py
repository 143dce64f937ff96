"""bertune suggest."""

from typing import Annotated

import typer

from bertune.cli import options as o


def suggest(
    run: o.Run,
    data: Annotated[str, typer.Argument(help="file, folder or hf:<dataset> with rows to choose from", metavar="DATA")],
    count: Annotated[int, typer.Option("--count", help="rows to suggest", min=1, metavar="N")] = 20,
    out: Annotated[str | None, typer.Option("--out", help=".parquet or .csv; else stdout", metavar="F")] = None,
    text: o.Text = None, text_pair: o.TextPair = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="how the file is read: data.format, data.encoding, "
                                                   "data.header, .delimiter, .quoting", metavar="key=value")] = None,
    as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Suggest which unlabelled rows to label next: those in doubt, and unlike each other."""
    from bertune.runs.suggest import suggest_command

    columns = {"text": text, "text_pair": text_pair}
    suggest_command(run, data, count, out, columns, o.teller(as_json), set_ or [])
