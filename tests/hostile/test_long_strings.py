"""Very long texts of every awkward kind cost time by their length, not by its square, all the way.

What takes time by the square of the length takes minutes of the processor over these texts, which are not given.
"""

import csv
from pathlib import Path

import pytest
from long_strings import LONG
from sandbox import command_line, play

from tiny_models import csv_file, sentences

ALL = """
import time
from pathlib import Path
from long_strings import LONG
from bertune.base import registry
from bertune.data.tokenizer import TextTokenizer
from bertune.runs.ask import ask
from bertune.runs.check import check_data
from bertune.runs.telling import Silent
rows, size, *models = sys.argv[2:]
said = {}
start = time.process_time()
findings = check_data(ask({"data": rows, "model": models[0]}), Silent())
said["checks"] = time.process_time() - start
for name in registry.names("cleaners"):
    start, part = time.process_time(), registry.load("cleaners", name)()
    for make in LONG.values():
        made = part(make(int(size)))
        assert len(made.origin) == len(made.text) + 1
    said[name] = time.process_time() - start
for model in models:
    start, tokenizer = time.process_time(), TextTokenizer(model)
    for make in LONG.values():
        tokenizer.lengths([make(int(size))], None)
        assert [part.lengths.tolist() for part in tokenizer.encode([make(int(size))], None, 64)][0][0] <= 64
    said[model] = time.process_time() - start
"""


def long_rows(path: Path, size: int) -> Path:
    """A file of plain sentences with the long texts among them, and long labels."""
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        writer.writerows(sentences(80))
        for number, make in enumerate(LONG.values()):
            writer.writerow([make(size), ("good", "bad")[number % 2]])
        writer.writerows(["a label", make(size // 4)] for make in LONG.values())
    return path


@pytest.mark.parametrize(
    ("size", "seconds"), [(50_000, 60), pytest.param(1_000_000, 500, marks=pytest.mark.slow)], ids=["50 kB", "1 MB"]
)
def test_long_texts_take_time_by_their_length(size, seconds, tmp_path, tiny):
    models = [str(tiny("bert")), str(tiny("roberta"))]
    path = long_rows(tmp_path / "rows.csv", size)
    code = f"sys.path.append({str(Path(__file__).parent)!r})\n{ALL}"
    found = play(code, tmp_path, str(path), str(size), *models, gigabytes=4, seconds=seconds)
    assert found.code == 0, f"ended with {found.code}\n{found.err[-3000:]}"
    assert set(found.said) >= {"checks", "nfc", "markup"}
    assert found.notes == []


@pytest.mark.slow
def test_a_run_trains_on_long_texts_and_answers_them(tmp_path, tiny):
    data, run = csv_file(tmp_path / "rows.csv"), tmp_path / "run"
    with open(data, "a", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([make(1_000_000), "good"] for make in LONG.values())
    with open(tmp_path / "new.csv", "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([["text"], *([make(1_000_000)] for make in LONG.values())])
    settings = [part for s in ("training.epochs=1", "evaluation.resamples=100") for part in ("--set", s)]
    done = command_line(tmp_path, ["train", str(data), "--model", str(tiny("bert")), "--out", str(run), *settings],
                        gigabytes=6, seconds=600)  # fmt: skip
    assert done.said == 0, done.err[-3000:]
    assert (run / "report.html").stat().st_size < 3_000_000, "the report does not repeat whole texts"
    done = command_line(tmp_path, ["predict", str(run), str(tmp_path / "new.csv"), "--out", str(tmp_path / "out.csv")],
                        gigabytes=6, seconds=300)  # fmt: skip
    assert done.said == 0, done.err[-3000:]
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as handle:
        assert len(list(csv.DictReader(handle))) == len(LONG)
