"""What tasks of whole texts do with those that are longer than the model reads: cut them, or read them in windows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge
from pydantic import Field

from bertune.base.types import Examples, Ints
from bertune.data.cutting import Keep
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.data.windows import other_lost, windows
from bertune.tasks._task import Task

WINDOW = 256  # tokens of a window at most, where nobody says: a half costs half as much attention, and more texts fit

LongTexts = Annotated[
    Literal["cut", "windows"], Field(description="texts beyond model.max_length: cut, or read whole in windows")
]
Stride = Annotated[int, Ge(0), Field(description="tokens that two windows of a long text share")]
Pooling = Annotated[
    Literal["mean", "max", "attention"],
    Field(description="of a text's windows the mean answer, of each class the highest, or a mean of learnt weights"),
]
Kept = Annotated[
    Literal["head", "tail", "head_tail"],
    Field(description="what is kept of a text that is cut: its head, its tail, or a quarter of head before tail"),
]


class OfLongTexts(Task):
    """A task that gives an answer for each text, whatever its length.

    `long_texts` says whether what is beyond the limit is cut, leaving what `keep` says (of pairs the longer text is cut
    first), or whether the text is read in windows that share `stride` tokens, whose answers are pooled by `pooling`
    (attention learns how much each window says, by what the encoder makes of it).
    Of a pair the second text is in windows, the first is whole in each (or cut to half of a window, which is told).
    """

    def __init__(
        self,
        *,
        long_texts: LongTexts = "cut",
        stride: Stride = 64,
        pooling: Pooling = "mean",
        keep: Kept = "head",
    ) -> None:
        self.long_texts, self.stride, self.pooling = long_texts, stride, pooling
        self.keep: Keep = keep

    @property
    def cuts(self) -> bool:  # type: ignore[override]
        """Whether texts are cut."""
        return self.long_texts == "cut"

    @property
    def answering(self) -> Mapping[str, Any]:
        """How the windows of a text are pooled."""
        return {} if self.cuts else {"pooling": self.pooling}

    def length(self, lengths: Ints, limit: int) -> int:
        """What most rows need; of windows no more than 256 tokens."""
        found = super().length(lengths, limit)
        return found if self.cuts else min(found, WINDOW)

    def lost(self, examples: Examples, lengths: Ints, tokenizer: TextTokenizer, max_length: int) -> Ints:
        """Tokens beyond the limit; in windows only those of first texts that leave the second no room."""
        if self.cuts or examples.pairs is None:
            return super().lost(examples, lengths, tokenizer, max_length)
        found, full = np.zeros(len(lengths), np.int64), np.flatnonzero(lengths > max_length)
        some = examples.take(full)
        found[full] = other_lost(tokenizer, some.texts, some.pairs, max_length)
        return found

    def encode(
        self, examples: Examples, classes: Sequence[str], tokenizer: TextTokenizer, max_length: int
    ) -> Iterator[Encoded]:
        """The token ids of the rows: one text a row, or in windows one or more."""
        if self.cuts:
            yield from tokenizer.encode(examples.texts, examples.pairs, max_length, self.keep)
            return
        for part in windows(tokenizer, examples.texts, examples.pairs, max_length, self.stride):
            yield Encoded(part.ids, part.types, part.lengths, part.owner)
