"""Marked places of texts: the forms in which annotation tools write them, brought into one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bertune.base.errors import DataError
from bertune.base.types import Ints
from bertune.data.readers._chunk import row_error
from bertune.data.readers._typed import SPANS

NAMES = ("spans", "entities", "label", "labels")
STARTS, ENDS, LABELS = ("start", "start_offset"), ("end", "end_offset"), ("label", "type", "labels")
FORM = '[[0, 5, "NAME"], …] or [{"start": 0, "end": 5, "label": "NAME"}, …]'
_SPACE = re.compile(r"\s+")


class SpanColumn:
    """Finds the column with marked places among those of JSON rows, and gives it as `spans` in one form.

    It is the first of NAMES in which a row has a place: [start, end, label], or an object with both ends. Until one is
    met, lists that are all empty stay as they are.
    """

    def __init__(self, path: str, facts: dict[str, str]) -> None:
        self.path, self.facts = path, facts
        self.name = ""
        self._emptied: set[str] = set()
        self._mended = 0

    def normal(
        self, columns: dict[str, list[Any]], rows: Sequence[int], lines: Sequence[int]
    ) -> tuple[dict[str, list[Any]], Mapping[str, pa.DataType]]:
        """The columns of a portion, and the type of `spans` where it is among them. Raises DataError naming the row."""
        if not self.name:
            self.name = next((name for name in NAMES if any(map(_has_place, columns.get(name, ())))), "")
            if not self.name:
                return columns, self._undecided(columns)
            if self.name in self._emptied:
                raise self._late(rows[0], lines[0])
            if self.name != "spans":
                self.facts["spans"] = f"column {self.name!r}"
        if self.name not in columns:
            return columns, {}
        if self.name != "spans" and "spans" in columns:
            raise row_error(
                self.path,
                rows[0],
                lines[0],
                f"both {self.name!r} and 'spans' stand in the rows.",
                expected="one list of marked places a row",
                next_move="leave one of them out, or rename 'spans'",
            )
        texts = columns.get("text", [None] * len(rows))
        places = [
            None if value is None else self._row(value, text, (self.path, row, line))
            for value, text, row, line in zip(columns[self.name], texts, rows, lines, strict=True)
        ]
        made = {("spans" if name == self.name else name): values for name, values in columns.items()}
        return made | {"spans": places}, {"spans": SPANS}

    def _undecided(self, columns: dict[str, list[Any]]) -> dict[str, pa.DataType]:
        """The type of `spans` where all its lists are empty; empty lists under other names may be labels as well."""
        self._emptied.update(name for name in NAMES[1:] if any(value == [] for value in columns.get(name, ())))
        empty = "spans" in columns and all(value is None or value == [] for value in columns["spans"])
        return {"spans": SPANS} if empty else {}

    def _row(self, value: Any, text: Any, place: tuple[str, int, int]) -> list[dict[str, Any]]:
        """The marked places of one row, sorted, as dicts of start, end (exclusive) and label.

        A place with several labels counts once for each. A place may quote its text under "text"; where that stands
        elsewhere because the tool counted UTF-16 units (an emoji counts twice), the place is put right.
        """
        if not isinstance(value, list):
            raise row_error(*place, "the marked places are no list.", expected=FORM)
        found: list[tuple[int, int, str]] = []
        units: Ints | None = None
        for item in value:
            start, end, labels, quoted = _parts(item, place)
            if isinstance(text, str) and isinstance(quoted, str) and not reads(text, start, end, quoted):
                units = _units(text) if units is None else units
                start, end = _position(units, start), _position(units, end)
                if not reads(text, start, end, quoted):
                    raise _quoted_elsewhere(place)
                self._mended += 1
                self.facts["offsets"] = f"{self._mended:,} that counted UTF-16 units were put right"
            if not 0 <= start < end or (isinstance(text, str) and end > len(text)):
                raise _no_text_between(start, end, text, place)
            found += [(start, end, label) for label in labels]
        return [{"start": start, "end": end, "label": label} for start, end, label in sorted(found)]

    def _late(self, row: int, line: int) -> DataError:
        return row_error(
            self.path,
            row,
            line,
            f"from about here {self.name!r} holds marked places, in all rows before empty lists.",
            expected="a row with a marked place at the beginning, which tells what the lists are",
            next_move="put such a row first, or call the column spans",
        )


def _has_place(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    first = value[0]
    if isinstance(first, dict):
        return not {*STARTS}.isdisjoint(first) and not {*ENDS}.isdisjoint(first)
    return isinstance(first, list) and len(first) == 3 and all(map(_whole, first[:2])) and isinstance(first[2], str)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 62


def _quoted_elsewhere(place: tuple[str, int, int]) -> DataError:
    return row_error(
        *place,
        "the quoted text of a marked place does not stand there.",
        expected="the same text in the row and in the quote",
        next_move="was the text changed after it was marked? Line ends and white space count too",
    )


def _no_text_between(start: int, end: int, text: Any, place: tuple[str, int, int]) -> DataError:
    most = f" within the text of {len(text):,} characters" if isinstance(text, str) else ""
    return row_error(
        *place,
        f"no text lies between the ends of a marked place, {start:,} and {end:,}.",
        expected=f"start before end, both{most}, counted in characters from 0, the end exclusive",
    )


def _parts(item: Any, place: tuple[str, int, int]) -> tuple[int, int, list[str], Any]:
    """Start, end, labels and quoted text of one place."""
    start: Any
    end: Any
    label: Any
    if isinstance(item, dict):
        start, end, label = (next((item[k] for k in keys if k in item), None) for keys in (STARTS, ENDS, LABELS))
        quoted = item.get("text")
    elif isinstance(item, list) and len(item) == 3:
        (start, end, label), quoted = item, None
    else:
        raise row_error(*place, "a marked place has no start, end and label.", expected=FORM)
    if not _whole(start) or not _whole(end):
        raise row_error(*place, "the ends of a marked place are no whole numbers.", expected=FORM)
    labels = label if isinstance(label, list) else [label]
    if not labels or not all(isinstance(one, str) and one for one in labels):
        raise row_error(*place, "a marked place has no label.", expected=FORM)
    return start, end, labels, quoted


def reads(text: str, start: int, end: int, quoted: str) -> bool:
    """Whether text[start:end] is the quoted text; runs of white space may differ, tools write blanks for line ends."""
    if not 0 <= start < end <= len(text):
        return False
    piece = text[start:end]
    # Nothing is searched in a piece that is far longer than the quote: a short file could ask for hours.
    return piece == quoted or (
        len(piece) <= 2 * len(quoted) + 100 and _SPACE.sub(" ", piece) == _SPACE.sub(" ", quoted)
    )


def _units(text: str) -> Ints:
    """How many UTF-16 units stand before each character, and before the end."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.concatenate([[0], np.cumsum(1 + (codes > 0xFFFF))]).astype(np.int64)


def _position(units: Ints, unit: int) -> int:
    """The character that starts at a UTF-16 unit; -1 where none does."""
    at = int(np.searchsorted(units, unit))
    return at if at < len(units) and int(units[at]) == unit else -1
