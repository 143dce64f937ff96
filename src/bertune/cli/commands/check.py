"""bertune check."""

from bertune.cli import options as o


def check(
    data: o.MaybeData = None, valid: o.Valid = None, test: o.Test = None, task: o.Task = None, text: o.Text = None,
    text_pair: o.TextPair = None, label: o.Label = None, model: o.ModelName = None, out: o.Out = None,
    recipe: o.RecipeFile = None, set_: o.Set = None, as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Find what is wrong with labelled text before anything is trained on it."""
    from bertune.runs.check import check_command

    flags = {"data": data, "valid": valid, "test": test, "task": task, "text": text, "text_pair": text_pair,
             "label": label, "model": model}  # fmt: skip
    check_command(flags, set_ or [], recipe, out, o.teller(as_json))
