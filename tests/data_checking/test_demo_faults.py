"""The faults planted in the demo's data are found at their rows; its clean file gives notes only."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import bertune
from bertune.base.types import Finding, Roles, Splits, Table, View
from bertune.data.check import check
from bertune.data.duplicates import groups
from bertune.data.splits.stratified import Stratified

DEMO = Path(bertune.__file__).parent / "demo"
# Name of the fault in faults.json -> codes of the findings that tell it. Wrong labels need a model to be found.
CODES = {
    "missing_text": {"missing_text"},
    "missing_label": {"missing_label"},
    "exact_duplicate": {"exact_duplicates", "exact_duplicate_across_splits"},
    # One of them differs in case alone, and case does not tell exact duplicates apart.
    "near_duplicate": {"near_duplicates", "near_duplicate_across_splits", "exact_duplicates"},
    "conflicting_labels": {"conflicting_labels"},
    "label_typo": {"label_spelling"},
    "leak": {"exact_duplicate_across_splits", "near_duplicate_across_splits"},
    "markup": {"markup"},
}
NEEDS_A_MODEL = {"wrong_label"}


def read(name: str) -> list[dict[str, str]]:
    with open(DEMO / name, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def view_of(train: str, test: str | None) -> View:
    """The view that training sees: rows with text and label of the first file split, the second file for test."""
    files = [train] if test is None else [train, test]
    tables = [read(name) for name in files]
    rows = [row for table in tables for row in table]
    file = np.repeat(np.arange(len(files)), [len(t) for t in tables])
    row = np.concatenate([np.arange(1, len(t) + 1) for t in tables])
    texts = [r["message"] if r["message"].strip() else None for r in rows]
    labels = [r["topic"] or None for r in rows]
    exact, near = groups(texts)
    usable = np.array([i for i in range(len(tables[0])) if texts[i] and labels[i]])
    number = {label: i for i, label in enumerate(sorted({label for label in labels if label}))}
    split = Stratified(valid_share=0.1, test_share=0.1 if test is None else 0.0)
    names = np.full(len(rows), "unused", dtype=object)
    names[len(tables[0]) :] = "test"
    classes = np.array([number[labels[i] or ""] for i in usable])
    names[usable] = split([str(i) for i in usable], classes, near[usable], 0)
    parts = {s: np.flatnonzero(names == s) for s in ("train", "valid", "test")}
    columns = pa.Table.from_pydict({k: [r[k] for r in rows] for k in ("id", "message", "topic")})
    given = np.where(file == 1, 2, -1)
    table = Table(columns, tuple(files), file, row, np.zeros_like(row), given)
    roles = Roles("message", None, "topic")
    return View(
        table,
        roles,
        Splits(parts["train"], parts["valid"], parts["test"]),
        texts,
        None,
        labels,
        exact,
        near,
        split_made_by_bertune=test is None,
    )


@cache
def findings_of(train: str, test: str | None) -> list[Finding]:
    return check(view_of(train, test))


@cache
def faults() -> dict[str, Any]:
    return {f["code"]: f for f in json.loads((DEMO / "faults.json").read_text(encoding="utf-8"))}


def test_every_kind_of_fault_is_known_here() -> None:
    assert set(faults()) == set(CODES) | NEEDS_A_MODEL


@pytest.mark.parametrize("code", CODES)
def test_planted_faults_are_found_at_their_rows(code: str) -> None:
    fault = faults()[code]
    told = [f for f in findings_of("messages.csv", "messages_test.csv") if f.code in CODES[code]]
    named = {(place.file, place.row) for f in told for place in f.rows}
    planted = {(fault["file"], row) for row in fault["rows"]}
    planted |= {(fault.get("other_file", ""), row) for row in fault.get("other_rows", ())}
    assert planted <= named, f"not found: {sorted(planted - named)}"


@pytest.mark.parametrize(
    "code", ["missing_text", "missing_label", "label_typo", "conflicting_labels", "leak", "markup"]
)
def test_nothing_else_is_called_a_fault(code: str) -> None:
    fault = faults()[code]
    told = [f for f in findings_of("messages.csv", "messages_test.csv") if f.code in CODES[code]]
    named = {(place.file, place.row) for f in told for place in f.rows}
    planted = {(fault["file"], row) for row in fault["rows"]}
    planted |= {(fault.get("other_file", ""), row) for row in fault.get("other_rows", ())}
    assert named == planted


def test_a_leak_is_an_error() -> None:
    told = [f for f in findings_of("messages.csv", "messages_test.csv") if f.code in CODES["leak"]]
    assert {f.severity for f in told} == {"error"}
    assert sum(f.count for f in told) == len(faults()["leak"]["rows"])


def test_the_clean_file_gives_notes_only() -> None:
    assert [f for f in findings_of("clean.csv", None) if f.severity != "note"] == []
