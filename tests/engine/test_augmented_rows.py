"""Changed copies of training rows: beside the rows, with their gold, in no other split, the same after a resume."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import workbench

import tiny_models
from bertune.base import registry
from bertune.base.errors import RecipeError
from bertune.engine.interrupt import Interrupted
from bertune.runs.ask import ask
from bertune.runs.endings import ending
from bertune.runs.prepare import prepare
from bertune.runs.telling import Silent
from bertune.runs.train import train

FEW = {"training.epochs": 1, "evaluation.suspects": False, "evaluation.baselines": False, "evaluation.resamples": 100}


def bench(tiny: Any, folder: Path, name: str, **settings: Any) -> workbench.Bench:
    data = tiny_models.csv_file(folder / "rows.csv", 60)
    return workbench.bench(tiny(), data, {"data.augment.name": name, **settings})


def rows_of(store: Any, rows: range) -> list[list[int]]:
    return [store.batch(np.array([row])).ids.tolist() for row in rows]


@pytest.mark.parametrize("name", registry.names("augmenters"))
def test_copies_come_after_the_rows_with_their_gold(tiny: Any, tmp_path: Path, name: str) -> None:
    plain = bench(tiny, tmp_path, "none")
    several = bench(tiny, tmp_path, name, **{"data.augment.copies": 2})
    n, store = len(plain.stores.train), several.stores.train
    assert len(store) == 3 * n == 3 * len(several.prepared.splits.train)
    assert rows_of(store, range(n)) == rows_of(plain.stores.train, range(n)), "the rows themselves stay"
    first, second = rows_of(store, range(n, 2 * n)), rows_of(store, range(2 * n, 3 * n))
    assert first != second and first != rows_of(store, range(n))
    assert store.targets.tolist() == 3 * plain.stores.train.targets.tolist()
    for split in ("valid", "test"):
        one, other = getattr(plain.stores, split), getattr(several.stores, split)
        assert rows_of(one, range(len(one))) == rows_of(other, range(len(other)))
    shown = several.feed.rows(0)
    assert sorted(shown.tolist()) == list(range(3 * n))


def test_the_same_seed_makes_the_same_copies_and_another_others(tiny: Any, tmp_path: Path) -> None:
    made = []
    for number, seed in enumerate([0, 0, 1]):
        place = tmp_path / str(number)
        place.mkdir()
        store = bench(tiny, place, "random_edits", **{"data.augment.copies": 1}).stores.train
        made.append(rows_of(store, range(len(store) // 2, len(store))))
        if number == 1:
            assert made[0] == made[1]
        recipe = workbench.recipe_of(tiny(), place / "rows.csv", {"data.augment.name": "random_edits", "seed": seed})
        copies = prepare(recipe, Silent()).copies
        assert copies is not None and (copies.seed, copies.number) == (seed, 1)
    assert prepare(recipe, Silent()).copies.key != prepare(recipe.changed({"seed": 0}), Silent()).copies.key


class Cut:
    """Stops the run after an update."""

    def on_stepped(self, event: Any) -> Any:
        from bertune.engine.events import Save, Stop

        return [Save("cut"), Stop("cut", finished=False)] if event.step == 5 else None


def test_a_run_with_copies_resumes_to_the_same_end_and_tells_them(tiny: Any, tmp_path: Path) -> None:
    data = tiny_models.csv_file(tmp_path / "rows.csv", 60)
    recipe = workbench.recipe_of(
        tiny(), data, {**FEW, "data.augment.name": "tfidf_replacement", "data.augment.copies": 2}
    )
    teller = Silent()
    whole = train(recipe, tmp_path / "whole", teller=teller)
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "cut", listeners=[Cut()])
    again = train(ask({}, {}, str(tmp_path / "cut" / "recipe.toml")), tmp_path / "cut", resume=True)
    assert ending(again.path) == ending(whole.path)
    rows = whole.record()["split"]["train"]
    assert whole.record()["augmented"] == {"name": "tfidf_replacement", "copies": 2, "rows": 2 * rows}
    assert whole.record()["class_counts"]["train"] != {} and rows < 60
    assert any(topic == "augment" and f"{2 * rows} changed copies" in text for topic, text in teller.heard)
    assert f"{2 * rows} changed copies" in whole.report.read_text(encoding="utf-8")
    steps = [json.loads(line) for line in whole.history.read_text().splitlines()]
    assert sum(e["event"] == "stepped" for e in steps) == -(-3 * rows // 8)


@pytest.mark.parametrize("task", [t for t in registry.names("tasks") if not registry.load("tasks", t).edits])
def test_tasks_that_look_for_places_refuse_edits_but_not_hidden_tokens(tiny: Any, tmp_path: Path, task: str) -> None:
    kind = registry.load("tasks", task)
    (tmp_path / kind.file).write_text(kind.example * 1, encoding="utf-8")
    given = {"data": str(tmp_path / kind.file), "model": str(tiny()), "task": task}
    with pytest.raises(RecipeError, match=rf"data\.augment\.name.*{task}.*word_dropout"):
        prepare(ask(given, {"data.augment.name": "random_edits"}), Silent())
    prepared = prepare(ask(given, {"data.augment.name": "word_dropout", "data.augment.share": 0.5}), Silent())
    from bertune.runs import build

    store = build.stores(prepared, tmp_path / "store").train
    n = len(prepared.splits.train)
    rows, copies = store.batch(np.arange(n)), store.batch(np.arange(n, 2 * n))
    assert rows.starts.tolist() == copies.starts.tolist() and rows.targets.tolist() == copies.targets.tolist()
    hidden = (rows.ids != copies.ids).numpy()
    assert 0.1 < hidden.mean() < 0.7
    assert not np.isin(rows.ids.numpy()[hidden], prepared.tokenizer.special_ids).any()


def test_suspected_labels_are_those_of_rows_not_of_copies(tiny: Any, tmp_path: Path) -> None:
    data = tiny_models.csv_file(tmp_path / "rows.csv", 80)
    header, *lines = data.read_text(encoding="utf-8").splitlines()
    names = sorted({line.rsplit(",", 1)[1] for line in lines})
    for i in range(0, 80, 8):  # some labels are wrong
        text, label = lines[i].rsplit(",", 1)
        lines[i] = f"{text},{names[names.index(label) - 1]}"
    data.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    settings = {**FEW, "evaluation.suspects": True, "training.epochs": 6}
    recipe = workbench.recipe_of(tiny(), data, {**settings, "data.augment.name": "random_edits"})
    run = train(recipe, tmp_path / "several").path
    found = json.loads((run / "suspects.json").read_text(encoding="utf-8"))
    rows = data.read_text(encoding="utf-8").splitlines()[1:]
    assert found and len({entry["row"] for entry in found}) == len(found)
    assert all(entry["text"] in rows[entry["row"] - 1] for entry in found), "rows as they stand in the file"
