"""bertune evaluate."""

from typing import Annotated

import typer

from bertune.cli import options as o


def evaluate(
    run: o.Run, data: o.Data, text: o.Text = None, text_pair: o.TextPair = None, label: o.Label = None,
    out: Annotated[str | None, typer.Option("--out", help="file for the scores (JSON)", metavar="F.json")] = None,
    slice_: Annotated[list[str] | None, typer.Option("--slice", help="column by whose values to score too; may be "
                                                     "given again", metavar="C")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="how the file is read: data.format, data.encoding, "
                                                   "data.header, .delimiter, .quoting", metavar="key=value")] = None,
    as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Score a trained model on labelled rows, with intervals."""
    from bertune.runs.evaluate import evaluate_command

    columns = {"text": text, "text_pair": text_pair, "label": label}
    evaluate_command(run, data, out, columns, o.teller(as_json), set_ or [], slice_ or [])
