"""Two marked entities in a text, in the shapes that people keep them; all become <e1>…</e1> and <e2>…</e2>."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bertune.base.errors import DataError
from bertune.base.types import Roles, Table
from bertune.data._names import plain
from bertune.data.columns import recognise, text_values
from bertune.data.words import joined
from bertune.tasks._task import Asked

MARKERS = ("<e1>", "</e1>", "<e2>", "</e2>")
SAMPLE = 200  # rows looked at for markers
SHARE = 0.9  # of the sampled texts that have both
LABELS = ("relation", "relations", "rel", "关系")
TOKENS = ("tokens", "token", "words")
ENTITIES = (
    ("subj", "obj"), ("subject", "object"), ("head", "tail"), ("h", "t"), ("e1", "e2"), ("entity1", "entity2"),
    ("entity_1", "entity_2"), ("first", "second"),
)  # fmt: skip
ENDS = ("start", "end")

_MARK = re.compile(r"[<\[](/?)(?:(?:e|ent|entity)_?([12])|(subj)|obj)[>\]]", re.I)
_OPENING = re.compile(r"(\s*)(<e[12]>)(\s*)")
_CLOSING = re.compile(r"(\s*)(</e[12]>)(\s*)")
Span = tuple[int, int]


def with_markers(text: str) -> str:
    """The text with its markers, as [E1] or <subj>, written as <e1> and <e2>."""
    return _MARK.sub(lambda m: f"<{m[1]}e{m[2] or (1 if m[3] else 2)}>", text)


def is_marked(text: str) -> bool:
    """Whether both entities begin in a text, in any spelling of the markers."""
    plain_text = with_markers(text)
    return MARKERS[0] in plain_text and MARKERS[2] in plain_text


def blanks_inside(text: str) -> str:
    """The text with the blanks before an opening marker behind it and those before a closing one after it.

    So the pieces of a word that bring their blank with them (byte-level BPE) stay what they are.
    """
    text = _CLOSING.sub(lambda m: m[2] + (m[1] or m[3])[:1], text)
    return _OPENING.sub(lambda m: m[2] + (m[1] or m[3])[:1], text)


def find_columns(table: Table, asked: Asked, need_label: bool) -> Roles | None:
    """The columns of texts with two entities; None where there are none."""
    if asked.get("text_pair"):
        return None
    names = {plain(name): name for name in reversed(table.names)}
    more = _span_columns(table, names)
    text = asked.get("text") or next((names[n] for n in TOKENS if n in names and more), None)
    label = asked.get("label") or next((names[n] for n in LABELS if n in names), None)
    rest = [name for name in table.names if name not in more.values()]
    part = Table(table.columns.select(rest), table.files, table.file, table.row, table.line, table.given)
    try:
        roles = recognise(part, text, None, label, asked.get("group"), need_label)
    except DataError:
        return None
    if roles.text_pair is not None or not (more or _has_markers(table, roles.text)):
        return None
    why = "two spans beside a text" if more else "two markers in each text"
    return Roles(roles.text, None, roles.label, roles.group, why, more)


def _span_columns(table: Table, names: dict[str, str]) -> dict[str, str]:
    """The columns of the two spans: two of each, or one of each that holds start and end."""
    for pair in ENTITIES:
        four = [f"{one}_{end}" for one in pair for end in ENDS]
        if all(n in names and pa.types.is_integer(table.columns.column(names[n]).type) for n in four):
            return dict(zip(("e1 start", "e1 end", "e2 start", "e2 end"), (names[n] for n in four), strict=True))
        if all(n in names and _holds_span(table.columns.column(names[n]).type) for n in pair):
            return {"e1": names[pair[0]], "e2": names[pair[1]]}
    return {}


def _holds_span(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return all(kind.get_field_index(end) >= 0 for end in ENDS)
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(listed and pa.types.is_integer(kind.value_type))


def _has_markers(table: Table, column: str) -> bool:
    if column not in table.names or pa.types.is_nested(table.columns.column(column).type):
        return False
    some = table.take(np.unique(np.linspace(0, len(table) - 1, min(len(table), SAMPLE)).astype(np.int64)))
    texts = [text for text in text_values(some, column) if text is not None]
    return bool(texts) and sum(map(is_marked, texts)) >= SHARE * len(texts)


def marked_texts(table: Table, roles: Roles) -> Iterator[str | None]:
    """The texts with their entities marked; None where missing. Raises DataError naming file and row.

    Spans count characters, `end` exclusive; beside lists of tokens they count tokens, and where start and end have
    columns of their own (as in TACRED) `end` is inclusive.
    """
    column = table.columns.column(roles.text)
    if not pa.types.is_nested(column.type):
        for row, text in enumerate(text_values(table, roles.text)):
            spans = _spans(table, roles, row) if text is not None else None
            yield None if text is None else with_markers(text) if spans is None else _marked(table, row, text, spans)
        return
    inclusive = "e1 start" in roles.more
    for row, tokens in enumerate(column.to_pylist()):
        text, places = joined([str(token or "") for token in tokens or ()])
        spans = _spans(table, roles, row)
        if spans is not None:
            spans = [_characters(table, row, span, places, inclusive) for span in spans]
        yield None if not text.strip() else text if spans is None else _marked(table, row, text, spans)


def _spans(table: Table, roles: Roles, row: int) -> list[Span] | None:
    """Start and end of both entities of a row as they stand; None where it has none."""
    found: list[Span] = []
    for one in ("e1", "e2"):
        if one in roles.more:
            held: Any = table.value(roles.more[one], row)
            ends: list[Any] = [held.get(end) for end in ENDS] if isinstance(held, dict) else list(held or ())
        else:
            ends = [table.value(roles.more[f"{one} {end}"], row) for end in ENDS if f"{one} {end}" in roles.more]
        if len(ends) != 2 or None in ends:
            return None
        found.append((int(ends[0]), int(ends[1])))
    return found


def _characters(table: Table, row: int, span: Span, places: Sequence[Any], inclusive: bool) -> Span:
    start, end = span[0], span[1] + inclusive
    if not 0 <= start < end <= len(places):
        raise _outside(table, row, span, f"tokens, of which there are {len(places):,}")
    return int(places[start][0]), int(places[end - 1][1])


def _marked(table: Table, row: int, text: str, spans: Sequence[Span]) -> str:
    """The text with markers around two spans of characters, which may lie within each other."""
    marks = []
    for number, (start, end) in enumerate(spans):
        if not 0 <= start < end <= len(text):
            raise _outside(table, row, (start, end), f"characters, of which there are {len(text):,}")
        size = end - start
        marks.append((start, 1, -size, MARKERS[2 * number]))
        marks.append((end, 0, size, MARKERS[2 * number + 1]))
    pieces, done = [], 0
    for place, _, _, marker in sorted(marks):  # closing before opening; of two that open here the longer first
        pieces += [text[done:place], marker]
        done = place
    return "".join([*pieces, text[done:]])


def _outside(table: Table, row: int, span: Span, expected: str) -> DataError:
    return DataError("an entity does not lie in its text.", where=str(table.place(row)), expected=expected,
                     found=f"from {span[0]} to {span[1]}", next_move="mend the row")  # fmt: skip
