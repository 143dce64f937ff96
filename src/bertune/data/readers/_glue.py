"""What the files of each GLUE task hold: their columns, told by their headers."""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from bertune.base.errors import DataError
from bertune.data.readers._chunk import Chunk
from bertune.data.readers._delimited import Delimited, first_record

Split = Literal["train", "valid", "test"]
SPLIT_FILES: tuple[tuple[str, Split], ...] = (
    ("train.tsv", "train"),
    ("dev.tsv", "valid"),
    ("dev_matched.tsv", "valid"),
    ("test.tsv", "test"),
    ("test_matched.tsv", "test"),
)


@dataclass(frozen=True)
class Task:
    """One task of GLUE: published column -> name given here; `headless` are the columns where no header stands."""

    name: str
    columns: dict[str, str]
    label: str
    headless: tuple[str, ...] = ()


TASKS = (
    Task("MRPC", {"#1 String": "sentence1", "#2 String": "sentence2", "Quality": "label"}, "Quality"),
    Task("STS-B", {"sentence1": "sentence1", "sentence2": "sentence2", "score": "score"}, "score"),
    Task("QQP", {"question1": "question1", "question2": "question2", "is_duplicate": "label"}, "is_duplicate"),
    Task("MNLI", {"sentence1": "premise", "sentence2": "hypothesis", "gold_label": "label"}, "gold_label"),
    Task("QNLI", {"question": "question", "sentence": "sentence", "label": "label"}, "label"),
    Task("RTE or WNLI", {"sentence1": "sentence1", "sentence2": "sentence2", "label": "label"}, "label"),
    Task("SST-2", {"sentence": "sentence", "label": "label"}, "label"),
)
COLA = Task(
    "CoLA", {"sentence": "sentence", "label": "label"}, "label", headless=("source", "label", "mark", "sentence")
)


def task_of(parser: Delimited) -> Task:
    """The task by the header of its training (or development) file; a task without columns keeps all as they are."""
    fields = first_record(parser).fields
    if len(fields) == 4 and fields[1] in ("0", "1") and fields[2] in ("", "*", "?", "??", "#", "%", "*?"):
        return COLA
    for task in TASKS:
        if set(task.columns) <= set(fields):
            return task
    return Task("other", {}, "")


def cola_test(fields: list[str]) -> bool:
    """Whether the first line of a CoLA file is a header, as in its test file alone."""
    return fields == ["index", "sentence"]


def chosen_columns(made: Chunk, task: Task, file: str, split: Split) -> Chunk:
    """The columns that the task keeps, renamed. Raises DataError where one is missing; the test split has no label."""
    if not task.columns:
        return made
    there = set(made.columns.schema.names)
    missing = [name for name in task.columns if name not in there and not (split == "test" and name == task.label)]
    if missing:
        raise DataError(
            f"the column {missing[0]!r} of {task.name} is missing.",
            where=file,
            expected=", ".join(task.columns),
            found=", ".join(made.columns.schema.names),
        )
    kept = {new: made.columns.column(old) for old, new in task.columns.items() if old in there}
    batch = pa.RecordBatch.from_arrays(list(kept.values()), names=list(kept))
    return Chunk(batch, made.rows, made.lines, made.files, made.split)
