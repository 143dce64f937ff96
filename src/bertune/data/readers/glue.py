"""The folders of the GLUE benchmark."""

import os
from collections.abc import Iterator
from typing import ClassVar, Literal

from bertune.base.errors import DataError
from bertune.data.readers._chunk import Chunk
from bertune.data.readers._delimited import Delimited, first_record, header, portions
from bertune.data.readers._glue import SPLIT_FILES, Task, chosen_columns, cola_test, task_of
from bertune.data.readers._text import Lines


class Glue:
    """A folder with train.tsv, dev.tsv and test.tsv as GLUE publishes them: tabs, and a quote is a character.

    CoLA, SST-2, MRPC, STS-B, QQP, MNLI (matched), QNLI, RTE and WNLI are told by their headers and keep the text and
    label columns alone; the folder of another task keeps all. dev is the validation split; the published test split
    has no labels. Rows with a wrong number of fields (QQP has some) are left out, and it is said.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, encoding: str = "auto") -> None:
        self.encoding = encoding
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the path is a folder with train.tsv or dev.tsv."""
        return any(os.path.isfile(os.path.join(path, name)) for name, split in SPLIT_FILES if split != "test")

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows of train, dev and test in order; raises DataError."""
        self.files = []
        there = [(os.path.join(path, name), split) for name, split in SPLIT_FILES]
        there = [(file, split) for file, split in there if os.path.isfile(file)]
        if not there:
            raise DataError("this is no folder of GLUE.", where=path, expected="train.tsv and dev.tsv, as published")
        task = task_of(self._parser(there[0][0]))
        self.facts = {"format": "glue", "task": task.name, "delimiter": "tab", "quoting": "none"}
        for file, split in there:
            yield from self._file(file, split, task)
        other = [
            name for name in ("dev_mismatched.tsv", "test_mismatched.tsv") if os.path.isfile(os.path.join(path, name))
        ]
        if other:
            self._leave_out(", ".join(other))

    def _parser(self, file: str) -> Delimited:
        return Delimited(Lines(file, self.encoding), "\t", "none", file)

    def _file(self, file: str, split: Literal["train", "valid", "test"], task: Task) -> Iterator[Chunk]:
        parser = self._parser(file)
        self.facts["encoding"] = parser.lines.encoding.said
        if task.headless and not cola_test(first_record(self._parser(file)).fields):
            names = list(task.headless)
            parser.row = 1
        else:
            names = header(parser)
        index = len(self.files)
        self.files.append(file)
        ragged: list[int] = []
        for made in portions(parser, names, file=index, split=split, left_out=ragged):
            yield chosen_columns(made, task, file, split)
        if ragged:
            rows = ", ".join(f"{row:,}" for row in ragged[:5]) + (", …" if len(ragged) > 5 else "")
            self._leave_out(f"{len(ragged):,} damaged rows of {os.path.basename(file)} (rows {rows})")

    def _leave_out(self, what: str) -> None:
        before = self.facts.get("left out")
        self.facts["left out"] = f"{before}, {what}" if before else what
