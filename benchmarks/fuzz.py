"""Fuzzes every reader, recipes, and the files of model and run folders; one line of JSON says what came of it.

    python benchmarks/fuzz.py --inputs 50000 --seed 0            inputs changed at random, the same for the same seed
    python benchmarks/fuzz.py --inputs 50000 --guided            steered by coverage, where atheris is installed

Each target runs in a process of its own under a memory limit. An outcome is legal when the input is read well or
refused with one of bertune's own errors that names the place. Anything else is written to --crashes and counted.
"""

import argparse
import hashlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
SECONDS = 20  # no input of 64 kB may take longer
GIGABYTES = 4


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--inputs", type=int, default=50_000, help="inputs over all targets")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--targets", nargs="*", help="only these targets")
    options.add_argument("--guided", action="store_true", help="steer by coverage; needs atheris")
    options.add_argument("--crashes", type=Path, default=Path("fuzz-crashes"), help="where illegal outcomes go")
    options.add_argument("--one", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        _one(chosen.one, chosen.inputs, chosen.seed, chosen.guided, chosen.crashes)
        return
    from fuzz_targets import TARGETS

    names = chosen.targets or list(TARGETS)
    whole = sum(TARGETS[name].share for name in names)
    found = {}
    for name in names:
        count = -int(-chosen.inputs * TARGETS[name].share // whole)
        found[name] = _child(name, count, chosen)
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    totals = {key: sum(entry.get(key, 0) for entry in found.values()) for key in ("inputs", "read", "refused", "other")}
    print(json.dumps({
        "seed": chosen.seed, "guided": chosen.guided, **totals,
        "longest_seconds": max(entry.get("longest_seconds", 0) for entry in found.values()),
        "peak_mb": max(entry.get("peak_mb", 0) for entry in found.values()), "targets": found,
    }))  # fmt: skip
    sys.exit(1 if totals["other"] else 0)


def _child(name: str, count: int, chosen: argparse.Namespace) -> dict[str, Any]:
    """One target in a process of its own. A process that dies counts as one illegal outcome."""
    crashes = chosen.crashes.absolute()
    command = [sys.executable, __file__, "--one", name, "--inputs", str(count), "--seed", str(chosen.seed)]
    command += ["--crashes", str(crashes), *(["--guided"] if chosen.guided else [])]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        home = {"HOME": place, "TMPDIR": place, "HF_HOME": place, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=place, env=os.environ | home, capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if lines:
            return dict(json.loads(lines[-1]))
        last = Path(place) / "last"
        if last.is_file():
            _keep(crashes, name, last.read_bytes(), f"the process ended with {done.returncode}\n{done.stderr[-3000:]}")
        else:
            sys.stderr.write(done.stderr[-3000:])
    return {"inputs": 0, "read": 0, "refused": 0, "other": 1, "died": done.returncode}


def _one(name: str, count: int, seed: int, guided: bool, crashes: Path) -> None:
    if guided:
        import atheris

        with atheris.instrument_imports(include=["bertune", "openpyxl", "json", "csv", "tomllib"]):
            from fuzz_targets import CORPUS, TARGETS, prepared
    else:
        from fuzz_targets import CORPUS, TARGETS, prepared
    target = TARGETS[name]
    (Path.cwd() / "first").mkdir()
    prepared(name, Path.cwd() / "first")
    resource.setrlimit(resource.RLIMIT_DATA, (GIGABYTES << 30, GIGABYTES << 30))
    trial = Trial(name, target, count, crashes)
    corpus = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    for data in corpus:
        trial(data)
    if guided:
        _guided(trial, [str(CORPUS / name)], target, corpus, seed)
    else:
        from fuzz_mutations import mutated

        chance = random.Random(f"{seed} {name}")
        while True:
            trial(mutated(chance, corpus, target.kinds))


def _guided(trial: "Trial", folders: list[str], target: Any, corpus: list[bytes], seed: int) -> None:
    """libFuzzer keeps what reaches new code; half of the changes are ours, which know the formats."""
    import atheris
    from fuzz_mutations import mutated

    def change(data: bytes, most: int, number: int) -> bytes:
        chance = random.Random(number)
        if number % 2:
            return bytes(atheris.Mutate(data, most))
        return mutated(chance, [data, *chance.choices(corpus, k=3)] if data else corpus, target.kinds)[:most]

    grown = Path.cwd() / "grown"
    grown.mkdir()
    arguments = [sys.argv[0], str(grown), *folders, f"-seed={seed + 1}", "-max_len=65536", "-rss_limit_mb=0",
                 "-timeout=60", "-print_final_stats=0"]  # fmt: skip
    atheris.Setup(arguments, trial, custom_mutator=change)
    atheris.Fuzz()


class Trial:
    """Plays inputs and counts outcomes; after `count` of them it prints the figures and ends the process."""

    def __init__(self, name: str, target: Any, count: int, crashes: Path) -> None:
        self.name, self.target, self.left, self.crashes = name, target, count, crashes
        self.counts: Counter[str] = Counter(inputs=0, read=0, refused=0, other=0)
        self.longest, self.seen = 0.0, set[str]()
        self.place = Path.cwd() / "input"
        self.place.mkdir()
        signal.signal(signal.SIGALRM, _too_long)

    def __call__(self, data: bytes) -> None:
        from fuzz_targets import outcome

        (Path.cwd() / "last").write_bytes(data)
        self.counts["inputs"] += 1
        start = time.perf_counter()
        signal.alarm(SECONDS)
        try:
            self.counts[outcome(self.target, data, self.place)] += 1
        except BaseException as error:  # a panic of a library is no Exception
            self._illegal(data, error)
        finally:
            signal.alarm(0)
        self.longest = max(self.longest, time.perf_counter() - start)
        self.left -= 1
        if self.left <= 0:
            self._end()

    def _illegal(self, data: bytes, error: BaseException) -> None:
        self.counts["other"] += 1
        frames = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
        kind = f"{type(error).__name__} {frames[-1] if frames else ''}"
        if kind not in self.seen:
            self.seen.add(kind)
            _keep(self.crashes, self.name, data, "".join(traceback.format_exception(error))[-6000:])

    def _end(self) -> None:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak = int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) // 1024
        print(json.dumps({**self.counts, "longest_seconds": round(self.longest, 2), "peak_mb": peak}), flush=True)
        os._exit(0)


def _too_long(*_: object) -> None:
    raise TimeoutError(f"an input took more than {SECONDS} s")


def _keep(crashes: Path, name: str, data: bytes, why: str) -> None:
    crashes.mkdir(parents=True, exist_ok=True)
    stem = f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    (crashes / stem).write_bytes(data)
    (crashes / f"{stem}.why").write_text(why, encoding="utf-8")


if __name__ == "__main__":
    main()
