"""Rows of texts with entities: the gold and the answered ones marked in them."""

from typing import Any

from markupsafe import Markup

from bertune.report.entries import whole_of
from bertune.report.marked import Passage, around, key, marked
from bertune.report.words import Words

Entities = set[tuple[int, int, str]]


def entities(value: Any) -> Entities:
    """Entities as they stand in a file of predictions: (start, end, type)."""
    found = value if isinstance(value, list) else []
    return {(whole_of(e.get("start"), -1), whole_of(e.get("end"), -1), str(e.get("label"))) for e in found if e}


def key_of(words: Words) -> Markup:
    """What the marks mean."""
    return key({style: words.plain(f"entities.mark.{style}") for style in ("right", "missed", "wrong")})


def beside(row: dict[str, Any]) -> tuple[Markup, Markup]:
    """The text of a row twice: with the gold entities, and with those that were answered."""
    text, gold, guess = str(row.get("text") or ""), entities(row["label"]), entities(row["prediction"])
    wanted = [Passage(*e, "right" if e in guess else "missed") for e in gold]
    given = [Passage(*e, "right" if e in gold else "wrong") for e in guess]
    parts = around(text, [p for p in (*wanted, *given) if p.style != "right"] or [*wanted, *given])
    return marked(text, wanted, parts), marked(text, given, parts)
