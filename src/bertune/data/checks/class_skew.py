"""Classes of very different size."""

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Gt

from bertune.base.types import Finding, View
from bertune.base.wording import percent
from bertune.data.checks._rows import counts_of, has_classes, quoted


class ClassSkew:
    """The largest class many times the smallest."""

    def __init__(self, *, note: Annotated[float, Gt(1)] = 5.0, warn: Annotated[float, Gt(1)] = 20.0) -> None:
        self.note, self.warn = note, warn

    def __call__(self, view: View) -> Iterator[Finding]:
        """A note when the largest class has `note` times the rows of the smallest, a warning from `warn` times."""
        counts = counts_of(view, view.splits.train)
        if not has_classes(view) or len(counts) < 2:
            return
        (largest, most), (smallest, least) = counts.most_common()[0], min(counts.items(), key=lambda x: (x[1], x[0]))
        ratio = most / least
        if ratio >= self.note:
            yield Finding(
                "class_skew",
                "warning" if ratio >= self.warn else "note",
                f"{quoted([largest])} has {percent(most / counts.total())} of the training rows, {quoted([smallest])} "
                f"{percent(least / counts.total())} ({most:,} to {least:,})",
                "read macro-F1, not accuracy; if the small classes matter: --set loss.name=class_balanced",
                count=len(counts),
            )
