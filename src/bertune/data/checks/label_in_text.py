"""The answer hidden in the text or in a column beside it."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from bertune.base.types import Finding, Ints, View
from bertune.base.wording import percent
from bertune.data.checks._rows import has_classes, labelled, purity, quoted

_SAMPLE = 5000  # rows looked at: enough for any of these shares
_PREFIX = re.compile(r"[^\W\d_]+")


class LabelInText:
    """Label names that stand in the texts of their class, ids in the text, and columns that tell the label.

    `least` is the share of rows from which a rule counts, `rows` the rows a value or class needs to be judged.
    """

    def __init__(self, *, least: Annotated[float, Gt(0.5), Le(1)] = 0.95, rows: Annotated[int, Ge(2)] = 5) -> None:
        self.least, self.rows = least, rows

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning where the text holds the answer, a note where a column beside it does."""
        if not has_classes(view):
            return
        pairs = [(i, label) for i, label in labelled(view, view.splits.train) if view.texts[i] is not None]
        pairs = pairs[:: max(1, len(pairs) // _SAMPLE)]
        if len(pairs) < 2 * self.rows or len({label for _, label in pairs}) < 2:
            return
        positions, labels = [i for i, _ in pairs], [label for _, label in pairs]
        texts = [(view.texts[i] or "").casefold() for i in positions]
        yield from self._label_words(texts, labels)
        yield from self._first_words(texts, labels)
        parts = {view.roles.text, view.roles.text_pair, view.roles.label}
        for name in view.table.names:
            if name not in parts:
                column = view.table.columns.column(name).take(np.array(positions))
                values = ["" if v is None else str(v).strip() for v in column.to_pylist()]
                yield from self._column(name, values, texts, labels)

    def _label_words(self, texts: Sequence[str], labels: Sequence[str]) -> Iterator[Finding]:
        counts = Counter(labels)
        told = []
        for label, count in counts.items():
            words = re.sub(r"[\W_]+", " ", label.casefold()).strip()
            if count < self.rows or len(words) < 2 or words.isdigit():
                continue
            inside = np.array([words in text for text in texts])
            own = np.array([one == label for one in labels])
            if inside[own].mean() >= 0.7 and inside[~own].mean() <= 0.1:
                told.append(label)
        # A topic may well be named in its texts; a leak of labels touches most classes.
        if told and 2 * len(told) >= len(counts):
            yield Finding(
                "label_in_text",
                "warning",
                f"the label stands in most texts of its class and hardly elsewhere: {quoted(sorted(told))}",
                "take the label out of the texts if new texts will not have it",
                count=len(told),
            )

    def _first_words(self, texts: Sequence[str], labels: Sequence[str]) -> Iterator[Finding]:
        firsts = [text.split(maxsplit=1)[0] if text.strip() else "" for text in texts]
        if self._tells(firsts, labels):
            yield Finding(
                "label_in_text",
                "warning",
                "the first word of the text tells the label in nearly every row",
                "take it out of the texts if new texts will not have it",
                count=len(texts),
            )

    def _column(
        self, name: str, values: Sequence[str], texts: Sequence[str], labels: Sequence[str]
    ) -> Iterator[Finding]:
        long = [i for i, value in enumerate(values) if len(value) >= 4]
        if len(long) >= 0.8 * len(values):
            share = sum(values[i].casefold() in texts[i] for i in long) / len(long)
            if share >= self.least:
                yield Finding(
                    "id_in_text",
                    "warning",
                    f'the text holds the value of column "{name}" in {percent(share)} of the rows',
                    "name another text column (--text COLUMN) or take the value out of the texts",
                    count=len(long),
                )
        prefixes = [match[0] if (match := _PREFIX.match(value)) else "" for value in values]
        for what, kind in ((values, ""), (prefixes, "the first letters of ")):
            if self._tells(what, labels):
                yield Finding(
                    "column_tells_label",
                    "note",
                    f'{kind}column "{name}" tell{"" if kind else "s"} the label in nearly every row',
                    "it is not given to the model; keep it out of the text column, and split by it if it names a "
                    f"source: --set data.group={name} --set data.split.name=grouped",
                    count=len(values),
                )
                return

    def _tells(self, values: Sequence[str], labels: Sequence[str]) -> bool:
        """Whether the values that occur often cover the rows, differ, and give the label away."""
        counts = Counter(values)
        kept = [i for i, value in enumerate(values) if value and counts[value] >= self.rows]
        if len(kept) < 0.8 * len(values):
            return False
        value, label = _numbers([values[i] for i in kept]), _numbers([labels[i] for i in kept])
        right, guess = purity(value, label)
        return right >= self.least and right - guess >= 0.1


def _numbers(items: Sequence[str]) -> Ints:
    known: dict[str, int] = {}
    return np.array([known.setdefault(item, len(known)) for item in items], dtype=np.int64)
