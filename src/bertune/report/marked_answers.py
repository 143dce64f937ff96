"""Rows of questions: the gold answer and the one given, marked in their context."""

from itertools import pairwise
from math import isfinite
from typing import Any

from markupsafe import Markup

from bertune.report.elements import foreign, join, tag
from bertune.report.entries import figure_of, listed, whole_of
from bertune.report.marked import Passage, key, marked
from bertune.report.words import Words, score

MOST = 200


def key_of(words: Words) -> Markup:
    """What the marks mean."""
    return key({style: words.plain(f"answers.mark.{style}") for style in ("right", "missed", "wrong")})


def beside(row: dict[str, Any], words: Words) -> tuple[Markup, Markup, Markup]:
    """The question above its context with gold and answer marked; the gold; the answer with its probability."""
    context, nothing = str(row.get("text_pair") or ""), words("answers.nothing")
    gold, guess = str(row["label"] or ""), str(row["prediction"] or "")
    question = tag("b", foreign(row.get("text") or "", MOST))
    text = join([question, tag("br"), marked(context, _passages(row, context, gold, guess))])
    sure = figure_of(row.get("probability"))
    told = tag("span", " ", score(sure, 2), class_="cut") if isfinite(sure) else None
    return text, foreign(gold, MOST) if gold else nothing, join([foreign(guess, MOST) if guess else nothing, told])


def _passages(row: dict[str, Any], context: str, gold: str, guess: str) -> list[Passage]:
    """The gold answer and the answer in the context; where they overlap, what they share is right."""
    first = next(iter(listed(row.get("acceptable"))), None)
    at = whole_of(first.get("start"), -1) if isinstance(first, dict) else context.find(gold) if gold else -1
    wanted = (at, at + len(gold)) if gold and at >= 0 else (0, 0)
    start = whole_of(row.get("start"), -1) if guess else -1
    given = (start, start + len(guess)) if start >= 0 else (0, 0)
    edges = sorted({*wanted, *given})
    found = []
    for a, b in pairwise(edges):
        inside = (wanted[0] <= a < wanted[1], given[0] <= a < given[1])
        if any(inside):
            found.append(Passage(a, b, "", {(True, True): "right", (True, False): "missed"}.get(inside, "wrong")))
    return found
