"""bertune evaluate."""

from bertune.cli import options as o


def evaluate(
    run: o.Run, data: o.Data, text: o.Text = None, text_pair: o.TextPair = None, label: o.Label = None,
    out: o.Out = None, as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Score a trained model on labelled rows, with intervals."""
    from bertune.runs.evaluate import evaluate_command

    evaluate_command(run, data, out, {"text": text, "text_pair": text_pair, "label": label}, o.teller(as_json))
