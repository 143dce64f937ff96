"""The results that tasks of Label Studio hold."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bertune.base.errors import DataError
from bertune.data.readers._chunk import row_error

SPAN_TYPES = ("labels", "hypertextlabels", "paragraphlabels")
BOOKKEEPING = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time")
TAKEN = ("id", "text", "spans")
QUESTIONS = 100
KINDS_TOLD = 20


@dataclass
class Export:
    """What a whole export holds: whether places are marked, and whether a task has several answers to a question.

    `span_keys` are the keys of JSON-MIN under which places are marked.
    """

    questions: dict[str, bool] = field(default_factory=dict)
    span_keys: set[str] = field(default_factory=set)
    marked: bool = False

    @property
    def spans(self) -> bool:
        """Whether places are marked."""
        return self.marked or bool(self.span_keys)

    def column(self, question: str) -> str:
        """The column for the answers to a question."""
        if len(self.questions) > 1:
            return question
        return "labels" if self.questions[question] else "label"


@dataclass
class Annotation:
    """One annotation: its marked places as they stand in the file, and the choices for each question."""

    spans: list[Any] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)


def survey(items: Iterable[tuple[dict[str, Any], int]], path: str) -> Export:
    """What the tasks hold, of (task, line). Raises DataError naming the row."""
    export = Export()
    for row, (item, line) in enumerate(items, 1):
        place = (path, row, line)
        if not isinstance(item.get("data"), dict):
            _survey_small(item, export)
        elif (found := annotation_of(item, place, Counter())) is not None:
            _survey_task(found, export)
        _check_questions(export, place)
    return export


def _survey_task(found: Annotation, export: Export) -> None:
    export.marked = export.marked or bool(found.spans)
    for question, chosen in found.choices.items():
        export.questions[question] = export.questions.get(question, False) or len(chosen) > 1


def _check_questions(export: Export, place: tuple[str, int, int]) -> None:
    taken = next((name for name in TAKEN if name in export.questions), None)
    if taken:
        raise row_error(
            *place,
            f"a question is called {taken!r}, as a column of its own is.",
            expected="another name",
            next_move="rename it in the labelling setup",
        )
    if len(export.questions) > QUESTIONS:
        raise row_error(*place, f"there are more than {QUESTIONS} questions.", next_move="export fewer of them")


def _survey_small(item: dict[str, Any], export: Export) -> None:
    for key, value in item.items():
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            export.questions[key] = True
        first = value[0] if isinstance(value, list) and value else None
        if isinstance(first, dict) and "start" in first and any(kind in first for kind in SPAN_TYPES):
            export.span_keys.add(key)


def annotation_of(item: dict[str, Any], place: tuple[str, int, int], left_out: Counter[str]) -> Annotation | None:
    """The annotation of a task that counts, None where it has none; what does not count is counted in `left_out`.

    Raises DataError where the task is not as Label Studio writes it.
    """
    given = _objects(item, "annotations" if "annotations" in item else "completions", place)
    kept = [one for one in given if not one.get("was_cancelled")]
    if len(given) > len(kept):
        left_out["skipped annotations"] += len(given) - len(kept)
    if not kept:
        return None
    if len(kept) > 1:
        left_out["further annotations of the same task"] += len(kept) - 1
    chosen = next((one for one in kept if one.get("ground_truth") is True), kept[0])
    found = Annotation()
    for result in _objects(chosen, "result", place):
        kind, value = result.get("type"), result.get("value")
        if kind in SPAN_TYPES and isinstance(value, dict):
            labels = value.get(kind) if kind in value else value.get("labels")
            found.spans.append({"start": value.get("start"), "end": value.get("end"), "labels": labels or [],
                                "text": value.get("text")})  # fmt: skip
        elif kind == "choices" and isinstance(value, dict) and "start" not in value:
            _choose(found, str(result.get("from_name", "label"))[:1000], value.get("choices"), place)
        else:
            told = f"results of type {str(kind)[:40]!r}"
            left_out[told if told in left_out or len(left_out) < KINDS_TOLD else "results of other types"] += 1
    return found


def _choose(found: Annotation, question: str, choices: Any, place: tuple[str, int, int]) -> None:
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise row_error(*place, "the choices of a result are no list of texts.", expected='{"choices": ["…"]}')
    found.choices.setdefault(question, []).extend(choices)


def _objects(value: dict[str, Any], key: str, place: tuple[str, int, int]) -> list[dict[str, Any]]:
    items = value.get(key)
    items = [] if items is None else items
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _odd(key, place)
    return items


def _odd(key: str, place: tuple[str, int, int]) -> DataError:
    return row_error(
        *place,
        f"{key!r} is no list of objects.",
        expected='a task such as {"data": {"text": "…"}, "annotations": [{"result": […]}]}',
        next_move="export the project again as JSON",
    )
