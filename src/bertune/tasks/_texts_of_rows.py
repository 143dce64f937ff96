"""What tasks of several texts (or pairs of texts) a row share: how long rows are, and every text with its row."""

from collections.abc import Iterator, Sequence

import numpy as np

from bertune.base.types import Ints
from bertune.data.tokenizer import Encoded, TextTokenizer


def lengths_of(
    texts: Sequence[str], pairs: Sequence[str] | None, counts: Sequence[int], tokenizer: TextTokenizer
) -> tuple[Ints, Ints]:
    """Tokens of the longest text of each row before any cut, and how many of a text's tokens are unknown at most.

    `texts` and `pairs` are those of all rows, row by row; each row has counts[rows] of them, one at least.
    """
    if not len(counts):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    lengths, unknown = tokenizer.lengths(texts, pairs)
    starts = np.cumsum(counts) - np.array(counts)
    return np.maximum.reduceat(lengths, starts), np.maximum.reduceat(unknown, starts)


def encoded(parts: Iterator[Encoded], counts: Sequence[int], targets: Ints | None = None) -> Iterator[Encoded]:
    """The same tokens with their rows as owners; targets[texts] go with them."""
    owner, done = np.repeat(np.arange(len(counts)), counts), 0
    for part in parts:
        here = slice(done, done + len(part.lengths))
        yield Encoded(part.ids, part.types, part.lengths, owner[here], None if targets is None else targets[here])
        done = here.stop
