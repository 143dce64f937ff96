"""bertune predict: answers to new texts, treated as the training texts were."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from bertune.base.errors import DataError
from bertune.base.types import Answers, Examples, Guesses
from bertune.base.wording import counted, percent
from bertune.data.store import TokenStore, in_memory
from bertune.engine.devices import hardware, has_bf16
from bertune.engine.interrupt import Watch
from bertune.evaluate.guarded import guarded
from bertune.evaluate.predict import predict
from bertune.evaluate.saved import About, SavedModel, load
from bertune.model.copied_weights import unchanged_weights
from bertune.runs.answers import Answered, Portion, check_out, print_lines, write
from bertune.runs.new_rows import NewRows, broken, lines_of, of_texts, portions_of
from bertune.runs.telling import People, Teller

AT_ONCE = 4096  # rows encoded and answered together: enough to sort by length, little memory
BATCH_SIZE = 512
PRECISIONS = ("auto", "fp32", "bf16")
NO_TEXT = "no text"
NO_PAIR = "no second text"
BROKEN = "half of a surrogate pair, which is no character"
SHOWN_ROWS = 5


def open_model(run: str | Path) -> SavedModel:
    """The model of a run folder (or a model folder), on the best device of this machine. Raises ModelError."""
    saved = load(Path(run))
    saved.model.to(torch.device(hardware()))
    return saved


def predict_rows(
    saved: SavedModel,
    texts: Sequence[str | None],
    pairs: Sequence[str | None] | None = None,
    *,
    precision: str = "fp32",
    poll: Callable[[], None] = lambda: None,
) -> Answered:
    """Answers to texts; rows without a text are not answered but named. `poll` may raise to stop.

    Raises DataError when second texts are missing altogether or not wanted, or for an unknown precision.
    """
    _check_pairs(saved, len(texts), pairs)
    answered = predict_examples(saved, of_texts(saved, texts, pairs), precision=precision, poll=poll)
    halves = {i for column in (texts, pairs or ()) for i, text in enumerate(column) if text and broken(text)}
    problems = [BROKEN if i in halves else problem for i, problem in enumerate(answered.problems)]
    return replace(answered, problems=tuple(problems))


def predict_examples(
    saved: SavedModel, examples: Examples, *, precision: str = "fp32", poll: Callable[[], None] = lambda: None
) -> Answered:
    """Answers to rows that are treated as in training; rows without a text, and those that the task cannot answer, are
    named instead.

    `precision` is fp32, bf16, or auto: bf16 where the device has it and answers are decisions, and float32 again for
    rows whose decision could be another. Raises DataError for any other.
    """
    if precision not in PRECISIONS:
        raise DataError("there is no such precision.", expected=", ".join(PRECISIONS), found=str(precision))
    if precision == "auto" and not (saved.task.decides and has_bf16(_device(saved))):
        precision = "fp32"
    problems = [_problem(examples, row) or saved.task.refused(examples, row) for row in range(len(examples))]
    good = np.flatnonzero([problem is None for problem in problems])
    cut = np.zeros(len(examples), bool)
    found: list[Guesses] = []
    at_once = len(good) or 1 if saved.task.whole else AT_ONCE
    with unchanged_weights():  # one copy of them does for all portions
        for start in range(0, len(good) or 1, at_once):
            rows = good[start : start + at_once]
            guesses, cut[rows] = _answer(saved, examples.take(rows), precision, poll)
            found.append(guesses)
    return Answered(saved.task, saved.about.classes, joined(found), good, tuple(problems), cut)


def _check_pairs(saved: SavedModel, rows: int, pairs: Sequence[str | None] | None) -> None:
    if saved.pairs and pairs is None and not saved.task.alone:
        raise DataError("this model reads pairs of texts.", expected="a second text beside each text", found="none")
    if not saved.pairs and pairs is not None:
        raise DataError("this model reads single texts.", expected="one text a row", found="second texts")
    if pairs is not None and len(pairs) != rows:
        raise DataError("texts and second texts differ in number.", expected=f"{rows:,}", found=f"{len(pairs):,}")


def _problem(examples: Examples, row: int) -> str | None:
    if examples.texts[row] is None:
        return NO_TEXT
    return NO_PAIR if examples.pairs is not None and examples.pairs[row] is None else None


def _answer(
    saved: SavedModel, examples: Examples, precision: str, poll: Callable[[], None]
) -> tuple[Guesses, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """What the model says of rows that have texts, and which rows lost tokens."""
    task, about = saved.task, saved.about
    store = in_memory(
        task.encode(replace(examples, gold=None), about.classes, saved.tokenizer, about.max_length),
        np.zeros(len(examples), np.int64),
    )
    device = _device(saved)

    def answer(some: TokenStore, how: str) -> Answers:
        return predict(
            saved.model, some, batch_size=BATCH_SIZE, max_tokens=most_tokens(device), precision=how, device=device,
            poll=poll,
        )  # fmt: skip

    if precision == "auto":
        answers = guarded(store, answer, lambda found: task.room(examples, found, about.tuned))
    else:
        answers = answer(store, precision)
    return task.decode(examples, store, answers, about.classes, about.tuned), _cut(saved, examples, store)


def _device(saved: SavedModel) -> torch.device:
    device: torch.device = next(saved.model.network.parameters()).device
    return device


def most_tokens(device: torch.device) -> int:
    """How many tokens are computed at once: of a processor as many as fit its cache. Batches of nearly as many tokens
    share their kernels, which batches of as many rows do not."""
    return 2048 if device.type == "cpu" else 16_384


def _cut(saved: SavedModel, examples: Examples, store: TokenStore) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows lost tokens: only those that are as long as the limit can have, so most are counted once."""
    cut, limit, task = np.zeros(len(examples), bool), saved.about.max_length, saved.task
    full = np.flatnonzero(store.lengths >= limit)
    if len(full) and (task.cuts or examples.pairs is not None):
        some = examples.take(full)
        cut[full] = task.lost(some, task.lengths(some, saved.tokenizer)[0], saved.tokenizer, limit) > 0
    return cut


