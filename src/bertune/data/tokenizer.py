"""Tokenizers: the one place of this room that knows transformers."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertune.base.errors import ModelError
from bertune.base.model_files import check_folder, read_object
from bertune.base.types import Ints

MOST_IDS = 10_000_000
_BLANKS = np.array([code for code in range(0x3001) if chr(code).isspace()], "<u4")
PORTION = 2000  # rows tokenized at once: enough for the tokenizer's own threads, little memory


@dataclass(frozen=True, eq=False)
class Encoded:
    """Token ids of some texts laid end to end: ids[tokens], types[tokens] or None, lengths[texts].

    Where rows have several texts, owner[texts] is the number of the row that a text belongs to, counted over all
    portions, in rising order. targets[texts] or [tokens] where texts or tokens are judged and not rows, and what is
    known of each token besides: beside[name][tokens].
    """

    ids: Ints
    types: Ints | None
    lengths: Ints
    owner: Ints | None = None
    targets: NDArray[Any] | None = None
    beside: Mapping[str, Ints] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Texts as tokens without special ones: ids[tokens], begin[tokens], end[tokens], starts[texts + 1].

    begin and end (exclusive) count the characters of the text that the token is of; blanks around a token are left out,
    unless it has nothing else. Tokens that share a character all have the whole of it.
    """

    ids: Ints
    begin: Ints
    end: Ints
    starts: Ints


@dataclass(frozen=True)
class Frame:
    """The special tokens around one text or two: ids before the first, between them, after the last.

    `gaps` has one more entry than `sides`, which holds the segment of each text; `gap_types` are those of the gaps.
    """

    gaps: tuple[tuple[int, ...], ...]
    gap_types: tuple[tuple[int, ...], ...]
    sides: tuple[int, ...]

    @property
    def specials(self) -> int:
        """How many special tokens there are."""
        return sum(map(len, self.gaps))


