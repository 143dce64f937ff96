"""The ninth part: how the model was made."""

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any

from markupsafe import Markup

from bertune.report.elements import code, fold, foreign, join, paragraph, section, table, tag
from bertune.report.entries import figure_of, listed, whole_of
from bertune.report.folder import RunFolder
from bertune.report.snippets import repeat
from bertune.report.words import Words, number

ORDER = 90


class Made:
    """Versions, machine, time and digests, the recipe with what differs from the default, and the command."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        parts = [*_facts(run, words), *_recipe(run, words), *_repeat(run, words)]
        return section("made", words.plain("made.title"), *parts) if parts else None


def _facts(run: RunFolder, words: Words) -> Iterator[Markup]:
    model = run.table("model")
    rows: list[tuple[str, object]] = [
        ("model", model.get("name", "")),
        ("why", model.get("reason", "")),
        ("seconds", words.duration(figure_of(run.fact("seconds")))),
        ("speed", _speed(run, words)),
        ("machine", _joined(run.table("machine"), words)),
        ("versions", _joined({"bertune": run.fact("bertune", ""), **run.table("versions")}, words)),
        ("seed", run.fact("seed", "")),
        ("together", _together(run, words)),
        ("data_digest", _digest(run.fact("data.digest"))),
        ("model_digest", _digest(model.get("digest"))),
    ]
    known = [(key, value) for key, value in rows if str(value) not in ("", "–")]
    if known:
        pairs = [join([tag("dt", words(f"made.{k}")), tag("dd", _cut(v))]) for k, v in known]
        yield tag("dl", *pairs, class_="facts")


def _cut(value: object) -> Markup:
    return value if isinstance(value, Markup) else foreign(value, 300)


def _digest(value: object) -> Markup | str:
    return tag("code", str(value)[:100]) if value else ""


def _joined(table_of: dict[str, Any], words: Words) -> Markup:
    return words.listing(
        [foreign(f"{k.replace('_', ' ')} {_shown(v)}", 120) for k, v in table_of.items() if v not in (None, "")]
    )


def _speed(run: RunFolder, words: Words) -> Markup | str:
    texts, tokens = (figure_of(run.fact(f"speed.train_{k}_per_second")) for k in ("texts", "tokens"))
    memory = figure_of(run.fact("speed.peak_memory_gb"))
    told = []
    if isfinite(texts):
        told.append(words("made.texts_per_second", n=number(texts)))
    if isfinite(tokens):
        told.append(words("made.tokens_per_second", n=number(tokens)))
    if isfinite(memory):
        told.append(words("made.memory", n=f"{memory:.1f}"))
    return words.listing(told) if told else ""


def _together(run: RunFolder, words: Words) -> Markup | str:
    """The tasks that were learnt at once with this one."""
    others = [other for other in listed(run.fact("together.with")) if isinstance(other, dict)]
    return words.listing([
        words("made.together_with", name=foreign(other.get("name", ""), 80), task=foreign(other.get("task", ""), 40),
              rows=number(whole_of(other.get("rows"))))
        for other in others
    ]) if others else ""  # fmt: skip


def _shown(value: object) -> str:
    """A setting as it is written in the recipe."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _recipe(run: RunFolder, words: Words) -> Iterator[Markup]:
    changed = run.table("changed")
    if not run.recipe and not changed:
        return
    yield tag("h3", words("made.recipe"))
    if changed:
        known = [k for k in ("value", "default") if any(isinstance(e, dict) and k in e for e in changed.values())]
        heads = [words(f"made.head.{k}") for k in ("setting", *known)]
        rows = [[foreign(key, 80), *(_value(entry, k) for k in known)] for key, entry in changed.items()]
        yield paragraph(words("made.changed", settings=words.count("settings", len(changed))))
        yield table(
            heads,
            rows,
            kinds="m" * len(heads),
            label=words.plain("made.recipe"),
            styles=dict.fromkeys(range(len(rows)), "changed"),
        )
    else:
        yield paragraph(words("made.unchanged"))
    if run.recipe:
        heads = [words(f"made.head.{k}") for k in ("setting", "value")]
        keys = list(run.recipe)
        styles = {n: "changed" for n, key in enumerate(keys) if key in changed}
        rows = [[foreign(key, 80), foreign(_shown(run.recipe[key]), 200)] for key in keys]
        whole = table(heads, rows, kinds="mm", label=words.plain("made.recipe"), styles=styles)
        yield fold(words("made.all", n=number(len(keys))), whole)


def _value(entry: object, key: str) -> Markup:
    return foreign(_shown(entry.get(key) if isinstance(entry, dict) else entry), 200)


def _repeat(run: RunFolder, words: Words) -> Iterator[Markup]:
    if not run.recipe:
        return
    yield tag("h3", words("made.repeat"))
    alone = run.fact("together.own", True)
    yield paragraph(words("made.repeat_lead" if alone else "made.part_lead"))
    yield code(repeat(run))
    command = run.fact("command")
    if isinstance(command, list) and command:
        yield paragraph(words("made.command", command=tag("code", " ".join(str(c) for c in command)[:400])))
