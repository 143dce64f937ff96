"""Tokens are made once, whatever the epochs and seeds of a run; a resumed run opens the stores of the first start."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from resume_runs import Cut, begin, data_file, recipe_of, resume

from bertune.data.tokenizer import TextTokenizer


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each text was made into tokens."""
    found: Counter[str] = Counter()
    side = TextTokenizer._side

    def counting(self: TextTokenizer, texts: list[str]) -> object:
        found.update(texts)
        return side(self, texts)

    monkeypatch.setattr(TextTokenizer, "_side", counting)
    return found


def test_tokens_are_made_once_and_stores_once(tiny, tmp_path: Path, made: Counter[str], monkeypatch) -> None:
    data = data_file(tmp_path)
    with open(data, newline="", encoding="utf-8") as handle:
        rows = Counter(row["text"] for row in csv.DictReader(handle))
    recipe = recipe_of(data, tiny("bert"), "training.seeds=2", "training.threads=2", "evaluation.suspects=true")
    run = begin(recipe, tmp_path / "run", Cut("stepped", 6)).path
    stores = {file: file.stat().st_mtime_ns for file in run.rglob("ids.bin")}
    assert len(stores) == 3 and made == rows
    monkeypatch.setattr("bertune.runs.build.write_store", None)
    resume(run)
    assert made == rows + rows, "a resumed run counts its rows again, and no more"
    assert (run / "scores.json").exists()
    assert all(file.stat().st_mtime_ns == time for file, time in stores.items() if file.exists())
