"""Tokens of texts that are made once and needed again, in a temporary file that is mapped into memory."""

import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Ints
from bertune.data.cutting import Side
from bertune.data.texts import Texts


class TokensAtRest:
    """The tokens of all texts of a column, added portion by portion while entered, there to be read ever after.

    Their file has no name and goes away with them.
    """

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._sizes: list[Ints] = [np.zeros(0, np.int64)]
        self._ids: NDArray[np.int32] = np.zeros(0, np.int32)
        self._size, self._begin = self._sizes[0], self._sizes[0]

    def __enter__(self) -> "TokensAtRest":
        self._file: Any = tempfile.TemporaryFile(prefix="bertune-")
        return self

    def add(self, side: Side) -> None:
        """Take the tokens of the next texts, which are the whole pool. Raises OSError when the disk fails."""
        self._file.write(np.ascontiguousarray(side.pool, np.int32).data)
        self._sizes.append(side.size)

    def __exit__(self, *_: object) -> None:
        with self._file:
            self._file.flush()
            self._size, self._sizes = np.concatenate(self._sizes), []
            self._begin = np.cumsum(self._size) - self._size
            if self._size.any():
                self._ids = np.memmap(self._file, np.int32, "r")

    def of(self, texts: Any) -> Side | None:
        """The tokens of texts, where they are some of these; else None."""
        positions = texts.positions_in(self._texts) if isinstance(texts, Texts) else None
        return None if positions is None else Side(self._ids, self._begin[positions], self._size[positions])
