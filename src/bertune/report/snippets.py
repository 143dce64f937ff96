"""Code to copy that uses the model of a run; stands in the report and in the model card."""

import json
import shlex
from collections.abc import Callable, Mapping

from bertune.base.wording import visible
from bertune.report.entries import whole_of
from bertune.report.folder import RunFolder
from bertune.report.words import Words

USUAL_STRIDE = 64  # tokens that two windows of a long text share, where the recipe does not say
USUAL_ANSWER = 40  # tokens of an answer at most, likewise


def command_line(run: RunFolder, words: Words) -> str:
    """Shell lines that predict a file and judge the model on another."""
    folder = shlex.quote(visible(run.shown))
    search = f"bertune search {folder} texts.csv {shlex.quote(words.plain('use.example_question'))}\n"
    answers = f"bertune predict {folder} {new_file(run)} --out answers.csv"
    return f"{search if run.head in VECTORS else ''}{answers}\nbertune evaluate {folder} {labelled_file(run)}"


def new_file(run: RunFolder) -> str:
    """A name for a file of rows to answer: choices come as lists, and so not as CSV."""
    return "new.jsonl" if run.kind == "choice" else "new.csv"


def labelled_file(run: RunFolder) -> str:
    """A name for a file of rows with labels."""
    return "labelled.jsonl" if run.kind in ("choice", "spans", "answer") else "labelled.csv"


def repeat(run: RunFolder) -> str:
    """The shell line that trains the same model again; of a task that was learnt in another's run, that run."""
    if not run.fact("together.own", True):
        run = RunFolder(run.path.resolve().parent.parent)
    return f"bertune train --recipe {shlex.quote(visible(run.shown))}/recipe.toml"


def python(run: RunFolder, words: Words) -> str:
    """Python lines that load the run and predict."""
    lines = f"import bertune\n\nrun = bertune.load({_quoted(run.shown)})\n"
    if run.kind == "choice":
        return lines + f"run.evaluate({_quoted(labelled_file(run))})"
    return lines + f"run.predict([{_given(run, words)}])"


def transformers(run: RunFolder, words: Words, model: str | None = None) -> str:
    """Python lines that use the saved model without bertune."""
    maker = _OF_HEADS.get(run.head) or _MAKERS.get(run.kind, _of_class)
    return maker(run, words, model if model is not None else f"{run.shown}/model")


def _of_class(run: RunFolder, words: Words, folder: str) -> str:
    return (
        "from transformers import pipeline\n\n"
        f'classify = pipeline("text-classification", model={_quoted(folder)})\nclassify({_call(run, words)})'
    )


def _of_value(run: RunFolder, words: Words, folder: str) -> str:
    return (
        "from transformers import pipeline\n\n"
        f'rate = pipeline("text-classification", model={_quoted(folder)}, function_to_apply="none")\n'
        f"found = rate({_call(run, words)})\n"
        'found = found if isinstance(found, dict) else found[0]\nprint(found["score"])'
    )


def _of_labels(run: RunFolder, words: Words, folder: str) -> str:
    path = _quoted(folder)
    return (
        "import json\nfrom pathlib import Path\n\nfrom transformers import pipeline\n\n"
        f'about = json.loads(Path({path}, "bertune.json").read_text(encoding="utf-8"))\n'
        'given_from = about["more"].get("thresholds", [0.5] * len(about["classes"]))\n'
        'given_from = dict(zip(about["classes"], given_from))\n'
        f'label = pipeline("text-classification", model={path}, top_k=None, function_to_apply="sigmoid")\n'
        f"found = label([{_call(run, words)}])[0]\n"
        'print([x["label"] for x in found if x["score"] >= given_from[x["label"]]])'
    )