def joined(parts: Sequence[Guesses]) -> Guesses:
    """The guesses of several portions as one."""
    if len(parts) == 1:
        return parts[0]
    chances = [part.probabilities for part in parts if part.probabilities is not None]
    told = {name: [value for part in parts for value in part.told[name]] for name in parts[0].told}
    return Guesses(np.concatenate([p.guess for p in parts]), np.concatenate(chances) if chances else None, told)


@dataclass
class Told:
    """What is said of answered rows: counts, of those not answered by problem, and the first rows behind each. No text
    is kept."""

    rows: int = 0
    cut: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    first: dict[str, list[str]] = field(default_factory=dict)

    def note(self, portion: Portion) -> None:
        """Count one portion."""
        self.rows += len(portion.answered)
        self.cut += int(portion.answered.cut.sum())
        for i, problem in enumerate(portion.answered.problems):
            if problem is not None:
                self._refuse(problem, 1, [f"{int(portion.rows.row[i]):,}"])

    def add(self, other: "Told", file: str) -> None:
        """Count what is said of a further file."""
        self.rows += other.rows
        self.cut += other.cut
        for problem, count in other.refused.items():
            self._refuse(problem, count, [f"{file}:{row}" for row in other.first[problem]])

    def _refuse(self, problem: str, count: int, rows: list[str]) -> None:
        self.refused[problem] = self.refused.get(problem, 0) + count
        self.first[problem] = [*self.first.get(problem, []), *rows][:SHOWN_ROWS]


def predict_command(
    run: str, data: str, out: str | None, columns: Mapping[str, str | None], teller: Teller,
    settings: Sequence[str] = (), precision: str = "auto",
) -> None:  # fmt: skip
    """Answer a file (or, for `-`, one text a line on stdin): into `out`, else on stdout.

    `columns` overrides the columns of the training data; `settings` may say how the file is read
    (data.format=…, data.encoding=…, data.delimiter=…, data.quoting=…, data.header=…); `precision` is that of
    `predict_examples`. Rows keep their order and are answered in portions, so the file may be larger than memory;
    `out` appears complete or not at all.
    Raises BertuneError; ModelError where no model lies in `run`.
    """
    if out is not None:
        check_out(Path(out), data)
    with Watch() as watch:
        saved = open_model(run)
        rows = lines_of(sys.stdin.buffer, saved) if data == "-" else portions_of(data, saved, columns, settings, teller)
        told = Told()
        portions = answer_portions(saved, rows, told, precision, watch.poll)
        to_stdout = out is None and teller.bar == "json"  # rows alone go there; the rest is said to people
        if out is not None:
            write(Path(out), portions)
        else:
            print_lines(portions, as_json=to_stdout)
    teller = People() if to_stdout else teller
    tell(told, saved.about, teller)
    if out is not None:
        teller.say("written", f"{out} · {told.rows:,} rows", out=out, rows=told.rows)


def answer_portions(
    saved: SavedModel, rows: Iterator[NewRows], told: Told, precision: str = "auto",
    poll: Callable[[], None] = lambda: None,
) -> Iterator[Portion]:  # fmt: skip
    """The answers to rows, portion by portion, each counted in `told`. `poll` may raise to stop."""
    for some in rows:
        poll()
        portion = Portion(some, predict_examples(saved, some.examples, precision=precision, poll=poll))
        told.note(portion)
        yield portion


def tell(told: Told, about: About, teller: Teller) -> None:
    """Say what was cut and refused: numbers and rows only, never a text."""
    for problem, count in told.refused.items():
        more = f" and {count - SHOWN_ROWS:,} more" if count > SHOWN_ROWS else ""
        where = f"row{'s' if count > 1 else ''} {', '.join(told.first[problem])}{more}"
        teller.warn(f"{count:,} not answered: {problem} ({where})", problem=problem, count=count)
    if told.cut:
        share = percent(told.cut / told.rows)
        text = f"{counted(told.cut, 'text')} ({share}) cut at {about.max_length} tokens, the length of training"
        teller.warn(text, cut=told.cut, max_length=about.max_length)
    if not told.rows:
        teller.warn("there are no rows; nothing was answered")
