"""bertune predict --shards: many rows answered by one or several workers; what is done is not done again."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bertune.base.errors import DataError, Problem, RecipeError
from bertune.base.files import FILES
from bertune.base.wording import counted
from bertune.engine.interrupt import Watch
from bertune.evaluate.saved import model_folder, read_about
from bertune.runs.cluster import by_workers
from bertune.runs.corpus import model_digest
from bertune.runs.folder import Folder
from bertune.runs.predict import Told, tell
from bertune.runs.shards import DONE, Shard, Work, here, shards_of
from bertune.runs.telling import Teller

PARTIAL = ".partial"


@dataclass(frozen=True)
class Wanted:
    """Where the answers go, and who gives them: `workers` processes of this machine, or of the Ray cluster at the
    address `cluster` (or RAY_ADDRESS); in which precision, as of `predict_examples`."""

    folder: str | None
    out: str | None = None
    workers: int | None = None
    cluster: str | None = None
    precision: str = "auto"

    def place(self) -> str:
        """The folder of the answers. Raises RecipeError for options that do not go together."""
        problems = []
        if self.folder is None:
            given = "--workers" if self.cluster is None else "--cluster"
            problems.append(Problem(given, "shares out shards; name the folder of their answers: --shards FOLDER"))
        if self.folder is not None and self.out is not None:
            problems.append(Problem("--out", "is one file of answers, --shards a folder of many; give one of them"))
        if self.folder is None or problems:
            raise RecipeError(problems)
        return self.folder


def predict_shards(
    run: str, data: str, wanted: Wanted, columns: Mapping[str, str | None], teller: Teller,
    settings: Sequence[str] = (),
) -> bool:  # fmt: skip
    """Answer a file, or each file of a folder, shard by shard, and tell whether nothing of ours failed.

    Raises BertuneError; DataError, after the others were answered, where some shards could not be.
    """
    out = Path(os.path.abspath(wanted.place()))
    if Path(data).is_dir() and out.is_relative_to(os.path.abspath(data)):
        raise DataError("the answers would lie among the texts.", where=str(out), next_move="give another --shards")
    model = model_folder(Path(run))
    named = {role: name for role, name in columns.items() if name is not None}
    work = Work(os.path.abspath(model), model_digest(model), str(out), named, list(settings), wanted.precision)
    shards = shards_of(data, settings)
    _check_alone(out, {shard.name for shard in shards})
    with Folder(out / DONE).locked(), Watch() as watch:
        left = _left(work, shards, teller)
        told, done, refused = _answered(_results(work, left, wanted, watch), len(left), teller)
    if left:
        tell(told, read_about(model), teller)
    missing = len(left) - len(done)
    text = f"{wanted.folder} · {len(shards) - missing:,} of {counted(len(shards), 'shard')}"
    teller.say("written", f"{text} · {counted(told.rows, 'row')} answered now", out=str(out), rows=told.rows,
               shards=len(shards), done=len(shards) - missing)  # fmt: skip
    if refused and len(refused) == missing:
        raise DataError(f"{counted(missing, 'shard')} could not be answered: {', '.join(refused[:5])}", where=data,
                        next_move="mend what is said above; the same command then answers these alone")  # fmt: skip
    if missing:
        teller.warn("the same command answers what is left", left=missing)
    return not missing


def _check_alone(out: Path, names: set[str]) -> None:
    """Raises DataError where something else lies among the answers, so that a folder of them is never of two things."""
    if out.exists() and not out.is_dir():
        raise DataError("this is a file.", where=str(out), expected="a folder for the answers to each shard")
    found = (path.relative_to(out).as_posix() for path in sorted(out.rglob("*")) if path.is_file())
    others = [name for name in found if not name.startswith(f"{DONE}/") and name.removesuffix(PARTIAL) not in names]
    if others:
        raise DataError(
            "something else lies there.", where=str(out), expected="a new or empty folder, or answers to these files",
            found=f"{others[0]} and {len(others) - 1:,} more" if others[1:] else others[0],
            next_move="remove it, or give another --shards",
        )  # fmt: skip


def _left(work: Work, shards: Sequence[Shard], teller: Teller) -> list[Shard]:
    """The shards that are not done; what lies there of another model, or of other rows, goes away."""
    left = [shard for shard in shards if not work.done(shard)]
    earlier = [shard for shard in left if work.marker(shard).exists()]
    for shard in earlier:
        FILES.remove(work.marker(shard))
        FILES.remove(work.answers(shard))
    for shard in left:
        FILES.remove(work.begun(shard))
    skipped = len(shards) - len(left)
    text = f"{counted(len(shards), 'shard')} · {skipped:,} done before" if skipped else counted(len(shards), "shard")
    teller.say("shards", text, shards=len(shards), done=skipped)
    if earlier:
        teller.warn(f"{len(earlier):,} answered again: their rows, the model or how they are read have changed",
                    again=len(earlier))  # fmt: skip
    return left


def _results(work: Work, left: Sequence[Shard], wanted: Wanted, watch: Watch) -> Iterator[str]:
    """The results of those left, as they come: of this process where one worker and no cluster is asked for."""
    if not left:
        return iter(())
    said, jobs = json.dumps(asdict(work)), [json.dumps(asdict(shard)) for shard in left]
    workers, cluster = wanted.workers or 1, wanted.cluster or os.environ.get("RAY_ADDRESS") or None
    return here(said, jobs, watch.poll) if workers == 1 and not cluster else by_workers(said, jobs, workers, cluster)


def _answered(results: Iterator[str], count: int, teller: Teller) -> tuple[Told, list[str], list[str]]:
    """What is told of all rows, the names of shards that were answered, and of those that could not be."""
    told, done, refused, said = Told(), list[str](), list[str](), set[str]()
    for line in results:
        result = json.loads(line)
        name = result["name"]
        if "told" in result:
            done.append(name)
            own = Told(**result["told"])
            told.add(own, name)
            for text in result["said"]:
                if text not in said:
                    teller.warn(text)
                said.add(text)
            teller.say("shard", f"{name} · {counted(own.rows, 'row')} · {len(done):,} of {count:,}", shard=name,
                       rows=own.rows, done=len(done), of=count)  # fmt: skip
        elif "refused" in result:
            refused.append(name)
            teller.warn(f"{name} not answered: {result['refused']}", shard=name)
        else:
            teller.warn(f"{name} not answered: {result['failed']}", shard=name)
    return told, done, refused
