"""Classes with too few rows to learn or to judge."""

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge, Le

from bertune.base.types import Finding, View
from bertune.data.checks._rows import counts_of, has, has_classes, label_of, quoted


class SmallClass:
    """Classes with few training rows, and classes that the valid or test set does not hold."""

    def __init__(self, *, least: Annotated[int, Ge(2), Le(1000)] = 10) -> None:
        self.least = least

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning below `least` training rows; a note for classes absent from a split."""
        counts = counts_of(view, view.splits.train)
        if not has_classes(view) or len(counts) < 2:
            return
        small = sorted((label for label, n in counts.items() if 1 < n < self.least), key=lambda x: (counts[x], x))
        if small:
            chosen = set(small)
            rows = [int(i) for i in view.splits.train if label_of(view, int(i)) in chosen]
            yield Finding(
                "small_class",
                "warning",
                f"{len(small):,} of {len(counts):,} classes {has(len(small))} under {self.least} training rows: "
                f"{quoted(small)}, the smallest {counts[small[0]]}",
                "add rows of these classes or join them with another; "
                "meanwhile --set training.sampler.name=over_sampling shows them more often",
                view.places(rows),
                len(small),
            )
        for name in ("valid", "test"):
            held = counts_of(view, getattr(view.splits, name))
            absent = sorted(label for label in counts if label not in held)
            if held and absent:
                yield Finding(
                    "absent_class",
                    "note",
                    f"{len(absent):,} of {len(counts):,} classes {has(len(absent))} no row in {name}: {quoted(absent)}",
                    f"their score cannot be measured; add rows of them to {name}",
                    count=len(absent),
                )
