"""Labels that stand for a missing label."""

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Gt, Lt

from bertune.base.types import Finding, View
from bertune.data.checks._rows import has_classes, labelled_of_all, rows_of

# `none`, `other` and `unknown` are classes of many data sets and not listed; `-` is one where there is a `+`.
PLACEHOLDERS = frozenset(
    """
    - -- --- ? ?? n/a #n/a nan null (null) <null> nil undefined missing tbd todo 缺失 未标注
    """.split()  # noqa: SIM905 - a list of quoted words is harder to read
)


class PlaceholderLabel:
    """Rows whose label is a word for no label, such as the `-` of SNLI, in fewer than `share` of the labelled rows."""

    def __init__(self, *, share: Annotated[float, Gt(0), Lt(1)] = 0.2) -> None:
        self.share = share

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning for each such label, with its rows."""
        if not has_classes(view):
            return
        rows = labelled_of_all(view)
        labels = {label for _, label in rows}
        if len(labels) < 3 or "+" in labels:
            return
        for label in sorted(labels):
            found = [i for i, one in rows if one == label]
            if label.strip().casefold() in PLACEHOLDERS and len(found) < self.share * len(rows):
                yield Finding(
                    "placeholder_label",
                    "warning",
                    f'{rows_of(len(found))} with the label "{label}", which stands for none: it is learnt as a class',
                    f"leave them out: --set \"data.no_label=['{label}']\"",
                    view.places(found),
                    len(found),
                )
