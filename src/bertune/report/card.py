"""Writes the model card: Markdown with a YAML head, for `model/README.md`. Holds no text of the data."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bertune.base.types import Score
from bertune.base.wording import visible
from bertune.report.entries import figure_of, whole_of
from bertune.report.folder import RunFolder
from bertune.report.judgement import judge
from bertune.report.sections.verdict import headline, reason_text
from bertune.report.snippets import python, transformers
from bertune.report.words import Words, number, score

MOST_CLASSES = 200
TAGS = {"spans": "token-classification", "answer": "question-answering", "choice": "multiple-choice"}
TAGS_OF_HEADS = {
    "sentence_embedding": "sentence-similarity", "sentence_ranking": "sentence-similarity",
    "pair_ranking": "text-ranking",
}  # fmt: skip
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~&$])")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def card(run: Path, language: str = "en") -> str:
    """The model card of a run folder as Markdown.

    Raises DataError when a file of the run is damaged, BertuneError for a language that is not `en` or `zh`.
    """
    folder, words = RunFolder(run), Words(language)
    with folder.reading("the model card"):
        parts = [*_head(folder), *_top(folder, words), *_scores(folder, words), *_limits(folder, words)]
        return "\n".join([*parts, *_use(folder, words), *_made(folder, words)]).rstrip() + "\n"


def _tag(run: RunFolder) -> str:
    """What the hub calls such a model."""
    return TAGS_OF_HEADS.get(run.head) or TAGS.get(run.kind, "text-classification")


def plain(text: object) -> str:
    """A text of the user's as one line of Markdown that shows it and nothing else."""
    return _SPECIAL.sub(r"\\\1", visible(" ".join(str(text).split())))


def _told(sentence: Markup) -> str:
    """A sentence of the report as Markdown."""
    return plain(sentence.striptags())


def _yaml(value: object) -> str:
    """A YAML scalar or flow list; JSON is both."""
    return json.dumps(value, ensure_ascii=True)


def _head(run: RunFolder) -> Iterator[str]:
    yield "---"
    languages = [str(x) for x in run.fact("model.languages", []) if str(x) not in ("*", "")]
    if languages:
        yield f"language: {_yaml(languages)}"
    yield "library_name: transformers"
    yield f"pipeline_tag: {_tag(run)}"
    yield f'tags: ["bertune", "{_tag(run)}"]'
    source = str(run.fact("model.source", run.fact("model.name", ""))).removeprefix("hub:")
    if _HUB_ID.fullmatch(source):
        yield f"base_model: {_yaml(source)}"
    results = {k: v for k, v in run.scores("test").items() if math.isfinite(v.value)}
    if results:
        yield f"metrics: {_yaml(list(results))}"
        yield "model-index:"
        yield f"- name: {_yaml(visible(run.name))}"
        yield "  results:"
        yield f'  - task: {{"type": "{_tag(run)}"}}'
        yield '    dataset: {"type": "custom", "name": "held-out test rows"}'
        yield "    metrics:"
        for metric, value in results.items():
            yield f'    - {{"type": {_yaml(metric)}, "value": {value.value:.6g}}}'
    yield "---"
    yield ""


def _top(run: RunFolder, words: Words) -> Iterator[str]:
    judgement = judge(run)
    yield f"# {plain(run.name)}"
    yield ""
    yield _told(headline(run, words))
    yield ""
    lead = f"card.lead_{run.kind}"
    yield words.plain(lead if lead in words else "card.lead", version=plain(run.fact("bertune", "")))
    yield ""
    yield f"**{words.plain('card.verdict')}: {words.plain('verdict.' + judgement.light)}**"
    yield ""
    yield from (f"- {_told(reason_text(reason, run, words))}" for reason in judgement.reasons)
    yield ""
    yield from _classes(run, words)


