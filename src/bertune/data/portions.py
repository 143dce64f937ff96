"""Texts in portions of bounded size, and calls of the tokenizers' own code that several threads may make at once."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import Any

PORTION, CHARACTERS = 2000, 1_000_000  # a portion of rows ends with so many rows, or with so many characters
_SWITCH = "TOKENIZERS_PARALLELISM"

_lock = threading.Lock()
_calls = 0
_before: str | None = None


def in_portions(texts: Sequence[str | None], pairs: Sequence[str | None] | None) -> Iterator[list[list[str]]]:
    """The texts of some rows, and their pairs where there are any; what is missing is ""."""
    held: list[list[str]] = [[], []]
    size = 0
    for text, pair in zip(texts, repeat(None) if pairs is None else pairs, strict=pairs is not None):
        held[0].append(text or "")
        held[1].append(pair or "")
        size += len(held[0][-1]) + len(held[1][-1])
        if len(held[0]) == PORTION or size >= CHARACTERS:
            yield held if pairs is not None else held[:1]
            held, size = [[], []], 0
    if held[0]:
        yield held if pairs is not None else held[:1]


@contextmanager
def plain_calls(tokenizer: Any) -> Iterator[Any]:
    """Within, the code below a tokenizer cuts and pads nothing, and each call keeps to the thread that made it.

    Threads of its own would take processors from those that bertune starts, and do not survive a fork: they are turned
    off as long as any call lasts.
    """
    global _calls, _before
    backend = tokenizer.backend_tokenizer
    with _lock:
        if not _calls:
            _before, os.environ[_SWITCH] = os.environ.get(_SWITCH), "false"
        _calls += 1
        if backend.truncation is not None:  # somebody called the tokenizer itself
            backend.no_truncation()
        if backend.padding is not None:
            backend.no_padding()
        if backend.encode_special_tokens != tokenizer.split_special_tokens:
            backend.encode_special_tokens = tokenizer.split_special_tokens
    try:
        yield backend
    finally:
        with _lock:
            _calls -= 1
            if not _calls and _before is None:
                del os.environ[_SWITCH]
            elif not _calls and _before is not None:
                os.environ[_SWITCH] = _before
