"""Seconds and memory of making a token store of many short rows, by one thread and by two.

    python benchmarks/tokenising.py --rows 1000000 --threads 1 2 --rounds 2

Each round takes the numbers of threads in turn, each in a process of its own. It counts the tokens of all rows, as a
run does to choose the length of its texts, and writes the store of four fifths of them from what was counted. A line
tells seconds of both, processor seconds, the peak of resident memory, and how much of it came with the work (GB of
2^30 bytes); `digest` is that of the store's ids and is the same in all lines. Last come the medians of seconds.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from memory import messages


def one(rows: int, words: int, threads: int, model: str) -> dict[str, object]:
    """What one number of threads takes."""
    import numpy as np

    from bertune.base.files import FILES
    from bertune.data.store import write
    from bertune.data.texts import held
    from bertune.data.tokenizer import TextTokenizer
    from bertune.model.choice import choose

    texts = held(text for text, _ in messages(rows, words))
    tokenizer = TextTokenizer(choose(model, "en", "cpu").folder, threads=threads)
    tokenizer.lengths(["a warm start"], None)
    some = np.flatnonzero(np.arange(rows) % 5)
    before, began, used = peak(), time.perf_counter(), time.process_time()
    lengths, _ = tokenizer.lengths(texts, None)
    counted = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        store = write(
            Path(folder) / "store", tokenizer.encode(texts.take(some), None, 48), np.zeros(len(some)), "print"
        )
        ended = time.perf_counter()
        digest = FILES.digest(Path(folder) / "store" / "ids.bin")
    return {
        "threads": threads, "rows": rows, "tokens": int(lengths.sum()), "stored": int(store.starts[-1]),
        "seconds": round(ended - began, 1), "counting": round(counted - began, 1), "storing": round(ended - counted, 1),
        "processor_seconds": round(time.process_time() - used, 1), "peak_gb": round(peak(), 3),
        "more_gb": round(peak() - before, 3), "digest": digest[:12],
    }  # fmt: skip


def peak() -> float:
    """The highest resident memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Measure every number of threads in every round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--words", type=int, default=23, help="most words of a row")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model", default="minilm", help="a known name, or a folder")
    parser.add_argument("--here", action="store_true", help="measure in this process, the first number of threads")
    asked = parser.parse_args()
    if asked.here:
        print(json.dumps(one(asked.rows, asked.words, asked.threads[0], asked.model)))
        return
    seconds: dict[int, list[float]] = {threads: [] for threads in asked.threads}
    for _ in range(asked.rounds):
        for threads in asked.threads:
            command = [sys.executable, __file__, "--here", "--rows", str(asked.rows), "--words", str(asked.words),
                       "--threads", str(threads), "--model", asked.model]  # fmt: skip
            line = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            print(line, end="", flush=True)
            seconds[threads].append(json.loads(line)["seconds"])
    print(json.dumps({"median_seconds": {threads: statistics.median(took) for threads, took in seconds.items()}}))


if __name__ == "__main__":
    main()
