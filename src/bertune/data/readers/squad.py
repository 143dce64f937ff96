"""Questions about passages."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from bertune.base.errors import DataError
from bertune.data.readers._chunk import FIELD_CHARACTERS, Chunk, row_error
from bertune.data.readers._document import Document
from bertune.data.readers._forms import form_of
from bertune.data.readers._typed import ITEM_WEIGHT, TEXTS, typed_portions

REPEATED = 4_000_000_000
REPEATED_RATIO = 200
REPEATED_FREE = 64_000_000
TYPES = {
    "id": pa.large_string(),
    "title": pa.large_string(),
    "context": pa.large_string(),
    "question": pa.large_string(),
    "answers": pa.struct([("text", TEXTS), ("answer_start", pa.list_(pa.int64()))]),
    "is_impossible": pa.bool_(),
}


class Squad:
    """Questions with answers marked in a passage: the JSON of SQuAD 1.1 and 2.0, XQuAD and CMRC 2018; plain or gzip.

    One row a question. Columns: id, title, context, question, answers ({text: [...], answer_start: [...]}, positions
    in characters from 0; null where the file has no answers, empty lists where it says that there is none), and
    is_impossible where it is given. Where an answer has no position, as in the first form of CMRC 2018, it is the
    first place where the answer stands in the passage, -1 where it does not, and it is said. Whether answers stand
    where they say is for the checks of the data. Articles are streamed; errors name the row, which is the number of
    the question in the file.

    Source: Rajpurkar et al. 2016 and 2018 (SQuAD), Cui et al. 2019 (CMRC 2018); the columns are those of the hub.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".json",)

    def __init__(self, *, encoding: str = "auto") -> None:
        self.encoding = encoding
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the name ends in .json and the first item has paragraphs, or questions about itself."""
        return form_of(path) == "squad"

    def read(self, path: str) -> Iterator[Chunk]:
        """The questions in order; raises DataError."""
        self.files = [path]
        document = Document(path, self.encoding)
        self.facts = {"format": "squad", "encoding": document.encoding.said}
        questions = _Questions(document, path)
        for made in typed_portions(questions.rows(), TYPES, path, optional=("is_impossible",)):
            if questions.sought:
                missed = f", {questions.missed:,} of them not found" if questions.missed else ""
                self.facts["answers"] = f"{questions.sought:,} without a position were sought in the passage{missed}"
            yield made


class _Questions:
    """Takes the questions from a document. `row` is the number of the question in progress.

    `repeated` counts what the rows hold, the passage once for each question; `size` what stands in the file.
    """

    def __init__(self, document: Document, path: str) -> None:
        self.document, self.path = document, path
        self.row, self.sought, self.missed = 1, 0, 0
        self.size = self.repeated = 0

    def rows(self) -> Iterator[tuple[dict[str, Any], int, int]]:
        """(row, 0, size) of each question. Raises DataError."""
        opening = self.document.opens()
        if opening not in "[{":
            raise self._wrong("the document holds no questions.")
        for article, _, size in self.document.items() if opening == "[" else self.document.items_of("data"):
            self.size += size
            title = self._text(article, "title")
            for passage in self._list(article, "paragraphs") if "paragraphs" in article else [article]:
                context = self._text(passage, "context", "context_text", needed=True) or ""
                for question in self._list(passage, "qas"):
                    row = self._row(question, context)
                    yield {"title": title, "context": context, **row}, 0, self._count(context, row)
                    self.row += 1
            self.document.row = self.row - 1

    def _row(self, question: dict[str, Any], context: str) -> dict[str, Any]:
        impossible = question.get("is_impossible")
        if not isinstance(impossible, (bool, type(None))):
            raise self._wrong("is_impossible is neither true nor false.", found=_kind(impossible))
        return {
            "id": self._text(question, "id", "query_id"),
            "question": self._text(question, "question", "query_text", needed=True),
            "answers": None if question.get("answers") is None else self._answers(question["answers"], context),
            "is_impossible": impossible,
        }

    def _answers(self, value: Any, context: str) -> dict[str, list[Any]]:
        if not isinstance(value, list):
            raise self._wrong("the answers are no list.", found=_kind(value))
        texts, starts = [], []
        for answer in value:
            text = answer.get("text") if isinstance(answer, dict) else answer
            if not isinstance(text, str):
                raise self._wrong("an answer is no text.", found=_kind(text))
            start = answer.get("answer_start") if isinstance(answer, dict) else None
            if start is None:
                self.sought += 1
                self._spend(len(context))
                start = context.find(text)
                self.missed += start < 0
            elif not isinstance(start, int) or isinstance(start, bool) or abs(start) >= 1 << 62:
                raise self._wrong("the position of an answer is no whole number.", found=_kind(start))
            texts.append(text)
            starts.append(start)
        return {"text": texts, "answer_start": starts}

    def _count(self, context: str, row: dict[str, Any]) -> int:
        """The size of a row in characters."""
        answers = (row["answers"] or {}).get("text", [])
        size = len(context) + len(row["question"] or "") + sum(len(text) + 2 * ITEM_WEIGHT for text in answers)
        self._spend(size)
        return size

    def _spend(self, characters: int) -> None:
        """Count characters of a passage that is repeated or searched. Raises DataError for far more than the file."""
        self.repeated += characters
        if self.repeated > min(REPEATED, max(REPEATED_RATIO * self.size, REPEATED_FREE)):
            raise self._wrong(
                "up to here the questions repeat far more text than the file holds.",
                expected=f"at most {REPEATED:,} characters, and {REPEATED_RATIO} times those of the file",
                next_move="are there thousands of questions about one long passage? Cut it into passages",
            )

    def _list(self, value: dict[str, Any], key: str) -> list[dict[str, Any]]:
        items = value.get(key)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._wrong(f"there is no list of objects under {key!r}.", found=_keys(value))
        return items

    def _text(self, value: dict[str, Any], *keys: str, needed: bool = False) -> str | None:
        """The text under the first of the keys that is there; ids may be numbers."""
        found = next((value[key] for key in keys if value.get(key) is not None), None)
        if isinstance(found, int) and not isinstance(found, bool) and keys[0] == "id":
            found = str(found)
        if not isinstance(found, (str, type(None))) or (needed and found is None):
            raise self._wrong(f"there is no text under {keys[0]!r}.", found=_keys(value))
        if found is not None and len(found) > FIELD_CHARACTERS:
            raise self._wrong(f"the {keys[0]} is longer than {FIELD_CHARACTERS:,} characters.")
        return found

    def _wrong(self, message: str, **details: str | None) -> DataError:
        details.setdefault(
            "expected",
            '{"data": [{"title": "…", "paragraphs": [{"context": "…", "qas": [{"id": "…", "question": "…", "answers": '
            '[{"text": "…", "answer_start": 0}]}]}]}]}',
        )
        return row_error(self.path, self.row, 0, message, **details)


def _keys(value: dict[str, Any]) -> str:
    return "an object with " + (", ".join(repr(key[:40]) for key in list(value)[:8]) or "nothing")


def _kind(value: Any) -> str:
    return {list: "a list", dict: "an object", str: "a text", type(None): "null"}.get(type(value), repr(value)[:40])
