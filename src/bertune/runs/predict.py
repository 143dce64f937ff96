"""bertune predict: answers to new texts, treated as the training texts were."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bertune.base.errors import DataError
from bertune.base.types import Floats, Ints
from bertune.base.wording import counted, percent
from bertune.data.clean import clean_column
from bertune.data.store import TokenStore
from bertune.engine.devices import hardware
from bertune.engine.interrupt import Watch
from bertune.evaluate.calibration import softmax
from bertune.evaluate.predict import predict
from bertune.evaluate.saved import About, SavedModel, load
from bertune.runs.answers import Portion, check_out, print_lines, write
from bertune.runs.new_rows import NewRows, lines_of, portions_of
from bertune.runs.telling import People, Teller

AT_ONCE = 4096  # rows encoded and answered together: enough to sort by length, little memory
BATCH_SIZE = 64
MAX_TOKENS = 16384
NO_TEXT = "no text"
NO_PAIR = "no second text"
BROKEN = "half of a surrogate pair, which is no character"
SHOWN_ROWS = 5


@dataclass(frozen=True, eq=False)
class Answered:
    """Answers to some rows, in their order.

    guess[rows] holds class numbers, -1 where a row was not answered; probabilities[rows, classes] are NaN there;
    `problems` says why, and is None for answered rows; cut[rows] is True where tokens beyond the limit were cut.
    """

    classes: tuple[str, ...]
    guess: Ints
    probabilities: Floats
    problems: tuple[str | None, ...]
    cut: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def __len__(self) -> int:
        return len(self.guess)


def open_model(run: str | Path) -> SavedModel:
    """The model of a run folder (or a model folder), on the best device of this machine. Raises ModelError."""
    saved = load(Path(run))
    saved.model.network.to(torch.device(hardware()))
    return saved


def as_trained(about: About, values: Sequence[str | None]) -> list[str | None]:
    """Texts treated as in training: blank ones are missing, then cleaned, then filled where training filled."""
    present = [value if value is not None and value.strip() else None for value in values]
    cleaned = list(clean_column(present, about.cleaning))
    return [about.fill if value is None else value for value in cleaned] if about.missing == "fill" else cleaned


def predict_rows(
    saved: SavedModel,
    texts: Sequence[str | None],
    pairs: Sequence[str | None] | None = None,
    *,
    poll: Callable[[], None] = lambda: None,
) -> Answered:
    """Answers to rows in fp32; rows without a text are not answered but named. `poll` may raise to stop.

    Raises DataError when second texts are missing altogether or not wanted.
    """
    _check_pairs(saved, len(texts), pairs)
    firsts = as_trained(saved.about, texts)
    seconds = None if pairs is None else as_trained(saved.about, pairs)
    problems = [_problem(t, None if seconds is None else seconds[i], seconds is None) for i, t in enumerate(firsts)]
    good = np.flatnonzero([problem is None for problem in problems])
    classes = saved.about.classes
    guess = np.full(len(firsts), -1, np.int64)
    probabilities = np.full((len(firsts), len(classes)), np.nan)
    cut = np.zeros(len(firsts), bool)
    for start in range(0, len(good), AT_ONCE):
        rows = good[start : start + AT_ONCE]
        some = [firsts[i] or "" for i in rows.tolist()]
        beside = None if seconds is None else [seconds[i] or "" for i in rows.tolist()]
        probabilities[rows], cut[rows] = _answer(saved, some, beside, poll)
        guess[rows] = saved.task.decode(probabilities[rows], saved.about.threshold)
    return Answered(classes, guess, probabilities, tuple(problems), cut)


def _check_pairs(saved: SavedModel, rows: int, pairs: Sequence[str | None] | None) -> None:
    if saved.task.pairs and pairs is None:
        raise DataError("this model reads pairs of texts.", expected="a second text beside each text", found="none")
    if not saved.task.pairs and pairs is not None:
        raise DataError("this model reads single texts.", expected="one text a row", found="second texts")
    if pairs is not None and len(pairs) != rows:
        raise DataError("texts and second texts differ in number.", expected=f"{rows:,}", found=f"{len(pairs):,}")


def _problem(text: str | None, pair: str | None, single: bool) -> str | None:
    if text is None:
        return NO_TEXT
    if pair is None and not single:
        return NO_PAIR
    return BROKEN if _broken(text) or (pair is not None and _broken(pair)) else None


def _broken(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _answer(
    saved: SavedModel, texts: list[str], pairs: list[str] | None, poll: Callable[[], None]
) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Probabilities[rows, classes] of rows that have texts, and which rows lost tokens."""
    limit = saved.about.max_length
    store = _in_memory(saved, texts, pairs)
    device = next(saved.model.network.parameters()).device
    answers = predict(
        saved.model, store, batch_size=BATCH_SIZE, max_tokens=MAX_TOKENS, precision="fp32", device=device, poll=poll
    )
    cut = np.zeros(len(texts), bool)
    full = np.flatnonzero(store.lengths >= limit)  # only these can have been cut; most texts are counted once
    lengths, _ = saved.tokenizer.lengths(
        [texts[i] for i in full.tolist()], None if pairs is None else [pairs[i] for i in full.tolist()]
    )
    cut[full] = lengths > limit
    return softmax(answers.logits), cut


