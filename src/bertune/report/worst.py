"""The worst answers of a run, for each kind of answer: which rows, in which order, and what is shown of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import Any

from markupsafe import Markup

from bertune.base.types import Place
from bertune.report import marked_answers, marked_entities
from bertune.report.elements import Cell, foreign, join, tag
from bertune.report.entries import figure_of, listed, place_of, whole_of
from bertune.report.folder import RunFolder
from bertune.report.marked_entities import entities
from bertune.report.words import Words, measure, score

MOST_CHARACTERS = 400
KINDS = ("exact", "partly", "elsewhere", "invented", "withheld")
FEW = 5  # rows of numbers that are shown, where a quarter of all are fewer
LEAST = 1e-12  # a probability of 0 counts as this

Row = dict[str, Any]


@dataclass(frozen=True)
class Worst:
    """Rows with a label, how many are wrong, and the worst of them as lines of a table with the place of each.

    `group` names the words under `mistakes`, `heads` its columns and `kinds` their looks; `key` explains marks.
    """

    group: str
    judged: int
    wrong: int
    heads: tuple[str, ...]
    kinds: str
    lines: Sequence[list[object]]
    places: Sequence[Place]
    key: Markup | None = None


def text_of(text: object, pair: object) -> Markup:
    """A text with its second text beneath."""
    more = join([tag("br"), tag("span", "+ ", class_="cut"), foreign(pair, MOST_CHARACTERS)])
    return join([foreign(text, MOST_CHARACTERS), None if pair is None else more])


def _lines(run: RunFolder, rows: Sequence[Row], made: Callable[[Row], list[object]]) -> dict[str, Any]:
    shown = rows[: run.examples]
    return {"lines": [made(row) for row in shown], "places": [place_of(row) for row in shown]}


def _known(run: RunFolder) -> list[Row]:
    return [row for row in run.rows if row["label"] is not None]


def _placed(row: Row) -> tuple[str, int]:
    place = place_of(row)
    return place.file, place.row


def worst_classes(run: RunFolder, words: Words) -> Worst | None:
    """The wrong answers that the model was surest of."""
    judged, wrong = run.judged
    if not judged:
        return None
    shown = wrong[: run.examples]
    lines: list[list[object]] = [
        [text_of(m.text, m.pair), foreign(m.gold, 60), tag("b", foreign(m.answer, 60)),
         Cell(score(m.probability, 2), m.probability)]
        for m in shown
    ]  # fmt: skip
    heads = ("text", "first", "second", "sure")
    return Worst("wrong", judged, len(wrong), heads, "wttn", lines, [m.place for m in shown])


def worst_values(run: RunFolder, words: Words) -> Worst | None:
    """The rows that lie farthest off; every row that is not met to the last digit counts as off."""
    rows = [r for r in _known(run) if isfinite(_off(r))]
    if not rows:
        return None
    rows.sort(key=lambda r: (-abs(_off(r)), *_placed(r)))
    wrong = sum(_off(r) != 0 for r in rows)

    def line(row: Row) -> list[object]:
        gold, guess, off = figure_of(row["label"]), figure_of(row["prediction"]), _off(row)
        return [text_of(row.get("text") or "", row.get("text_pair")), Cell(measure(gold), gold),
                Cell(tag("b", measure(guess)), guess), Cell(measure(off, signed=True), off)]  # fmt: skip

    heads, most = ("text", "first", "second", "off"), max(FEW, len(rows) // 4)
    return Worst("value", len(rows), wrong, heads, "wnnn", **_lines(run, rows[:most], line))


def _off(row: Row) -> float:
    return figure_of(row["prediction"]) - figure_of(row["label"])


def worst_labels(run: RunFolder, words: Words) -> Worst | None:
    """The rows whose right labels, and no others, seemed least likely."""
    rows = _known(run)
    wrong = [r for r in rows if set(listed(r["label"])) != set(listed(r["prediction"]))]
    wrong.sort(key=lambda r: (_likely(run, r), *_placed(r)))

    def line(row: Row) -> list[object]:
        gold, guess = listed(row["label"]), listed(row["prediction"])
        given = [tag("b", foreign(x, 60)) if x not in gold else foreign(x, 60) for x in guess]
        wanted = [tag("u", foreign(x, 60)) if x not in guess else foreign(x, 60) for x in gold]
        nothing = words("mistakes.labels.nothing")
        return [text_of(row.get("text") or "", row.get("text_pair")), words.listing(wanted) if gold else nothing,
                words.listing(given) if guess else nothing]  # fmt: skip

    found = _lines(run, wrong, line)
    return Worst("labels", len(rows), len(wrong), ("text", "first", "second"), "wtt", **found) if rows else None


def _likely(run: RunFolder, row: Row) -> float:
    """The logarithm of the probability of the right set, as if labels were independent."""
    gold = set(listed(row["label"]))
    chances = zip(run.classes, listed(row.get("probabilities")), strict=False)
    return sum(log(max(p if name in gold else 1 - p, LEAST)) for name, p in chances)


def worst_spans(run: RunFolder, words: Words) -> Worst | None:
    """The rows with most entities that are missed or wrong; of those with as many the surest."""
    rows = _known(run)
    wrong = [r for r in rows if _apart(r)]
    wrong.sort(key=lambda r: (-_apart(r), -sum(map(figure_of, listed(r.get("scores")))), *_placed(r)))

    def line(row: Row) -> list[object]:
        return [*marked_entities.beside(row), Cell(str(_apart(row)), _apart(row))]

    key, found = marked_entities.key_of(words), _lines(run, wrong, line)
    heads = ("first", "second", "n")
    return Worst("spans", len(rows), len(wrong), heads, "wwn", **found, key=key) if rows else None


def _apart(row: Row) -> int:
    return len(entities(row["label"]) ^ entities(row["prediction"]))


def worst_answers(run: RunFolder, words: Words) -> Worst | None:
    """The wrong answers that the model was surest of, those that share no word with the right one first."""
    rows = _known(run)
    kinds = {id(r): _kind(r) for r in rows}
    wrong = [r for r in rows if kinds[id(r)] != "exact"]
    wrong.sort(key=lambda r: (kinds[id(r)] == "partly", -figure_of(r.get("probability")), *_placed(r)))

    def line(row: Row) -> list[object]:
        return [*marked_answers.beside(row, words), words(f"answers.{kinds[id(row)]}")]

    key, found = marked_answers.key_of(words), _lines(run, wrong, line)
    heads = ("text", "first", "second", "kind")
    return Worst("answer", len(rows), len(wrong), heads, "wwwt", **found, key=key) if rows else None


def _kind(row: Row) -> str:
    """What the answer is beside the acceptable ones, as the file of predictions has it."""
    kind = row.get("kind")
    return kind if kind in KINDS else "exact" if row["label"] == row["prediction"] else "elsewhere"


def worst_choices(run: RunFolder, words: Words) -> Worst | None:
    """The wrong choices that the model was surest of."""
    rows = _known(run)
    wrong = [r for r in rows if r["label"] != r["prediction"]]
    wrong.sort(key=lambda r: (-_sure(r), *_placed(r)))

    def line(row: Row) -> list[object]:
        return [text_of(row.get("text") or "", row.get("text_pair")), _choices(row, words), Cell(score(_sure(row), 2),
                _sure(row))]  # fmt: skip

    found = _lines(run, wrong, line)
    return Worst("choice", len(rows), len(wrong), ("text", "choices", "sure"), "wwn", **found) if rows else None


def _sure(row: Row) -> float:
    sure = figure_of(row.get("probability"))
    return sure if isfinite(sure) else 0.0


def _choices(row: Row, words: Words) -> Markup:
    """The choices in their order: the right one and the one that was chosen are marked, each has its probability."""
    gold, guess, chances = whole_of(row["label"], -1), whole_of(row["prediction"], -1), listed(row.get("probabilities"))
    lines = []
    for n, choice in enumerate(listed(row.get("choices"))):
        style = "right" if n == gold else "wrong" if n == guess else None
        mark = tag("small", words(f"mistakes.choice.{style}")) if style else None
        chance = tag("span", score(figure_of(chances[n]), 2), class_="cut") if n < len(chances) else None
        text = foreign(choice, 200)
        lines.append(tag("li", tag("mark", text, " ", mark, class_=style) if mark else text, " ", chance))
    return tag("ol", *lines, class_="choices")


MAKERS: Mapping[str, Callable[[RunFolder, Words], Worst | None]] = {
    "value": worst_values, "labels": worst_labels, "spans": worst_spans, "answer": worst_answers,
    "choice": worst_choices,
}  # fmt: skip
