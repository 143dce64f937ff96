"""bertune predict."""

from typing import Annotated

import typer

from bertune.cli import options as o


def predict(
    run: o.Run,
    data: Annotated[str, typer.Argument(help="file with texts, or - for one text a line on stdin", metavar="DATA|-")],
    out: Annotated[str | None, typer.Option("--out", help=".parquet, .csv or .jsonl; else stdout", metavar="F")] = None,
    text: o.Text = None, text_pair: o.TextPair = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="how the file is read: data.format, data.encoding, "
                                                   "data.delimiter, data.quoting", metavar="key=value")] = None,
    precision: Annotated[str, typer.Option("--precision", help="auto: labels as in fp32, in bf16 where that is sure; "
                                           "or fp32, bf16", metavar="P")] = "auto",
    as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Answer new texts with a trained model."""
    from bertune.runs.predict import predict_command

    columns = {"text": text, "text_pair": text_pair}
    predict_command(run, data, out, columns, o.teller(as_json), set_ or [], precision)