class TextTokenizer:
    """A fast tokenizer read from a folder; never runs code that the folder brings.

    `special_tokens` are tokens of a task that it gets where it lacks them; `vocabulary` is then how many rows a table
    of embeddings needs for them, else 0.
    """

    def __init__(self, folder: str | Path, special_tokens: Sequence[str] = ()) -> None:
        from transformers import AutoTokenizer  # slow to import

        self.folder = Path(folder)
        if self.folder.is_dir():
            check_folder(self.folder)
            _check_patterns(self.folder)
        try:
            self.inner: Any = AutoTokenizer.from_pretrained(str(folder), use_fast=True, trust_remote_code=False)
            self.inner.add_tokens(list(special_tokens), special_tokens=True)
            limit = int(self.inner.model_max_length)
            ids = max(self.inner.get_vocab().values(), default=0)
            self.unknown_id: int | None = self.inner.unk_token_id
            padding, self.uses_types = self.inner.pad_token_id, "token_type_ids" in self.inner.model_input_names
        except BaseException as error:
            if not (isinstance(error, Exception) or _is_panic(error)):
                raise
            raise ModelError(
                "the tokenizer cannot be read.",
                where=str(folder),
                expected="tokenizer.json or the vocabulary files of a known tokenizer",
                found=f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}",
                next_move="save it again with tokenizer.save_pretrained, or name another --model",
            ) from error
        if ids > MOST_IDS:
            raise ModelError("the tokenizer has ids beyond any vocabulary.", where=str(folder),
                             expected=f"at most {MOST_IDS:,}", found=f"{ids:,}")  # fmt: skip
        if not getattr(self.inner, "is_fast", False):
            raise ModelError("only a slow tokenizer was found.", where=str(folder), expected="a fast tokenizer")
        if padding is None:
            raise ModelError(
                "the tokenizer has no padding token.", where=str(folder), expected="an encoder's tokenizer"
            )
        self.pad_id = int(padding)
        self.limit: int | None = limit if limit < 1_000_000 else None
        self.vocabulary = max((self.id_of(token) + 1 for token in special_tokens), default=0)
        known = _vocabulary(self.folder)
        self._known = None if known is None else max(known, self.vocabulary)

    def id_of(self, token: str) -> int:
        """The number of a token. Raises ModelError where the tokenizer does not have it."""
        found = self.inner.get_vocab().get(token)
        if found is None:
            raise ModelError("the tokenizer lacks a token of the task.", where=str(self.folder), expected=token,
                             next_move="copy the model again, its tokenizer from the same place")  # fmt: skip
        return int(found)

    @cached_property
    def special_ids(self) -> Ints:
        """The numbers of all tokens that stand for no text: those around texts, and those of a task."""
        tokens = self.inner.added_tokens_decoder.items()
        found = {*self.inner.all_special_ids, *(number for number, token in tokens if token.special)}
        return np.array(sorted(found), dtype=np.int64)

    def stand_in(self, kind: str) -> int:
        """The number of the token that stands for any other: of kind "mask" or "unknown".

        Raises ModelError where the tokenizer has none.
        """
        found = self.inner.mask_token_id if kind == "mask" else self.unknown_id
        if found is None:
            raise ModelError(
                f"the tokenizer has no {kind} token.", where=str(self.folder),
                next_move="name another --model, or another augmenter: bertune show augmenters",
            )  # fmt: skip
        return int(found)

    def fingerprint(self) -> str:
        """A digest of everything that decides the ids, whatever was tokenized before."""
        self.inner.backend_tokenizer.no_truncation()
        self.inner.backend_tokenizer.no_padding()
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

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """The tokens of one or more texts, none cut and no special ones added, with their places in the texts.

        They are the tokens that `encode` gives between the special ones. Raises ModelError.
        """
        given = {"truncation": False, "add_special_tokens": False, "return_offsets_mapping": True}
        out = self._tokenized(list(texts), None, given)
        lengths = np.fromiter((len(ids) for ids in out["input_ids"]), np.int64, len(texts))
        total = int(lengths.sum())
        ids = np.fromiter((i for row in out["input_ids"] for i in row), np.int64, total)
        self._check_ids(ids)
        places = (place for row in out["offset_mapping"] for pair in row for place in pair)
        begin, end = np.fromiter(places, np.int64, 2 * total).reshape(total, 2).T
        before = np.repeat(np.cumsum([0, *map(len, texts)])[:-1], lengths)
        begin, end = _without_blanks("".join(texts), begin + before, end + before)
        return Pieces(ids, begin - before, end - before, np.concatenate([[0], np.cumsum(lengths)]))

    def frame(self, pair: bool) -> Frame:
        """The special tokens that `encode` puts around a text, or around and between the two of a pair.

        Raises ModelError where the tokenizer makes no tokens of letters, or puts the second text first.
        """
        for probe in ("a", "1", ".", "的"):
            out = self._tokenized([probe], [probe] if pair else None, {"truncation": False})
            ids, owners = out["input_ids"][0], out.sequence_ids(0)
            types = out["token_type_ids"][0] if self.uses_types else [0] * len(ids)
            gaps: list[list[int]] = [[]]
            gap_types: list[list[int]] = [[]]
            sides: list[tuple[int, int]] = []
            for token, kind, owner, before in zip(ids, types, owners, [None, *owners], strict=False):
                if owner is None:
                    gaps[-1].append(token)
                    gap_types[-1].append(kind)
                elif owner != before:
                    sides.append((owner, kind))
                    gaps.append([])
                    gap_types.append([])
            if [owner for owner, _ in sides] == ([0, 1] if pair else [0]):
                return Frame(tuple(map(tuple, gaps)), tuple(map(tuple, gap_types)), tuple(kind for _, kind in sides))
        raise ModelError(
            "the tokenizer does not tell where a text begins and ends.",
            where=str(self.folder),
            expected="special tokens before, between and after the texts, and the first text first",
            next_move="name another --model",
        )

    def _portions(
        self, texts: Sequence[str | None], pairs: Sequence[str | None] | None, cut: int | None
    ) -> Iterator[Encoded]:
        for start in range(0, len(texts), PORTION):
            first = [text or "" for text in texts[start : start + PORTION]]
            second = None if pairs is None else [pair or "" for pair in pairs[start : start + PORTION]]
            given = {"truncation": "longest_first", "max_length": cut} if cut else {"truncation": False}
            out = self._tokenized(first, second, given)
            lengths = np.fromiter((len(ids) for ids in out["input_ids"]), np.int64, len(first))
            total = int(lengths.sum())
            ids = np.fromiter((i for row in out["input_ids"] for i in row), np.int64, total)
            self._check_ids(ids)
            types = None
            if self.uses_types and second is not None:
                types = np.fromiter((i for row in out["token_type_ids"] for i in row), np.int64, total)
            yield Encoded(ids, types, lengths)

    def _check_ids(self, ids: Ints) -> None:
        if self._known is not None and int(ids.max(initial=0)) >= self._known:
            raise ModelError(
                "the tokenizer is not the model's.",
                where=str(self.folder),
                expected=f"ids below {self._known:,}, the vocab_size of config.json",
                found=f"{int(ids.max()):,}",
                next_move="copy the model again, its tokenizer from the same place",
            )

    def _tokenized(self, first: list[str], second: list[str] | None, given: dict[str, Any]) -> Any:
        try:
            return self.inner(
                first,
                second,
                return_attention_mask=False,
                return_token_type_ids=self.uses_types,
                verbose=False,
                **given,
            )
        except BaseException as error:
            if not (_is_panic(error) or type(error) is Exception):  # what the tokenizers raise has no type of its own
                raise
            raise ModelError(
                "the tokenizer gave up on a text.",
                where=str(self.folder),
                found=str(error).splitlines()[0][:200],
                next_move="name another --model: a pattern may take exponential time, or the unknown token be missing",
            ) from None

    def save(self, folder: Path) -> None:
        """Write the tokenizer's own files into a folder. Raises OSError when the disk fails."""
        try:
            self.inner.save_pretrained(str(folder))
        except Exception as error:
            if type(error) is not Exception:
                raise
            raise OSError(f"{folder}: the tokenizer cannot be written: {error}") from error  # its own kind has no name


