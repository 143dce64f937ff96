"""Code to copy that uses the model of a run; stands in the report and in the model card."""

import json
import shlex

from bertune.base.wording import visible
from bertune.report.folder import RunFolder
from bertune.report.words import Words


def command_line(run: RunFolder, words: Words) -> str:
    """Shell lines that predict a file and judge the model on another."""
    folder = shlex.quote(visible(run.shown))
    return f"bertune predict {folder} new.csv --out answers.csv\nbertune evaluate {folder} labelled.csv"


def repeat(run: RunFolder) -> str:
    """The shell line that trains the same model again."""
    return f"bertune train --recipe {shlex.quote(visible(run.shown))}/recipe.toml"


def python(run: RunFolder, words: Words) -> str:
    """Python lines that load the run and predict."""
    given = _given(run, words)
    return f"import bertune\n\nrun = bertune.load({_quoted(run.shown)})\nrun.predict([{given}])"


def transformers(run: RunFolder, words: Words, model: str | None = None) -> str:
    """Python lines that use the saved model without bertune."""
    call = "{" + f'"text": {_text(words)}, "text_pair": {_text(words)}' + "}" if _pairs(run) else _text(words)
    folder = model if model is not None else f"{run.shown}/model"
    return (
        "from transformers import pipeline\n\n"
        f'classify = pipeline("text-classification", model={_quoted(folder)})\nclassify({call})'
    )


def _pairs(run: RunFolder) -> bool:
    return bool(run.fact("columns.text_pair"))


def _text(words: Words) -> str:
    return _quoted(words.plain("use.example"))


def _given(run: RunFolder, words: Words) -> str:
    return f"({_text(words)}, {_text(words)})" if _pairs(run) else _text(words)


def _quoted(text: str) -> str:
    return json.dumps(visible(text), ensure_ascii=False)
