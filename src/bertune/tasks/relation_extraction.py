"""The relation between two marked entities."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from bertune.base.errors import DataError
from bertune.base.types import Examples, Ints, Roles, Table
from bertune.data.portions import PORTION
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.tasks._classification import Classification
from bertune.tasks._relations import MARKERS, blanks_inside, find_columns, is_marked, marked_texts
from bertune.tasks._task import Asked

UNMARKED = "no two marked entities"


class RelationExtraction(Classification):
    """The relation between two entities that are marked in a text: cause and effect, a company and its founder.

    Entities are marked by <e1>…</e1> and <e2>…</e2> (or [E1], <subj>), or given as two spans of a text or of a list of
    tokens. The markers become tokens of the model. Of a text that is too long the part around both markers is read,
    and where they are too far apart the part around the first; a marker that is cut off is read off the first token.
    """

    name: ClassVar[str] = "relation_extraction"
    columns: ClassVar[tuple[str, ...]] = ("text", "label")
    example: ClassVar[str] = """text,label
The <e1>storm</e1> caused a <e2>flood</e2> in the town.,"Cause-Effect(e1,e2)"
The <e1>noise</e1> was made by a <e2>truck</e2>.,"Cause-Effect(e2,e1)"
A <e1>wheel</e1> of the <e2>car</e2> is broken.,"Component-Whole(e1,e2)"
The <e1>house</e1> has a large <e2>roof</e2>.,"Component-Whole(e2,e1)"
An old <e1>man</e1> sat near the <e2>river</e2>.,Other
The <e1>smoke</e1> came from the <e2>fire</e2>.,"Cause-Effect(e2,e1)"
The <e1>door</e1> of the <e2>barn</e2> is green.,"Component-Whole(e1,e2)"
He likes the <e1>tea</e1> more than the <e2>cake</e2>.,Other
"""
    head: ClassVar[str] = "entity_pair"
    metrics: ClassVar[tuple[str, ...]] = ("relation_f1", *Classification.metrics)
    watched: ClassVar[tuple[str, ...]] = ("log_loss", "relation_f1", "accuracy")
    cleans: ClassVar[bool] = False
    edits: ClassVar[bool] = False
    special_tokens: ClassVar[tuple[str, ...]] = MARKERS

    @classmethod
    def claims(cls, table: Table, asked: Asked, need_label: bool = True) -> Roles | None:
        """Texts with two markers in nearly every row, or texts or tokens beside two spans."""
        return find_columns(table, asked, need_label)

    @classmethod
    def fits(cls, table: Table, roles: Roles) -> bool:
        """Texts alone can be answered; rows with a label are asked for their markers when they are read."""
        return roles.text_pair is None

    def texts(self, table: Table, roles: Roles) -> Iterator[str | None]:
        """The texts with <e1>, </e1>, <e2>, </e2>. Raises DataError where a span does not lie in its text."""
        return marked_texts(table, roles)

    def gold(self, table: Table, roles: Roles) -> Sequence[Any]:
        """The relation of each row, exactly as it stands; None where missing.

        Raises DataError naming file and row where a labelled text has not both markers.
        """
        found = super().gold(table, roles)
        for row, (text, relation) in enumerate(zip(marked_texts(table, roles), found, strict=True)):
            if text is not None and relation is not None and not is_marked(text):
                raise DataError(
                    "two entities are not marked in this text.", where=str(table.place(row)),
                    expected="<e1>…</e1> and <e2>…</e2>, or two spans", found=text[:80], next_move="mark them",
                )  # fmt: skip
        return found

    def refused(self, examples: Examples, row: int) -> str | None:
        """Texts without two marked entities."""
        return None if is_marked(examples.texts[row] or "") else UNMARKED

    def lengths(self, examples: Examples, tokenizer: TextTokenizer) -> tuple[Ints, Ints]:
        """Tokens of each row before any cut, markers included, and how many of them are unknown."""
        return tokenizer.lengths([blanks_inside(text or "") for text in examples.texts], None)

    def encode(
        self, examples: Examples, classes: Sequence[str], tokenizer: TextTokenizer, max_length: int
    ) -> Iterator[Encoded]:
        """One text a row; beside["marker"] has the bit 1 where the first entity begins and the bit 2 where the second
        does (at the first token of the text where that is not to be seen)."""
        before, after = (np.array(gap, np.int64) for gap in tokenizer.frame(pair=False).gaps)
        room = max(max_length - len(before) - len(after), 0)
        ids = {token: tokenizer.id_of(token) for token in MARKERS}
        for start in range(0, len(examples), PORTION):
            texts = [blanks_inside(text or "") for text in examples.texts[start : start + PORTION]]
            pieces = tokenizer.pieces(texts)
            rows = [pieces.ids[a:b] for a, b in zip(pieces.starts[:-1], pieces.starts[1:], strict=True)]
            rows = [np.concatenate([before, _kept(row, ids, room), after]) for row in rows]
            lengths = np.array([len(row) for row in rows], np.int64)
            marker = np.concatenate([_markers(row, ids) for row in rows])
            yield Encoded(np.concatenate(rows), None, lengths, beside={"marker": marker})


def _kept(row: Ints, ids: Mapping[str, int], room: int) -> Ints:
    """At most `room` tokens of a text: around both entities, or around the first where they lie too far apart."""
    if len(row) <= room:
        return row
    places = np.flatnonzero(np.isin(row, list(ids.values())))
    low, high = (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)
    if high - low > room:
        low = int(np.append(np.flatnonzero(row == ids[MARKERS[0]]), low)[0])
        high = low + 1
    start = int(np.clip((low + high) // 2 - room // 2, 0, len(row) - room))
    return row[start : start + room]


def _markers(row: Ints, ids: Mapping[str, int]) -> Ints:
    found = np.zeros(len(row), np.int64)
    for bit, token in ((1, MARKERS[0]), (2, MARKERS[2])):
        found[np.append(np.flatnonzero(row == ids[token]), 0)[0]] |= bit
    return found
