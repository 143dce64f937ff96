"""Data sets of the Hugging Face hub, or local folders in its layout."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from bertune.base.errors import DataError, MissingExtra
from bertune.data._types import normal
from bertune.data.readers._bounds import check_parquet, check_text
from bertune.data.readers._chunk import CHUNK_ROWS, SPLIT_NAMES, Chunk, check_names

PREFIX = "hf:"
PACKED: dict[str, bytes | tuple[bytes, ...]] = {
    "gzip": b"\x1f\x8b", "zip": (b"PK\x03\x04", b"PK\x05\x06"), "bzip2": b"BZh", "xz": b"\xfd7zXZ\0",
    "7z": b"7z\xbc\xaf", "zstandard": b"\x28\xb5\x2f\xfd", "lz4": b"\x04\x22\x4d\x18", "rar": b"Rar!",
}  # fmt: skip
PLAIN_FORMATS = ("parquet", "csv", "json", "arrow", "text")


class Hub:
    """`hf:<data set or local folder>[:configuration]`, read through the package datasets.

    Class numbers become class names (-1, as in unlabelled test splits, becomes missing). The splits train, validation
    and test are kept, others are left out, and it is said. Data sets that are scripts are refused.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the path starts with hf:."""
        return path.startswith(PREFIX)

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows of each split in order; raises DataError, and MissingExtra where datasets is absent."""
        name, config = _parts(path.removeprefix(PREFIX))
        _check_folder(name)
        loaded = _load(name, config)
        self.files = []
        self.facts = {"format": "hub", "data set": name} | ({"configuration": config} if config else {})
        known = {split: SPLIT_NAMES[split] for split in loaded if split in SPLIT_NAMES}
        if not known and len(loaded) == 1:
            known = dict.fromkeys(loaded, "")
        left_out = [split for split in loaded if split not in known]
        if left_out:
            self.facts["left out"] = "splits " + ", ".join(left_out)
        if not known:
            raise DataError("no split is called train, validation or test.", where=path, found=", ".join(loaded))
        for split, given in sorted(known.items(), key=lambda item: ("train", "valid", "test", "").index(item[1])):
            index = len(self.files)
            self.files.append(f"{path} {split}")
            yield from _chunks(loaded[split], index, given or None, self.files[index])


def _parts(rest: str) -> tuple[str, str | None]:
    """Name and configuration; a local folder may itself hold a colon."""
    if os.path.isdir(rest) or ":" not in rest:
        return rest, None
    name, _, config = rest.rpartition(":")
    return name, config


def _check_folder(name: str) -> None:
    """Refuses a local folder that is missing or a script, and Parquet files that claim too much."""
    if not os.path.isdir(name):
        if name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
            raise DataError("there is no such folder.", where=f"{PREFIX}{name}", next_move="check the path")
        return
    scripts = [file.name for file in Path(name).glob("*.py")]
    if scripts:
        raise DataError(
            "this data set is a script, and bertune runs no code that comes with data.",
            where=f"{PREFIX}{name}",
            expected="data files: .parquet, .csv, .json, .jsonl",
            found=", ".join(sorted(scripts)),
            next_move="convert it to Parquet files",
        )
    for file in Path(name).rglob("*"):
        if file.is_file():
            _check_file(name, file)


def _check_file(name: str, file: Path) -> None:
    """Refuses what the package datasets would unpack, or read whole, without a bound of ours."""
    with open(file, "rb") as handle:
        start = handle.read(512)
    packed = next((kind for kind, marks in PACKED.items() if start.startswith(marks)), None)
    if packed is None and start[257:262] == b"ustar":
        packed = "tar"
    if packed:
        raise DataError(
            "bertune unpacks no archive of a data set.",
            where=f"{PREFIX}{name}",
            expected="plain files: .parquet, .csv, .json, .jsonl",
            found=f"{file.relative_to(name)} ({packed})",
            next_move="unpack it yourself; a single .csv.gz or .jsonl.gz can be named without hf:",
        )
    if file.suffix == ".parquet" or start.startswith(b"PAR1"):
        check_parquet(str(file))


