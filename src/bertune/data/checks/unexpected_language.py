"""Rows in another language than the rest."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from bertune.base.types import Finding, Ints, View
from bertune.base.wording import percent
from bertune.data.checks._rows import rows_of, texts_at
from bertune.data.languages import SCRIPTS, language_of_texts, letters, main_script, scripts_of, word_hits

_SAMPLE = 2000
_PORTION = 5000  # rows looked at together
# Web and mail addresses are of no language. A mail address is looked for from the start of a word alone: else a word
# without an @ would take time by the square of its length.
_ADDRESS = re.compile(r"(?:https?://|www\.)[!-~]+|(?<![!-~])[!-~]+@[!-~]+")


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
        rows = np.fromiter((i for i, _ in texts_at(view)), np.int64)
        letters_of, scripts = _looked_at(view)
        script, share = main_script(scripts)
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
        language = language_of_texts(list(islice(_plain(view), 0, None, max(1, len(rows) // _SAMPLE))))
        numbers = np.array([SCRIPTS.index(s) for s in scripts])
        other = (letters_of >= self.letters) & (numbers != SCRIPTS.index(script)) & (numbers != 0)
        if script == "latin" and language != "other-latin":
            other |= np.fromiter((self._other_words(text, language) for text in _plain(view)), bool)
        found = rows[other].tolist()
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


def _plain(view: View) -> Iterator[str]:
    """The texts of the rows that have one, without addresses."""
    return (_ADDRESS.sub(" ", text) for _, text in texts_at(view))


def _looked_at(view: View) -> tuple[Ints, list[str]]:
    """Letters and script of each row with text, a portion of the texts at a time."""
    counts, scripts, texts = [np.zeros(0, np.int64)], [], _plain(view)
    while portion := list(islice(texts, _PORTION)):
        counts.append(letters(portion)[:, 1:].sum(axis=1))
        scripts += scripts_of(portion)
    return np.concatenate(counts), scripts
