"""What is found for a text among many, and the columns of texts that belong together."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bertune.base.errors import DataError
from bertune.base.types import Examples, Ints, Roles, Table
from bertune.data._names import plain
from bertune.data.columns import recognise
from bertune.tasks._task import Asked
from bertune.tasks._vectors import MORE_TEXTS, texts_of

MOST = 100  # found for each text
MOST_RIGHT = 64  # texts known to belong to one, beyond which they are not told apart from wrong ones in training
NEGATIVES = ("negative", "negatives", "hard_negative", "hard_negatives", "neg", "neg_passages", "negative_passages")
PAIRS = (("query", "positive"), ("question", "answer"), ("query", "answer"), ("question", "context"))
NONE = -1


def find_columns(table: Table, asked: Asked) -> Roles | None:
    """The columns of texts that belong together, and of such as do not; None where there are no two texts a row."""
    names = {plain(name): name for name in reversed(table.names)}
    negatives = next((names[n] for n in NEGATIVES if n in names), None)
    more = {} if negatives is None else {MORE_TEXTS: negatives}
    text, pair = asked.get("text"), asked.get("text_pair")
    if text is None and pair is None:
        text, pair = next(((names[a], names[b]) for a, b in PAIRS if a in names and b in names), (None, None))
    rest = [name for name in table.names if name not in more.values()]
    part = Table(table.columns.select(rest), table.files, table.file, table.row, table.line, table.given)
    try:
        roles = recognise(part, text, pair, None, asked.get("group"), need_label=False)
    except DataError:
        return None
    if roles.text_pair is None:
        return None
    return Roles(roles.text, roles.text_pair, roles.text_pair, roles.group, roles.why, more)


def negatives_of(table: Table, column: str) -> list[tuple[str, ...]]:
    """The texts that do not belong to each row: a text, a list of texts, or nothing."""
    values = table.columns.column(column).to_pylist()
    if pa.types.is_nested(table.columns.column(column).type):
        return [tuple(str(v) for v in row or () if v is not None and str(v).strip()) for row in values]
    return [(str(value),) if value is not None and str(value).strip() else () for value in values]


def digest_of(text: str) -> int:
    """A number of 63 bits for a text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1


def right_texts(examples: Examples) -> dict[str, tuple[str, ...]]:
    """For each first text all second texts that stand beside it in some row."""
    assert examples.pairs is not None
    found: dict[str, dict[str, None]] = {}
    for text, pair in zip(examples.texts, examples.pairs, strict=True):
        found.setdefault(text or "", {})[pair or ""] = None
    return {text: tuple(right) for text, right in found.items()}


def who_belongs(examples: Examples) -> Ints:
    """Numbers of texts as the head compares them: [texts, most], -1 being none.

    For the first text of a row: its second text, all others that belong to it, itself. For any other text its own.
    """
    assert examples.pairs is not None
    right = right_texts(examples)
    texts, counts = texts_of(examples)
    number = {text: _number(text) for text in dict.fromkeys(texts)}
    wide = 1 + min(MOST_RIGHT, max(map(len, right.values()), default=0))
    found = np.full((len(texts), wide), NONE, np.int64)
    found[:, 0] = [number[text] for text in texts]
    for at, pair in zip((np.cumsum(counts) - counts).tolist(), examples.pairs, strict=True):
        others = [one for one in right[texts[at]] if one != (pair or "")]
        own = [pair or "", *others[: wide - 2], texts[at]]
        found[at, : len(own)] = [number[one] if one in number else _number(one) for one in own]
    return found


def _number(text: str) -> int:
    """The same number for the same text, whichever rows are at hand; others differ but for one in 2^62."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 2


def ranked(scores: NDArray[Any], documents: Sequence[str]) -> list[tuple[str, ...]]:
    """The best 100 documents by scores[texts, documents], the best first; of equal ones the earlier."""
    kept = min(MOST, scores.shape[1])
    best = np.argpartition(-scores, kept - 1, axis=1)[:, :kept] if kept else np.zeros((len(scores), 0), np.int64)
    order = np.lexsort((best, -np.take_along_axis(scores, best, axis=1)), axis=1)
    return [tuple(documents[k] for k in row) for row in np.take_along_axis(best, order, axis=1).tolist()]


def objects(values: Sequence[Any]) -> Any:
    """An array of Python objects, whatever they are."""
    found = np.empty(len(values), object)
    for place, value in enumerate(values):
        found[place] = value
    return found
