"""Questions, contexts and answers with their places, in the layouts that people keep them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from bertune.base.errors import DataError
from bertune.base.types import Roles, Table
from bertune.data._names import plain
from bertune.data.columns import text_values
from bertune.tasks._faults import Faults

QUESTIONS = ("question", "query", "query_text", "question_text", "问题")
CONTEXTS = ("context", "passage", "paragraph", "document", "article", "context_text", "text", "文章", "段落")
ANSWERS = ("answers", "answer", "label", "答案")
TEXTS, STARTS = ("text", "texts", "answer"), ("answer_start", "start", "answer_starts", "offset")


FAULTS = {  # code -> what it is, the remedy
    "answer_not_in_context": ("answers that do not occur in their context",
                              "nothing can be learnt from them, and they are counted as not found; mend them"),
    "answer_elsewhere": ("answers that stand elsewhere than said",
                         "the nearest place is taken; are characters counted, from 0, in the same text?"),
    "answer_contradicted": ("rows whose answers contradict is_impossible",
                            "is_impossible counts, and a row that lacks its answer is left out; mend them"),
}  # fmt: skip


class Answer(NamedTuple):
    """An acceptable answer, and where it begins in the context (None where nobody says)."""

    text: str
    start: int | None


def find_columns(table: Table, asked: Mapping[str, str | None], need_label: bool) -> Roles | None:
    """The columns of questions, contexts and answers; None where there are none such.

    Rows of one title, or without titles of one context, are kept together in splits.
    """
    names = {plain(name): name for name in reversed(table.names)}
    question = asked.get("text") or _first(names, QUESTIONS)
    context = asked.get("text_pair") or _first(names, CONTEXTS)
    if question is None or context is None or question == context or not {question, context} <= set(table.names):
        return None
    answers = asked.get("label") or next(
        (names[n] for n in ANSWERS if n in names and _has_places(table, names[n])), None
    )
    more = {} if "is_impossible" not in names else {"impossible": names["is_impossible"]}
    start = _first(names, STARTS)
    if answers is None and start is not None:
        answers = _first(names, ("answer_text", "answer", "answers"))
        more |= {} if answers is None else {"start": start}
    if answers is None and need_label:
        return None
    group = asked.get("group") or _first(names, ("title", "article_title", "标题")) or context
    return Roles(question, context, answers, group, "question, context and answers by name", more)


def _first(names: Mapping[str, str], wanted: Sequence[str]) -> str | None:
    return next((names[name] for name in wanted if name in names), None)


def _has_places(table: Table, name: str) -> bool:
    """Whether a column holds {text: [...], answer_start: [...]} or a list of {text, answer_start}."""
    kind = table.columns.column(name).type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    if not pa.types.is_struct(kind):
        return False
    held = {field.name for field in kind}
    return bool(held & set(TEXTS)) and bool(held & set(STARTS))


class Answered:
    """The answers of the rows of a table; `faults` tells of those that are not where they are said to be."""

    def __init__(self, table: Table, roles: Roles) -> None:
        assert roles.label is not None and roles.text_pair is not None
        self.table, self.roles = table, roles
        self.faults = Faults(FAULTS)
        contexts = list(text_values(table, roles.text_pair))
        column = table.columns.column(roles.label)
        said = column.to_pylist()
        starts = table.values(roles.more["start"]) if "start" in roles.more else None
        flags = table.values(roles.more["impossible"]) if "impossible" in roles.more else [None] * len(table)
        self.rows: list[tuple[Answer, ...] | None] = []
        for i, (value, context) in enumerate(zip(said, contexts, strict=True)):
            pairs = _pairs(value) if starts is None else ([] if not value else [(str(value), starts[i])])
            untold = value is None and (starts is None or starts[i] is None)
            self.rows.append(self._row(i, None if untold else pairs, _truth(flags[i]), context or ""))

    def _row(
        self, i: int, pairs: list[tuple[Any, Any]] | None, impossible: bool | None, context: str
    ) -> tuple[Answer, ...] | None:
        """The answers of a row; None where nothing is said of it, or that there is one, but not which."""
        if impossible and pairs:
            self.faults.note("answer_contradicted", self.table.place(i), f"is_impossible, with {len(pairs)} answers")
        if impossible:
            return ()
        if pairs is None:
            return None
        if impossible is False and not pairs:
            self.faults.note("answer_contradicted", self.table.place(i), "not is_impossible, without an answer")
            return None
        return tuple(self._placed(i, text, start, context) for text, start in pairs)

    def _placed(self, i: int, text: Any, start: Any, context: str) -> Answer:
        """An answer where it is said to be; where the text there is another, its nearest place, or none."""
        if not isinstance(text, str) or not text:
            raise DataError(
                "an answer has no text.", where=str(self.table.place(i)), expected="a text", found=repr(text)[:60],
                next_move="mend the row; no answer at all is an empty list",
            )  # fmt: skip
        start = _whole(start)
        if start is None or (isinstance(start, int) and start < 0):
            return self._looked_for(i, text, context, None)
        if not isinstance(start, int):
            raise DataError("the place of an answer is no number.", where=str(self.table.place(i)),
                            expected="characters from the start of the context", found=repr(start)[:60])  # fmt: skip
        if context[start : start + len(text)] == text:
            return Answer(text, start)
        return self._looked_for(i, text, context, start)

    def _looked_for(self, i: int, text: str, context: str, start: int | None) -> Answer:
        places: list[int] = []
        at = context.find(text)
        while at >= 0 and len(places) < 1000:
            places.append(at)
            at = context.find(text, at + 1)
        if not places:
            self.faults.note("answer_not_in_context", self.table.place(i), f"{text[:40]!r}")
            return Answer(text, None)
        best = min(places, key=lambda place: abs(place - (start or 0)))
        if start is not None:
            self.faults.note(
                "answer_elsewhere", self.table.place(i), f"{text[:40]!r} stands at {best:,}, not at {start:,}"
            )
        return Answer(text, best)


def _whole(start: Any) -> Any:
    """A place as a whole number, where it is one in another form."""
    try:
        number = float(start) if isinstance(start, str) else start
    except ValueError:
        return start
    return int(number) if isinstance(number, float) and number.is_integer() else start


def _truth(flag: Any) -> bool | None:
    """Whether a flag says so, in the spellings of JSON and of CSV; None where it says nothing."""
    text = "" if flag is None else str(flag).strip().lower()
    return text in ("true", "1", "1.0", "yes") if text else None


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        texts, starts = (next((value[n] for n in names if value.get(n) is not None), None) for names in (TEXTS, STARTS))
        if isinstance(texts, list):
            return list(zip(texts, starts if isinstance(starts, list) else [None] * len(texts), strict=False))
        return [] if texts is None else [(texts, starts)]
    if isinstance(value, list):
        return [pair for one in value for pair in (_pairs(one) if isinstance(one, Mapping) else [(one, None)])]
    return [(value, None)]
