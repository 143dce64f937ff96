"""Token ids at rest: flat memory-mapped arrays, written once, that never grow resident memory with the data."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bertune.base.files import FILES
from bertune.base.types import Batch, Ints, Level
from bertune.data.cutting import ranges
from bertune.data.tokenizer import Encoded

FORMAT = 3


@dataclass(frozen=True, eq=False)
class TokenStore:
    """The texts of one split: ids[tokens], types[tokens] or None, starts[texts + 1], owner[texts], lengths[rows].

    targets has one entry a row, text or token, as `level` says; beside[name][tokens] is what is known of each token.
    With `renumber`, batches hold renumber[id] in place of each id.
    """

    ids: NDArray[np.int32]
    types: NDArray[np.uint8] | None
    starts: Ints
    owner: Ints
    targets: NDArray[Any]
    lengths: Ints
    fingerprint: str
    renumber: NDArray[np.int32] | None = None
    level: Level = "row"
    beside: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def classes(self) -> Ints:
        """The class number of each row, for samplers; zeros where rows have no single class."""
        whole = self.level == "row" and self.targets.ndim == 1 and np.issubdtype(self.targets.dtype, np.integer)
        return np.asarray(self.targets) if whole else np.zeros(len(self), np.int64)

    def batch(self, rows: Ints) -> Batch:
        """The packed texts of some rows, in this order; `owner` counts within the batch."""
        texts, owner = self._texts_of(rows)
        tokens, starts = self._tokens_of(texts)
        ids = self.ids[tokens] if self.renumber is None else self.renumber[self.ids[tokens]]
        types = None if self.types is None else torch.from_numpy(self.types[tokens].astype(np.int64))
        judged = {"row": rows, "text": texts, "token": tokens}[self.level]
        return Batch(
            ids=torch.from_numpy(ids.astype(np.int64)),
            starts=torch.from_numpy(starts),
            owner=torch.from_numpy(owner),
            targets=torch.from_numpy(np.asarray(self.targets[judged])),
            rows=rows,
            types=types,
            beside={name: torch.from_numpy(values[tokens]) for name, values in self.beside.items()},
        )

    def items(self, rows: Ints, level: Level) -> Ints:
        """Where the rows, their texts or their tokens stand among all of the store, in the order of a batch."""
        if level == "row":
            return rows
        texts, _ = self._texts_of(rows)
        return texts if level == "text" else self._tokens_of(texts)[0]

    def bounds(self, level: Level) -> Ints:
        """Where each row's items begin and end among all: [rows + 1]."""
        if level == "row":
            return np.arange(len(self) + 1)
        texts = np.searchsorted(self.owner, np.arange(len(self) + 1), side="left")
        return texts if level == "text" else self.starts[texts]

    def firsts(self, most: int | None = None) -> Ints:
        """For each row, or each of the first `most`, the first one of exactly the same tokens: itself, as a rule."""
        texts = self.bounds("text")[: len(self.lengths[:most]) + 1]
        tokens = self.starts[texts]
        found = np.arange(len(texts) - 1)
        shapes = np.stack([np.diff(tokens), np.diff(texts)], axis=1)
        kinds, of_row = np.unique(shapes, axis=0, return_inverse=True)
        order = np.argsort(of_row, kind="stable")
        for rows in np.split(order, np.cumsum(np.bincount(of_row, minlength=len(kinds)))[:-1]):
            if len(rows) > 1:
                _, first, same = np.unique(self._written(rows), return_index=True, return_inverse=True)
                found[rows] = rows[first][same]
        return found

    def _written(self, rows: Ints) -> NDArray[Any]:
        """All that is known of each row's tokens as one value; the rows have as many tokens, and texts, each."""
        batch = self.batch(rows)
        parts = [batch.ids, *([] if batch.types is None else [batch.types]), *batch.beside.values()]
        columns = [part.numpy().reshape(len(rows), -1).astype(np.int32) for part in parts]
        columns.append(np.diff(batch.starts.numpy()).reshape(len(rows), -1).astype(np.int32))
        whole = np.ascontiguousarray(np.concatenate(columns, axis=1))
        return whole.view(np.dtype((np.void, whole.shape[1] * 4)))[:, 0]

    def take(self, rows: Ints) -> "TokenStore":
        """A store of some rows alone, in this order."""
        batch = self.batch(rows)
        lengths = np.diff(batch.starts.numpy())
        owner = batch.owner.numpy()
        return replace(
            self, ids=batch.ids.numpy(), types=None if batch.types is None else batch.types.numpy(),
            starts=batch.starts.numpy(), owner=owner, targets=batch.targets.numpy(), renumber=None,
            lengths=_of_rows(lengths, owner, len(rows)), beside={n: v.numpy() for n, v in batch.beside.items()},
        )  # fmt: skip

    def _texts_of(self, rows: Ints) -> tuple[Ints, Ints]:
        if len(self.owner) == len(self):  # one text a row: owner is the identity
            return rows, np.arange(len(rows))
        first = np.searchsorted(self.owner, rows, side="left")
        last = np.searchsorted(self.owner, rows, side="right")
        counts = last - first
        offsets = np.concatenate([[0], np.cumsum(counts)])[:-1]
        texts = np.repeat(first - offsets, counts) + np.arange(counts.sum())
        return texts, np.repeat(np.arange(len(rows)), counts)

    def _tokens_of(self, texts: Ints) -> tuple[Ints, Ints]:
        """Positions of the tokens of texts, and where each text begins among them [texts + 1]."""
        begins, sizes = self.starts[texts], self.starts[texts + 1] - self.starts[texts]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        return ranges(begins, sizes), starts


