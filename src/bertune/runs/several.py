"""A run of several processes: how they are started here, and what those do that do not lead."""

import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bertune.base import processes
from bertune.base.errors import Problem, RecipeError, ResumeError
from bertune.base.recipe import Recipe
from bertune.runs.telling import Silent
from bertune.runs.train import train

OPTION = "--processes"


def launched(count: int, arguments: Sequence[str]) -> bool:
    """Run the command line again in `count` processes of this machine, by the launcher of torchrun, and tell whether
    that was done: one process, or one of those that were started so, goes on by itself.

    Exits with the code of the first that failed, or as a signal asks.
    """
    if count == 1 or processes.asked().count > 1:
        return False
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    for name in ("agent.server.api", "multiprocessing.api", "multiprocessing.errors.handlers", "rendezvous"):
        logging.getLogger(f"torch.distributed.elastic.{name}").setLevel(logging.CRITICAL)  # the leader says it
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=count, run_id="bertune", rdzv_backend="c10d",
        rdzv_endpoint="localhost:0", max_restarts=0,
    )  # fmt: skip
    try:
        elastic_launch(config, sys.executable)("-m", "bertune", *without(arguments))
        return True
    except SignalException as stop:  # they have had it too, and have ended in order
        sys.exit(130 if stop.sigval == signal.SIGINT else 3)
    except ChildFailedError as error:
        codes = [failure.exitcode for _, failure in sorted(error.failures.items()) if failure.exitcode > 0]
        sys.exit(codes[0] if codes else 1)  # those below 0 were only ended with the others


def without(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command line without the number of processes."""
    kept = [a for a in arguments if not a.startswith(f"{OPTION}=")]
    return [a for i, a in enumerate(kept) if a != OPTION and (i == 0 or kept[i - 1] != OPTION)]


def check_fit(recipe: Recipe) -> None:
    """Raises RecipeError for what several processes cannot do yet."""
    problems = []
    if recipe.data.unlabelled is not None:
        problems.append(Problem("data.unlabelled", "self-training runs in one process only"))
    if recipe.data.also:
        problems.append(Problem("data.also", "several tasks at once run in one process only"))
    if problems:
        raise RecipeError(problems)


def follow(recipe: Recipe, run: Path, resume: bool) -> None:
    """Learn with the leader; what this process writes goes away with it.

    With `resume` the run's folder is read: on other machines it must be there too.
    """
    with tempfile.TemporaryDirectory(prefix="bertune-", ignore_cleanup_errors=True) as place:
        own = Path(place) / "run"
        if resume:
            if not run.is_dir():
                raise ResumeError("the run's folder is not on this machine.", where=str(run),
                                  next_move="copy it here, or share its disk")  # fmt: skip
            shutil.copytree(run, own, ignore=shutil.ignore_patterns("lock", "*.building"))
        processes.meet()
        train(recipe, own, teller=Silent(), command=["bertune"], resume=resume, report=False)
