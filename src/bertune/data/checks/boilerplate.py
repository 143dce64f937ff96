"""The same words at the beginning or the end of many texts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated

from annotated_types import Gt, Lt

from bertune.base.types import Finding, View
from bertune.base.wording import percent
from bertune.data.checks._rows import rows_of, texts_at

_SAMPLE = 20_000  # rows looked at
_CHARACTERS = 24  # what must be the same at an edge: a greeting is shorter
_LONGER = 2  # times as long a text must be, so that the rest is a text of its own


class Boilerplate:
    """Texts that begin or end with the same passage, such as a disclaimer; `share` of the rows must have it."""

    def __init__(self, *, share: Annotated[float, Gt(0), Lt(1)] = 0.02) -> None:
        self.share = share

    def __call__(self, view: View) -> Iterator[Finding]:
        """A note for the commonest beginning and the commonest end, with the rows."""
        rows = [(i, " ".join(text.split())) for i, text in islice(texts_at(view), _SAMPLE)]
        for where, part in (("begin", slice(_CHARACTERS)), ("end", slice(-_CHARACTERS, None))):
            edges = [text[part] if len(text) >= _LONGER * _CHARACTERS else "" for _, text in rows]
            passage, found = _commonest(rows, edges)
            # A passage goes with different texts; rows that are the same altogether are duplicates.
            different = len({int(view.near[i]) for i in found})
            if passage and different >= max(5, self.share * len(rows)):
                yield Finding(
                    "boilerplate",
                    "note",
                    f"{rows_of(len(found))} ({percent(len(found) / len(rows))}) {where} with the same "
                    f"{_CHARACTERS} characters or more",
                    "take the passage out if new texts will not have it; it takes room within the length",
                    view.places(found),
                    len(found),
                )


def _commonest(rows: Sequence[tuple[int, str]], edges: Sequence[str]) -> tuple[str, list[int]]:
    counts = Counter(edge for edge in edges if edge)
    if not counts:
        return "", []
    passage = max(counts, key=lambda edge: (counts[edge], edge))
    return passage, [i for (i, _), edge in zip(rows, edges, strict=True) if edge == passage]
