"""Tokens hidden by chance."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Lt
from numpy.random import Generator
from pydantic import Field

from bertune.base.types import Ints
from bertune.data.augmenters._augmenter import Augmenter
from bertune.data.tokenizer import TextTokenizer


class WordDropout(Augmenter):
    """Tokens of a text hidden behind the mask token, so that a model leans on no single word.

    Special tokens stay, and every token keeps its place: so it fits entities, answers and relations too.
    Source: Iyyer et al. 2015, Deep averaging networks, section 4 (there words are left out; here they are hidden, as
    encoders were pretrained to read them).
    """

    keeps_places: ClassVar[bool] = True

    def __init__(
        self,
        *,
        share: Annotated[float, Gt(0), Lt(1), Field(description="probability of each token to be hidden")] = 0.1,
        behind: Annotated[Literal["mask", "unknown"], Field(description="token that stands in its place")] = "mask",
    ) -> None:
        self._share, self._behind = share, behind

    def tokens(self, ids: Ints, tokenizer: TextTokenizer, random: Generator) -> Ints:
        """The ids with some hidden. Raises ModelError where the tokenizer has no such token."""
        hidden = (random.random(len(ids)) < self._share) & ~np.isin(ids, tokenizer.special_ids)
        return np.where(hidden, tokenizer.stand_in(self._behind), ids)
