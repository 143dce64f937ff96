"""The tutorial notebooks run: their code on a tiny model always, as Jupyter runs them in the slow lane."""

import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def code_of(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_there_is_a_first_notebook():
    assert "first-model.ipynb" in {path.name for path in NOTEBOOKS}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_it_holds_no_outputs_and_no_secrets_of_a_machine(notebook: Path):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
    assert len({cell["id"] for cell in cells}) == len(cells)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_its_code_runs_on_a_tiny_model(notebook: Path, demo_folder, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    monkeypatch.setattr("tempfile.tempdir", str(demo_folder))
    names: dict[str, object] = {}
    for number, code in enumerate(code_of(notebook)):
        exec(compile(code, f"{notebook.name}[{number}]", "exec"), names)


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_it_runs_as_jupyter_runs_it(notebook: Path, tmp_path: Path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    document = nbformat.read(notebook, as_version=4)
    nbformat.validate(document)
    before = dict(os.environ)
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        done = nbclient.NotebookClient(document, timeout=1200, kernel_name="python3",
                                       resources={"metadata": {"path": str(tmp_path)}}).execute()  # fmt: skip
    finally:
        os.environ.clear()
        os.environ.update(before)
    said = "".join(output.get("text", "") for cell in done.cells for output in cell.get("outputs", []))
    assert "exact_duplicate_across_splits" in said
    assert "macro-F1" in said