def _of_spans(run: RunFolder, words: Words, folder: str) -> str:
    longest = whole_of(run.fact("lengths.max_length"))
    stride = min(whole_of(run.recipe.get("task.stride"), USUAL_STRIDE), longest // 3)
    windows = f", stride={stride}" if stride > 0 else ""
    return (
        "from transformers import pipeline\n\n"
        f'find = pipeline("token-classification", model={_quoted(folder)}, aggregation_strategy="simple"{windows})\n'
        f"find({_text(run, words)})"
    )


def _of_answer(run: RunFolder, words: Words, folder: str) -> str:
    longest = whole_of(run.fact("lengths.max_length"))
    limit = f"max_length={longest}, " if longest else ""
    longest_answer = whole_of(run.recipe.get("task.longest_answer"), USUAL_ANSWER)
    return (
        "import torch\nfrom transformers import AutoModelForQuestionAnswering, AutoTokenizer\n\n"
        f"tokenizer = AutoTokenizer.from_pretrained({_quoted(folder)})\n"
        f"model = AutoModelForQuestionAnswering.from_pretrained({_quoted(folder)}).eval()\n"
        f"question, context = {_example(words, 'question')}, {_example(words, 'context')}\n"
        f'given = tokenizer(question, context, truncation="only_second", {limit}return_offsets_mapping=True,\n'
        '                  return_tensors="pt")\n'
        'places, part = given.pop("offset_mapping")[0], given.sequence_ids(0)\n'
        "with torch.no_grad():\n    found = model(**given)\n"
        "scores = found.start_logits[0][:, None] + found.end_logits[0]\n"
        "inside = torch.tensor([p == 1 for p in part])\n"
        f"good = (inside[:, None] & inside).triu().tril({longest_answer - 1})  # ends after its start, not far\n"
        'best = int(scores.masked_fill(~good, -float("inf")).argmax())\n'
        "first, last = divmod(best, len(part))\n"
        "print(context[places[first][0]:places[last][1]])"
    )


def _of_choice(run: RunFolder, words: Words, folder: str) -> str:
    choices = ", ".join(_quoted(choice) for choice in words.plain("use.example_choices").split("|"))
    return (
        "import torch\nfrom transformers import AutoModelForMultipleChoice, AutoTokenizer\n\n"
        f"tokenizer = AutoTokenizer.from_pretrained({_quoted(folder)})\n"
        f"model = AutoModelForMultipleChoice.from_pretrained({_quoted(folder)}).eval()\n"
        f"question, choices = {_example(words, 'asked')}, [{choices}]\n"
        f'given = tokenizer([question] * len(choices), choices, {_limit(run)}padding=True, return_tensors="pt")\n'
        "with torch.no_grad():\n"
        "    found = model(**{name: values[None] for name, values in given.items()}).logits[0]\n"
        "print(choices[int(found.argmax())], found.softmax(0).tolist())"
    )


def _of_vectors(run: RunFolder, words: Words, folder: str) -> str:
    return (
        "import torch\nfrom transformers import AutoModel, AutoTokenizer\n\n"
        f"tokenizer = AutoTokenizer.from_pretrained({_quoted(folder)})\n"
        f"model = AutoModel.from_pretrained({_quoted(folder)}).eval()\n"
        f"texts = [{_example(words, 'question')}, {_example(words, 'context')}]\n"
        f'given = tokenizer(texts, {_limit(run)}padding=True, return_tensors="pt")\n'
        "with torch.no_grad():\n    states = model(**given).last_hidden_state\n"
        'real = given["attention_mask"][:, :, None]\n'
        "vectors = (states * real).sum(1) / real.sum(1)\n"
        "print(float(torch.cosine_similarity(vectors[:1], vectors[1:])))"
    )


def _of_ranked_pairs(run: RunFolder, words: Words, folder: str) -> str:
    return (
        "import torch\nfrom transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n"
        f"tokenizer = AutoTokenizer.from_pretrained({_quoted(folder)})\n"
        f"model = AutoModelForSequenceClassification.from_pretrained({_quoted(folder)}).eval()\n"
        f"query, texts = {_example(words, 'question')}, [{_example(words, 'context')}, {_example(words, 'asked')}]\n"
        f'given = tokenizer([query] * len(texts), texts, {_limit(run)}padding=True, return_tensors="pt")\n'
        "with torch.no_grad():\n    found = model(**given).logits[:, 0]\n"
        "print(found.tolist())"
    )


def _limit(run: RunFolder) -> str:
    longest = whole_of(run.fact("lengths.max_length"))
    return f"truncation=True, max_length={longest}, " if longest else ""


VECTORS = ("sentence_embedding", "sentence_ranking")
_OF_HEADS: Mapping[str, Callable[[RunFolder, Words, str], str]] = {
    **dict.fromkeys(VECTORS, _of_vectors), "pair_ranking": _of_ranked_pairs,
}  # fmt: skip
_MAKERS: Mapping[str, Callable[[RunFolder, Words, str], str]] = {
    "value": _of_value, "labels": _of_labels, "spans": _of_spans, "answer": _of_answer, "choice": _of_choice,
}  # fmt: skip


def _pairs(run: RunFolder) -> bool:
    return bool(run.fact("columns.text_pair"))


def _call(run: RunFolder, words: Words) -> str:
    text = _text(run, words)
    return "{" + f'"text": {text}, "text_pair": {text}' + "}" if _pairs(run) else text


def _text(run: RunFolder, words: Words) -> str:
    own = f"use.example_{run.kind}"
    return _quoted(words.plain(own if own in words else "use.example"))


def _example(words: Words, what: str) -> str:
    return _quoted(words.plain(f"use.example_{what}"))


def _given(run: RunFolder, words: Words) -> str:
    if run.kind == "answer":
        return f"({_example(words, 'question')}, {_example(words, 'context')})"
    return f"({_text(run, words)}, {_text(run, words)})" if _pairs(run) else _text(run, words)


def _quoted(text: str) -> str:
    return json.dumps(visible(text), ensure_ascii=False)
