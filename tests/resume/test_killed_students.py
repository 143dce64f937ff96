"""Self-training killed without warning, while the student learns and before and after: resumed, it ends the same."""

import csv
import signal
from pathlib import Path

import pytest
from faulty_files import faults
from fork_server import Server
from resume_runs import begin, data_file, recipe_of, resume, train_arguments

import tiny_models
from bertune.runs.endings import ending

LEARNING = (
    "training.checkpoint_minutes=0.003", "self_training.threshold=0.5", "training.epochs=6",
)  # fmt: skip


PLACES = [("rounds", 0.4), ("unlabelled", 0.5), ("rounds", 0.0), ("rounds", 0.85), ("guessed.parquet", 0.0)]


@pytest.fixture(scope="module")
def taught(tiny, tmp_path_factory):
    """(settings, data, ending, file operations of students) of a run that was never stopped."""
    place = tmp_path_factory.mktemp("taught")
    with open(place / "more.csv", "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([["text"], *([text] for text, _ in tiny_models.sentences(40, 9))])
    settings, data = (*LEARNING, f"data.unlabelled={place / 'more.csv'}"), data_file(place, 60)
    with faults(None, within="rounds") as files:
        run = begin(recipe_of(data, tiny("bert"), *settings), place / "run").path
        operations = len(files.seen)
    assert operations > 20, "a student saves often, so that a kill has something to fall back on"
    return settings, data, ending(run), operations


@pytest.mark.fault("kill at an operation")
@pytest.mark.slow  # the cuts of tests/engine/test_self_training.py are of the default lane
@pytest.mark.parametrize(("within", "share"), PLACES)
def test_killed_as_guesses_are_made_and_learnt(
    taught, tiny, server: Server, tmp_path: Path, within: str, share: float
) -> None:
    settings, data, expected, operations = taught
    out = tmp_path / "run"
    call = 1 + int(share * (operations if within == "rounds" else 4))
    child = server.start(train_arguments(data, tiny("bert"), out, *settings), tmp_path / "log", kill_at=call,
                         within=within, no_report=True)  # fmt: skip
    assert child.wait() == -signal.SIGKILL, child.said
    resume(out)
    assert ending(out) == expected
