"""A folder with the demo files, where `minilm` is a tiny model and a run takes one epoch.

The commands and the code of the documentation run as they are written. Only the weights behind the name `minilm`, the
number of rows and what a run does without being told are smaller, so that a page takes seconds.
"""

import csv
from pathlib import Path

import pytest

import bertune.base.recipe
from bertune.base.errors import ModelError

ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "training.epochs": 1,
    "training.threads": 1,
    "evaluation.resamples": 100,
    "evaluation.per_epoch": 1,
}
ROWS = 90


def _demo_files(folder: Path) -> None:
    """The first rows of each demo file, there and under the path that the README uses."""
    for source in (ROOT / "src" / "bertune" / "demo").glob("*.csv"):
        with open(source, newline="", encoding="utf-8") as handle:
            rows = list(csv.reader(handle))[: ROWS + 1]
        for target in (folder / source.name, folder / "src" / "bertune" / "demo" / source.name):
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "w", newline="", encoding="utf-8") as handle:
                csv.writer(handle).writerows(rows)


@pytest.fixture
def demo_folder(tmp_path: Path, tiny, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a page is tried."""
    _demo_files(tmp_path)
    model = tiny("bert")

    def locate(source: str, digest: str | None, revision: str | None) -> Path:
        if source.startswith("package:"):
            return model
        raise ModelError("not in the cache.", where=source)

    monkeypatch.setattr("bertune.model.choice.locate", locate)
    monkeypatch.setattr("bertune.runs.check.locate", locate)
    resolve = bertune.base.recipe.resolve
    monkeypatch.setattr("bertune.runs.ask.resolve", lambda stated, origin=None: resolve({**SMALL, **stated}, origin))
    monkeypatch.chdir(tmp_path)
    return tmp_path
