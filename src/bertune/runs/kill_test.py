"""The kill test: runs that are killed at random moments, or whose checkpoint is damaged, must end as one that was not.

Every run is a process of its own, started as a person would start it. Moments are drawn with a seed.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bertune.base.errors import BertuneError
from bertune.base.files import FILES
from bertune.engine import checkpoint
from bertune.runs.endings import differences, ending, events
from bertune.runs.small_model import write_model, write_rows
from bertune.runs.telling import Teller

LONGEST = 3600.0  # seconds that one process may take
ROWS = 240
SETTINGS = (
    "training.epochs=3", "training.batch_size=8", "training.checkpoint_minutes=0.0001", "optimizer.learning_rate=1e-3",
    "evaluation.early_stopping=false", "evaluation.resamples=200", "training.keep_checkpoints=true",
)  # fmt: skip


class Process(Protocol):
    """A started command line: its number, and the code it ends with (minus the signal that ended it)."""

    pid: int

    def poll(self) -> int | None:
        """The code, or None while it works."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """The code, once it has ended."""
        ...


Starter = Callable[[Sequence[str], Path], Process]


@dataclass(frozen=True)
class Trial:
    """One run that something was done to: what, after how many seconds and at which step, and what came out other."""

    what: str
    seconds: float
    step: int
    differs: tuple[str, ...]
    told: bool = True

    @property
    def passed(self) -> bool:
        """Whether it ended bit-identical, and told what had to be told."""
        return not self.differs and self.told


@dataclass(frozen=True)
class Ground:
    """What all runs of the test share: where, the arguments after `train`, how one is started, the random moments."""

    folder: Path
    arguments: Sequence[str]
    start: Starter
    chance: random.Random

    def train(self, name: str) -> tuple[Process, Path]:
        """Start a run of this name; gives the process and the run folder, which has its record by then."""
        out = self.folder / name
        process = self.start(["train", *self.arguments, "--out", str(out)], self.folder / f"{name}.log")
        until((out / "recipe.toml").exists, process)
        return process, out

    def resume(self, out: Path) -> str:
        """Resume a run to its end; gives what it said. Raises BertuneError when it fails."""
        log = out.with_suffix(".resume.log")
        finished(self.start(["resume", str(out)], log), log)
        return log.read_text(encoding="utf-8", errors="replace")


def spawn(arguments: Sequence[str], log: Path) -> Process:
    """Start a command line of bertune in a process of its own; what it says goes to a file."""
    code = "from bertune.cli.main import run; run()"
    with open(log, "ab") as out:
        return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=out, stderr=out)


def until(condition: Callable[[], bool], process: Process) -> None:
    """Wait until a condition holds or the process has ended."""
    while not condition() and process.poll() is None:
        time.sleep(0.002)


def finished(process: Process, log: Path) -> None:
    """Wait for a process that must succeed. Raises BertuneError with the last thing it said."""
    code = process.wait(LONGEST)
    if code:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise BertuneError("a run of the kill test failed.", found=f"exit code {code}: {' / '.join(last)}")


def small_ground(folder: Path, seed: int, start: Starter = spawn) -> Ground:
    """A small random model and generated rows in a folder, and the command that trains them."""
    write_model(folder / "model")
    write_rows(folder / "rows.csv", ROWS)
    sets = [part for setting in SETTINGS for part in ("--set", setting)]
    return Ground(folder, [str(folder / "rows.csv"), "--model", str(folder / "model"), *sets], start,
                  random.Random(seed))  # fmt: skip


def unbroken(ground: Ground) -> tuple[dict[str, Any], float]:
    """A run that nothing is done to: its ending, and its seconds from the first trace in its folder."""
    process, out = ground.train("whole")
    began = time.perf_counter()
    finished(process, ground.folder / "whole.log")
    return ending(out), time.perf_counter() - began


def killed(ground: Ground, name: str, expected: dict[str, Any], seconds: float) -> Trial:
    """A run killed by SIGKILL at a random moment of its `seconds`, then resumed to its end."""
    span = seconds
    while True:
        process, out = ground.train(name)
        after = ground.chance.uniform(0, span)
        time.sleep(after)
        if process.poll() is None:
            break
        FILES.remove(out)  # it was faster than the whole run and has ended already: again, sooner
        span *= 0.8
    _kill(process)
    step = reached(out)
    ground.resume(out)
    return Trial("killed", after, step, differences(expected, ending(out)))


def damaged(ground: Ground, name: str, expected: dict[str, Any]) -> Trial:
    """A run killed when it has two checkpoints; a bit of the newest is flipped; resumed, it must say so."""
    places = ground.folder / name / "checkpoints"
    while True:
        process, out = ground.train(name)
        began = time.perf_counter()
        until(lambda: len(checkpoint.found(places)) >= 2, process)
        if process.poll() is None:
            break
        FILES.remove(out)  # it ended before it could be killed: again
    _kill(process)
    seconds = time.perf_counter() - began
    newest = checkpoint.found(places)[0]
    victim = ground.chance.choice(sorted(p for p in newest.iterdir() if p.stat().st_size))
    content = bytearray(FILES.read(victim))
    content[ground.chance.randrange(len(content))] ^= 1 << ground.chance.randrange(8)
    victim.write_bytes(bytes(content))
    told = f"checkpoint {newest.name} is damaged" in ground.resume(out)
    step, differs = checkpoint.step_of(newest), differences(expected, ending(out))
    return Trial(f"damaged {victim.name}", seconds, step, differs, told)


def _kill(process: Process) -> None:
    """End a process without warning (on Windows: terminate it), and wait until it is gone."""
    os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait(LONGEST)


def reached(out: Path) -> int:
    """The step that a run had noted when it was stopped."""
    steps = [event["step"] for event in events(out)]
    return int(steps[-1]) if steps else 0


def kill_test(kills: int, seed: int, teller: Teller, start: Starter = spawn) -> bool:
    """Run the whole test in a temporary folder and tell it as a table; whether every run ended bit-identical."""
    with tempfile.TemporaryDirectory(prefix="bertune-") as place:
        ground = small_ground(Path(place), seed, start)
        expected, seconds = unbroken(ground)
        steps = len([e for e in expected["history"] if e["event"] == "stepped"])
        teller.say("unbroken", f"{steps} steps in {seconds:.1f} s", steps=steps, seconds=seconds)
        trials = []
        for number in range(1, kills + 1):
            trials.append(killed(ground, f"killed-{number}", expected, seconds))
            tell(trials[-1], teller)
        trials.append(damaged(ground, "damaged", expected))
        tell(trials[-1], teller)
    same = sum(t.passed for t in trials[:kills])
    good = all(t.passed for t in trials)
    mended = "recovered" if trials[-1].passed else "NOT recovered"
    teller.say("result", f"{kills} kills, {same} bit-identical endings · 1 damaged checkpoint, {mended}",
               kills=kills, identical=same, recovered=trials[-1].passed)  # fmt: skip
    return good


def tell(trial: Trial, teller: Teller) -> None:
    """One line of the table: what was done, when, and how it ended."""
    end = "bit-identical ending" if not trial.differs else f"DIFFERENT: {', '.join(trial.differs)}"
    if not trial.told:
        end += "; the damage was NOT told"
    text = f"{trial.what:<28} at step {trial.step:>3}, {trial.seconds:>5.1f} s   {end}"
    teller.say("trial", text, what=trial.what, step=trial.step, seconds=trial.seconds, passed=trial.passed,
               differs=list(trial.differs))  # fmt: skip
