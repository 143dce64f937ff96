"""Every form of rows that docs/tasks.md shows is read as the task that it is shown for."""

import pytest
from pages import ROOT, blocks

from bertune.base import registry
from bertune.base.sections import DataSection
from bertune.data.table import read
from bertune.runs.examples import examples_of, task_and_roles

PAGE = ROOT / "docs" / "tasks.md"
SHOWN = [b for b in blocks(PAGE) if b.wish.startswith("rows ")]


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: f"{block.wish} line {block.line}")
def test_rows_are_read_as_shown(block, tmp_path):
    _, name, file = block.wish.split()
    (tmp_path / file).write_text(block.text, encoding="utf-8")
    table = read(tmp_path / file, DataSection())
    task, roles = task_and_roles("auto", {}, table, {})
    examples = examples_of(task, table, roles)
    assert task.name == name
    assert None not in examples.gold and examples.gold[0] not in (None, ())
    assert task.findings(table, roles) == []


def test_every_task_and_every_setting_has_its_place():
    page = PAGE.read_text(encoding="utf-8")
    for name in registry.names("tasks"):
        assert f"--task {name}" in page
        first = registry.load("tasks", name)().metrics[0]
        assert f"`{first}`" in page, f"{name} is selected by {first}"
