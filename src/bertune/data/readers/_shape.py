"""The shape of JSON rows: their keys, and how far nested values would spread, bounded before a table is made."""

from typing import Any

from bertune.base.errors import DataError
from bertune.data.readers._chunk import COLUMNS, NAME_CHARACTERS, row_error

NESTING = 32
CELLS = 20_000_000
_OF_A_LIST = "\x1f[]"


class Shape:
    """What the rows of one file have shown so far.

    A table has a cell for every key in every row, the rows that lack the key included, and nested objects have their
    keys beside each other in the same way. So a few bytes a row can ask for any number of cells.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._keys: set[str] = set()
        self._nested: set[str] = set()
        self._rows = self._objects = 0

    @property
    def full(self) -> bool:
        """Whether the rows since the last `start` spread over as many cells as a portion may have."""
        return len(self._keys) * self._rows + len(self._nested) * self._objects >= CELLS

    def start(self) -> None:
        """Begin another portion; the keys seen so far still count."""
        self._rows = self._objects = 0

    def add(self, value: dict[str, Any], row: int, line: int) -> None:
        """Take one more row. Raises DataError for too many keys, too long ones, and too deep nesting."""
        self._rows += 1
        if not self._keys.issuperset(value):
            self._check_names([key for key in value if key not in self._keys], row, line)
            self._keys.update(value)
        for key, part in value.items():
            if isinstance(part, (dict, list)):
                self._walk(key, part, row, line)
        if len(self._keys) + len(self._nested) > COLUMNS:
            raise self._refusal(f"up to here there are more than {COLUMNS:,} different keys.", row, line)
        if len(self._nested) * self._objects > 10 * CELLS:
            raise self._refusal("the nested values spread over too many cells.", row, line)

    def _walk(self, key: str, part: Any, row: int, line: int) -> None:
        held = [(key, part, 1)]
        while held:
            at, value, depth = held.pop()
            if depth > NESTING:
                raise self._refusal(f"lists and objects are nested more than {NESTING} deep.", row, line)
            self._objects += 1
            if isinstance(value, list):
                inner = [(at + _OF_A_LIST, item) for item in value if isinstance(item, (dict, list))]
            else:
                self._check_names(value, row, line)
                self._nested.update(f"{at}\x1f{name}" for name in value)
                inner = [(f"{at}\x1f{name}", item) for name, item in value.items() if isinstance(item, (dict, list))]
            held.extend((place, item, depth + 1) for place, item in inner)

    def _check_names(self, names: Any, row: int, line: int) -> None:
        for name in names:
            if len(name) > NAME_CHARACTERS:
                raise self._refusal(f"a key is longer than {NAME_CHARACTERS:,} characters.", row, line)
            if any("\ud800" <= character <= "\udfff" for character in name):
                raise self._refusal("a key holds half of a surrogate pair, which is no character.", row, line)

    def _refusal(self, message: str, row: int, line: int) -> DataError:
        return row_error(
            self.path,
            row,
            line,
            message,
            expected='rows such as {"text": "…", "label": "…"}',
            next_move="are ids or texts used as keys? Write them as values, or keep the keys with text and label",
        )