def _in_memory(saved: SavedModel, texts: list[str], pairs: list[str] | None) -> TokenStore:
    parts = list(saved.task.encode(texts, pairs, saved.tokenizer, saved.about.max_length))
    lengths = np.concatenate([part.lengths for part in parts])
    typed = [part.types for part in parts if part.types is not None]
    return TokenStore(
        ids=np.concatenate([part.ids for part in parts]).astype(np.int32),
        types=np.concatenate(typed).astype(np.uint8) if typed else None,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        owner=np.arange(len(texts)),
        targets=np.zeros(len(texts), np.int64),
        lengths=lengths,
        fingerprint="",
    )


@dataclass
class Told:
    """What is said of an answered file: counts, and the first rows behind them. No text is kept."""

    rows: int = 0
    cut: int = 0
    refused: dict[str, list[str]] | None = None

    def note(self, portion: Portion) -> None:
        """Count one portion."""
        self.rows += len(portion.answered)
        self.cut += int(portion.answered.cut.sum())
        refused = self.refused = self.refused or {}
        for i, problem in enumerate(portion.answered.problems):
            if problem is not None:
                refused.setdefault(problem, []).append(f"{int(portion.rows.row[i]):,}")


def predict_command(
    run: str, data: str, out: str | None, columns: Mapping[str, str | None], teller: Teller,
    settings: Sequence[str] = (),
) -> None:  # fmt: skip
    """Answer a file (or, for `-`, one text a line on stdin): into `out`, else on stdout.

    `columns` overrides the columns of the training data; `settings` may say how the file is read
    (data.format=…, data.encoding=…, data.delimiter=…, data.quoting=…). Rows keep their order and are answered in
    portions, so the file may be larger than memory; `out` appears complete or not at all.
    Raises BertuneError; ModelError where no model lies in `run`.
    """
    if out is not None:
        check_out(Path(out), data)
    with Watch() as watch:
        saved = open_model(run)
        rows = lines_of(sys.stdin.buffer, saved) if data == "-" else portions_of(data, saved, columns, settings, teller)
        told = Told()
        portions = _answered(saved, rows, told, watch)
        to_stdout = out is None and teller.bar == "json"  # rows alone go there; the rest is said to people
        if out is not None:
            write(Path(out), portions, saved.about.classes)
        else:
            print_lines(portions, as_json=to_stdout)
    _tell(told, saved.about, People() if to_stdout else teller, out)


def _answered(saved: SavedModel, rows: Iterator[NewRows], told: Told, watch: Watch) -> Iterator[Portion]:
    for some in rows:
        watch.poll()
        portion = Portion(some, predict_rows(saved, some.texts, some.pairs, poll=watch.poll))
        told.note(portion)
        yield portion


def _tell(told: Told, about: About, teller: Teller, out: str | None) -> None:
    """Say what was answered, cut and refused: numbers and rows only, never a text."""
    for problem, found in (told.refused or {}).items():
        more = f" and {len(found) - SHOWN_ROWS:,} more" if len(found) > SHOWN_ROWS else ""
        where = f"rows {', '.join(found[:SHOWN_ROWS])}{more}" if len(found) > 1 else f"row {found[0]}"
        teller.warn(f"{len(found):,} not answered: {problem} ({where})", problem=problem, count=len(found))
    if told.cut:
        share = percent(told.cut / told.rows)
        text = f"{counted(told.cut, 'text')} ({share}) cut at {about.max_length} tokens, the length of training"
        teller.warn(text, cut=told.cut, max_length=about.max_length)
    if not told.rows:
        teller.warn("there are no rows; nothing was answered")
    if out is not None:
        teller.say("written", f"{out} · {told.rows:,} rows", out=out, rows=told.rows)
