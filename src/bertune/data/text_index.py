"""Texts with their vectors at rest: memory-mapped arrays in a folder, and which texts lie nearest to others."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertune.base.errors import DataError
from bertune.base.files import FILES
from bertune.base.model_files import read_object
from bertune.base.types import Floats, Ints

FORMAT = 1
NAME = "index.json"
ARRAYS = ("texts.bin", "starts.npy", "rows.npy", "vectors.npy")
BLOCK = 16_384  # vectors compared at once
DIGITS = 6  # of a cosine: texts that differ by less are alike, and the earlier row comes first
Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TextIndex:
    """Texts in their order: vectors[texts, width] of length 1, rows[texts, 2] (number of the file, row from 1).

    `model` and `corpus` are digests of what the vectors came from, `files` the names of the files.
    """

    vectors: Vectors
    rows: Ints
    starts: Ints
    content: NDArray[np.uint8]
    model: str
    corpus: str
    files: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def text(self, at: int) -> str:
        """One of the texts."""
        return bytes(self.content[int(self.starts[at]) : int(self.starts[at + 1])]).decode("utf-8")

    def nearest(self, queries: Floats, top: int) -> tuple[Ints, Floats]:
        """The `top` texts with the highest cosine, [queries, top] places and cosines; every text is compared.

        queries[queries, width] have length 1. Of equal cosines (to six digits) the earlier text comes first.
        """
        asked = queries.astype(np.float32)
        keys, found = np.zeros((len(asked), 0), np.int64), np.zeros((len(asked), 0), np.int64)
        for start in range(0, len(self), BLOCK):
            block = np.asarray(self.vectors[start : start + BLOCK])
            places = np.arange(start, start + len(block))
            alike = np.rint(asked @ block.T * 10**DIGITS).astype(np.int64)
            keys, found = _best(
                np.hstack([keys, (alike << 40) - places]), np.hstack([found, np.tile(places, (len(asked), 1))]), top
            )
        return found, (keys + found >> 40) / 10**DIGITS


def _best(keys: Ints, places: Ints, top: int) -> tuple[Ints, Ints]:
    """The highest keys of each row with their places, the highest first; no two keys are alike."""
    kept = min(top, keys.shape[1])
    best = np.argpartition(-keys, kept - 1, axis=1)[:, :kept] if kept else np.zeros((len(keys), 0), np.int64)
    keys, places = np.take_along_axis(keys, best, axis=1), np.take_along_axis(places, best, axis=1)
    order = np.argsort(-keys, axis=1)
    return np.take_along_axis(keys, order, axis=1), np.take_along_axis(places, order, axis=1)


def write_texts(folder: Path, parts: Iterable[tuple[Sequence[str], Ints]]) -> str:
    """Write texts, with the file and row of each (rows[texts, 2]), as they come by; gives the digest of all."""
    sizes: list[Ints] = [np.zeros(1, np.int64)]
    rows: list[Ints] = [np.zeros((0, 2), np.int64)]

    def content() -> Iterator[bytes]:
        for texts, places in parts:
            encoded = [text.encode("utf-8") for text in texts]
            sizes.append(np.array([len(text) for text in encoded], np.int64))
            rows.append(places)
            yield b"".join(encoded)

    digests = [FILES.write(folder / "texts.bin", content())]
    digests += [_write_array(folder / "starts.npy", np.cumsum(np.concatenate(sizes)))]
    digests += [_write_array(folder / "rows.npy", np.concatenate(rows))]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _write_array(path: Path, array: NDArray[Any]) -> str:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return FILES.write(path, [buffer.getbuffer()])


def texts_at(folder: Path, portion: int) -> Iterator[list[str]]:
    """The texts that `write_texts` wrote, in portions."""
    starts, content = _array(folder, "starts", np.int64, 1), _content(folder)
    for first in range(0, len(starts) - 1, portion):
        ends = starts[first : first + portion + 1].tolist()
        yield [bytes(content[a:b]).decode("utf-8") for a, b in pairwise(ends)]


def write_vectors(
    folder: Path, portions: Iterable[Vectors], model: str, corpus: str, files: Sequence[str]
) -> TextIndex:
    """Write the vectors of the texts in a folder as they come by, and open the index; index.json comes last."""
    texts, wanted = len(_array(folder, "starts", np.int64, 1)) - 1, iter(portions)
    first = next(wanted)
    head = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (texts, first.shape[1])}
    np.lib.format.write_array_header_1_0(head, shape)
    FILES.write(folder / "vectors.npy", chain([head.getvalue()], _bytes(chain([first], wanted))))
    about = {
        "format": FORMAT, "model": model, "corpus": corpus, "texts": texts, "width": first.shape[1],
        "files": list(files), "digests": {name: FILES.digest(folder / name) for name in ARRAYS},
    }  # fmt: skip
    FILES.write_json(folder / NAME, about)
    return read_index(folder)


def _bytes(portions: Iterable[Vectors]) -> Iterator[memoryview]:
    for part in portions:
        yield np.ascontiguousarray(part, "<f4").data.cast("B")


def is_index(folder: Path) -> bool:
    """Whether a folder holds an index."""
    return (folder / NAME).is_file()


def read_index(folder: Path) -> TextIndex:
    """Open an index, its arrays memory-mapped. Raises DataError where it is damaged or of another release."""
    about = read_object(folder, NAME)
    if about.get("format") != FORMAT:
        raise _unusable(folder, f"format {str(about.get('format'))[:40]}")
    digests = about.get("digests")
    wrong = next(
        (n for n in ("texts.bin", "starts.npy", "rows.npy", "vectors.npy") if not _same(folder, n, digests)), None
    )
    if wrong is not None:
        raise _unusable(folder, f"{wrong} is missing or not as it was written")
    starts, rows = _array(folder, "starts", np.int64, 1), _array(folder, "rows", np.int64, 2)
    vectors, content = _array(folder, "vectors", np.float32, 2), _content(folder)
    ordered = len(starts) and starts[0] == 0 and (np.diff(starts) >= 0).all() and starts[-1] == len(content)
    files, names = about.get("files"), [about.get("model"), about.get("corpus")]
    if not isinstance(files, list) or not all(isinstance(f, str) for f in files):
        raise _unusable(folder, "no list of files")
    if not (ordered and all(isinstance(n, str) for n in names)):
        raise _unusable(folder, "arrays or index.json that do not fit each other")
    if rows.shape != (len(starts) - 1, 2) or len(vectors) != len(rows) or (len(rows) and _beyond(rows, files)):
        raise _unusable(folder, "arrays that do not fit each other")
    return TextIndex(vectors, rows, starts, content, str(names[0]), str(names[1]), tuple(files))


def _beyond(rows: Ints, files: Sequence[str]) -> bool:
    return bool(rows[:, 0].min() < 0 or rows[:, 0].max() >= len(files))


def _same(folder: Path, name: str, digests: Any) -> bool:
    path = folder / name
    plain = path.is_file() and not path.is_symlink()
    return plain and isinstance(digests, Mapping) and FILES.digest(path) == digests.get(name)


def _array(folder: Path, name: str, kind: Any, dimensions: int) -> NDArray[Any]:
    path = folder / f"{name}.npy"
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise _unusable(folder, f"{path.name}: {str(error)[:80]}") from None
    if array.dtype != kind or array.ndim != dimensions:
        raise _unusable(folder, f"{path.name} of {array.dtype}")
    return np.asarray(array)


def _content(folder: Path) -> NDArray[np.uint8]:
    path = folder / "texts.bin"
    return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)


def _unusable(folder: Path, found: str) -> DataError:
    return DataError(
        "this index cannot be used.", where=str(folder), expected="what bertune search --index wrote", found=found,
        next_move="remove the folder, and search the texts again with --index",
    )  # fmt: skip
