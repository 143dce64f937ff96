"""Rows in another language than the rest."""

import re
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from bertune.base.types import Finding, View
from bertune.data.checks._rows import percent, rows_of, texts_at
from bertune.data.languages import SCRIPTS, language_of_texts, letters, main_script, scripts_of, word_hits

_SAMPLE = 2000
_ADDRESS = re.compile(r"(?:https?://|www\.)[!-~]+|[!-~]+@[!-~]+")  # web and mail addresses are of no language


class UnexpectedLanguage:
    """Rows whose script, or whose common words in Latin script, are not those of most rows.

    `majority` is the share of rows one script must have before others are called unexpected, `letters` the least
    letters a row must have to be judged, `words` the least common words of another language.
    """

    def __init__(
        self,
        *,
        majority: Annotated[float, Gt(0.5), Le(1)] = 0.8,
        letters: Annotated[int, Ge(1)] = 4,
        words: Annotated[int, Ge(2)] = 4,
    ) -> None:
        self.majority, self.letters, self.words = majority, letters, words

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning with the rows; a note where several scripts share the data."""
        rows = texts_at(view)
        texts = [_ADDRESS.sub(" ", text) for _, text in rows]
        script, share = main_script(texts)
        if script == "none":
            return
        if share < self.majority:
            yield Finding(
                "mixed_languages",
                "note",
                f"no script has most of the rows: {script} {percent(share)}",
                "choose a multilingual model: --model NAME",
                count=len(rows),
            )
            return
        step = max(1, len(texts) // _SAMPLE)
        language = language_of_texts(texts[::step])
        enough = letters(texts)[:, 1:].sum(axis=1) >= self.letters
        scripts = np.array([SCRIPTS.index(s) for s in scripts_of(texts)])
        other = enough & (scripts != SCRIPTS.index(script)) & (scripts != 0)
        if script == "latin" and language != "other-latin":
            other |= np.array([self._other_words(text, language) for text in texts])
        found = [rows[i][0] for i in np.flatnonzero(other).tolist()]
        if found:
            name = f'"{language}"' if not language.startswith("other") else f"{script} letters"
            yield Finding(
                "unexpected_language",
                "warning",
                f"{rows_of(len(found))} in another language or script than the rest ({name})",
                "delete them if they are strays; if they are wanted, choose a multilingual model: --model NAME",
                view.places(found),
                len(found),
            )

    def _other_words(self, text: str, language: str) -> bool:
        hits, words = word_hits(text)
        own = hits.pop(language, 0)
        most = max(hits.values(), default=0)
        return most >= self.words and most > 3 * own and most >= 0.15 * words
