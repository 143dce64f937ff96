"""Self-training: sure guesses are learnt beside the rows, judged rows never, and a worse student is not kept."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import workbench
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

import tiny_models
from bertune.base import registry
from bertune.base.errors import BertuneError, DataError, RecipeError
from bertune.base.recipe import read_toml, resolve
from bertune.base.sections import SelfTrainingSection
from bertune.base.types import Guesses
from bertune.engine.events import Save, Stop
from bertune.engine.interrupt import Interrupted
from bertune.report.folder import RunFolder
from bertune.report.page import render
from bertune.report.words import Words
from bertune.runs import build, self_training
from bertune.runs.ask import ask
from bertune.runs.endings import ending
from bertune.runs.prepare import prepare
from bertune.runs.seen import seen_rows
from bertune.runs.self_training import sure_rows
from bertune.runs.telling import Silent
from bertune.runs.train import train
from bertune.runs.unlabelled import read_unlabelled

SETTINGS = {"training.epochs": 8, "optimizer.learning_rate": 5e-3,
            "evaluation.metric": "log_loss", "evaluation.suspects": False,
            "evaluation.baselines": False, "evaluation.resamples": 100, "self_training.threshold": 0.6}  # fmt: skip


def unlabelled_file(path: Path, texts: list[str], **columns: list[str]) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", *columns])
        writer.writerows(zip(texts, *columns.values(), strict=True))
    return path


def recipe_of(tiny: Any, folder: Path, rows: int = 200, **more: Any) -> Any:
    """48 labelled rows to learn, files for validation and test, and unlabelled rows of the same kind."""
    files = {n: tiny_models.csv_file(folder / f"{n}.csv", 30, seed) for n, seed in (("valid", 1), ("test", 2))}
    data = tiny_models.csv_file(folder / "rows.csv", 48)
    guessed = unlabelled_file(folder / "more.csv", [text for text, _ in tiny_models.sentences(rows, 3)])
    settings = {**SETTINGS, "data.valid": str(files["valid"]), "data.test": str(files["test"]),
                "data.unlabelled": str(guessed)}  # fmt: skip
    return workbench.recipe_of(tiny(), data, {**settings, **more})


@pytest.fixture(scope="module")
def done(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Silent]:
    """A recipe of two rounds, its run, and what was said."""
    place = tmp_path_factory.mktemp("done")
    recipe = recipe_of(tiny, place, **{"self_training.rounds": 2})
    teller = Silent()
    return recipe, train(recipe, place / "run", teller=teller), teller


def test_a_student_learns_guesses_and_is_kept_where_it_is_better(done: Any) -> None:
    _, folder, teller = done
    record = folder.record()
    told, rounds = record["self_training"], record["self_training"]["rounds"]
    first = rounds[0]
    assert first["kept"] and first["student"] < first["teacher"], "eight epochs on 48 rows leave much to learn"
    assert told["kept_round"] == sum(entry["kept"] for entry in rounds) >= 1
    assert record["best"]["value"] == rounds[told["kept_round"] - 1]["student"]
    assert 0 < first["learnt"] <= first["sure"] <= told["rows"] and first["least_confidence"] >= 0.6
    assert sum(first["classes"].values()) == first["learnt"] <= 3 * record["split"]["train"]
    guessed = pq.read_table(folder.predictions / "guessed.parquet")
    assert guessed.num_rows == rounds[told["kept_round"] - 1]["learnt"]
    assert set(guessed["prediction"].to_pylist()) <= {"good", "bad"}
    assert record["split"]["train"] == 48, "guesses are no rows"
    assert [topic for topic, _ in teller.heard].count("student") == len(rounds)
    assert seen_rows(folder.seen, guessed["text"].to_pylist(), None).all()
    report = folder.report.read_text(encoding="utf-8")
    assert "Guesses that were learnt" in report and "predictions/guessed.parquet" in report
    guesses = f"guesses of an earlier model on {guessed.num_rows} unlabelled rows"
    assert guesses in (folder.model / "README.md").read_text(encoding="utf-8")
    assert "学习的猜测" in render(RunFolder(folder.path), Words("zh"))
    assert RunFolder(folder.path).checks[-1].scores["log_loss"] >= record["best"]["value"] - 1e-9
    assert not list(folder.path.rglob("checkpoints")) and not folder.store.exists()


def test_a_student_learns_the_rows_and_the_guesses_as_gold(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    original = build.training_store

    def kept(prepared: Any, examples: Any, targets: Any, key: str, place: Path) -> Any:
        made.append(original(prepared, examples, targets, key, place))
        return made[-1]

    monkeypatch.setattr(build, "training_store", kept)
    copies = {"data.augment.name": "random_edits", "data.augment.copies": 1, "training.epochs": 8}
    folder = train(recipe_of(tiny, tmp_path, 60, **copies), tmp_path / "run", report=False)
    teacher, student = made
    record = folder.record()["self_training"]["rounds"][0]
    assert record["kept"]
    guessed = pq.read_table(folder.predictions / "guessed.parquet").to_pylist()
    assert len(teacher) == 2 * 48 and len(student) == 2 * (48 + len(guessed)), "guessed rows have copies too"
    assert student.targets[:48].tolist() == teacher.targets[:48].tolist()
    classes = ("bad", "good")
    assert [classes[k] for k in student.targets[48 : 48 + len(guessed)].tolist()] == [r["prediction"] for r in guessed]
    tokenizer = AutoTokenizer.from_pretrained(folder.model)
    for n, row in enumerate(guessed):
        ids = student.batch(np.array([48 + n])).ids.tolist()
        assert ids == tokenizer(row["text"], truncation=True, max_length=24)["input_ids"]


class CutAfter:
    """Stops the run after so many updates, over all loops."""

    def __init__(self, updates: int) -> None:
        self.left = updates

    def on_stepped(self, event: object) -> list[Save | Stop] | None:
        self.left -= 1
        return [Save("cut"), Stop("cut", finished=False)] if self.left == 0 else None


def test_a_run_that_is_stopped_anywhere_ends_the_same(tiny: Any, tmp_path: Path) -> None:
    recipe = recipe_of(
        tiny,
        tmp_path,
        80,
        **{"training.seeds": 2, "training.epochs": 2, "self_training.threshold": 0.5, "self_training.balance": False},
    )
    whole = train(recipe, tmp_path / "whole", report=False)
    expected = ending(whole.path)
    updates = sum(event["event"] == "stepped" for event in expected["history"])
    per_teacher = 2 * 12  # two seeds of two epochs of six batches
    assert updates > per_teacher
    for cut in (17, per_teacher + 3):
        place = tmp_path / f"cut-{cut}"
        with pytest.raises(Interrupted):
            train(recipe, place, listeners=[CutAfter(cut)], report=False)
        assert not (place / "scores.json").exists()
        again = train(resolve(read_toml(place / "recipe.toml")), place, resume=True, report=False)
        assert ending(again.path) == expected
        assert again.record()["self_training"] == whole.record()["self_training"]


def test_other_unlabelled_rows_are_refused_at_a_resume(tiny: Any, tmp_path: Path) -> None:
    recipe = recipe_of(tiny, tmp_path, 40, **{"training.epochs": 1})
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "run", listeners=[CutAfter(2)], report=False)
    unlabelled_file(tmp_path / "more.csv", [text for text, _ in tiny_models.sentences(40, 4)])
    with pytest.raises(BertuneError, match="the unlabelled rows"):
        train(resolve(read_toml(tmp_path / "run" / "recipe.toml")), tmp_path / "run", resume=True, report=False)


def test_a_student_that_is_no_better_is_not_kept(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_of(
        tiny,
        tmp_path,
        60,
        **{
            "training.epochs": 1,
            "self_training.rounds": 3,
            "self_training.threshold": 0.5,
            "self_training.balance": False,
        },
    )
    plain = train(recipe.changed({"data.unlabelled": None}), tmp_path / "plain", report=False)
    monkeypatch.setattr(self_training, "better", lambda student, teacher: False)
    teller = Silent()
    folder = train(recipe, tmp_path / "run", teller=teller)
    told = folder.record()["self_training"]
    assert len(told["rounds"]) == 1 and told["kept_round"] == 0, "a second round would learn the same guesses"
    one, other = ending(folder.path), ending(plain.path)
    assert all(one[name] == other[name] for name in ("weights", "scores", "predictions"))
    assert any(topic == "student" and "the teacher is kept" in text for topic, text in teller.heard)
    assert "so the one that learnt the labelled rows alone was kept" in folder.report.read_text(encoding="utf-8")
    assert len(RunFolder(folder.path).steps) == 6


def test_without_a_sure_guess_nothing_more_is_learnt(tiny: Any, tmp_path: Path) -> None:
    recipe = recipe_of(tiny, tmp_path, 30, **{"training.epochs": 1, "self_training.threshold": 0.9999})
    teller = Silent()
    folder = train(recipe, tmp_path / "run", teller=teller)
    assert folder.record()["self_training"]["rounds"][0]["learnt"] == 0
    assert any("no guess is sure" in text for topic, text in teller.heard if topic == "warning")
    assert not (folder.path / "rounds").exists() and not (folder.predictions / "guessed.parquet").exists()


def test_guesses_of_one_class_alone_are_not_learnt() -> None:
    settings, shares = SelfTrainingSection(threshold=0.5), {"a": 5, "b": 5}
    assert sure_rows(np.full(4, 0.9), list("aaaa"), shares, settings).tolist() == []
    assert sure_rows(np.full(4, 0.9), list("aaab"), shares, settings).tolist() == [0, 1, 3]
    loose = SelfTrainingSection(threshold=0.5, balance=False)
    assert sure_rows(np.full(4, 0.9), list("aaaa"), shares, loose).tolist() == [0, 1, 2, 3]


def test_judged_known_repeated_and_empty_rows_are_left_out(tiny: Any, tmp_path: Path) -> None:
    recipe = recipe_of(tiny, tmp_path)
    learnt, judged, tested = (tiny_models.sentences(48), tiny_models.sentences(30, 1), tiny_models.sentences(30, 2))
    fresh = "superb warm and lovely cast , the song was rather clever"
    texts = [judged[0][0], tested[3][0].upper(), learnt[5][0] + " !", "", fresh, fresh + ".", "a sad grey day"]
    file = unlabelled_file(tmp_path / "few.csv", texts, label=["good"] * len(texts))
    found = read_unlabelled(recipe.changed({"data.unlabelled": str(file)}), prepare(recipe, Silent()), Silent())
    assert list(found.examples.texts) == [fresh, "a sad grey day"]
    assert found.left_out == {"no_text": 1, "judged": 2, "known": 1, "repeated": 1}
    assert found.table.row.tolist() == [5, 7] and found.examples.gold is None
    nothing = unlabelled_file(tmp_path / "none.csv", [judged[0][0]])
    with pytest.raises(DataError, match="no unlabelled row is left"):
        read_unlabelled(recipe.changed({"data.unlabelled": str(nothing)}), prepare(recipe, Silent()), Silent())


def test_rows_of_a_group_that_is_judged_are_left_out(tiny: Any, tmp_path: Path) -> None:
    with open(tmp_path / "rows.csv", "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label", "author"])
        writer.writerows((*row, f"a{n % 20}") for n, row in enumerate(tiny_models.sentences(80)))
    texts = [text for text, _ in tiny_models.sentences(20, 5)]
    file = unlabelled_file(tmp_path / "more.csv", texts, author=[f"a{n}" for n in range(20)])
    recipe = workbench.recipe_of(tiny(), tmp_path / "rows.csv", {
        "data.group": "author", "data.split.name": "grouped", "data.unlabelled": str(file)})  # fmt: skip
    prepared = prepare(recipe, Silent())
    judged = set(
        prepared.rows.table.take(np.concatenate([prepared.splits.valid, prepared.splits.test])).values("author")
    )
    found = read_unlabelled(recipe, prepared, Silent())
    assert 0 < len(judged) == found.left_out["judged"]
    assert not judged & set(found.table.values("author"))


def test_other_columns_are_recognised_or_refused(tiny: Any, tmp_path: Path) -> None:
    recipe = recipe_of(tiny, tmp_path)
    (tmp_path / "other.csv").write_text("comment\n" + "\n".join(t for t, _ in tiny_models.sentences(9, 7)), "utf-8")
    found = read_unlabelled(recipe.changed({"data.unlabelled": str(tmp_path / "other.csv")}), prepare(recipe, Silent()),
                            Silent())  # fmt: skip
    assert len(found) == 9
    (tmp_path / "pairs.csv").write_text("premise,hypothesis\nA man sleeps.,He rests.\nA dog eats.,It runs.\n", "utf-8")
    with pytest.raises(DataError, match="do not have the texts of the training rows"):
        read_unlabelled(recipe.changed({"data.unlabelled": str(tmp_path / "pairs.csv")}), prepare(recipe, Silent()),
                        Silent())  # fmt: skip


@pytest.mark.parametrize("task", registry.names("tasks"))
def test_tasks_whose_guesses_are_gold_and_others(tiny: Any, tmp_path: Path, task: str) -> None:
    """A guess that is made gold is the target that it was guessed for; other tasks refuse by name."""
    kind = registry.load("tasks", task)
    (tmp_path / kind.file).write_text(kind.example, encoding="utf-8")
    given_flags = {"data": str(tmp_path / kind.file), "model": str(tiny()), "task": task}
    if not kind.guessed:
        with pytest.raises(RecipeError, match=rf"data\.unlabelled.*{task} cannot be learnt.*text_classification"):
            prepare(ask(given_flags, {"data.unlabelled": "more.csv"}), Silent())
        return
    prepared = prepare(ask(given_flags), Silent())
    part, examples = prepared.rows.task, prepared.rows.examples
    guesses: Guesses = part.as_guesses(examples, prepared.classes)
    assert np.allclose(part.confidence(guesses), 1.0)
    told = [part.answer(guesses, row, prepared.classes)["prediction"] for row in range(len(guesses))]
    from dataclasses import replace

    again = part.targets(replace(examples, gold=told), prepared.classes, prepared.unit)
    assert np.array_equal(again, prepared.targets)
    assert len(part.strata(told)) == len(told)


def test_without_validation_rows_it_is_refused(tiny: Any, tmp_path: Path) -> None:
    data = tiny_models.csv_file(tmp_path / "rows.csv", 40)
    recipe = workbench.recipe_of(tiny(), data, {"data.split.valid_share": 0.0, "data.unlabelled": str(data)})
    with pytest.raises(RecipeError, match=r"data\.unlabelled.*validation"):
        prepare(recipe, Silent())


def test_a_run_of_several_tasks_is_refused(tiny: Any, tmp_path: Path) -> None:
    recipe = recipe_of(tiny, tmp_path, 9)
    more = str(tiny_models.csv_file(tmp_path / "other.csv", 40))
    with pytest.raises(RecipeError, match=r"data\.unlabelled.*data\.also"):
        train(recipe.changed({"data.also": [more]}), tmp_path / "one")
    (tmp_path / "other.toml").write_text(f"[data]\ntrain = {more!r}\nunlabelled = {more!r}\n", encoding="utf-8")
    own = recipe.changed({"data.also": [str(tmp_path / "other.toml")], "data.unlabelled": None})
    with pytest.raises(RecipeError, match=r"data\.unlabelled.*data\.also"):
        train(own, tmp_path / "two")


KINDS = st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abc")), max_size=60)


@given(KINDS, st.integers(1, 30), st.integers(1, 30), st.integers(0, 30), st.floats(0.1, 3), st.booleans())
def test_which_guesses_are_sure(rows: Any, a: int, b: int, c: int, most: float, balance: bool) -> None:
    confidence = np.array([one for one, _ in rows], dtype=np.float64)
    kinds = [kind for _, kind in rows]
    settings = SelfTrainingSection(threshold=0.5, most=most, balance=balance)
    chosen = sure_rows(confidence, kinds, {"a": a, "b": b, "c": c}, settings).tolist()
    assert chosen == sorted(set(chosen))
    assert all(confidence[i] >= 0.5 for i in chosen)
    total = a + b + c
    limit = min(int((confidence >= 0.5).sum()), int(most * total))
    assert len(chosen) <= limit
    for kind, count in zip("abc", (a, b, c), strict=True):
        own = [i for i in chosen if kinds[i] == kind]
        if balance:
            assert len(own) <= -(-limit * count // total)
        left = [confidence[i] for i in range(len(rows)) if kinds[i] == kind and i not in chosen]
        assert not own or not left or min(confidence[own]) >= max(left) - 1e-12, "of a class the surest go first"
    if not balance:
        assert len(chosen) == limit
    else:
        assert len({kinds[i] for i in chosen}) != 1, "guesses of one class alone are not learnt"
