"""Self-training: a trained model guesses unlabelled rows, and another one learns its sure guesses beside the rows.

Source: Lee 2013, Pseudo-label; Xie et al. 2020, Self-training with noisy student, section 2 (the student starts anew,
the guesses are balanced over the classes); Mukherjee and Awadallah 2020, Uncertainty-aware self-training, section 4.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from bertune.base.files import FILES
from bertune.base.sections import SelfTrainingSection
from bertune.base.types import Answers, Examples, Floats, Ints
from bertune.data.store import TokenStore, is_current, read, write
from bertune.runs import build
from bertune.runs.finish import write_parquet
from bertune.runs.fit import Fit, Fitted
from bertune.runs.folder import Folder
from bertune.runs.judge import answers_of, tuned_on
from bertune.runs.seeds import Seeds, better
from bertune.runs.unlabelled import Unlabelled


@dataclass(frozen=True, eq=False)
class Guessed:
    """Rows that are learnt with a guess for their gold: position[rows] among the unlabelled ones, how sure each is."""

    examples: Examples
    positions: Ints
    confidence: Floats

    @property
    def digest(self) -> str:
        """A digest of which rows are learnt with which gold."""
        told = f"{self.positions.tolist()} {self.examples.gold}"
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(eq=False)
class SelfTraining:
    """The loops of a run that learns guesses: those of the first teacher, then in `rounds/<number>` those of students.

    A student starts where the teacher did, learns the rows and the guesses, and is kept where it is better on the
    validation rows, which stay as they are; then it teaches in the next round. `told` is what run.json tells, `learnt`
    the guesses behind the kept weights, None where they are the first teacher's.
    """

    teacher: Seeds
    unlabelled: Unlabelled
    settings: SelfTrainingSection
    scores: list[dict[str, Any]] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    learnt: Guessed | None = None

    def run(self) -> tuple[Fitted, Fit]:
        """The kept weights and their loop; where a loop was interrupted, that one's."""
        first = self.teacher.first
        self.told = {"rows": len(self.unlabelled), "left_out": dict(self.unlabelled.left_out), "rounds": [],
                     "kept_round": 0}  # fmt: skip
        kept = self.teacher.run()
        self.scores = self.teacher.scores
        for number in range(1, self.settings.rounds + 1):
            if not kept[0].stopped.finished:
                return kept
            guessed, entry = self._guesses(*kept, number)
            self.told["rounds"].append(entry)
            if not len(guessed.positions):
                what = f"no guess is sure: the surest is {entry['surest']:.2f}, self_training.threshold"
                what = "all sure guesses are of one class" if entry["sure"] else f"{what} {self.settings.threshold:g}"
                first.teller.warn(f"{what}; nothing more is learnt", code="no_sure_guess")
                break
            student = Seeds(self._student(guessed, number))
            found = student.run()
            if not found[0].stopped.finished:
                return found
            if not self._compared(found[1], kept[1], entry):
                break
            kept, self.scores, self.learnt, self.told["kept_round"] = found, student.scores, guessed, number
        return kept

    def _guesses(self, fitted: Fitted, fit: Fit, number: int) -> tuple[Guessed, dict[str, Any]]:
        """The sure guesses of a model on the unlabelled rows, and what is told of them."""
        prepared, task, examples = fit.prepared, fit.prepared.rows.task, self.unlabelled.examples
        assert fit.stores.valid is not None
        valid = self._answers(fitted, fit, fit.stores.valid)
        tuned = tuned_on(prepared, fit.stores.valid, valid, fit.metric, fit.recipe.evaluation.calibration)
        store = self._store(fit)
        answers = self._answers(fitted, fit, store)
        guesses = task.decode(examples, store, answers.scaled(tuned), prepared.classes, tuned)
        confidence = task.confidence(guesses)
        gold = [task.answer(guesses, row, prepared.classes)["prediction"] for row in range(len(guesses))]
        known = prepared.examples("train").gold or ()
        kinds = task.strata([*known, *gold])
        shares = Counter(kinds[: len(known)])
        chosen = sure_rows(confidence, kinds[len(known) :], shares, self.settings)
        told = {"round": number, "kept": False, **self._about(confidence, chosen, kinds[len(known) :])}
        taken = replace(examples.take(chosen), gold=[gold[i] for i in chosen.tolist()])
        shown = ", ".join(f"{name} {count:,}" for name, count in list(told["classes"].items())[:6])
        sure = f"{told['sure']:,} of {len(gold):,} guesses at least {self.settings.threshold:g} sure"
        text = f"round {number} · {sure} · {len(chosen):,} learnt: {shown or 'none'}"
        fit.teller.say("guess", text, **told)
        return Guessed(taken, chosen, confidence[chosen]), told

    def _about(self, confidence: Floats, chosen: Ints, kinds: Sequence[str]) -> dict[str, Any]:
        """How many guesses are sure and how many are learnt, of which classes, and how sure they are."""
        learnt = confidence[chosen]
        return {
            "sure": int((confidence >= self.settings.threshold).sum()), "surest": float(confidence.max()),
            "learnt": len(chosen), "classes": dict(sorted(Counter(kinds[i] for i in chosen.tolist()).items())),
            "least_confidence": float(learnt.min()) if len(chosen) else None,
            "mean_confidence": float(learnt.mean()) if len(chosen) else None,
        }  # fmt: skip

    def _answers(self, fitted: Fitted, fit: Fit, store: TokenStore) -> Answers:
        """Answers in fp32, as the saved model would give them."""
        return answers_of(fitted.model.tasks[0], store, fit.recipe, fit.compute, fit.watch.poll, "fp32")

    def _store(self, fit: Fit) -> TokenStore:
        """The unlabelled rows as tokens."""
        prepared, place = fit.prepared, self.teacher.first.folder.store / "unlabelled"
        parts = [self.unlabelled.digest, prepared.rows.digest, prepared.tokenizer.fingerprint(), prepared.max_length]
        key = "-".join(map(str, [*parts, prepared.rows.task.name, len(self.unlabelled)]))
        if is_current(place, key):
            return read(place, key)
        encoded = build.encoded(prepared, self.unlabelled.examples)
        return write(place, encoded, np.zeros(len(self.unlabelled), np.int64), key)

    def _student(self, guessed: Guessed, number: int) -> Fit:
        """The loop of a student as it stands before training."""
        first = self.teacher.first
        prepared, folder = first.prepared, first.folder.of_round(number)
        FILES.make_folder(folder.path)
        known = prepared.examples("train")
        targets = np.concatenate([
            prepared.targets[prepared.splits.train],
            prepared.rows.task.targets(guessed.examples, prepared.classes, prepared.unit),
        ])  # fmt: skip
        key = f"{first.stores.train.fingerprint}-{self.unlabelled.digest}-{guessed.digest}"
        place = first.folder.store / f"round-{number}"
        store = build.training_store(prepared, _joined(known, guessed.examples), targets, key, place)
        decided = {**first.fingerprint, "the guessed rows": guessed.digest}
        return replace(first, stores=replace(first.stores, train=store), folder=folder, fingerprint=decided,
                       restarts=[], warnings=[])  # fmt: skip

    def _compared(self, student: Fit, teacher: Fit, entry: dict[str, Any]) -> bool:
        """Whether the student is better than its teacher on the validation rows; told either way."""
        kept = better(student, teacher)
        before, now = teacher.stopping.best_value, student.stopping.best_value
        entry |= {"metric": student.metric, "teacher": before, "student": now, "kept": kept}
        text = f"round {entry['round']} · {student.metric} {_figure(now)} on valid, the teacher's {_figure(before)}: "
        text += "the student is kept" if kept else "not better; the teacher is kept"
        student.teller.say("student", text, **entry)
        return kept

    def write(self, folder: Folder) -> None:
        """Write predictions/guessed.parquet: the unlabelled rows that the kept weights were learnt from."""
        if self.learnt is None:
            return
        prepared, some = self.teacher.first.prepared, self.learnt
        rows = self.unlabelled.table.take(some.positions)
        kind = prepared.rows.task.fields(prepared.classes)["prediction"]
        columns: dict[str, Any] = {
            "file": [rows.files[i] for i in rows.file.tolist()], "row": rows.row,
            "prediction": pa.array(some.examples.gold, kind), "confidence": some.confidence,
            "text": pa.array(iter(some.examples.texts), pa.string()),
        }  # fmt: skip
        if some.examples.pairs is not None:
            columns["text_pair"] = pa.array(iter(some.examples.pairs), pa.string())
        write_parquet(folder.predictions / "guessed.parquet", columns)


