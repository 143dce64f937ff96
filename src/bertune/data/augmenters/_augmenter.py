"""What the augmenters share: the base class, and words of a text that may be changed."""

from collections.abc import Iterable, Sequence
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt
from numpy.random import Generator

from bertune.base.types import Ints
from bertune.data.tokenizer import TextTokenizer
from bertune.data.words import Word, words_of

Share = Annotated[float, Ge(0), Lt(1)]


class Augmenter:
    """Makes a changed copy of a training text, as a function of the text and a generator of random numbers alone.

    One that `keeps_places` replaces tokens one for one: so it fits every task. Others change the text itself, and fit
    tasks whose gold does not lie in it.
    """

    keeps_places: ClassVar[bool] = False

    def learn(self, texts: Iterable[str]) -> None:
        """See all training texts once, before any is changed."""

    def text(self, text: str, random: Generator) -> str:
        """A changed copy of a text."""
        return text

    def tokens(self, ids: Ints, tokenizer: TextTokenizer, random: Generator) -> Ints:
        """The token ids of a text with some replaced, as many as before. Raises ModelError."""
        return ids


def changeable(text: str) -> list[Word]:
    """The words of a text that hold a letter or digit, (start, end) in characters; of Chinese each character."""
    return [(start, end) for start, end in words_of(text) if any(map(str.isalnum, text[start:end]))]


def rebuilt(text: str, words: Sequence[Word], new: Sequence[str | None]) -> str:
    """The text with a new word in the place of each; None leaves it out, with the blanks before it.

    What stands between words stays, and blanks at the ends are taken away.
    """
    pieces: list[str] = []
    done = 0
    for (start, end), word in zip(words, new, strict=True):
        between = text[done:start]
        pieces += [between.rstrip()] if word is None else [between, word]
        done = end
    return "".join([*pieces, text[done:]]).strip()
