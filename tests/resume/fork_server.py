"""A process that has imported everything and forks a child for each command: real processes without the start-up time.

Run as a script it serves; `Server` is the other end. A child runs one command line of bertune. It may be told to
signal itself at the n-th call of a function, or to meet a fault at the n-th file operation: then a test needs no luck.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WORKING = 1000  # instead of the code of a child that has not ended


def signal_at(target: str, call: int, numbers: Sequence[int], clock: Path) -> None:
    """Have this process send itself signals as it enters the n-th call of a function, such as `bertune.x:Y.z`."""
    module, _, path = target.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    function, calls = getattr(owner, name), [0]

    def signalled(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            clock.write_text(str(time.monotonic()))
            for number in numbers:
                os.kill(os.getpid(), number)
        return function(*given, **named)

    setattr(owner, name, signalled)


def child(job: Mapping[str, Any]) -> None:
    """Run one command line; never comes back."""
    code = 1
    try:
        log = os.open(job["log"], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP):  # which a parent, such as nohup, may have had ignored
            signal.signal(number, signal.SIG_DFL)
        if job.get("no_report"):
            importlib.import_module("bertune.runs.journey").Journey._write_report = lambda self: None
        if job.get("at"):
            signal_at(job["at"], job["call"], job["signals"], Path(job["log"]).with_suffix(".clock"))
        if job.get("kill_at"):
            faulty = importlib.import_module("faulty_files")
            faulty.install(job["kill_at"], within=job.get("within", ""), fault=faulty.killed)
        importlib.import_module("bertune.cli.main").run(job["arguments"])
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Fork a child for each line that asks for one; wait for a child when asked."""
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    for name in ("bertune.cli.main", "bertune.runs.command", "bertune.runs.train", "bertune.tasks", "faulty_files",
                 "sklearn.linear_model", "sklearn.feature_extraction.text", "bertune.evaluate.baselines.tfidf",
                 "transformers.models.bert.modeling_bert"):  # fmt: skip
        importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        if "wait" in job:
            ended, status = os.waitpid(job["wait"], 0 if job["block"] else os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if ended else WORKING, flush=True)
            continue
        number = os.fork()
        if number == 0:
            child(job)
        print(number, flush=True)


@dataclass
class Child:
    """A child that runs a command: its number, its log, and how to ask for its end."""

    pid: int
    log: Path
    ask: Callable[[bool], int]
    code: int | None = None

    def send(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it works."""
        if self.code is None:
            code = self.ask(False)
            self.code = None if code == WORKING else code
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        """The same, once it has ended."""
        if self.code is None:
            self.code = self.ask(True)
        return self.code

    @property
    def said(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def seconds_since_signal(self) -> float:
        """Seconds since it signalled itself."""
        return time.monotonic() - float(self.log.with_suffix(".clock").read_text())


class Server:
    """The serving process, and the asking for children."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _ask(self, job: Mapping[str, Any]) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return int(self._line())

    def start(self, arguments: Sequence[Any], log: Path, **job: Any) -> Child:
        """Start a command line in a child."""
        number = self._ask({"arguments": [str(a) for a in arguments], "log": str(log), **job})
        return Child(number, log, lambda block: self._ask({"wait": number, "block": block}))

    def close(self) -> None:
        """End the serving process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()


if __name__ == "__main__":
    serve()
