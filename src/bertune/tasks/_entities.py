"""Words of rows and the entities among them, read from tagged tokens or from spans of characters."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa

from bertune.base.errors import DataError
from bertune.base.types import Roles, Table
from bertune.data import tags
from bertune.data._names import plain
from bertune.data.columns import text_values
from bertune.data.words import SHARED, Word, joined, to_words, words_of
from bertune.tasks._faults import Faults

TOKENS = ("tokens", "words", "token", "词", "字")
TAGS = ("tags", "nertags", "ner_tags", "labels", "ner", "entities", "bio", "tag", "label", "标签")
SPANS = ("spans", "entities", "label", "labels", "annotations", "ner", "实体")
START, END, KIND = (
    ("start", "start_offset", "begin", "offset", "start_idx"),
    ("end", "end_offset", "stop", "end_idx"),
    ("label", "type", "entity", "tag", "category", "entity_group", "labels"),
)


FAULTS = {  # code -> what it is, the remedy
    "tag_scheme": ("tags that break their scheme", "they are read as the scheme nearest allows; mend the rows"),
    "span_edges": ("spans that begin or end within a word, or hold none",
                   "they are widened to the word, or left out; mend the offsets"),
    "overlapping_entities": ("entities that share words", "the longer one is kept; a word gets one tag"),
}  # fmt: skip


class Entity(NamedTuple):
    """An entity: its words (first, last exclusive), type, and characters (start, end exclusive) with their text."""

    first: int
    last: int
    kind: str
    start: int
    end: int
    text: str

    @property
    def span(self) -> tuple[int, int, str]:
        """What metrics compare: words and type."""
        return self.first, self.last, self.kind


def find_columns(table: Table, text: str | None, label: str | None, need_label: bool) -> Roles | None:
    """The columns of tokens and tags, or of texts and spans; None where there are none such."""
    names = {plain(name): name for name in reversed(table.names)}
    tokens = (
        text if text is not None else next((names[n] for n in TOKENS if n in names and _is_list(table, names[n])), None)
    )
    if tokens is not None and tokens in table.names and _is_list(table, tokens):
        found = label or next(
            (names[n] for is_one in (_is_list, _are_numbers) for n in TAGS if n in names and is_one(table, names[n])),
            None,
        )
        return Roles(tokens, None, found, why="lists of tokens") if found or not need_label else None
    found = label or next((names[n] for n in SPANS if n in names and is_spans(table, names[n])), None)
    if found is None or found not in table.names or not is_spans(table, found):
        return None
    if text is None:
        text = next((names[n] for n in ("text", "sentence", "content", "文本", "内容") if n in names), None)
    return None if text is None else Roles(text, None, found, why="spans of characters")


def _is_list(table: Table, name: str) -> bool:
    held = _listed(table, name)
    return held is not None and bool(
        pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_null(held)
    )


def _are_numbers(table: Table, name: str) -> bool:
    """Whether a column lists whole numbers, as the hub stores tags."""
    held = _listed(table, name)
    return held is not None and bool(pa.types.is_integer(held))


def _listed(table: Table, name: str) -> pa.DataType | None:
    """What the lists of a column hold; None where it holds no lists."""
    kind = table.columns.column(name).type
    return kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else None


def is_spans(table: Table, name: str) -> bool:
    """Whether a column holds lists of objects with a start, an end and a type."""
    kind = table.columns.column(name).type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_struct(kind.value_type):
        return False
    held = {field.name for field in kind.value_type}
    return all(held & set(wanted) for wanted in (START, END, KIND))


class Marked:
    """The rows of a table as texts with words and entities.

    `texts`, `words` and `entities` (None where nothing is said of a row) have one entry a row; `faults` tells what
    had to be mended. Raises DataError naming file and row.
    """

    def __init__(self, table: Table, roles: Roles) -> None:
        self.table, self.roles = table, roles
        self.texts: list[str | None] = []
        self.words: list[list[Word]] = []
        self.faults = Faults(FAULTS)
        tokens = table.columns.column(roles.text)
        self.listed = pa.types.is_nested(tokens.type)
        if self.listed:
            self._of_tokens(tokens.to_pylist())
        else:
            self.texts = list(text_values(table, roles.text))
            self.words = [words_of(text or "") for text in self.texts]

    def _of_tokens(self, rows: Sequence[Any]) -> None:
        for i, row in enumerate(rows):
            if row is not None and any(token is None for token in row):
                raise DataError("a token is missing.", where=str(self.table.place(i)), expected="a text for each token",
                                found="null", next_move="mend the row, or delete it")  # fmt: skip
            text, words = joined(row or [])
            self.texts.append(text if text.strip() else None)
            self.words.append(words)

    @cached_property
    def entities(self) -> tuple[list[tuple[Entity, ...] | None], tags.Scheme | None]:
        """The entities of each row, and the scheme of tags (None for spans of characters)."""
        assert self.roles.label is not None
        column = self.table.columns.column(self.roles.label)
        if self.listed and _is_list(self.table, self.roles.label):
            return self._of_tags(column.to_pylist())
        if not is_spans(self.table, self.roles.label):
            raise DataError(
                f"column {self.roles.label!r} holds neither tags nor spans.", where=self.table.files[0],
                expected="a list of tags beside a list of tokens, or a list of {start, end, label} beside a text",
                found=str(column.type),
                next_move="write the tags by name, such as B-PER; hf:<dataset> knows the names of its numbers"
                if _are_numbers(self.table, self.roles.label) else None,
            )  # fmt: skip
        rows = zip(column.to_pylist(), self.texts, self.words, strict=True)
        return [None if spans is None else self._of_spans(i, spans, text or "", words)
                for i, (spans, text, words) in enumerate(rows)], None  # fmt: skip

    def _of_tags(self, rows: Sequence[Any]) -> tuple[list[tuple[Entity, ...] | None], tags.Scheme]:
        for i, (row, words) in enumerate(zip(rows, self.words, strict=True)):
            if row is not None and len(row) != len(words):
                raise DataError(
                    "tokens and tags differ in number.", where=str(self.table.place(i)),
                    expected=f"{len(words)} tags, one for each token", found=f"{len(row)}",
                    next_move="mend the row, or delete it",
                )  # fmt: skip
            if row is not None and any(tag is None for tag in row):
                raise DataError("a tag is missing.", where=str(self.table.place(i)), expected="a tag for each token",
                                found="null", next_move="write O for tokens outside of every entity")  # fmt: skip
        said = [row if row is not None else [] for row in rows]
        scheme = tags.recognise(said)
        for i, word, message in tags.problems(said, scheme):
            self.faults.note("tag_scheme", self.table.place(i), f"word {word + 1}: {message}")
        return [
            None if rows[i] is None else self._placed(i, tags.spans(row, scheme)) for i, row in enumerate(said)
        ], scheme

    def _of_spans(
        self, i: int, spans: Sequence[Mapping[str, Any]], text: str, words: Sequence[Word]
    ) -> tuple[Entity, ...]:
        read = [self._span(i, span, text) for span in spans]
        found, problems = to_words(read, words)
        for number, message in problems:
            if SHARED not in message:  # told of when one of the two is left out
                self.faults.note("span_edges", self.table.place(i), f"span {number + 1}: {message}")
        return self._placed(i, found)

    def _span(self, i: int, span: Mapping[str, Any], text: str) -> tags.Span:
        start, end, kind = (
            next((span[n] for n in names if span.get(n) is not None), None) for names in (START, END, KIND)
        )
        if not isinstance(start, int) or not isinstance(end, int) or kind is None or not 0 <= start < end <= len(text):
            raise DataError(
                "a span does not lie in its text.", where=str(self.table.place(i)),
                expected=f"0 <= start < end <= {len(text)} and a label",
                found=f"start {start}, end {end}, label {kind}",
                next_move="mend the row, or delete it; ends are exclusive, and count characters",
            )  # fmt: skip
        quoted = span.get("text")
        if isinstance(quoted, str) and quoted != text[start:end]:
            raise DataError(
                "a span is not the text that it quotes.", where=str(self.table.place(i)), expected=repr(quoted[:60]),
                found=repr(text[start:end][:60]),
                next_move="are ends exclusive, and are characters counted, not bytes?",
            )  # fmt: skip
        return start, end, str(kind[0]) if isinstance(kind, list) else str(kind)

    def _placed(self, i: int, spans: Sequence[tags.Span]) -> tuple[Entity, ...]:
        """Entities with their characters; of two that share a word the longer one is kept."""
        text, words = self.texts[i] or "", self.words[i]
        kept: list[tags.Span] = []
        for span in sorted(set(spans), key=lambda s: (s[0] - s[1], s)):
            if any(span[0] < other[1] and other[0] < span[1] for other in kept):
                self.faults.note(
                    "overlapping_entities", self.table.place(i), f"words {span[0] + 1} to {span[1]} ({span[2]})"
                )
            else:
                kept.append(span)
        made = []
        for first, last, kind in sorted(kept):
            start, end = words[first][0], words[last - 1][1]
            made.append(Entity(first, last, kind, start, end, text[start:end]))
        return tuple(made)