def sure_rows(
    confidence: Floats, kinds: Sequence[str], shares: Mapping[str, int], settings: SelfTrainingSection
) -> Ints:
    """Which guesses are learnt: positions in ascending order, of those at least as sure as the threshold.

    `shares` counts the training rows by kind. At most `settings.most` times those are taken, the surest first; with
    `settings.balance`, no kind gets more of them than its share of the training rows, and where all are of one kind,
    which would teach nothing but to answer so, none is taken.
    """
    sure = np.flatnonzero(confidence >= settings.threshold)
    order = sure[np.argsort(-confidence[sure], kind="stable")]
    total = sum(shares.values())
    most = min(len(order), int(settings.most * total))
    if settings.balance:
        left = {kind: -(-most * count // total) for kind, count in shares.items()}
        taken = []
        for row in order.tolist():
            if left.get(kinds[row], 0):
                left[kinds[row]] -= 1
                taken.append(row)
        several = len({kinds[row] for row in taken[:most]}) > 1
        order = np.array(taken if several else [], dtype=np.int64)
    return np.sort(order[:most])


def _joined(known: Examples, guessed: Examples) -> Examples:
    """Labelled rows, and after them guessed ones."""
    pairs = None
    if known.pairs is not None and guessed.pairs is not None:
        pairs = [*known.pairs, *guessed.pairs]
    return Examples([*known.texts, *guessed.texts], pairs, [*(known.gold or ()), *(guessed.gold or ())],
                    {name: [*values, *guessed.more[name]] for name, values in known.more.items()})  # fmt: skip


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
