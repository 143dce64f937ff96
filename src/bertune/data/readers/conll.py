"""Files with a token and its tag a line."""

import os
from collections.abc import Iterator
from typing import ClassVar

from bertune.data.readers._chunk import Chunk, suffixed
from bertune.data.readers._tagged import SEPARATORS, Tagged, looks_tagged
from bertune.data.readers._text import Lines
from bertune.data.readers._typed import TEXTS, typed_portions


class Conll:
    """A token and its tag a line as in CoNLL 2003, a blank line between sentences; plain or gzip.

    Columns: tokens and tags, lists of text. The first column of the file holds the tokens, the last the tags, those
    between are left out. Tabs separate the columns where the first token has one behind it, otherwise blanks. Lines
    that start with -DOCSTART-, and before a sentence with a # and a blank, are passed over. What was left out is said.
    Ragged sentences, and tokens without a tag, are refused with row and line. The line of a row is that of its first
    token.

    Source: Tjong Kim Sang and De Meulder 2003, Introduction to the CoNLL-2003 Shared Task.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".conll", ".bio", ".iob", ".iob2", ".bioes")

    def __init__(self, *, encoding: str = "auto") -> None:
        self.encoding = encoding
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the name ends like that of such a file, or it is a .txt or .tsv file that is clearly one."""
        if suffixed(path, Conll.suffixes):
            return True
        return suffixed(path, (".txt", ".tsv")) and os.path.isfile(path) and looks_tagged(path)

    def read(self, path: str) -> Iterator[Chunk]:
        """The sentences in order; raises DataError."""
        self.files = [path]
        parser = Tagged(Lines(path, self.encoding), path)
        self.facts = {"format": "conll", "encoding": parser.lines.encoding.said}
        for made in typed_portions(parser.sentences(), {"tokens": TEXTS, "tags": TEXTS}, path):
            self._say(parser)
            yield made

    def _say(self, parser: Tagged) -> None:
        self.facts["columns"] = (
            f"{parser.columns}, {SEPARATORS[parser.separator]} between them; tokens first, tags last"
        )
        left_out = [f"columns 2 to {parser.columns - 1}"] if parser.columns > 3 else []
        left_out += ["column 2"] if parser.columns == 3 else []
        left_out += [f"{parser.documents:,} lines of -DOCSTART-"] if parser.documents else []
        left_out += [f"{parser.comments:,} lines of comments"] if parser.comments else []
        if left_out:
            self.facts["left out"] = ", ".join(left_out)
