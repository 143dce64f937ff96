"""bertune suggest: which unlabelled rows to label next."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rich.cells import set_cell_size

from bertune.base.errors import DataError
from bertune.base.types import Examples
from bertune.data.store import in_memory
from bertune.data.table import read
from bertune.engine.interrupt import Watch
from bertune.evaluate.next_rows import next_rows
from bertune.evaluate.saved import SavedModel
from bertune.evaluate.states import mean_states
from bertune.runs.answers import check_out, shortened, shown
from bertune.runs.new_rows import as_trained, reading_settings, roles_for
from bertune.runs.predict import AT_ONCE, BATCH_SIZE, most_tokens, open_model, predict_examples
from bertune.runs.rows_out import write_rows
from bertune.runs.telling import Teller

WIDTH = 80


@dataclass(frozen=True)
class Suggestion:
    """A row to label: position among the rows given, how much in doubt the model is (0 to 1), and what it answers."""

    position: int
    doubt: float
    answer: Any


def suggest(saved: SavedModel, examples: Examples, count: int, watch: Watch | None = None) -> list[Suggestion]:
    """The rows to label next, the first ones first; rows without a text are left out."""
    poll = watch.poll if watch else lambda: None
    answered = predict_examples(saved, examples, poll=poll)
    if not len(answered.good):
        return []
    doubt = saved.task.doubt(answered.guesses)
    states = np.concatenate(
        [_states(saved, examples.take(answered.good[at : at + AT_ONCE]), poll)
         for at in range(0, len(answered.good), AT_ONCE)]
    )  # fmt: skip
    places = next_rows(doubt, states, count)
    return [
        Suggestion(int(answered.good[i]), float(doubt[i]), answered.answer(int(answered.good[i]))["prediction"])
        for i in places.tolist()
    ]


def _states(saved: SavedModel, examples: Examples, poll: Any) -> Any:
    about = saved.about
    parts = saved.task.encode(examples, about.classes, saved.tokenizer, about.max_length)
    store = in_memory(parts, np.zeros(len(examples), np.int64))
    device = next(saved.model.network.parameters()).device
    rows = np.arange(len(examples))
    return mean_states(
        saved.model, store, rows, batch_size=BATCH_SIZE, max_tokens=most_tokens(device), device=device, poll=poll
    )


def suggest_command(
    run: str, data: str, count: int, out: str | None, columns: Mapping[str, str | None], teller: Teller,
    settings: Sequence[str] = (),
) -> None:  # fmt: skip
    """Print the rows of a file to label next (with JSON, one object a row), or write them, with all their columns.

    `out` is a Parquet or CSV file. Raises BertuneError.
    """
    if out is not None:
        check_out(Path(out), data, (".parquet", ".csv"))
    with Watch() as watch:
        saved = open_model(run)
        table = read(data, reading_settings(settings))
        if not len(table):
            raise DataError("there are no rows.", where=data, expected="rows with texts")
        roles, said = roles_for(table, saved, columns)
        if said:
            teller.warn(said)
        examples = as_trained(saved, table, roles)
        found = suggest(saved, examples, count, watch)
    if out is not None:
        _write(Path(out), table.take(np.array([s.position for s in found], dtype=np.int64)), found, saved)
        teller.say("written", f"{out} · {len(found):,} rows to label", out=out, rows=len(found))
        return
    for one in found:
        place, answer = table.place(one.position), saved.task.shown(one.answer)
        if teller.bar == "json":
            told = {"file": place.file, "row": place.row, "doubt": one.doubt, "prediction": one.answer}
            teller.say("suggest", examples.texts[one.position] or "", **told)
        else:
            head = f"{place.row:>8,}  {one.doubt:.2f}  " + set_cell_size(shortened(shown(answer), 20), 20)
            text = shown((examples.texts[one.position] or "")[:500])
            sys.stdout.write(f"{head}  {shortened(text, WIDTH - 38)}".rstrip() + "\n")


def _write(out: Path, rows: Any, found: Sequence[Suggestion], saved: SavedModel) -> None:
    """The rows with all their columns, the model's answer and its doubt beside them."""
    columns = {name: rows.columns.column(name) for name in rows.names}
    columns["suggested_answer"] = pa.array([saved.task.shown(s.answer) for s in found], pa.string())
    columns["doubt"] = pa.array([s.doubt for s in found], pa.float64())
    write_rows(out, columns)
