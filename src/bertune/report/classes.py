"""Tables of the classes, labels or types of entities, each with its scores."""

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from bertune.base.types import Score
from bertune.report.elements import Cell, fold, foreign, join, name, paragraph, table, tag
from bertune.report.entries import ClassScore
from bertune.report.folder import RunFolder
from bertune.report.slices import between
from bertune.report.words import Words, number, score

MOST_OPEN = 20


def class_part(run: RunFolder, words: Words, group: str) -> Iterator[Markup]:
    """The table of what is told apart, the hardest first, and a sentence on the hardest and the easiest.

    `group` names the words: `scores.class`, `scores.label`, `scores.type`.
    """
    if not run.per_class:
        return
    ordered = sorted(run.per_class, key=lambda c: (c.f1 if math.isfinite(c.f1) else 0, c.name))
    yield tag("h3", words(f"{group}.title"))
    yield _class_table(ordered[:MOST_OPEN], words, group)
    if len(ordered) > MOST_OPEN:
        yield fold(words(f"{group}.more", n=number(len(ordered) - MOST_OPEN)),
                   _class_table(ordered[MOST_OPEN:], words, group))  # fmt: skip
    tested = [c for c in ordered if c.n]
    if len(tested) > 1:
        low, high = tested[0], tested[-1]
        told = {"worst": name(low.name), "low": score(low.f1, 2), "best": name(high.name), "high": score(high.f1, 2)}
        yield paragraph(words("scores.per_class_caption", **told), class_="quiet")


def _class_table(entries: Sequence[ClassScore], words: Words, group: str) -> Markup:
    heads = [words(f"{group}.{k}") for k in ("name", "n")]
    heads += [words(f"scores.class.{k}") for k in ("precision", "recall", "f1")]
    rows = [
        [foreign(c.name, 60), Cell(number(c.n), c.n), Cell(score(c.precision), c.precision),
         Cell(score(c.recall), c.recall), Cell(join([_meter(c.f1), score(c.f1)]), c.f1)]
        for c in entries
    ]  # fmt: skip
    if any(math.isfinite(c.low) for c in entries):
        heads.append(words("scores.class.interval"))
        rows = [[*row, between(Score(c.f1, c.low, c.high, c.n))] for row, c in zip(rows, entries, strict=True)]
    if any(math.isfinite(c.threshold) for c in entries):
        heads.append(words("scores.class.threshold"))
        rows = [[*r, Cell(score(c.threshold, 2), c.threshold)] for r, c in zip(rows, entries, strict=True)]
    return table(heads, rows, kinds="t" + "n" * (len(heads) - 1), class_="sortable",
                 label=words.plain(f"{group}.title"))  # fmt: skip


def _meter(value: float) -> Markup:
    share = 100 * min(max(value, 0), 1) if math.isfinite(value) else 0
    return tag("span", tag("i", style=f"--share:{share:.1f}%"), class_="meter", aria_hidden="true")
