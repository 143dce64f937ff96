"""Every recipe setting with a wrong type, a wrong value and a misspelt name: refused, all in one message, at once."""

import json
import math

import pytest
import tomli_w
from every_setting import Entry, entries, wrong_type, wrong_value

import bertune.model.choice
from bertune.base import registry
from bertune.base.recipe import SLOTS, resolve
from bertune.base.settings import allowed
from bertune.cli.main import run

EVERY = list(entries())
GROUPS = sorted({entry.group for entry in EVERY})
NAMED = {"data.format": "readers", "evaluation.metric": "metrics", "data.cleaning": "cleaners"}


@pytest.fixture(autouse=True)
def nothing_is_started(monkeypatch):
    """A recipe with a problem must not reach the model, the data or the run folder."""

    def never(*arguments, **settings):
        raise AssertionError("something was started")

    for place in (bertune.model.choice, "bertune.runs.prepare", "bertune.runs.check"):
        for name in ("choose", "locate"):
            path = place if isinstance(place, str) else place.__name__
            monkeypatch.setattr(f"{path}.{name}", never, raising=False)
    monkeypatch.setattr("bertune.data.table.read", never)
    monkeypatch.setattr("bertune.runs.prepare.read_rows", never)
    monkeypatch.setattr("bertune.runs.folder.Folder.locked", never)


def ask(capsys, values: dict, *more: str) -> str:
    """What `bertune train` answers to settings that cannot be."""
    settings = [part for key, value in values.items() for part in ("--set", f"{key}={_toml(value)}")]
    with pytest.raises(SystemExit) as stop:
        run(["train", *(["nowhere.csv"] if "data.train" not in values else []), *settings, *more])
    assert stop.value.code == 2
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    return shown.err if not more else shown.out


def _toml(value) -> str:
    return tomli_w.dumps({"v": value}).removeprefix("v = ").strip().replace("\n", "")


def group_of(name: str) -> list[Entry]:
    return [entry for entry in EVERY if entry.group == name]


def lines_of(message: str) -> dict[str, str]:
    """The problem of each key."""
    return {line.split()[0]: line for line in message.splitlines()[1:]}


@pytest.mark.parametrize("group", GROUPS)
def test_a_wrong_type_is_refused(group, capsys):
    wrong = {entry.key: wrong_type(entry) for entry in group_of(group)}
    told = lines_of(ask(capsys, {**group_of(group)[0].beside, **wrong}))
    for entry in group_of(group):
        assert f"found {wrong[entry.key]!r}" in told[entry.key]
        assert f"expected {allowed(entry.annotation, entry.metadata)}" in told[entry.key]
        assert told[entry.key].endswith("(--set)")


@pytest.mark.parametrize("group", GROUPS)
def test_a_truth_value_is_no_number(group):
    numbers = [e for e in group_of(group) if "number" in allowed(e.annotation) and "true" not in allowed(e.annotation)]
    for entry in numbers:
        with pytest.raises(Exception, match="found True; expected"):
            resolve({**entry.beside, entry.key: True})


@pytest.mark.parametrize("group", GROUPS)
def test_a_value_out_of_bounds_is_refused(group, capsys):
    wrong = {e.key: value for e in group_of(group) if (value := wrong_value(e)) is not None}
    told = lines_of(ask(capsys, {**group_of(group)[0].beside, **wrong})) if wrong else {}
    assert set(told) == set(wrong)
    for entry in group_of(group):
        if entry.key in wrong:
            value = wrong[entry.key]
            found = "nan" if isinstance(value, float) and math.isnan(value) else repr(value)
            assert f"found {found}" in told[entry.key]
            assert f"expected {allowed(entry.annotation, entry.metadata)}" in told[entry.key]


@pytest.mark.parametrize("group", GROUPS)
def test_a_misspelt_name_gets_the_nearest(group, capsys):
    misspelt = {f"{entry.key}{entry.key[-1]}": entry.key for entry in group_of(group)}
    told = lines_of(ask(capsys, {**group_of(group)[0].beside, **dict.fromkeys(misspelt, 1)}))
    assert set(told) == set(misspelt)
    for wrong, key in misspelt.items():
        assert f"unknown setting; did you mean {key}?" in told[wrong]


@pytest.mark.parametrize("slot", SLOTS)
def test_a_part_that_is_not_there_gets_the_nearest(slot, capsys):
    names = registry.names(SLOTS[slot].door)
    told = ask(capsys, {f"{slot}.name": names[0] + "x"})
    assert f"did you mean {names[0]}?" in told
    assert ", ".join(names) in told


@pytest.mark.parametrize("key", NAMED)
def test_a_name_that_is_not_there_gets_the_nearest(key, capsys):
    name = registry.names(NAMED[key])[0]
    value = [name + "x"] if key == "data.cleaning" else name + "x"
    told = ask(capsys, {key: value})
    assert f"{key}" in told
    assert f"did you mean {name}?" in told


@pytest.mark.parametrize("regularizer", registry.names("regularizers"))
def test_a_misspelt_regularizer_gets_the_nearest(regularizer, capsys):
    told = ask(capsys, {f"regularizer.{regularizer}y.strength": 1})
    assert f"did you mean regularizer.{regularizer}.strength?" in told


def test_a_setting_of_another_part_names_its_part(capsys):
    assert "it belongs to loss.name = focal" in ask(capsys, {"loss.gamma": 1.5})


def test_settings_that_do_not_fit_together_are_refused(capsys):
    assert "fold 7 of 5 folds" in ask(capsys, {"data.split.name": "kfold", "data.split.fold": 7})


def test_everything_wrong_is_told_in_one_message(capsys, tmp_path):
    """A wrong type, a wrong value, a misspelt name and a missing part, from three places, with their places."""
    recipe = tmp_path / "r.toml"
    recipe.write_text('[loss]\nname = "focl"\n[training]\nepochs = "many"\n', encoding="utf-8")
    settings = ["--set", "optimizer.nmae=adamw", "--set", "training.batch_size=0", "--seed", "-3"]
    with pytest.raises(SystemExit) as stop:
        run(["train", "nowhere.csv", "--recipe", str(recipe), *settings])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("5 problems in the recipe, nothing was started:\n")
    lines = lines_of(told)
    assert set(lines) == {"loss.name", "training.epochs", "optimizer.nmae", "training.batch_size", "seed"}
    assert "r.toml" in lines["loss.name"] and "r.toml" in lines["training.epochs"]
    assert "did you mean optimizer.name?   (--set)" in lines["optimizer.nmae"]
    assert "(--seed)" in lines["seed"]


@pytest.mark.parametrize("text", ["training.epochs", "=3", ""])
def test_a_setting_without_key_or_value_is_refused(text, capsys):
    with pytest.raises(SystemExit) as stop:
        run(["train", "nowhere.csv", "--set", text])
    assert stop.value.code == 2
    assert "expected key=value" in capsys.readouterr().err


def test_a_table_in_place_of_a_value_and_a_value_in_place_of_a_table(tmp_path, capsys):
    recipe = tmp_path / "r.toml"
    recipe.write_text("loss = 3\n[seed]\na = 1\n", encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        run(["train", "nowhere.csv", "--recipe", str(recipe)])
    assert stop.value.code == 2
    assert set(lines_of(capsys.readouterr().err)) == {"loss", "seed.a"}


def test_machines_get_the_message_too(capsys):
    out = ask(capsys, {"training.epochs": -1}, "--json")
    (line,) = [json.loads(line) for line in out.splitlines()]
    assert line["kind"] == "RecipeError"
    assert "training.epochs" in line["text"]
