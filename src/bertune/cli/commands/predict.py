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
                                                   "data.header, .delimiter, .quoting", metavar="key=value")] = None,
    shards: Annotated[str | None, typer.Option("--shards", help="folder for the answers to each file of the folder "
                                               "DATA, or each part of a file; those done are kept",
                                               metavar="F")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="processes that answer shards",
                                                metavar="N")] = None,
    cluster: Annotated[str | None, typer.Option("--cluster", help="Ray cluster of the workers, also RAY_ADDRESS; else "
                                                "this machine", metavar="ADDRESS")] = None,
    precision: Annotated[str, typer.Option("--precision", help="auto: labels as in fp32, in bf16 where that is sure; "
                                           "or fp32, bf16", metavar="P")] = "auto",
    as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Answer new texts with a trained model."""
    columns, teller = {"text": text, "text_pair": text_pair}, o.teller(as_json)
    if shards is None and workers is None and cluster is None:
        from bertune.runs.predict import predict_command

        predict_command(run, data, out, columns, teller, set_ or [], precision)
        return
    from bertune.runs.predict_shards import Wanted, predict_shards

    if not predict_shards(run, data, Wanted(shards, out, workers, cluster, precision), columns, teller, set_ or []):
        raise typer.Exit(1)
