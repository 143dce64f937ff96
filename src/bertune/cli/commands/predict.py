"""bertune predict."""

from typing import Annotated

import typer

from bertune.cli import options as o


def predict(
    run: o.Run,
    data: Annotated[str, typer.Argument(help="file with texts, or - for one text a line on stdin", metavar="DATA|-")],
    out: o.Out = None, text: o.Text = None, text_pair: o.TextPair = None, as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Answer new texts with a trained model."""
    from bertune.runs.predict import predict_command

    predict_command(run, data, out, {"text": text, "text_pair": text_pair}, o.teller(as_json))
