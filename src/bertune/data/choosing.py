"""Which reader reads a path."""

from pathlib import Path
from typing import Any, Protocol

from bertune.base.errors import DataError
from bertune.base.registry import load, names, nearest
from bertune.base.settings import build, schema
from bertune.base.wording import brief
from bertune.data.readers._chunk import Reader, suffixed

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar", ".bz2", ".xz", ".zst")
_SAVED = "save it anew in Python: datasets.load_from_disk(FOLDER)['train'].to_parquet('train.parquet')"
_TRUSTED = "it may run code as it is opened; where you trust it, save the table anew in Python: "
_TABLE = "put the texts into a table, a row for each, or into a folder of .txt files for each class"
_ELSEWHERE = (  # what is not read, by the end of its name, and how it becomes what is
    ((".pkl", ".pickle", ".joblib", ".pt", ".npy", ".npz"), _TRUSTED + "frame.to_parquet('rows.parquet')"),
    ((".arrow", ".feather"), _SAVED),
    ((".ods", ".numbers", ".sav", ".dta", ".xlsb"), "save it as .xlsx or .csv in the program that it comes from"),
    ((".docx", ".doc", ".pdf", ".html", ".htm", ".xml"), _TABLE),
    ((".db", ".sqlite", ".sqlite3"), "write the rows out as .csv"),
)
NAMED = "name it: --set data.format=csv"
FOLDERS = (
    "train, dev and test files, files of one format, a folder per class with .txt files, or the .tsv files of GLUE"
)


class ReadingSettings(Protocol):
    """The settings of a recipe's data section that say how a source is read."""

    @property
    def format(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def delimiter(self) -> str: ...
    @property
    def quoting(self) -> Any: ...
    @property
    def header(self) -> Any: ...


def reader_for(path: str, settings: ReadingSettings) -> Reader:
    """The reader for a path with its settings. Raises DataError where there is no such source or format."""
    _check_exists(path)
    name = settings.format
    if name == "auto":
        _check_saved(path)
        fitting = [n for n in names("readers") if load("readers", n).recognise(path)]
        if not fitting:
            raise _unrecognised(path)
        name = min(fitting, key=lambda n: _rank(load("readers", n), path))
    elif name not in names("readers"):
        raise DataError(
            f"there is no format called {name!r}.",
            where=path,
            expected="auto, " + ", ".join(names("readers")),
            next_move=f"did you mean --set data.format={nearest(name, list(names('readers')))}?",
        )
    part = load("readers", name)
    known = schema(part).model_fields
    wanted = {"encoding": settings.encoding, "delimiter": settings.delimiter, "quoting": settings.quoting,
              "header": settings.header}  # fmt: skip
    reader: Reader = build(part, values={key: value for key, value in wanted.items() if key in known})
    return reader


def _rank(part: Any, path: str) -> tuple[bool, bool]:
    """One that has looked into the file knows more than one that goes by its name; modest ones come after others."""
    return suffixed(path, part.suffixes), getattr(part, "modest", False)


def _check_exists(path: str) -> None:
    if path.startswith("hf:"):
        return
    file = Path(path)
    try:
        if file.exists() or ("#" in path and Path(path.rsplit("#", 1)[0]).exists()):
            return
    except (OSError, ValueError) as error:
        raise DataError("this is no path.", where=brief(path), found=str(error)[:80]) from None
    beside = [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []
    close = nearest(file.name, sorted(beside)[:1000]) if beside else ""
    raise DataError(
        "there is no such file or folder.",
        where=path,
        found=f"{len(beside):,} files in {file.parent}" if beside else f"no folder {file.parent} or nothing in it",
        next_move=f"did you mean {file.parent / close}?" if close else "check the path",
    )


def _check_saved(path: str) -> None:
    """Refuses what `save_to_disk` of datasets leaves: Arrow files, beside JSON files that are no data."""
    mark = next((name for name in ("dataset_dict.json", "state.json") if (Path(path) / name).is_file()), None)
    if mark and (Path(path) / "dataset_info.json" if mark == "state.json" else Path(path)).exists():
        raise DataError("Arrow files are not read.", where=path, expected=FOLDERS, found=mark, next_move=_SAVED)


def _instead(path: str) -> str | None:
    return next((move for ends, move in _ELSEWHERE if path.lower().endswith(ends)), None)


def _unrecognised(path: str) -> DataError:
    folder = Path(path).is_dir()
    if not folder and path.lower().endswith(ARCHIVES):
        move = "unpack it and name the file in it, or pack it as .gz"
        return DataError("archives are not read.", where=path, expected="a file, plain or .gz", next_move=move)
    known = FOLDERS if folder else ", ".join(known_suffixes())
    return DataError(
        f"the format of this {'folder' if folder else 'file'} is not recognised.",
        where=path,
        expected=known,
        next_move=f"a data set in the hub's layout: hf:{path}" if folder else _instead(path) or NAMED,
    )


def known_suffixes() -> list[str]:
    """The ends of the names of files that some reader knows."""
    return sorted({suffix for name in names("readers") for suffix in load("readers", name).suffixes})
