"""Token ids at rest: flat memory-mapped arrays, written once, that never grow resident memory with the data."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bertune.base.files import FILES
from bertune.base.types import Batch, Ints
from bertune.data.tokenizer import Encoded

FORMAT = 2


@dataclass(frozen=True, eq=False)
class TokenStore:
    """The texts of one split: ids[tokens], types[tokens] or None, starts[texts + 1], owner[texts], targets[rows].

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

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, rows: Ints) -> Batch:
        """The packed texts of some rows, in this order; `owner` counts within the batch."""
        if len(self.owner) == len(self.targets):  # one text a row: owner is the identity
            texts, owner = rows, np.arange(len(rows))
        else:
            texts, owner = self._texts_of(rows)
        begins, sizes = self.starts[texts], self.starts[texts + 1] - self.starts[texts]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        where = np.repeat(begins - starts[:-1], sizes) + np.arange(starts[-1])
        ids = self.ids[where] if self.renumber is None else self.renumber[self.ids[where]]
        types = None if self.types is None else torch.from_numpy(self.types[where].astype(np.int64))
        return Batch(
            ids=torch.from_numpy(ids.astype(np.int64)),
            starts=torch.from_numpy(starts),
            owner=torch.from_numpy(owner),
            targets=torch.from_numpy(self.targets[rows]),
            rows=rows,
            types=types,
        )

    def _texts_of(self, rows: Ints) -> tuple[Ints, Ints]:
        first = np.searchsorted(self.owner, rows, side="left")
        last = np.searchsorted(self.owner, rows, side="right")
        counts = last - first
        offsets = np.concatenate([[0], np.cumsum(counts)])[:-1]
        texts = np.repeat(first - offsets, counts) + np.arange(counts.sum())
        return texts, np.repeat(np.arange(len(rows)), counts)


def write(
    folder: Path, parts: Iterable[Encoded], targets: NDArray[Any], fingerprint: str, owner: Ints | None = None
) -> TokenStore:
    """Write the encoded texts of a split into a folder and open them; one text a row unless `owner` says otherwise.

    store.json comes last and holds the digest of every file: a store is complete and whole, or it is written anew.
    """
    FILES.remove(folder)
    lengths: list[Ints] = []
    types: list[NDArray[np.uint8]] = []
    digests = {"ids.bin": FILES.write(folder / "ids.bin", _ids(parts, lengths, types))}
    if types:
        digests["types.bin"] = FILES.write(folder / "types.bin", (part.data for part in types))
    sizes = np.concatenate(lengths) if lengths else np.zeros(0, np.int64)
    arrays = {"lengths": sizes, "targets": targets, "owner": np.arange(len(sizes)) if owner is None else owner}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        digests[f"{name}.npy"] = FILES.write(folder / f"{name}.npy", [buffer.getbuffer()])
    about = {"format": FORMAT, "fingerprint": fingerprint, "types": bool(types), "files": digests}
    FILES.write_json(folder / "store.json", about)
    return read(folder, fingerprint)


def _ids(parts: Iterable[Encoded], lengths: list[Ints], types: list[NDArray[np.uint8]]) -> Iterator[memoryview]:
    """The ids of each part as bytes; its lengths and types are kept aside."""
    for part in parts:
        lengths.append(part.lengths)
        if part.types is not None:
            types.append(part.types.astype(np.uint8))
        if len(part.ids):
            yield part.ids.astype(np.int32).data.cast("B")


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
    lengths, owner, targets = (
        np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("lengths", "owner", "targets")
    )
    rows = lengths if len(owner) == len(targets) else np.bincount(owner, weights=lengths, minlength=len(targets))
    return TokenStore(
        ids=_map(folder / "ids.bin", np.int32),
        types=_map(folder / "types.bin", np.uint8) if about["types"] else None,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        owner=owner,
        targets=targets,
        lengths=rows.astype(np.int64),
        fingerprint=fingerprint,
    )


def _map(path: Path, kind: Any) -> NDArray[Any]:
    if path.stat().st_size == 0:
        return np.zeros(0, kind)
    return np.memmap(path, dtype=kind, mode="r")
