"""Files that were given to validate or test by: with labels, without, with a place holder, with others' labels."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bertune.base.errors import DataError, RecipeError
from bertune.base.types import Splits
from bertune.runs.ask import ask
from bertune.runs.check import check_data
from bertune.runs.rows import read_rows
from bertune.runs.splitting import make_splits
from bertune.runs.telling import Silent

TEXTS = [f"the {noun} was {how} on day {day}" for day in range(10) for noun in ("parcel", "bill", "call", "visit")
         for how in ("fine", "late")]  # fmt: skip


def files(folder: Path, name: str, labels: list[str | None] | None) -> list[str]:
    """Flags for 80 training rows and 20 others, with these labels over and over; without the column where None."""
    rows = {"text": TEXTS, "label": ["good", "bad"] * 40}
    others = {"text": [f"and {text}" for text in TEXTS[:20]]}
    if labels is not None:
        others["label"] = (labels * 20)[:20]
    pl.DataFrame(rows).write_csv(folder / "train.csv")
    pl.DataFrame(others).write_csv(folder / f"{name}.csv")
    return [f"data.train={folder / 'train.csv'}", f"data.{name}={folder / f'{name}.csv'}"]


def split(settings: list[str]) -> Splits:
    recipe = ask({}, settings)
    return make_splits(recipe, read_rows(recipe, Silent()))


@pytest.mark.parametrize("name", ["valid", "test"])
def test_labelled_rows_are_the_split(tmp_path: Path, name: str) -> None:
    found = split(files(tmp_path, name, ["good", "bad", None]))
    assert getattr(found, name).tolist() == [80 + i for i in range(20) if i % 3 != 2]
    assert f"{name} as given" in found.how


@pytest.mark.parametrize("labels", [None, [None], ["-1"]], ids=str)
@pytest.mark.parametrize("name", ["valid", "test"])
def test_rows_without_labels_are_as_if_not_given(tmp_path: Path, name: str, labels: list[str | None] | None) -> None:
    settings = files(tmp_path, name, labels)
    found = split(settings)
    assert found.valid.size and found.test.size and f"no label in the {name} rows given" in found.how
    assert np.concatenate([rows for _, rows in found.named()]).max() < 80
    told = {f.code: f for f in check_data(ask({}, settings))}
    assert len(told[f"unlabelled_{name}"].rows) == 20
    assert not {"missing_label", "labels_differ", "label_spelling"} & set(told)


@pytest.mark.parametrize("name", ["valid", "test"])
def test_labels_that_training_has_not_are_refused(tmp_path: Path, name: str) -> None:
    settings = files(tmp_path, name, ["1", "0"])
    with pytest.raises(DataError, match=rf"no training row has a label of the {name} rows") as refused:
        split(settings)
    assert refused.value.found == "'0', '1'" and refused.value.expected == "'bad', 'good'"
    assert "labels_differ" in {f.code for f in check_data(ask({}, settings))}


def test_few_rows_that_say_the_same_are_no_place_holder(tmp_path: Path) -> None:
    settings = files(tmp_path, "test", ["other"] * 9 + [None] * 11)
    with pytest.raises(DataError, match="no training row has a label of the test rows"):
        split(settings)


def test_one_class_alone_is_a_test(tmp_path: Path) -> None:
    assert len(split(files(tmp_path, "test", ["good"])).test) == 20


def test_labels_that_stand_for_none_are_left_out(tmp_path: Path) -> None:
    settings = files(tmp_path, "test", ["good", "bad", "-", "?"])
    assert {f.code for f in check_data(ask({}, settings))} >= {"labels_differ"}
    found = split([*settings, "data.no_label=['-', '?']"])
    assert found.test.tolist() == [80 + i for i in range(20) if i % 4 < 2]
    with pytest.raises(RecipeError, match="no single label a row"):
        split([*settings, "data.no_label=['-']", "task.name=multi_label"])
