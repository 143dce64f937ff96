"""Of entities: what kinds of mistakes were made, with examples."""

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from bertune.report.elements import paragraph, section, table, tag
from bertune.report.entries import place_of, whole_of
from bertune.report.folder import RunFolder
from bertune.report.kinds_of_mistakes import kinds_of, rows_of, table_of_kinds
from bertune.report.marked_entities import beside, key_of
from bertune.report.places import only_file, where
from bertune.report.words import Words, number

ORDER = 64
KINDS = ("type", "boundary", "both", "missed", "invented")


class Entities:
    """Wrong entities by kind (type, boundary, both, missed, invented), and rows with the gold and the answered ones."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        found = kinds_of(run, KINDS)
        if not found:
            return None
        if not any(whole_of(entry.get("n")) for entry in found.values()):
            return section("entities", words.plain("entities.title"), paragraph(words("entities.none")))
        worst = max(found, key=lambda k: whole_of(found[k].get("n")))
        n, total = whole_of(found[worst].get("n")), sum(whole_of(e.get("n")) for e in found.values())
        lead = words("entities.lead", n=number(n), total=number(total), kind=words(f"entities.{worst}"))
        parts = [paragraph(lead), table_of_kinds(found, words, "entities"), *_examples(run, found, words)]
        return section("entities", words.plain("entities.title"), *parts)


def _examples(run: RunFolder, found: dict[str, dict[str, Any]], words: Words) -> Iterator[Markup]:
    shown = [(kind, row) for kind, entry in found.items() for row in rows_of(run, entry)]
    if not shown:
        return
    with_file = only_file([place_of(row) for _, row in shown]) is None
    rows = [[words(f"entities.{kind}"), *beside(row), where(place_of(row), words, with_file)] for kind, row in shown]
    yield tag("h3", words("entities.examples"))
    yield key_of(words)
    heads = [words(f"entities.example.{k}") for k in ("kind", "gold", "answer", "row")]
    yield table(heads, rows, kinds="twwt", class_="stack told", label=words.plain("entities.examples"))
