"""Small random edits of a text."""

from typing import Annotated

from numpy.random import Generator
from pydantic import Field

from bertune.data.augmenters._augmenter import Augmenter, Share, changeable, rebuilt
from bertune.data.words import Word


class RandomEdits(Augmenter):
    """Words that change places, or are left out; of Chinese and its like, characters.

    Each copy gets one of the two, by chance. At least one word changes, and one stays; punctuation stays in its place.
    Raises ValueError where both shares are 0.
    Source: Wei and Zou 2019, EDA, section 2: random swap and random deletion.
    """

    def __init__(
        self,
        *,
        swap: Annotated[Share, Field(description="swaps of two words in a copy, as a share of its words")] = 0.1,
        delete: Annotated[Share, Field(description="probability of each word to be left out of a copy")] = 0.1,
    ) -> None:
        if not swap and not delete:
            raise ValueError("swap and delete are both 0: nothing would be changed")
        self._swap, self._delete = swap, delete

    def text(self, text: str, random: Generator) -> str:
        """The text with some words swapped, or with some left out; a text of one word as it is."""
        words = changeable(text)
        if len(words) < 2:
            return text
        choices = [edit for edit, share in ((self._swapped, self._swap), (self._left, self._delete)) if share]
        return rebuilt(text, words, choices[int(random.integers(len(choices)))](text, words, random))

    def _swapped(self, text: str, words: list[Word], random: Generator) -> list[str | None]:
        new: list[str | None] = [text[start:end] for start, end in words]
        for _ in range(max(1, int(self._swap * len(words)))):
            one, other = random.choice(len(words), 2, replace=False).tolist()
            new[one], new[other] = new[other], new[one]
        return new

    def _left(self, text: str, words: list[Word], random: Generator) -> list[str | None]:
        gone = random.random(len(words)) < self._delete
        if not gone.any() or gone.all():
            gone[:] = gone.all()
            at = int(random.integers(len(words)))
            gone[at] = not gone[at]
        return [None if left else text[start:end] for (start, end), left in zip(words, gone.tolist(), strict=True)]
