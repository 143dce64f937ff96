"""Tokenizers: the one place of this room that knows transformers."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertune.base.errors import ModelError
from bertune.base.types import Ints

PORTION = 2000  # rows tokenized at once: enough for the tokenizer's own threads, little memory


@dataclass(frozen=True, eq=False)
class Encoded:
    """Token ids of some texts laid end to end: ids[tokens], types[tokens] or None, lengths[texts]."""

    ids: Ints
    types: Ints | None
    lengths: Ints


class TextTokenizer:
    """A fast tokenizer read from a folder; never runs code that the folder brings."""

    def __init__(self, folder: str | Path) -> None:
        from transformers import AutoTokenizer  # slow to import

        try:
            self.inner: Any = AutoTokenizer.from_pretrained(str(folder), use_fast=True, trust_remote_code=False)
        except Exception as error:
            raise ModelError(
                "the tokenizer cannot be read.",
                where=str(folder),
                expected="tokenizer.json or the vocabulary files of a known tokenizer",
                found=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
                next_move="save it again with tokenizer.save_pretrained, or name another --model",
            ) from error
        if not getattr(self.inner, "is_fast", False):
            raise ModelError("only a slow tokenizer was found.", where=str(folder), expected="a fast tokenizer")
        if self.inner.pad_token_id is None:
            raise ModelError(
                "the tokenizer has no padding token.", where=str(folder), expected="an encoder's tokenizer"
            )
        self.unknown_id: int | None = self.inner.unk_token_id
        self.pad_id = int(self.inner.pad_token_id)
        self.uses_types = "token_type_ids" in self.inner.model_input_names
        limit = int(self.inner.model_max_length)
        self.limit: int | None = limit if limit < 1_000_000 else None

    def fingerprint(self) -> str:
        """A digest of everything that decides the ids."""
        parts = [self.inner.backend_tokenizer.to_str(), str(self.inner.truncation_side), str(self.uses_types)]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()

    def lengths(self, texts: Sequence[str | None], pairs: Sequence[str | None] | None) -> tuple[Ints, Ints]:
        """Tokens of each row before any cut, and how many of them are unknown tokens; a missing text counts as ""."""
        counts, unknown = [], []
        for part in self._portions(texts, pairs, None):
            counts.append(part.lengths)
            ends = np.cumsum(part.lengths)
            if self.unknown_id is None or not len(ends):
                unknown.append(np.zeros(len(ends), np.int64))
                continue
            running = np.concatenate([[0], np.cumsum(part.ids == self.unknown_id)])
            unknown.append(running[ends] - running[ends - part.lengths])
        return _join(counts), _join(unknown)

    def encode(
        self, texts: Sequence[str | None], pairs: Sequence[str | None] | None, max_length: int
    ) -> Iterator[Encoded]:
        """The ids of rows in portions, each row cut to `max_length` tokens (of pairs the longer text first)."""
        yield from self._portions(texts, pairs, max_length)

    def _portions(
        self, texts: Sequence[str | None], pairs: Sequence[str | None] | None, cut: int | None
    ) -> Iterator[Encoded]:
        for start in range(0, len(texts), PORTION):
            first = [text or "" for text in texts[start : start + PORTION]]
            second = None if pairs is None else [pair or "" for pair in pairs[start : start + PORTION]]
            given = {"truncation": "longest_first", "max_length": cut} if cut else {"truncation": False}
            out = self.inner(
                first,
                second,
                return_attention_mask=False,
                return_token_type_ids=self.uses_types,
                verbose=False,
                **given,
            )
            lengths = np.fromiter((len(ids) for ids in out["input_ids"]), np.int64, len(first))
            total = int(lengths.sum())
            ids = np.fromiter((i for row in out["input_ids"] for i in row), np.int64, total)
            types = None
            if self.uses_types and second is not None:
                types = np.fromiter((i for row in out["token_type_ids"] for i in row), np.int64, total)
            yield Encoded(ids, types, lengths)

    def save(self, folder: Path) -> None:
        """Write the tokenizer's own files into a folder. Raises OSError when the disk fails."""
        try:
            self.inner.save_pretrained(str(folder))
        except Exception as error:
            if type(error) is not Exception:
                raise
            raise OSError(f"{folder}: the tokenizer cannot be written: {error}") from error  # its own kind has no name


def _join(parts: list[Any]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
