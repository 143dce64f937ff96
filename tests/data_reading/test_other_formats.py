"""What is not read is refused with the way to what is."""

from pathlib import Path

import pytest

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data.table import read


@pytest.mark.parametrize(
    ("name", "move"),
    [
        ("rows.pkl", "to_parquet"),
        ("rows.feather", "to_parquet"),
        ("rows.ods", ".xlsx or .csv"),
        ("report.PDF", "a row for each"),
        ("rows.sqlite", ".csv"),
        ("rows.zip", "unpack it"),
        ("rows.odd", "--set data.format=csv"),
    ],
)
def test_each_says_what_to_do(tmp_path: Path, name: str, move: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(DataError) as refused:
        read(tmp_path / name, DataSection())
    assert move in str(refused.value.next_move) and str(tmp_path / name) in str(refused.value)


@pytest.mark.parametrize("marks", [["dataset_dict.json"], ["state.json", "dataset_info.json"]])
def test_folders_of_arrow_files(tmp_path: Path, marks: list[str]) -> None:
    for name in (*marks, "data-00000-of-00001.arrow"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(DataError, match="Arrow files are not read") as refused:
        read(tmp_path, DataSection())
    assert "load_from_disk" in str(refused.value.next_move)


def test_a_table_called_state_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('[{"text": "fine", "label": "a"}]')
    assert read(tmp_path, DataSection()).values("text") == ["fine"]
