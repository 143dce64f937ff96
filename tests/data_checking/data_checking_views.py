"""Views made in memory for the checks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bertune.base.types import SPLITS, Roles, Splits, Table, View
from bertune.data.duplicates import groups

_WORDS = (
    "lamp kettle parcel invoice driver garden window shelf button account email refund colour battery cable sofa "
    "carpet towel bottle printer ladder mirror bucket candle drawer hammer helmet jacket asked broken cheap dark early "
    "found green heavy inside late month number ordered paid quick red sent twice under very wanted yellow"
)
WORDS = _WORDS.split()


def clean_texts(rows: int) -> list[str]:
    """Different English messages without any fault."""
    random = np.random.default_rng(7)
    texts = []
    for _ in range(rows):
        one, two, three = (" ".join(random.choice(WORDS, 3, replace=False)) for _ in range(3))
        texts.append(f"The {one} was {two} and I have {three}.")
    return texts


def make_view(
    texts: Sequence[str | None],
    labels: Sequence[str | None] | None,
    split: Sequence[str] | None = None,
    pairs: Sequence[str | None] | None = None,
    columns: dict[str, Any] | None = None,
    **more: Any,
) -> View:
    """A view of rows in memory; every tenth row is for validation and every tenth for test unless `split` says."""
    rows = len(texts)
    split = split if split is not None else [{8: "valid", 9: "test"}.get(i % 10, "train") for i in range(rows)]
    data = {"text": list(texts), **({"pair": list(pairs)} if pairs is not None else {}), **(columns or {})}
    if labels is not None:
        data["label"] = list(labels)
    zeros = np.zeros(rows, dtype=np.int64)
    table = Table(pa.Table.from_pydict(data), ("a.csv",), zeros, np.arange(1, rows + 1), zeros, zeros - 1)
    parts = {name: np.flatnonzero(np.array(split) == name) for name in SPLITS}
    exact, near = groups(texts, pairs)
    roles = Roles("text", "pair" if pairs is not None else None, "label" if labels is not None else None)
    return View(
        table, roles, Splits(parts["train"], parts["valid"], parts["test"]), texts, pairs, labels, exact, near, **more
    )


def clean_view(rows: int) -> View:
    """A view of so many rows without a fault, two classes, tokens counted, split by bertune."""
    texts = clean_texts(rows)
    labels = [("praise", "blame")[(i // 2 + i // 7) % 2] for i in range(rows)]
    lengths = np.array([len(t.split()) + 3 for t in texts])
    split = ["valid" if i % 5 == 3 else "test" if i % 5 == 4 else "train" for i in range(rows)]
    return make_view(
        texts,
        labels,
        split if rows > 250 else None,
        columns={"id": [f"T{i:05d}" for i in range(rows)], "sold": [str(i % 7) for i in range(rows)]},
        lengths=lengths,
        unknown=np.zeros_like(lengths),
        max_length=64,
        model_name="some-model",
    )
