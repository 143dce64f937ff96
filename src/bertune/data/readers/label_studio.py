"""What Label Studio exports."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

from bertune.base.errors import DataError
from bertune.data.readers._chunk import Chunk, row_error
from bertune.data.readers._document import Document
from bertune.data.readers._forms import form_of
from bertune.data.readers._json import portions
from bertune.data.readers._labelled import BOOKKEEPING, Export, annotation_of, survey


class LabelStudio:
    """Label Studio's exports JSON and JSON-MIN: marked places and choices; plain or gzip.

    One row a task. Marked places become spans (null where a task has no annotation, empty where nothing is marked);
    they are checked against the text, and put right where they count UTF-16 units. Choices become the column label, or
    labels with lists where a task has several; under their own names where there are several questions. A task's only
    text is called text. Of several annotations the first that was not skipped counts, one marked as ground truth before
    the others; what is left out is said. The file is read twice.

    Source: https://labelstud.io/guide/task_format and https://labelstud.io/guide/export
    """

    suffixes: ClassVar[tuple[str, ...]] = (".json",)

    def __init__(self, *, encoding: str = "auto") -> None:
        self.encoding = encoding
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the name ends in .json and the first item is a task with annotations."""
        return form_of(path) == "label_studio"

    def read(self, path: str) -> Iterator[Chunk]:
        """The tasks in order; raises DataError."""
        self.files = [path]
        document = self._document(path)
        self.facts = {"format": "label_studio", "encoding": document.encoding.said}
        export = survey(self._items(document), path)
        left_out: Counter[str] = Counter()
        for made in portions(self._rows(path, export, left_out), path, self.facts):
            if left_out:
                self.facts["left out"] = ", ".join(f"{count:,} {what}" for what, count in sorted(left_out.items()))
            yield made

    def _document(self, path: str) -> Document:
        document = Document(path, self.encoding)
        if document.opens() != "[":
            raise DataError(
                "this is no export of Label Studio.", where=path, expected='[{"data": {…}, "annotations": […]}, …]'
            )
        return document

    @staticmethod
    def _items(document: Document) -> Iterator[tuple[dict[str, Any], int]]:
        for item, line, _ in document.items():
            yield item, line

    def _rows(self, path: str, export: Export, left_out: Counter[str]) -> Iterator[tuple[dict[str, Any], int, int]]:
        for row, (item, line, size) in enumerate(self._document(path).items(), 1):
            place = (path, row, line)
            if isinstance(item.get("data"), dict):
                yield _task(item, export, place, left_out), line, size
            else:
                yield _small(item, export, place), line, size


def _task(item: dict[str, Any], export: Export, place: tuple[str, int, int], left_out: Counter[str]) -> dict[str, Any]:
    """The row of a task of the export JSON."""
    data = item["data"]
    row = {"id": item["id"]} if isinstance(item.get("id"), (int, str)) else {}
    plain = {key: value for key, value in data.items() if value is None or isinstance(value, (str, int, float))}
    if len(plain) < len(data):
        left_out["lists and objects of the data"] += len(data) - len(plain)
    row = _with_text(row | plain, export, place)
    found = annotation_of(item, place, left_out)
    if export.spans:
        row["spans"] = None if found is None else found.spans
    for question, several in export.questions.items():
        name = export.column(question)
        chosen = None if found is None else found.choices.get(question, [])
        row[name] = chosen if several or chosen is None else next(iter(chosen), None)
    return row


def _small(item: dict[str, Any], export: Export, place: tuple[str, int, int]) -> dict[str, Any]:
    """The row of a task of the export JSON-MIN, where choices stand beside the data."""
    row: dict[str, Any] = {}
    spans: list[Any] = []
    for key, value in item.items():
        if key in export.span_keys:
            spans += value if isinstance(value, list) else []
        elif key in export.questions:
            row[key] = value["choices"] if isinstance(value, dict) and "choices" in value else value
            row[key] = [row[key]] if isinstance(row[key], str) else row[key]
        elif key not in BOOKKEEPING:
            row[key] = value
    row = _with_text(row, export, place)
    return row | ({"spans": spans} if export.spans else {})


def _with_text(row: dict[str, Any], export: Export, place: tuple[str, int, int]) -> dict[str, Any]:
    """The row with its only text called text. Raises DataError where places are marked in one of several."""
    if "text" in row:
        return row
    texts = [key for key, value in row.items() if isinstance(value, str) and key != "id"]
    if len(texts) == 1:
        return {("text" if key == texts[0] else key): value for key, value in row.items()}
    if export.spans:
        raise row_error(
            *place,
            "in which text the places are marked cannot be told.",
            expected="one text in each task, or one that is called text",
            found=", ".join(repr(key[:40]) for key in texts[:8]) or "no text",
        )
    return row