def _check_inside(builder: Any, name: str) -> None:
    """Refuses data files that lie elsewhere than the data set, as its README may name them."""
    inside = os.path.realpath(name) + os.sep if os.path.isdir(name) else "hf://"
    for files in (builder.config.data_files or {}).values():
        for file in files:
            place = str(file) if "://" in str(file) else os.path.realpath(str(file))
            if not place.startswith(inside):
                raise DataError(
                    "the data set names a file outside itself.",
                    where=f"{PREFIX}{name}",
                    expected="files of its own",
                    found=place,
                    next_move="look at data_files in its README.md",
                )


def _load(name: str, config: str | None) -> dict[str, Any]:
    try:
        import datasets
    except ImportError:
        raise MissingExtra("datasets", "hub", f"Reading {PREFIX}{name}") from None
    shown = datasets.is_progress_bar_enabled()
    level = logging.getLogger("datasets").level
    datasets.disable_progress_bars()
    logging.getLogger("datasets").setLevel(logging.ERROR)
    try:
        builder = datasets.load_dataset_builder(name, config)
        kind = str(getattr(builder, "builder_name", "") or builder.name)
        if kind not in PLAIN_FORMATS:
            raise DataError(
                f"the data set is kept as {kind}, which is not read.",
                where=f"{PREFIX}{name}",
                expected=", ".join(PLAIN_FORMATS),
            )
        _check_inside(builder, name)
        return dict(datasets.load_dataset(name, config, streaming=False))
    except DataError:
        raise
    except Exception as error:
        raise _failed(name, error) from None
    finally:
        logging.getLogger("datasets").setLevel(level)
        if shown:
            datasets.enable_progress_bars()


def _failed(name: str, error: Exception) -> DataError:
    cause = error.__cause__ or error
    offline = os.environ.get("HF_HUB_OFFLINE") == "1" or os.environ.get("HF_DATASETS_OFFLINE") == "1"
    found = f"{type(cause).__name__}: {str(cause).strip().splitlines()[0][:200] if str(cause).strip() else ''}"
    move = f"check the name, the configuration ({PREFIX}{name}:configuration) and the network"
    if os.path.isdir(name):
        move = f"check the files of the folder, and the configuration ({PREFIX}{name}:configuration)"
    elif offline:
        move = "HF_HUB_OFFLINE=1 is set: unset it, or name a local folder"
    return DataError("the data set cannot be loaded.", where=f"{PREFIX}{name}", found=found, next_move=move)


def _chunks(dataset: Any, file: int, split: str | None, source: str) -> Iterator[Chunk]:
    check_names(dataset.column_names, source, 0)
    classes = {
        name: list(feature.names)
        for name, feature in dataset.features.items()
        if type(feature).__name__ == "ClassLabel"
    }
    table = dataset.with_format("arrow")
    done = 0
    while done < len(dataset) or done == 0:
        part = table[done : done + CHUNK_ROWS].combine_chunks()
        batches = part.to_batches()
        batch = batches[0] if batches else pa.RecordBatch.from_pylist([], part.schema)
        check_text(batch, source, done)
        count = batch.num_rows
        rows = np.arange(done + 1, done + count + 1, dtype=np.int64)
        columns = normal(_named(batch, classes))
        yield Chunk(columns, rows, np.zeros(count, np.int64), np.full(count, file, np.int64), split)
        done += max(count, 1)


def _named(batch: pa.RecordBatch, classes: dict[str, list[str]]) -> pa.RecordBatch:
    """The batch with class numbers replaced by class names; numbers out of range become missing."""
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name in classes:
            names = classes[name]
            values = [names[v] if v is not None and 0 <= v < len(names) else None for v in column.to_pylist()]
            columns.append(pa.array(values, pa.large_string()))
        else:
            columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
