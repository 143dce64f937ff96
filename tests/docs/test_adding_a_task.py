"""The task of docs/adding-a-task.md works as a package of its own: contract, training, answers."""

import json
import sys
import tomllib
from functools import cache

import pytest
from pages import ROOT, blocks
from test_documentation import run_console

from bertune.base import registry
from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data.table import read
from bertune.runs.examples import task_and_roles
from tasks import task_contract as contract

PAGE = ROOT / "docs" / "adding-a-task.md"


@cache
def block(language):
    return next(b for b in blocks(PAGE) if b.language == language)


@pytest.fixture
def installed(demo_folder, monkeypatch):
    """The package, as pip leaves it in a folder that Python looks in."""
    place = demo_folder / "site"
    project = tomllib.loads(block("text").text)
    about = project["project"]
    info = place / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    points = [f"[{group}]\n{name} = {where}\n" for group, all_of in about["entry-points"].items()
              for name, where in all_of.items()]  # fmt: skip
    (info / "entry_points.txt").write_text("".join(points))
    (module,) = project["tool"]["setuptools"]["py-modules"]
    (place / f"{module}.py").write_text(block("python").text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(place))
    _forget(module)
    yield
    monkeypatch.undo()
    _forget(module)


def _forget(module):
    registry._points.cache_clear()
    registry._others.cache_clear()
    sys.modules.pop(module, None)


def test_it_is_short():
    code = [line for line in block("python").text.splitlines() if line.strip()]
    assert len(code) < 65


def test_the_commands_of_the_page(installed, demo_folder, capsys, monkeypatch):
    (console,) = [b for b in blocks(PAGE) if b.language == "console"]
    run_console(console, capsys, monkeypatch)
    told = [json.loads(line) for line in (demo_folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(told) == 8
    for answer in told:
        assert answer["stars"] == "★" * int(answer["prediction"]) + "½" * (answer["prediction"] % 1 == 0.5)
        assert 0.5 <= answer["prediction"] <= 5
    scores = json.loads((demo_folder / "runs/stars/scores.json").read_text(encoding="utf-8"))
    assert "mean_absolute_error" in json.dumps(scores)


def test_it_keeps_to_the_contract(installed, tiny, tmp_path):
    assert "half_stars" in registry.names("tasks")
    contract.check_declared(registry.load("tasks", "half_stars")(), tmp_path / "declared")
    made = contract.make("half_stars", tiny(), tmp_path / "made")
    assert made.examples.gold[:4] == [5.0, 3.5, 1.0, 2.5]
    contract.check_decode(made)
    contract.check_odd_rows(made)
    contract.check_baselines(made)
    contract.check_order_does_not_matter(made)


def test_it_names_the_row_of_a_fault(installed, tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("text,stars\nA good film,★★★\nA dull film,3.5\n", encoding="utf-8")
    table = read(file, DataSection())
    task, roles = task_and_roles("auto", {}, table, {})
    with pytest.raises(DataError, match=r"data\.csv row 2"):
        task.gold(table, roles)
