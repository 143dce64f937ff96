"""Which texts a model has learned from, as digests: so that a later test set can be compared with them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertune.base.files import FILES

BYTES = 8


def write_seen(path: Path, texts: Sequence[str], pairs: Sequence[str] | None) -> None:
    """Write the sorted 8-byte digests of the training rows' texts; case and white space do not count."""
    FILES.write(path, [np.unique(_digests(texts, pairs)).astype("<u8").tobytes()])


def seen_rows(path: Path, texts: Sequence[str], pairs: Sequence[str] | None) -> NDArray[np.bool_] | None:
    """Whether each row's text stood in the training rows; None where the run folder does not know."""
    if not path.is_file() or path.stat().st_size % BYTES:
        return None
    known = np.frombuffer(FILES.read(path), dtype="<u8")
    return np.isin(_digests(texts, pairs), known)


def _digests(texts: Sequence[str], pairs: Sequence[str] | None) -> NDArray[np.uint64]:
    rows = zip(texts, strict=True) if pairs is None else zip(texts, pairs, strict=True)
    plain = ("\x1f".join(" ".join(text.split()).casefold() for text in row) for row in rows)
    pieces = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=BYTES).digest() for text in plain)
    return np.frombuffer(b"".join(pieces), dtype="<u8")