def _classes(run: RunFolder, words: Words) -> Iterator[str]:
    """What is told apart; positions of choices are no classes."""
    known = run.types if run.kind == "spans" else run.classes
    if not known or run.kind == "choice":
        return
    yield f"## {words.plain({'spans': 'card.types', 'labels': 'card.labels'}.get(run.kind, 'card.classes'))}"
    yield ""
    more = [] if len(known) <= MOST_CLASSES else [f"+{len(known) - MOST_CLASSES}"]
    yield ", ".join([*(plain(c) for c in known[:MOST_CLASSES]), *more])
    yield ""


def _scores(run: RunFolder, words: Words) -> Iterator[str]:
    own = run.scores("test")
    if not own:
        return
    known = [who for who, scores in run.baselines.items() if scores]
    heads = [words.plain(f"card.{k}") for k in ("metric", "model", "interval")]
    heads += [plain(words.known("baseline", who)) for who in known]
    yield f"## {words.plain('card.scores')}"
    yield ""
    yield _row(heads)
    yield _row(["---"] * len(heads))
    for metric, value in sorted(own.items(), key=lambda pair: pair[0] != run.metric):
        cells = [plain(words.metric(metric)), score(value.value), _between(value)]
        yield _row([*cells, *(_of(run.baselines[who], metric) for who in known)])
    yield ""
    n = max(value.n for value in own.values())
    if n:
        yield words.plain("card.rows", rows=words.count("rows", n))
        yield ""


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _between(value: Score) -> str:
    return f"{score(value.low)} – {score(value.high)}" if math.isfinite(value.low) else ""


def _of(scores: Mapping[str, Score], metric: str) -> str:
    return score(scores[metric].value) if metric in scores else ""


def _limits(run: RunFolder, words: Words) -> Iterator[str]:
    yield f"## {words.plain('card.limits')}"
    yield ""
    yield f"- {words.plain('card.limit_domain')}"
    length, languages = run.fact("lengths.max_length"), run.fact("model.languages", [])
    if length and not run.windowed:
        yield f"- {words.plain('card.limit_length', n=number(figure_of(length)))}"
    if languages and "*" not in languages:
        yield f"- {words.plain('card.limit_language', languages=', '.join(plain(x) for x in languages))}"
    own = f"card.limit_{run.kind}"
    if own in words:
        yield f"- {words.plain(own)}"
    elif run.classes:
        yield f"- {words.plain('card.limit_label')}"
    if run.recipe.get("task.by"):
        yield f"- {words.plain('card.limit_by', column=plain(run.recipe['task.by']))}"
    if run.recipe.get("task.rounding", "none") != "none":
        yield f"- {words.plain('card.limit_rounding')}"
    if run.recipe.get("task.crf") is True:
        yield f"- {words.plain('card.limit_crf')}"
    if run.recipe.get("task.long_texts") == "windows" and run.recipe.get("task.pooling") == "attention":
        yield f"- {words.plain('card.limit_attention')}"
    yield ""


def _use(run: RunFolder, words: Words) -> Iterator[str]:
    yield f"## {words.plain('card.use')}"
    for block in (transformers(run, words, model="."), python(run, words)):
        yield from ("", "```python", block, "```")
    yield ""
    temperature = figure_of(run.fact("temperature"))
    if math.isfinite(temperature) and run.kind in ("class", "choice"):
        yield words.plain("card.temperature", t=score(temperature, 2))
        yield ""


def _made(run: RunFolder, words: Words) -> Iterator[str]:
    yield f"## {words.plain('card.made')}"
    yield ""
    facts: list[tuple[str, Any]] = [("seed", run.fact("seed")), ("data_digest", run.fact("data.digest"))]
    name = run.fact("model.name")
    if name:
        yield f"- {words.plain('card.base', name=plain(name))}"
    rows = run.fact("data.rows")
    if rows is not None:
        yield f"- {words.plain('card.data')}: {words.count('rows', rows)}"
    if copies := whole_of(run.fact("augmented.rows")):
        yield f"- {words.plain('card.copies', copies=words.count('copies', copies))}"
    if run.guesses:
        yield f"- {words.plain('card.guesses', rows=words.count('unlabelled', run.guesses))}"
    yield from (f"- {words.plain('made.' + key)}: {plain(value)}" for key, value in facts if value is not None)
    yield ""
    yield words.plain("card.repeat")
