"""The answer to a question as a span of a context."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from annotated_types import Ge
from pydantic import Field
from scipy.special import softmax

from bertune.base.types import Answers, Examples, Finding, Floats, Guesses, Ints, Judged, Level, Roles, Table, Tuned
from bertune.data.languages import language_of_texts
from bertune.data.store import TokenStore
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.data.windows import Windows, windows
from bertune.losses._loss import IGNORED
from bertune.metrics._answer_kinds import kind_of
from bertune.metrics.answer_f1 import AnswerF1
from bertune.metrics.cmrc_f1 import CmrcF1
from bertune.tasks._answers import Answer, Answered, find_columns
from bertune.tasks._best_spans import best_spans
from bertune.tasks._task import PLAIN, Asked, Task, Tuning

USUAL_LENGTH = 384  # tokens of a window: most contexts fit, and longer ones cost more than they bring
NO_ANSWER = "(no answer)"


class QuestionAnswering(Task):
    """The answer to a question, as a span of its context; or none, where some training rows have none.

    Reads columns of questions, contexts and answers (texts with their places), and the JSON of SQuAD, CMRC and XQuAD.
    Long contexts are read in windows that share `stride` tokens. From which point no answer is given is tuned on
    validation rows. `scorer` chooses the metrics: those of SQuAD, or those of CMRC for Chinese.
    """

    name: ClassVar[str] = "question_answering"
    columns: ClassVar[tuple[str, ...]] = ("question", "context", "answer", "answer_start")
    example: ClassVar[str] = """question,context,answer,answer_start
