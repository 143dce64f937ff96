"""Tokenizers: the one place of this room that knows transformers."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertune.base.errors import ModelError
from bertune.base.model_files import check_folder, read_object
from bertune.base.threads import available, in_order
from bertune.base.types import Ints
from bertune.data.cutting import Frame, Keep, Side, cut_rows
from bertune.data.portions import PORTION, in_portions, plain_calls
from bertune.data.texts import Texts
from bertune.data.tokens_at_rest import TokensAtRest

MOST_IDS = 10_000_000
_BLANKS = np.array([code for code in range(0x3001) if chr(code).isspace()], "<u4")


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


class TextTokenizer:
    """A fast tokenizer read from a folder; never runs code that the folder brings.

    `special_tokens` are tokens of a task that it gets where it lacks them; `vocabulary` is then how many rows a table
    of embeddings needs for them, else 0. `threads` work on portions of texts at once (None: one a processor at hand).
    """

    def __init__(self, folder: str | Path, special_tokens: Sequence[str] = (), threads: int | None = None) -> None:
        from transformers import AutoTokenizer  # slow to import

        self.folder = Path(folder)
        self.threads = threads or available()
        self._at_rest: list[TokensAtRest] = []
        self._frames: dict[bool, Frame] = {}
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
        with plain_calls(self.inner) as backend:
            parts = [backend.to_str(), str(self.inner.truncation_side), str(self.uses_types)]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()

    def lengths(self, texts: Sequence[str | None], pairs: Sequence[str | None] | None) -> tuple[Ints, Ints]:
        """Tokens of each row before any cut, and how many of them are unknown tokens; a missing text counts as "".

        The tokens of texts at rest are kept: `encode` takes them from there, until others are counted.
        """
        frame = self.frame(pairs is not None)
        around = sum(token == self.unknown_id for gap in frame.gaps for token in gap)
        counts, unknown = [], []
        at_rest: dict[int, TokensAtRest] = {}
        with ExitStack() as stack:
            for number, held in enumerate((texts, pairs)):
                if isinstance(held, Texts):
                    at_rest[number] = stack.enter_context(TokensAtRest(held))
            for sides in in_order(self._sides, in_portions(texts, pairs), self.threads):
                counts.append(sum(side.size for side in sides) + frame.specials)
                unknown.append(sum(_counted(side, self.unknown_id) for side in sides) + around)
                for number, rest in at_rest.items():
                    rest.add(sides[number])
        self._at_rest = list(at_rest.values())
        return _join(counts), _join(unknown)

    def encode(
        self, texts: Sequence[str | None], pairs: Sequence[str | None] | None, max_length: int, keep: Keep = "head"
    ) -> Iterator[Encoded]:
        """The ids of rows in portions, each row cut to `max_length` tokens (of pairs the longer text first).

        `keep` says what stays of a text that is cut; with "head" it is what the tokenizer itself leaves. Raises
        DataError where the special tokens leave no room, ModelError.
        """
        frame, typed = self.frame(pairs is not None), self.uses_types and pairs is not None
        keep = "tail" if keep == "head" and self.inner.truncation_side == "left" else keep
        for sides in self._portions(texts, pairs):
            ids, types, lengths = cut_rows(frame, sides, max_length, keep)
            yield Encoded(ids, types if typed else None, lengths)

    def _portions(self, texts: Sequence[str | None], pairs: Sequence[str | None] | None) -> Iterator[list[Side]]:
        """The tokens of rows in portions, of each text of a row: those kept, else made now."""
        kept = [self._kept(held) for held in (texts, pairs) if held is not None]
        if None in kept:
            yield from in_order(self._sides, in_portions(texts, pairs), self.threads)
            return
        for start in range(0, len(texts), PORTION):
            yield [side.take(slice(start, start + PORTION)) for side in kept if side is not None]

    def _kept(self, texts: Sequence[str | None]) -> Side | None:
        return next((side for rest in self._at_rest if (side := rest.of(texts)) is not None), None)

    def _sides(self, held: Sequence[list[str]]) -> list[Side]:
        """The tokens of some rows, of each text of a row; may be called from several threads."""
        return [self._side(texts) for texts in held]

    def _side(self, texts: list[str]) -> Side:
        made = self._tokenized(texts)
        size = np.fromiter(map(len, made), np.int64, len(made))
        ids = np.fromiter(chain.from_iterable(one.ids for one in made), np.int64, int(size.sum()))
        self._check_ids(ids)
        return Side(ids, np.cumsum(size) - size, size)

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """The tokens of one or more texts, none cut and no special ones added, with their places in the texts.

        They are the tokens that `encode` gives between the special ones; may be called from several threads. Raises
        ModelError.
        """
        made = self._tokenized(list(texts), places=True)
        lengths = np.fromiter(map(len, made), np.int64, len(texts))
        total = int(lengths.sum())
        ids = np.fromiter(chain.from_iterable(one.ids for one in made), np.int64, total)
        self._check_ids(ids)
        places = (place for one in made for pair in one.offsets for place in pair)
        begin, end = np.fromiter(places, np.int64, 2 * total).reshape(total, 2).T
        before = np.repeat(np.cumsum([0, *map(len, texts)])[:-1], lengths)
        begin, end = _without_blanks("".join(texts), begin + before, end + before)
        return Pieces(ids, begin - before, end - before, np.concatenate([[0], np.cumsum(lengths)]))

    def frame(self, pair: bool) -> Frame:
        """The special tokens that are put around a text, or around and between the two of a pair.

        Raises ModelError where the tokenizer makes no tokens of letters, or puts the second text first.
        """
        if pair not in self._frames:
            self._frames[pair] = self._framed(pair)
        return self._frames[pair]

    def _framed(self, pair: bool) -> Frame:
        for probe in ("a", "1", ".", "的"):
            (made,) = self._tokenized([(probe, probe) if pair else probe], special=True)
            self._check_ids(np.array(made.ids, np.int64))
            gaps: list[list[int]] = [[]]
            gap_types: list[list[int]] = [[]]
            sides: list[tuple[int, int]] = []
            owners = made.sequence_ids
            for token, kind, owner, before in zip(made.ids, made.type_ids, owners, [None, *owners], strict=False):
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

    def _check_ids(self, ids: Ints) -> None:
        if self._known is not None and int(ids.max(initial=0)) >= self._known:
            raise ModelError(
                "the tokenizer is not the model's.",
                where=str(self.folder),
                expected=f"ids below {self._known:,}, the vocab_size of config.json",
                found=f"{int(ids.max()):,}",
                next_move="copy the model again, its tokenizer from the same place",
            )

    def _tokenized(self, texts: Sequence[str | tuple[str, str]], special: bool = False, places: bool = False) -> Any:
        """What the tokenizers' own code makes of texts or pairs: nothing cut, no padding; places only where asked."""
        try:
            with plain_calls(self.inner) as backend:
                encode = backend.encode_batch if places or special else backend.encode_batch_fast
                return encode(texts, add_special_tokens=special)
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


def _counted(side: Side, token: int | None) -> Ints:
    """How often a token is in each text of a whole pool."""
    found = np.concatenate([[0], np.cumsum(side.pool == token)])
    return np.asarray(found[side.begin + side.size] - found[side.begin])