def write(
    folder: Path, parts: Iterable[Encoded], targets: NDArray[Any], fingerprint: str, level: Level = "row"
) -> TokenStore:
    """Write the encoded texts of a split into a folder and open them.

    `targets` has one entry a row; texts or tokens bring their own (`level`), and rows with several texts their owners.
    store.json comes last and holds the digest of every file: a store is complete and whole, or it is written anew.
    """
    FILES.remove(folder)
    kept = _Kept()
    digests = {"ids.bin": FILES.write(folder / "ids.bin", kept.ids(parts))}
    if kept.types:
        digests["types.bin"] = FILES.write(folder / "types.bin", (part.data for part in kept.types))
    arrays = kept.arrays(targets, level)
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        digests[f"{name}.npy"] = FILES.write(folder / f"{name}.npy", [buffer.getbuffer()])
    about = {
        "format": FORMAT, "fingerprint": fingerprint, "types": bool(kept.types), "rows": len(targets), "level": level,
        "beside": sorted(kept.beside), "files": digests,
    }  # fmt: skip
    FILES.write_json(folder / "store.json", about)
    return read(folder, fingerprint)


class _Kept:
    """What is kept of the portions besides their ids."""

    def __init__(self) -> None:
        self.lengths: list[Ints] = []
        self.types: list[NDArray[np.uint8]] = []
        self.owner: list[Ints] = []
        self.targets: list[NDArray[Any]] = []
        self.beside: dict[str, list[Ints]] = {}

    def ids(self, parts: Iterable[Encoded]) -> Iterator[memoryview]:
        """The ids of each portion as bytes; the rest is kept aside."""
        for part in parts:
            self.note(part)
            if len(part.ids):
                yield part.ids.astype(np.int32).data.cast("B")

    def note(self, part: Encoded) -> None:
        self.lengths.append(part.lengths)
        if part.types is not None:
            self.types.append(part.types.astype(np.uint8))
        if part.owner is not None:
            self.owner.append(part.owner)
        if part.targets is not None:
            self.targets.append(part.targets)
        for name, values in part.beside.items():
            self.beside.setdefault(name, []).append(values.astype(np.int32))

    def arrays(self, targets: NDArray[Any], level: Level) -> dict[str, NDArray[Any]]:
        """The arrays of a store by name."""
        lengths = np.concatenate(self.lengths) if self.lengths else np.zeros(0, np.int64)
        owner = np.concatenate(self.owner) if self.owner else np.arange(len(lengths))
        judged = targets if level == "row" else np.concatenate(self.targets) if self.targets else targets[:0]
        beside = {f"beside-{name}": np.concatenate(parts) for name, parts in self.beside.items()}
        return {"lengths": lengths, "targets": judged, "owner": owner, **beside}


def in_memory(parts: Iterable[Encoded], targets: NDArray[Any], level: Level = "row") -> TokenStore:
    """A store that lies in memory, for few rows."""
    kept = _Kept()
    ids = [np.zeros(0, np.int32)]
    for part in parts:
        kept.note(part)
        ids.append(part.ids.astype(np.int32))
    arrays = kept.arrays(targets, level)
    types = np.concatenate(kept.types) if kept.types else None
    return _store(np.concatenate(ids), types, arrays, len(targets), level, "")


def is_current(folder: Path, fingerprint: str) -> bool:
    """Whether a complete, undamaged store of exactly this fingerprint lies in the folder."""
    try:
        about = FILES.read_json(folder / "store.json")
        if about.get("fingerprint") != fingerprint or about.get("format") != FORMAT:
            return False
        return all(FILES.digest(folder / name) == digest for name, digest in about["files"].items())
    except (OSError, ValueError, KeyError, AttributeError):
        return False


def read(folder: Path, fingerprint: str) -> TokenStore:
    """Open a store that `write` made."""
    about = FILES.read_json(folder / "store.json")
    names = ("lengths", "owner", "targets", *(f"beside-{name}" for name in about["beside"]))
    arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in names}
    types = _map(folder / "types.bin", np.uint8) if about["types"] else None
    return _store(_map(folder / "ids.bin", np.int32), types, arrays, about["rows"], about["level"], fingerprint)


def _store(
    ids: NDArray[np.int32], types: NDArray[np.uint8] | None, arrays: Mapping[str, NDArray[Any]], rows: int,
    level: Level, fingerprint: str,
) -> TokenStore:  # fmt: skip
    lengths, owner = arrays["lengths"], arrays["owner"]
    return TokenStore(
        ids=ids,
        types=types,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        owner=owner,
        targets=arrays["targets"],
        lengths=_of_rows(lengths, owner, rows),
        fingerprint=fingerprint,
        level=level,
        beside={name.removeprefix("beside-"): v for name, v in arrays.items() if name.startswith("beside-")},
    )


def _of_rows(lengths: Ints, owner: Ints, rows: int) -> Ints:
    """Tokens of each row."""
    if len(owner) == rows:
        return np.asarray(lengths, np.int64)
    return np.bincount(owner, weights=lengths, minlength=rows).astype(np.int64)


def _map(path: Path, kind: Any) -> NDArray[Any]:
    if path.stat().st_size == 0:
        return np.zeros(0, kind)
    return np.memmap(path, dtype=kind, mode="r")
