"""What the tasks of texts as vectors share: texts encoded one by one, answers as cosines or vectors."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bertune.base.types import Answers, Examples, Floats, Guesses, Ints
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.tasks import _texts_of_rows

MORE_TEXTS = "negatives"  # further texts of a row, in Examples.more


def texts_of(examples: Examples) -> tuple[list[str], Ints]:
    """All texts row by row (first, second, further ones), and how many each row has."""
    pairs = examples.pairs if examples.pairs is not None else [None] * len(examples)
    more = examples.more.get(MORE_TEXTS, [()] * len(examples))
    found: list[str] = []
    counts = []
    for text, pair, others in zip(examples.texts, pairs, more, strict=True):
        row = [text or "", *([pair or ""] if examples.pairs is not None else []), *others]
        found += row
        counts.append(len(row))
    return found, np.array(counts, np.int64)


def lengths_of(examples: Examples, tokenizer: TextTokenizer) -> tuple[Ints, Ints]:
    """Tokens of the longest text of each row before any cut, and how many of a text's tokens are unknown at most."""
    texts, counts = texts_of(examples)
    return _texts_of_rows.lengths_of(texts, None, counts.tolist(), tokenizer)


def encoded(
    examples: Examples, tokenizer: TextTokenizer, max_length: int, targets: Ints | None = None
) -> Iterator[Encoded]:
    """Every text on its own with its row as owner; targets[texts] go with them."""
    texts, counts = texts_of(examples)
    yield from _texts_of_rows.encoded(tokenizer.encode(texts, None, max_length), counts.tolist(), targets)


def unit_vectors(values: Floats) -> Floats:
    """Vectors of length 1; 0 stays 0."""
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))


def cosines(answers: Answers) -> Floats:
    """The cosine of the first two texts of each row."""
    first = answers.starts[:-1]
    pair = unit_vectors(answers.values[first]), unit_vectors(answers.values[first + 1])
    return np.asarray((pair[0] * pair[1]).sum(axis=1))


def alone(answers: Answers) -> Guesses:
    """The vectors of rows with one text: guess[rows, width]."""
    return Guesses(answers.values)


def are_vectors(guesses: Guesses) -> bool:
    """Whether answers are vectors of single texts."""
    return guesses.guess.ndim == 2


def vector(guesses: Guesses, row: int) -> dict[str, Any]:
    """prediction: the numbers of a text's vector."""
    return {"prediction": [float(number) for number in guesses.guess[row].tolist()]}


def shown_vector(value: Sequence[float]) -> str:
    """How many numbers a vector has."""
    return f"a vector of {len(value)}"


VECTOR: dict[str, pa.DataType] = {"prediction": pa.list_(pa.float64())}
