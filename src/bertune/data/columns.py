"""Recognises which column plays which part, and gives texts and labels as plain Python strings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from bertune.base.errors import DataError
from bertune.base.registry import nearest
from bertune.base.types import Roles, Table
from bertune.data import _names
from bertune.data._types import as_text, is_number, is_text, null_or_blank, spread

SAMPLE_ROWS = 2000
MOST_CLASSES = 1000
LONG_TEXT = 20
SCARCE = 0.1  # a column with so much fewer texts than another holds what was left over of it, or remarks
PORTION = 4096  # values turned into Python strings at once


@dataclass(frozen=True)
class _Column:
    """What a sample of a column shows. Lengths in characters; `share` is distinct values by values."""

    name: str
    texts: bool
    values: int
    distinct: int
    length: float
    words: float
    dates: bool

    @property
    def share(self) -> float:
        return self.distinct / self.values if self.values else 0.0

    @property
    def like_text(self) -> bool:
        """Long, mostly distinct strings of several words (or of a script without spaces)."""
        if not self.texts or self.dates or not self.values:
            return False
        return self.share >= 0.5 and self.words >= 0.6 and self.length >= LONG_TEXT

    @property
    def like_label(self) -> bool:
        """Few distinct short values, each several times."""
        return (
            not self.dates
            and not _names.is_identifier(self.name)
            and self.length <= 60
            and 2 <= self.distinct <= MOST_CLASSES
            and self.share <= 0.5
        )


def recognise(
    table: Table, text: str | None, text_pair: str | None, label: str | None, group: str | None, need_label: bool = True
) -> Roles:
    """The roles of the columns: those named by the user, the others by their names, else by their content.

    Raises DataError where a named column is missing, where nothing fits, or where several fit equally well.
    """
    wanted = {"text": text, "text_pair": text_pair, "label": label, "group": group}
    for role, name in wanted.items():
        if name is not None:
            _check_there(table, role, name)
    _check_distinct(table, wanted)
    ways: dict[str, str] = {}
    free = [
        field.name  # the fields of objects are columns of their own
        for field in table.columns.schema
        if field.name not in wanted.values() and not pa.types.is_struct(field.type)
    ]
    if text is None:
        text, text_pair = _find_text(table, free, text_pair, ways)
    elif text_pair is not None:
        ways["text_pair"] = "as given"
    ways.setdefault("text", "as given")
    if label is None:
        label = _find_label(table, [n for n in free if n not in (text, text_pair)], need_label, ways)
    else:
        ways["label"] = "as given"
    return Roles(text, text_pair, label, group, _why(ways))


def _check_there(table: Table, role: str, name: str) -> None:
    if name in table.names:
        return
    flag = f"--{role.replace('_', '-')}" if role != "group" else "--set data.group="
    raise DataError(
        f"there is no column {name!r}; did you mean {nearest(name, list(table.names))!r}?",
        where=table.files[0],
        expected="one of " + _listed(table.names),
        found=f"{flag}{'' if flag.endswith('=') else ' '}{name}",
    )


def _check_distinct(table: Table, wanted: dict[str, str | None]) -> None:
    seen: dict[str, str] = {}
    for role in ("text", "text_pair", "label"):
        name = wanted[role]
        if name is not None and name in seen:
            raise DataError(
                f"the column {name!r} is named both as {seen[name]} and as {role}.",
                where=table.files[0],
                expected="a column for each; there are " + _listed(table.names),
                next_move=f"--{role.replace('_', '-')} with another column",
            )
        if name is not None:
            seen[name] = role


def _find_text(
    table: Table, free: Sequence[str], text_pair: str | None, ways: dict[str, str]
) -> tuple[str, str | None]:
    plain = {_names.plain(name): name for name in reversed(free)}
    if text_pair is None:
        for one, two in _names.PAIRS:
            if one in plain and two in plain:
                ways["text"] = ways["text_pair"] = "by name"
                return plain[one], plain[two]
    else:
        ways["text_pair"] = "as given"
        partner = next((one for one, two in _names.PAIRS if two == _names.plain(text_pair) and one in plain), None)
        if partner:
            ways["text"] = "by name"
            return plain[partner], text_pair
    for tier in _names.TEXTS:
        found = [name for name in free if _names.plain(name) in tier]
        if len(found) > 1:
            found = _prefer([c for c in _profiles(table, found) if c.like_text], found)
        if len(found) == 1:
            ways["text"] = "by name"
            return found[0], text_pair
        if found:
            raise _ambiguous(table, "text", found)
    if len(table.names) == 1:
        ways["text"] = "the only column"
        return table.names[0], None
    likely = [c for c in _profiles(table, free) if c.like_text and not _names.is_identifier(c.name)]
    most = max((c.values for c in likely), default=0)
    found = [c.name for c in likely if c.values >= SCARCE * most]
    if len(found) == 1:
        ways["text"] = "by content"
        return found[0], text_pair
    raise _ambiguous(table, "text", found) if found else _nothing(table, "text")


def _prefer(better: Sequence[_Column], found: list[str]) -> list[str]:
    return [better[0].name] if len(better) == 1 else found


def _find_label(table: Table, free: Sequence[str], needed: bool, ways: dict[str, str]) -> str | None:
    for tier in _names.LABELS:
        found = [name for name in free if _names.plain(name) in tier]
        if len(found) > 1:
            found = _prefer([c for c in _profiles(table, found) if c.like_label], found)
        if len(found) == 1:
            ways["label"] = "by name"
            return found[0]
        if found and needed:
            raise _ambiguous(table, "label", found)
        if found:
            return None
    if not needed:
        return None
    found = [c.name for c in _profiles(table, free) if c.like_label]
    if len(found) == 1:
        ways["label"] = "by content"
        return found[0]
    raise _ambiguous(table, "label", found) if found else _nothing(table, "label")


def _why(ways: dict[str, str]) -> str:
    said = {"text": "text", "text_pair": "second text", "label": "label"}
    if len(set(ways.values())) == 1:
        return next(iter(ways.values()))
    return ", ".join(f"{said[role]} {ways[role]}" for role in said if role in ways)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f", … ({len(names)} columns)" if len(names) > 20 else "")


def _ambiguous(table: Table, role: str, found: Sequence[str]) -> DataError:
    return DataError(
        f"several columns could be the {role}: {_listed(found)}.",
        where=table.files[0],
        expected=f"one column that is clearly the {role}",
        next_move=f"--{role} {found[0]}" + (f", or --text {found[0]} --text-pair {found[1]}" if role == "text" else ""),
    )


def _nothing(table: Table, role: str) -> DataError:
    """The error where no column fits; column names like sentences mean that the header is missing."""
    headless = any(len(name) > 40 or len(name.split()) > 4 or name.strip().isdigit() for name in table.names)
    move = "the first line looks like data: put a line with the column names before it"
    if headless and role == "text":
        move += "; a text a line: --set data.format=lines"
    return DataError(
        f"no column is recognised as the {role}.",
        where=table.files[0],
        expected=f"a column called {'text' if role == 'text' else 'label'}, or one with "
        + ("long, mostly distinct texts" if role == "text" else "few distinct values"),
        found=_listed(table.names),
        next_move=move if headless else f"name it: --{role} COLUMN",
    )


def _profiles(table: Table, names: Sequence[str]) -> list[_Column]:
    positions = pa.array(spread(len(table), SAMPLE_ROWS))
    return [_profile(name, table.columns.column(name).take(positions)) for name in names]


def _profile(name: str, column: pa.ChunkedArray) -> _Column:
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_null(kind):
        return _Column(name, False, 0, 0, 0.0, 0.0, False)
    if pa.types.is_temporal(kind):
        return _Column(name, False, len(column), len(column), 0.0, 0.0, True)
    values = [v for part in column.chunks for v in as_text(part).to_pylist() if v is not None and v.strip()]
    length = float(np.mean([len(v) for v in values])) if values else 0.0
    words = sum(_several_words(v) for v in values) / len(values) if values else 0.0
    distinct = len(set(values))
    if pa.types.is_floating(kind) and any("." in v for v in values) and distinct > 20:
        distinct = len(values)
    dates = is_text(kind) and bool(values) and all(_is_date(v) for v in values[:50])
    return _Column(name, is_text(kind) and not is_number(kind), len(values), distinct, length, words, dates)


def _several_words(value: str) -> bool:
    return len(value.split()) > 1 or sum(not c.isascii() and c.isalpha() for c in value) >= 4


def _is_date(value: str) -> bool:
    text = value.strip().replace("/", "-")
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return "-" in text


def text_values(table: Table, column: str) -> Iterator[str | None]:
    """The texts of a column, exactly as they are; None where null, empty or nothing but white space."""
    return _strings(table, column)


def label_texts(table: Table, column: str) -> list[str | None]:
    """The labels of a column as exact, unstripped strings; None where null, NaN, empty or only white space.

    Whole numbers have no point (1.0 is "1"), truth values are "true" and "false". Raises DataError for lists.
    """
    spellings: dict[str | None, str | None] = {}
    return [spellings.setdefault(label, label) for label in _strings(table, column)]  # one object a class, not a row


def _strings(table: Table, column: str) -> Iterator[str | None]:
    values = table.columns.column(column)
    if pa.types.is_nested(values.type):
        raise DataError(
            f"the column {column!r} holds lists or objects.",
            where=table.files[0],
            expected="one text or number a row",
            found=str(values.type),
            next_move=f"name a field of it, such as {column}.{values.type.field(0).name}"
            if pa.types.is_struct(values.type) and values.type.num_fields
            else "name another column, or write one plain value a row",
        )
    return _each(values)


def _each(values: pa.ChunkedArray) -> Iterator[str | None]:
    for part in values.chunks:
        for start in range(0, len(part), PORTION):
            texts = as_text(part.slice(start, PORTION))
            blank = null_or_blank(texts)
            yield from (None if b else t for t, b in zip(texts.to_pylist(), blank.to_pylist(), strict=True))
