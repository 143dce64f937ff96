"""Of answers to questions: what kinds of mistakes were made, with examples."""

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from bertune.report.elements import paragraph, section, table, tag
from bertune.report.entries import place_of, whole_of
from bertune.report.folder import RunFolder
from bertune.report.kinds_of_mistakes import kinds_of, rows_of, table_of_kinds
from bertune.report.marked_answers import beside, key_of
from bertune.report.places import only_file, where
from bertune.report.words import Words, number

ORDER = 65
KINDS = ("exact", "partly", "elsewhere", "invented", "withheld")


class Answers:
    """Answers by kind (exact, partly, elsewhere, invented, withheld), and rows with gold and answer in place."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        found = kinds_of(run, KINDS)
        total = sum(whole_of(entry.get("n")) for entry in found.values())
        if not total:
            return None
        told = [words("answers.lead", n=number(whole_of(found["exact"].get("n"))), total=number(total))]
        empty = whole_of(run.results.get("without_answer"))
        if empty:
            told.append(words("answers.empty", n=number(empty)))
        parts = [paragraph(words.sentences(told)), table_of_kinds(found, words, "answers")]
        return section("answers", words.plain("answers.title"), *parts, *_examples(run, found, words))


def _examples(run: RunFolder, found: dict[str, dict[str, Any]], words: Words) -> Iterator[Markup]:
    shown = [(kind, row) for kind in KINDS[1:] for row in rows_of(run, found[kind])]
    if not shown:
        return
    with_file = only_file([place_of(row) for _, row in shown]) is None
    rows = [[words(f"answers.{kind}"), *beside(row, words), where(place_of(row), words, with_file)]
            for kind, row in shown]  # fmt: skip
    yield tag("h3", words("answers.examples"))
    yield key_of(words)
    heads = [words(f"answers.example.{k}") for k in ("kind", "question", "gold", "answer", "row")]
    yield table(heads, rows, kinds="twwwt", class_="stack told", label=words.plain("answers.examples"))
