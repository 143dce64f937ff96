"""Texts that the tokenizer cannot read."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import numpy as np
from annotated_types import Gt, Lt

from bertune.base.types import Finding, View
from bertune.base.wording import percent
from bertune.data.checks._rows import rows_of, texts_at
from bertune.data.languages import language_of_texts


class UnknownTokens:
    """Rows that are mostly unknown tokens to the tokenizer of the model.

    `overall` is the share of unknown tokens at which the tokenizer does not know the language, `row` the share at
    which a single row is named.
    """

    def __init__(
        self, *, overall: Annotated[float, Gt(0), Lt(1)] = 0.2, row: Annotated[float, Gt(0), Lt(1)] = 0.4
    ) -> None:
        self.overall, self.row = overall, row

    def __call__(self, view: View) -> Iterator[Finding]:
        """An error when the tokenizer does not know the language, else a warning with single rows."""
        if view.lengths is None or view.unknown is None or not view.lengths.sum():
            return
        # Two special tokens stand around every text and are always known.
        shares = view.unknown / np.maximum(view.lengths - 2, 1)
        share = float(view.unknown.sum() / max(1, int(np.maximum(view.lengths - 2, 0).sum())))
        found = np.flatnonzero((shares > self.row) & (view.unknown >= 2))
        model = view.model_name or "the model"
        if share > self.overall:
            language = language_of_texts([text for _, text in islice(texts_at(view), 500)])
            yield Finding(
                "unknown_tokens",
                "error",
                f"the tokenizer of {model} does not know the language: {percent(share)} of the tokens are unknown",
                f'choose a model for "{language}" or a multilingual one: --model NAME',
                view.places(found),
                len(found),
            )
        elif len(found):
            yield Finding(
                "unknown_tokens",
                "warning",
                f"{rows_of(len(found))} mostly of tokens that the tokenizer of {model} does not know",
                "look at the rows: another language, symbols or a wrong encoding; delete or mend them",
                view.places(found),
                len(found),
            )
