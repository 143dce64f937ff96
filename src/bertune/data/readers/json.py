"""JSON documents."""

from collections.abc import Iterator
from typing import Any, ClassVar

from bertune.base.errors import DataError
from bertune.data.readers._chunk import Chunk, row_error, suffixed
from bertune.data.readers._document import Document
from bertune.data.readers._forms import form_of
from bertune.data.readers._json import looks_like_lines, no_object, portions


class Json:
    """A JSON document: a list of objects, an object of lists, an object of objects (of each row, or as pandas writes a
    frame, of each column), or {"data": ...} with any of them; plain or gzip.

    A list of objects is streamed; the other forms are read whole, up to 256 million characters. Marked places of the
    text become the column spans, as in JSON Lines.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".json",)

    def __init__(self, *, encoding: str = "auto") -> None:
        self.encoding = encoding
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the name ends in .json and the file is one document of no form that has a reader of its own."""
        return suffixed(path, Json.suffixes) and not looks_like_lines(path) and not form_of(path)

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows in order; raises DataError."""
        self.files = [path]
        document = Document(path, self.encoding)
        self.facts = {"format": "json", "encoding": document.encoding.said}
        if document.opens() == "[":
            yield from portions(document.items(), path, self.facts)
            return
        yield from portions(_rows(document.whole(), path), path, self.facts)


def _rows(value: Any, path: str) -> Iterator[tuple[dict[str, Any], int, int]]:
    if isinstance(value, dict) and isinstance(value.get("data"), (list, dict)):
        value = value["data"]
    if isinstance(value, dict) and value and all(isinstance(part, dict) for part in value.values()):
        value = _of_objects(value)
    if isinstance(value, dict):
        value = _turned(value, path)
    if not isinstance(value, list):
        raise _form(path, type(value).__name__)
    for row, item in enumerate(value, 1):
        if not isinstance(item, dict):
            raise no_object(path, row, 0, item)
        yield item, 0, sum(len(part) for part in item.values() if isinstance(part, str))


def _of_objects(value: dict[str, dict[str, Any]]) -> Any:
    """The rows of an object of objects: a list of them, or an object of lists where each is a column by row numbers."""
    parts = list(value.values())
    if parts[0] and all(part.keys() == parts[0].keys() for part in parts) and all(map(str.isdigit, parts[0])):
        return {name: list(part.values()) for name, part in value.items()}
    return parts


def _turned(value: dict[str, Any], path: str) -> list[dict[str, Any]]:
    """The rows of an object of lists."""
    if not value or not all(isinstance(part, list) for part in value.values()):
        raise _form(path, "an object with " + ", ".join(list(value)[:8]))
    lengths = {name: len(part) for name, part in value.items()}
    if len(set(lengths.values())) > 1:
        raise row_error(
            path,
            min(lengths.values()) + 1,
            0,
            "the lists differ in length.",
            expected="as many values in each list",
            found=", ".join(f"{name}: {count:,}" for name, count in lengths.items()),
        )
    return [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]


def _form(path: str, found: str) -> DataError:
    return DataError(
        "the document holds no rows.",
        where=path,
        expected='[{"text": "…"}, …], {"text": ["…"], …}, {"1": {"text": "…"}, …} or {"data": …}',
        found=found,
        next_move="write it in one of these forms, or as JSON Lines (.jsonl)",
    )