Who lives in Rome?,Anna lives in Rome.,Anna,0
Where does Peter live?,"Peter lives in Paris, not in Rome.",Paris,15
What is red?,The sky is blue. The car is red.,The car,17
When does the train leave?,The train leaves at noon.,noon,20
How much is the tea?,Tea costs two euros and cake three.,two euros,10
What does the dog eat?,The dog eats bones and the cat eats fish.,bones,13
Who won?,After a long game the green team won.,the green team,18
Where is the key?,The key is under the old stone.,under the old stone,11
"""
    kind: ClassVar[str] = "answer"
    head: ClassVar[str] = "question_answering"
    level: ClassVar[Level] = "text"
    loss_kind: ClassVar[str] = "position"
    default_loss: ClassVar[str] = "cross_entropy"
    baselines: ClassVar[tuple[str, ...]] = ("sentence_overlap",)
    cleans: ClassVar[bool] = False
    edits: ClassVar[bool] = False
    cuts: ClassVar[bool] = False

    def __init__(
        self,
        *,
        stride: Annotated[int, Ge(0), Field(description="tokens that two windows of a long context share")] = 128,
        longest_answer: Annotated[int, Ge(1), Field(description="tokens of an answer at most")] = 40,
        alternatives: Annotated[int, Ge(1), Field(description="answers told, the best first")] = 5,
        scorer: Annotated[
            Literal["auto", "squad", "cmrc"], Field(description="cmrc counts Chinese characters; auto: by language")
        ] = "auto",
    ) -> None:
        self.stride, self.longest_answer, self.alternatives, self.scorer = stride, longest_answer, alternatives, scorer
        self._answered: tuple[Table, Answered] | None = None

    @property
    def metrics(self) -> tuple[str, ...]:  # type: ignore[override]
        """F1 first."""
        return ("cmrc_f1", "cmrc_exact_match") if self.scorer == "cmrc" else ("answer_f1", "exact_match")

    @property
    def watched(self) -> tuple[str, ...]:  # type: ignore[override]
        """The metrics."""
        return self.metrics

    def decided(self, examples: Examples) -> dict[str, Any]:
        """The scorer, by the language of the contexts."""
        if self.scorer != "auto" or examples.pairs is None:
            return {}
        some = [text for text in examples.pairs[:200] if text]
        return {"scorer": "cmrc" if language_of_texts(some) in ("zh", "ja") else "squad"}

    @classmethod
    def claims(cls, table: Table, asked: Asked, need_label: bool = True) -> Roles | None:
        """Questions beside contexts, with answers that have places."""
        return find_columns(table, asked, need_label)

    @classmethod
    def fits(cls, table: Table, roles: Roles) -> bool:
        """Never by texts and labels alone."""
        return False

    def _read(self, table: Table, roles: Roles) -> Answered:
        if self._answered is None or self._answered[0] is not table:
            self._answered = (table, Answered(table, roles))
        return self._answered[1]

    def gold(self, table: Table, roles: Roles) -> Sequence[Any]:
        """The acceptable answers of each row, () for no answer; None where nothing is said. Raises DataError."""
        return self._read(table, roles).rows

    def findings(self, table: Table, roles: Roles) -> list[Finding]:
        """Answers that are not where they are said to be."""
        return [] if roles.label is None else self._read(table, roles).faults.findings()

    def strata(self, gold: Sequence[Any]) -> list[str]:
        """Rows with and without an answer."""
        return ["answered" if answers else "none" for answers in gold]

    def length(self, lengths: Ints, limit: int) -> int:
        """What most rows need, and no more than is usual for windows."""
        return min(super().length(lengths, limit), USUAL_LENGTH, limit)

    def encode(
        self, examples: Examples, classes: Sequence[str], tokenizer: TextTokenizer, max_length: int
    ) -> Iterator[Encoded]:
        """Question and context, the context in windows; targets [windows, 2]: first and last token of the answer.

        Where a window does not hold the answer both are its first token; where nothing is known they do not count.
        """
        stride = min(self.stride, max_length // 3)
        for part in windows(tokenizer, examples.texts, examples.pairs, max_length, stride, "second"):
            targets = np.full((len(part.lengths), 2), IGNORED, np.int64)
            if examples.gold is not None:
                starts = np.concatenate([[0], np.cumsum(part.lengths)])
                for i, row in enumerate(part.owner.tolist()):
                    answers = examples.gold[row]
                    if answers is not None:
                        targets[i] = _target(answers, part, int(starts[i]), int(starts[i + 1]))
            beside = {"begin": part.begin, "end": part.end}
            yield Encoded(part.ids, part.types, part.lengths, part.owner, targets, beside)

    def tune(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuning: Tuning
    ) -> Tuned:
        """By how much no answer must score above the best span to be given; only where some rows have none."""
        assert examples.gold is not None
        if all(examples.gold):
            return PLAIN
        best = self._best(examples, store, answers)
        margins = np.array([b.none - (b.score[0] if len(b.score) else -np.inf) for b in best])
        metric = CmrcF1() if self.scorer == "cmrc" else AnswerF1()
        texts = [self._texts(examples, i, b)[:1] for i, b in enumerate(best)]
        accepted = [tuple(answer.text for answer in gold) for gold in examples.gold]
        gains = np.array([
            metric.of_answer(gold, "") - metric.of_answer(gold, (t or [""])[0])
            for gold, t in zip(accepted, texts, strict=True)
        ])  # fmt: skip
        order = np.argsort(-margins, kind="stable")
        totals = np.concatenate([[0.0], np.cumsum(gains[order])])  # so much is won by giving none to the first so many
        best_at = int(np.argmax(totals))
        ranked = np.concatenate([[np.inf], margins[order], [-np.inf]])
        low, high = ranked[best_at + 1], ranked[best_at]
        found = high - 1 if not np.isfinite(low) else low + 1 if not np.isfinite(high) else (low + high) / 2
        return Tuned(more={"none_from": float(found) if np.isfinite(found) else 0.0})

    def decode(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuned: Tuned
    ) -> Guesses:
        """The best span of each row's context, or none, and the next best ones."""
        threshold = tuned.more.get("none_from")
        guess, told = np.empty(len(examples), object), []
        for i, best in enumerate(self._best(examples, store, answers)):
            texts = self._texts(examples, i, best)
            scores = np.append(best.score, [] if threshold is None else [best.none - threshold])
            chances = softmax(scores).tolist() if len(scores) else []
            found = [{"text": t, "start": s, "end": e, "probability": p} for t, s, e, p in
                     zip(texts, best.start.tolist(), best.end.tolist(), chances, strict=False)]  # fmt: skip
            none = {
                "text": "",
                "start": None,
                "end": None,
                "probability": chances[-1] if len(chances) > len(texts) else 1.0,
            }
            empty = not texts or (threshold is not None and best.none - best.score[0] > threshold)
            guess[i] = "" if empty else texts[0]
            ranked = [none, *found] if empty else found + ([none] if threshold is not None else [])
            told.append(ranked[: self.alternatives])
        return Guesses(guess, None, {"answers": told})

    def _best(self, examples: Examples, store: TokenStore, answers: Answers) -> list[Any]:
        first = store.bounds("text")
        return [
            best_spans(
                answers.values[a:b], store.starts[first[i] : first[i + 1] + 1] - a, store.beside["begin"][a:b],
                store.beside["end"][a:b], self.longest_answer, max(self.alternatives, 1),
            )
            for i, (a, b) in enumerate(zip(answers.starts[:-1].tolist(), answers.starts[1:].tolist(), strict=True))
        ]  # fmt: skip

    def _texts(self, examples: Examples, row: int, best: Any) -> list[str]:
        assert examples.pairs is not None
        context = examples.pairs[row] or ""
        return [context[s:e] for s, e in zip(best.start.tolist(), best.end.tolist(), strict=True)]

    def judged(self, examples: Examples, guesses: Guesses, classes: tuple[str, ...]) -> Judged:
        """Acceptable answers beside the one given."""
        assert examples.gold is not None
        gold = np.empty(len(examples), object)
        gold[:] = [tuple(answer.text for answer in row) for row in examples.gold]
        return Judged(gold, guesses.guess, None, classes)

    def doubt(self, guesses: Guesses) -> Floats:
        """What the best answer lacks to certainty."""
        return np.array([1.0 - ranked[0]["probability"] for ranked in guesses.told["answers"]])

    def judged_again(
        self, columns: Mapping[str, Sequence[Any]], own: tuple[str, ...], classes: tuple[str, ...]
    ) -> Judged:
        """Acceptable answers beside the one given."""
        rows = columns["acceptable"]
        gold, guess = np.empty(len(rows), object), np.empty(len(rows), object)
        gold[:] = [tuple(answer["text"] for answer in row) for row in rows]
        guess[:] = list(columns["prediction"])
        return Judged(gold, guess, None, ())

    def as_guesses(self, examples: Examples, classes: tuple[str, ...]) -> Guesses:
        """The first acceptable answer of each row, quite certain."""
        assert examples.gold is not None
        guess = np.empty(len(examples), object)
        guess[:] = [row[0].text if row else "" for row in examples.gold]
        told = [[{"text": g, "start": row[0].start if row else None, "end": None, "probability": 1.0}]
                for g, row in zip(guess, examples.gold, strict=True)]  # fmt: skip
        return Guesses(guess, None, {"answers": told})

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """prediction: the answer, "" for none; where it stands in the context; its probability; the best answers."""
        ranked = guesses.told["answers"][row]
        best = ranked[0]
        return {"prediction": str(guesses.guess[row]), "start": best["start"], "end": best["end"],
                "probability": best["probability"], "answers": ranked}  # fmt: skip

    def fields(self, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """Text, place, probability, and the list of the best."""
        place: Mapping[str, Any] = {"start": pa.int64(), "end": pa.int64(), "probability": pa.float64()}
        return {"prediction": pa.string(), **place, "answers": pa.list_(pa.struct({"text": pa.string(), **place}))}

    def label(self, gold: Any) -> Any:
        """The first acceptable answer, "" for none."""
        return gold[0].text if gold else ""

    def beside(self, examples: Examples, guesses: Guesses) -> dict[str, pa.Array]:
        """acceptable: every answer that is right, with its start in the context (null where nobody says); kind: what
        the answer is beside them."""
        kind = pa.list_(pa.struct({"text": pa.string(), "start": pa.int64()}))
        told = [[{"text": a.text, "start": a.start} for a in row or ()] for row in examples.gold or ()]
        golds = [tuple(answer.text for answer in row or ()) for row in examples.gold or ()]
        kinds = [kind_of(gold, str(guess)) for gold, guess in zip(golds, guesses.guess, strict=True)]
        return {"acceptable": pa.array(told, kind), "kind": pa.array(kinds, pa.string())}

    def shown(self, value: Any) -> str:
        """The answer."""
        return (value if isinstance(value, str) else self.label(value)) or NO_ANSWER


def _target(answers: Sequence[Answer], part: Windows, first: int, last: int) -> tuple[int, int]:
    """First and last token, within a window, of the first answer that lies in it whole; (0, 0) where none does."""
    begin, end = part.begin[first:last], part.end[first:last]
    inside = np.flatnonzero(begin >= 0)
    placed = [answer for answer in answers if answer.start is not None]
    if answers and not placed:
        return IGNORED, IGNORED
    for answer in placed[:1]:
        start = answer.start or 0
        over = inside[
            (end[inside] > start) & (begin[inside] < start + len(answer.text)) & (end[inside] > begin[inside])
        ]
        if len(over) and begin[over[0]] <= start and end[over[-1]] >= start + len(answer.text.rstrip()):
            return int(over[0]), int(over[-1])
    return 0, 0