def _vocabulary(folder: Path) -> int | None:
    """How many tokens the model beside the tokenizer has; None where that is not known."""
    if not (folder / "config.json").is_file():
        return None
    size = read_object(folder, "config.json").get("vocab_size")
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None


def _is_panic(error: BaseException) -> bool:
    """Whether the tokenizers' own code gave up; its exception is no Exception."""
    return type(error).__module__ == "pyo3_runtime"


def _check_patterns(folder: Path) -> None:
    """Refuses a tokenizer.json whose patterns repeat a repetition, such as (a+)+: their time is exponential."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        return
    try:
        held = [json.loads(file.read_text(encoding="utf-8"))]
    except (ValueError, RecursionError):
        return  # the tokenizer's own reader says what is wrong
    if isinstance(held[0], dict):
        held = [held[0].get(part) for part in ("normalizer", "pre_tokenizer", "decoder")]
    while held:
        value = held.pop()
        if isinstance(value, dict) and isinstance(value.get("Regex"), str) and _repeats_repetition(value["Regex"]):
            raise ModelError(
                "a pattern of the tokenizer may take exponential time.",
                where=str(file),
                expected="no repetition within a repetition",
                found=repr(value["Regex"][:120]),
                next_move="name another --model",
            )
        if isinstance(value, (dict, list)):
            held.extend(value.values() if isinstance(value, dict) else value)


def _repeats_repetition(pattern: str) -> bool:
    """Whether an unbounded repetition stands over a group that holds one; what is in brackets is one character."""
    plain = re.sub(r"\\[pPx]\{[^}]*\}|\\.", "x", pattern, flags=re.DOTALL)
    plain = re.sub(r"\[\^?\]?[^\]]*\]", "x", plain)
    while True:
        inner = re.search(r"\(([^()]*)\)([*+]|\{\d*,\})?", plain)
        if inner is None:
            return False
        unbounded = re.search(r"[*+]|\{\d*,\}", inner[1].replace("+?", "+").replace("++", "x"))
        if unbounded and inner[2]:
            return True
        plain = plain[: inner.start()] + ("x*" if unbounded else "x") + plain[inner.end() :]


def _without_blanks(text: str, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Places in a text with the blanks at their ends left out; those that are all blank, or empty, stay."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    blank = np.isin(codes, _BLANKS)
    if not blank.any():
        return begin, end
    positions = np.arange(len(codes) + 1)
    after = np.append(np.where(blank, len(codes), positions[:-1]), len(codes))  # the next place that is not blank
    after = np.minimum.accumulate(after[::-1])[::-1]
    before = np.maximum.accumulate(np.append(0, np.where(blank, 0, positions[1:])))  # where the last such one ends
    inner = after[begin] < before[end]
    return np.where(inner, after[begin], begin), np.where(inner, before[end], end)


def _join(parts: list[Any]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
