"""Texts and labels that lie within the objects of a row, named by their path."""

import json
from pathlib import Path

import pytest

from bertune.base.errors import DataError
from bertune.runs.ask import ask
from bertune.runs.rows import Rows, read_rows
from bertune.runs.telling import Silent

ROWS = [
    {
        "review": {"text": f"it was {i} days late", "by": {"name": f"n{i}"}},
        "meta": {"label": "ab"[i % 2], "lang": "en"},
    }
    for i in range(20)
]


def rows(folder: Path, values: list[dict[str, object]], *settings: str) -> Rows:
    file = folder / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    return read_rows(ask({"data": str(file)}, list(settings)), Silent())


def test_fields_of_objects_are_named_by_their_path(tmp_path: Path) -> None:
    settings = ["data.text=review.text", "data.label=meta.label", "data.group=review.by.name"]
    found = rows(
        tmp_path, [*ROWS, {"review": None, "meta": {"label": "a"}}], *settings, "evaluation.slices=['meta.lang']"
    )
    assert list(found.texts) == [row["review"]["text"] for row in ROWS] + [None]
    assert found.labels == ["a", "b"] * 10 + ["a"]
    assert found.table.values("meta.lang") == ["en"] * 20 + [None]
    assert found.roles.group == "review.by.name"


def test_a_column_of_that_name_comes_first(tmp_path: Path) -> None:
    values = [{"a": {"b": "within"}, "a.b": f"the column itself, row {i}", "label": "xy"[i % 2]} for i in range(8)]
    assert next(iter(rows(tmp_path, values, "data.text=a.b").texts)) == "the column itself, row 0"


@pytest.mark.parametrize("name", ["review.txt", "review.text.more", "reviews.text", "review.", "."])
def test_paths_that_are_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="there is no column"):
        rows(tmp_path, ROWS, f"data.text={name}", "data.label=meta.label")


def test_fields_are_recognised_as_columns_are(tmp_path: Path) -> None:
    found = rows(tmp_path, ROWS)
    assert (found.roles.text, found.roles.label) == ("review.text", "meta.label")
    assert "review" in found.table.names and "review.by" not in found.table.names


def test_fields_too_deep_are_left_out(tmp_path: Path) -> None:
    deep: object = "end"
    for _ in range(30):
        deep = {"d": deep}
    values = [{"text": f"row {i}", "label": "ab"[i % 2], "x": deep} for i in range(4)]
    assert max(name.count(".") for name in rows(tmp_path, values).table.names) <= 4


def test_an_object_names_a_field_of_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"name a field of it, such as review\."):
        rows(tmp_path, ROWS, "data.text=review", "data.label=meta.label")
