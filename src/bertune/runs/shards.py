"""Answers shard by shard: a file of answers for each shard of the rows, which stays whatever happens to the others.

Each file of a folder is a shard; a single file is cut between the portions that it is read in. The answers to a shard
lie in OUT/NAME.parquet, and OUT/_done/NAME.json says to which rows and of which model they are: while that holds, the
shard is not answered again. OUT/_done/NAME.begun is there as long as a worker answers it.
"""

import json
import os
import platform
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bertune.base.errors import BertuneError, DataError, ModelError
from bertune.base.files import FILES
from bertune.base.version import VERSION
from bertune.data.choosing import reader_for
from bertune.evaluate.saved import SavedModel
from bertune.runs.answers import write
from bertune.runs.corpus import model_digest
from bertune.runs.new_rows import portions_of, reading_settings, tables_of
from bertune.runs.predict import Told, answer_portions, open_model
from bertune.runs.telling import Silent

DONE = "_done"  # readers of folders of Parquet files leave out names that start with _
MOST_CUTS = 100  # of one file: each is read from the start of the file
HIDDEN = (".", "_")


@dataclass(frozen=True)
class Shard:
    """A file, or its portions from `first` to before `end`; `name` is that of its answers, below OUT."""

    name: str
    file: str
    size: int
    digest: str
    first: int = 0
    end: int | None = None


@dataclass(frozen=True)
class Work:
    """What all shards have in common, in plain values: the folder of the model with its digest, OUT, and how rows are
    read. The paths hold on every machine that answers."""

    model: str
    digest: str
    out: str
    columns: Mapping[str, str]
    settings: Sequence[str]
    precision: str = "auto"

    def answers(self, shard: Shard) -> Path:
        """Where the answers to a shard lie."""
        return Path(self.out) / shard.name

    def marker(self, shard: Shard) -> Path:
        """Where it is said what they are."""
        return Path(self.out) / DONE / f"{shard.name}.json"

    def begun(self, shard: Shard) -> Path:
        """Where it is said who answers it now."""
        return Path(self.out) / DONE / f"{shard.name}.begun"

    def of(self, shard: Shard) -> dict[str, Any]:
        """Everything that the answers to a shard depend on, as JSON."""
        return {
            "bertune": VERSION, "model": self.digest, "file": shard.digest, "portions": [shard.first, shard.end],
            "columns": dict(self.columns), "settings": list(self.settings), "precision": self.precision,
        }  # fmt: skip

    def done(self, shard: Shard) -> bool:
        """Whether these very answers lie there, whole."""
        try:
            said = FILES.read_json(self.marker(shard))
            return bool(said["of"] == self.of(shard) and said["answers"] == FILES.digest(self.answers(shard)))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return False


def shards_of(data: str, settings: Sequence[str]) -> list[Shard]:
    """The shards of a folder of files, or of one file. Raises DataError where there are none."""
    if data == "-" or data.startswith("hf:"):
        raise DataError("this has no files to answer one by one.", where=data, expected="a file, or a folder of files")
    source = Path(data)
    if not source.is_dir():
        reader_for(data, reading_settings(settings))  # says what there is instead, where there is none
        return _cut(source, settings)
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and _counts(path.relative_to(source))]
    if not files:
        raise DataError("there are no files.", where=data, expected="at least one whose name starts with no . or _")
    for file in files:
        reader_for(str(file), reading_settings(settings))
    return [_shard(file, f"{file.relative_to(source).as_posix()}.parquet") for file in files]


def _counts(name: Path) -> bool:
    return not any(part.startswith(HIDDEN) for part in name.parts)


def _shard(file: Path, name: str) -> Shard:
    return Shard(name, os.path.abspath(file), file.stat().st_size, FILES.digest(file))


def _cut(file: Path, settings: Sequence[str]) -> list[Shard]:
    """Shards of as many portions each; the file is read once to count them."""
    whole = _shard(file, file.name)
    portions = sum(1 for _ in tables_of(str(file), settings))
    each = -(-portions // MOST_CUTS)
    starts = range(0, portions, each)
    return [
        Shard(f"{file.name}.{i:05}.parquet", whole.file, whole.size, whole.digest, start, min(start + each, portions))
        for i, start in enumerate(starts, 1)
    ]


class Predictor:
    """Answers shards with one model, which is opened for the first of them: called with {"shard": JSON of a Shard}, it
    gives {"result": JSON}. `work` is the JSON of a Work; `poll` may raise to stop.

    A result holds `name`, and `told` with `said` (what to tell), or `refused` (why the user's rows or model cannot be
    answered), or `failed` (a traceback).
    """

    def __init__(self, work: str, poll: Callable[[], None] = lambda: None) -> None:
        self.work, self.poll = Work(**json.loads(work)), poll

    @cached_property
    def saved(self) -> SavedModel:
        """The model. Raises ModelError where this machine has another one."""
        saved = open_model(self.work.model)
        if model_digest(saved.folder) != self.work.digest:
            raise ModelError("the model here is another one.", where=str(saved.folder), expected=self.work.digest[:12],
                             next_move="share one disk among the machines")  # fmt: skip
        return saved

    def __call__(self, job: Mapping[str, str]) -> dict[str, str]:
        """Answer one shard."""
        shard = Shard(**json.loads(job["shard"]))
        try:
            result = self._known(shard) or self.answer(shard)
        except BertuneError as error:
            result = {"refused": error.text()}
        except OSError as error:
            result = {"refused": str(error)}
        except Exception:
            result = {"failed": traceback.format_exc()}
        return {"result": json.dumps({"name": shard.name} | result)}

    def _known(self, shard: Shard) -> dict[str, Any] | None:
        """The result for a shard that comes again, as the worker that had it died: it would be the end of this too."""
        if self.work.done(shard):
            return dict(FILES.read_json(self.work.marker(shard))["result"])
        if not self.work.begun(shard).exists():
            return None
        return {"failed": f"its worker died ({FILES.read(self.work.begun(shard)).decode()})"}

    def answer(self, shard: Shard) -> dict[str, Any]:
        """Answer one shard: first the answers are written, then what they are. Raises BertuneError and OSError."""
        _check_there(shard)
        teller, told, work = Silent(), Told(), self.work
        FILES.write_text(work.begun(shard), f"process {os.getpid()} of {platform.node()}")
        try:
            part = (shard.first, shard.end)
            rows = portions_of(shard.file, self.saved, work.columns, work.settings, teller, part)
            digest = write(work.answers(shard), answer_portions(self.saved, rows, told, work.precision, self.poll))
            result = {"told": asdict(told), "said": [text for _, text in teller.heard]}
            FILES.write_json(work.marker(shard), {"of": work.of(shard), "answers": digest, "result": result})
        finally:
            FILES.remove(work.begun(shard))
        return result


def _check_there(shard: Shard) -> None:
    file = Path(shard.file)
    if not file.is_file():
        raise DataError("this file is not on the machine that answers it.", where=shard.file,
                        next_move="share one disk among the machines")  # fmt: skip
    if file.stat().st_size != shard.size:
        raise DataError("this file has changed since it was looked at.", where=shard.file,
                        expected=f"{shard.size:,} bytes", found=f"{file.stat().st_size:,}")  # fmt: skip


def here(work: str, jobs: Sequence[str], poll: Callable[[], None]) -> Iterator[str]:
    """The results of jobs (JSON of shards), answered one after the other in this process."""
    predictor = Predictor(work, poll)
    for job in jobs:
        yield predictor({"shard": job})["result"]
