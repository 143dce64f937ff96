"""Labels that are one label spelt in several ways."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from annotated_types import Gt

from bertune.base.types import Finding, View
from bertune.data.checks._rows import has_classes, labelled_of_all, rows_of
from bertune.data.normal_forms import normalize

_LEAST_LENGTH = {1: 4, 2: 7}  # a label must be so long before so many changed letters count as a slip


class LabelSpelling:
    """Labels that differ in case, spaces or punctuation only, and rare labels a letter or two from a frequent one.

    A label is rare beside one that has `times` as many rows. Labels that differ in digits, or by a prefix such as
    `un`, are different labels.
    """

    def __init__(self, *, times: Annotated[float, Gt(1)] = 5.0) -> None:
        self.times = times

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning for each misspelt label, with its rows."""
        if not has_classes(view):
            return
        rows = labelled_of_all(view)
        counts = Counter(label for _, label in rows)
        ranked = sorted(counts, key=lambda label: (-counts[label], label))
        meant = self._meant(ranked, counts)
        for label in ranked:
            if label in meant:
                right, merge = meant[label]
                found = [i for i, one in rows if one == label]
                yield Finding(
                    "label_spelling",
                    "warning",
                    f'label "{label}" ({rows_of(len(found))}) looks like "{right}" ({rows_of(counts[right])})',
                    "count them as one: --set data.label_spelling=merge"
                    if merge
                    else f'write "{right}" in these rows if that is meant',
                    view.places(found),
                    len(found),
                )

    def _meant(self, ranked: list[str], counts: Counter[str]) -> dict[str, tuple[str, bool]]:
        """Misspelt label -> (what is meant, whether case and spaces are all that differs)."""
        meant: dict[str, tuple[str, bool]] = {}
        kept: list[str] = []
        by_key: dict[str, str] = {}
        for label in ranked:
            right = by_key.setdefault(_key(label), label)
            if right != label:
                meant[label] = (right, " ".join(label.casefold().split()) == " ".join(right.casefold().split()))
                continue
            near = next((k for k in kept if counts[k] >= self.times * counts[label] and _slip(label, k)), None)
            if near is not None:
                meant[label] = (near, False)
            else:
                kept.append(label)
        return meant


def _key(label: str) -> str:
    plain = normalize("NFKC", label).casefold()
    # Signs alone ("+", "-") are labels in their own right.
    return re.sub(r"[\W_]+", "", plain) or plain.strip()


def _slip(rare: str, frequent: str) -> bool:
    """Whether one label is the other with a letter or two changed, added, left out or swapped."""
    a, b = _key(rare), _key(frequent)
    if abs(len(a) - len(b)) > 2 or re.sub(r"\D", "", a) != re.sub(r"\D", "", b):
        return False
    if a.endswith(b) or b.endswith(a):
        return False
    distance = _distance(a, b)
    return distance in _LEAST_LENGTH and min(len(a), len(b)) >= _LEAST_LENGTH[distance]


def _distance(a: str, b: str) -> int:
    """Edit distance with swaps of neighbours. Source: Damerau 1964, optimal string alignment."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, last, row = row, before, [i]
        for j, y in enumerate(b, start=1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, last[j - 2] + 1)
            row.append(best)
    return row[-1]
