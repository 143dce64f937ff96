"""Several seeds: each is a loop of its own, the best on validation is kept, and all of them are told."""

import json
from pathlib import Path

import numpy as np
import pytest
import workbench

import tiny_models
from bertune.base.errors import RecipeError
from bertune.base.recipe import read_toml, resolve
from bertune.engine import plan
from bertune.engine.events import Save, Stop
from bertune.engine.interrupt import Interrupted
from bertune.report.folder import RunFolder
from bertune.runs.endings import ending
from bertune.runs.seeds import _mean
from bertune.runs.telling import Silent
from bertune.runs.train import train

SETTINGS = {"training.seeds": 3, "training.epochs": 2, "evaluation.metric": "log_loss", "evaluation.suspects": False,
            "evaluation.baselines": False, "evaluation.resamples": 100}  # fmt: skip


def recipe_of(tiny, folder: Path, **more):
    """A recipe with files for validation and test, so that no seed decides the split."""
    files = {name: tiny_models.csv_file(folder / f"{name}.csv", rows) for name, rows in (("v", 24), ("t", 20))}
    data = tiny_models.csv_file(folder / "rows.csv", 40)
    settings = {**SETTINGS, "data.valid": str(files["v"]), "data.test": str(files["t"]), **more}
    return workbench.recipe_of(tiny(), data, settings)


def test_the_best_on_validation_is_kept_and_all_are_told(tiny, tmp_path: Path) -> None:
    teller = Silent()
    folder = train(recipe_of(tiny, tmp_path), tmp_path / "run", teller=teller)
    scores, record = json.loads(folder.scores.read_text()), folder.record()
    values = {entry["seed"]: entry["valid"]["log_loss"]["value"] for entry in scores["seeds"]}
    kept = min(values, key=values.__getitem__)
    assert list(values) == [0, 1, 2] and len(set(values.values())) == 3
    assert [entry["seed"] for entry in scores["seeds"] if entry["kept"]] == [kept] == [record["kept_seed"]]
    assert record["best"]["value"] == values[kept]
    assert [text[:6] for topic, text in teller.heard if topic == "seed"] == ["1 of 3", "2 of 3", "3 of 3"]
    checks = {check.step: check.scores["log_loss"] for check in RunFolder(folder.path).checks}
    assert values[kept] == pytest.approx(checks[record["best"]["step"]]), "the history is that of the kept seed"
    assert record["best"]["highest"] == pytest.approx(min(checks.values()))
    assert sorted(p.name for p in (folder.path / "seeds").iterdir()) == ["1", "2"]
    assert not list(folder.path.rglob("checkpoints"))


def test_each_seed_is_the_run_with_that_seed(tiny, tmp_path: Path) -> None:
    several = train(recipe_of(tiny, tmp_path), tmp_path / "run")
    kept = several.record()["kept_seed"]
    found = json.loads(several.scores.read_text())["seeds"]
    for entry in found:
        alone = train(recipe_of(tiny, tmp_path, seed=entry["seed"], **{"training.seeds": 1}),
                      tmp_path / f"alone-{entry['seed']}")  # fmt: skip
        assert alone.record()["best"]["value"] == entry["valid"]["log_loss"]["value"]
        if entry["seed"] == kept:
            assert ending(alone.path)["weights"] == ending(several.path)["weights"]
            assert ending(alone.path)["predictions"] == ending(several.path)["predictions"]


def test_how_rows_were_learnt_is_the_mean_of_all_seeds(tiny, tmp_path: Path, monkeypatch) -> None:
    heard: list[np.ndarray] = []
    monkeypatch.setattr("bertune.runs.journey.write_suspects", lambda *given: heard.append(given[-1]))
    more = {"evaluation.suspects": True, "training.epochs": 1}
    train(recipe_of(tiny, tmp_path, **more), tmp_path / "several")
    for seed in (0, 1, 2):
        train(recipe_of(tiny, tmp_path, seed=seed, **more, **{"training.seeds": 1}), tmp_path / f"alone-{seed}")
    several, *alone = heard
    assert several.shape == (40,) and len(alone) == 3
    assert not np.array_equal(alone[0], alone[1])
    np.testing.assert_allclose(several, np.mean(alone, axis=0), rtol=1e-12)


def test_rows_that_some_seed_never_learnt_count_by_the_others() -> None:
    nothing = np.nan
    found = _mean([np.array([0.2, nothing, nothing]), np.array([0.4, 0.6, nothing])])
    np.testing.assert_allclose(found, [0.3, 0.6, nothing])


class CutAfter:
    """Stops the run after so many updates, over all seeds."""

    def __init__(self, updates: int) -> None:
        self.left = updates

    def on_stepped(self, event: object) -> list[Save | Stop] | None:
        self.left -= 1
        return [Save("cut"), Stop("cut", finished=False)] if self.left == 0 else None


def test_a_run_that_is_stopped_in_any_seed_ends_the_same(tiny, tmp_path: Path) -> None:
    recipe = recipe_of(tiny, tmp_path, **{"training.seeds": 2, "training.epochs": 1})
    done = train(recipe, tmp_path / "whole")
    whole = ending(done.path)
    assert sum(event["event"] == "stepped" for event in whole["history"]) == 10
    for updates in (2, 5, 7):
        cut = tmp_path / f"cut-{updates}"
        with pytest.raises(Interrupted):
            train(recipe, cut, listeners=[CutAfter(updates)])
        again = train(resolve(read_toml(cut / "recipe.toml")), cut, resume=True)
        assert ending(again.path) == whole
        assert again.scores.read_bytes() == done.scores.read_bytes()


@pytest.mark.parametrize(
    ("rows", "valid_rows", "asked", "expected"),
    [(999, 99, "auto", 3), (1000, 99, "auto", 1), (100, 0, "auto", 1), (5000, 99, 4, 4), (100, 0, 1, 1)],
)
def test_how_many(rows: int, valid_rows: int, asked: object, expected: int) -> None:
    facts = plan.Facts(rows, 2, 384, 6, False, valid_rows)
    assert plan._seeds(asked, facts) == expected  # type: ignore[arg-type]


def test_seeds_that_cannot_be_chosen_among_are_refused(tiny, tmp_path: Path) -> None:
    data = tiny_models.csv_file(tmp_path / "rows.csv", 40)
    shares = {"data.split.valid_share": 0.0, "data.split.test_share": 0.2}
    recipe = workbench.recipe_of(tiny(), data, {**SETTINGS, **shares})
    with pytest.raises(RecipeError, match=r"training\.seeds.*validation"):
        train(recipe, tmp_path / "run")
