"""Entities in texts: a tag for each word."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from annotated_types import Ge
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import log_softmax

from bertune.base.errors import DataError
from bertune.base.types import Answers, Examples, Finding, Floats, Guesses, Ints, Judged, Level, Roles, Table, Tuned
from bertune.data import chains, tags
from bertune.data.store import TokenStore
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.data.windows import Windows, windows, word_tokens
from bertune.losses._loss import IGNORED
from bertune.tasks._classification import natural
from bertune.tasks._entities import Entity, Marked, find_columns
from bertune.tasks._task import Asked, Task

NOTHING = "(no entity)"
UNSEEN = -1e4  # the score of every tag but O for a word that the tokenizer drops


class TokenClassification(Task):
    """Entities in texts (names, places, products): each word gets a tag, and tags that belong together are a span.

    Rows come as lists of tokens and tags (IOB1, IOB2, IOBES or their kin; recognised), or as texts with spans of
    characters. Long texts are read in windows that share `stride` tokens, and every word gets exactly one tag, from the
    window where it stands farthest from an edge. With `crf` the words of a text are one sequence, in training and in
    answering, in whatever windows they stand. Spans come back with their places in the text as it was given.
    Tags without B and I, such as parts of speech, are learnt as they are.
    """

    name: ClassVar[str] = "token_classification"
    columns: ClassVar[tuple[str, ...]] = ("tokens", "tags")
    file: ClassVar[str] = "data.jsonl"
    example: ClassVar[
        str
    ] = """{"tokens": ["Anna", "lives", "in", "Rome", "."], "tags": ["B-PER", "O", "O", "B-LOC", "O"]}
{"tokens": ["Peter", "Smith", "likes", "tea"], "tags": ["B-PER", "I-PER", "O", "O"]}
{"tokens": ["The", "train", "to", "New", "York", "is", "late"], "tags": ["O", "O", "O", "B-LOC", "I-LOC", "O", "O"]}
{"tokens": ["It", "rains"], "tags": ["O", "O"]}
{"tokens": ["Mary", "met", "Anna", "in", "London"], "tags": ["B-PER", "O", "B-PER", "O", "B-LOC"]}
{"tokens": ["Nobody", "was", "there"], "tags": ["O", "O", "O"]}
{"tokens": ["Hong", "Kong", "is", "large"], "tags": ["B-LOC", "I-LOC", "O", "O"]}
{"tokens": ["I", "saw", "Peter", "Smith", "again"], "tags": ["O", "O", "B-PER", "I-PER", "O"]}
"""
    kind: ClassVar[str] = "spans"
    head: ClassVar[str] = "token_classification"
    level: ClassVar[Level] = "token"
    loss_kind: ClassVar[str] = "class"
    default_loss: ClassVar[str] = "cross_entropy"
    metrics: ClassVar[tuple[str, ...]] = ("entity_f1", "entity_precision", "entity_recall", "entity_macro_f1")
    watched: ClassVar[tuple[str, ...]] = ("entity_f1", "entity_precision", "entity_recall")
    baselines: ClassVar[tuple[str, ...]] = ("most_frequent_tag",)
    cleans: ClassVar[bool] = False
    edits: ClassVar[bool] = False
    cuts: ClassVar[bool] = False

    def __init__(
        self,
        *,
        stride: Annotated[int, Ge(0), Field(description="tokens that two windows of a long text share")] = 64,
        scheme: Annotated[
            Literal["IOB2", "IOBES"], Field(description="tags that the model learns, whatever the file has")
        ] = "IOB2",
        constrained: Annotated[
            bool, Field(description="answer the likeliest tags that make sense together, not word by word")
        ] = True,
        crf: Annotated[
            bool, Field(description="learn how likely each tag follows another, and answer whole sequences of tags")
        ] = False,
    ) -> None:
        self.stride, self.scheme, self.constrained, self.crf = stride, scheme, constrained, crf
        self._marked: tuple[Table, Marked] | None = None

    @property
    def answering(self) -> Mapping[str, Any]:
        """Whether tags are a chain."""
        return {"crf": True} if self.crf else {}

    @classmethod
    def claims(cls, table: Table, asked: Asked, need_label: bool = True) -> Roles | None:
        """Lists of tokens beside lists of tags, or texts beside lists of spans."""
        return find_columns(table, asked.get("text"), asked.get("label"), need_label)

    @classmethod
    def fits(cls, table: Table, roles: Roles) -> bool:
        """Texts alone can be answered; to learn there must be tags or spans."""
        return roles.label is None and roles.text_pair is None

    def _read(self, table: Table, roles: Roles) -> Marked:
        if self._marked is None or self._marked[0] is not table:
            self._marked = (table, Marked(table, roles))
        return self._marked[1]

    def texts(self, table: Table, roles: Roles) -> Iterator[str | None]:
        """The texts; of lists of tokens, these joined by blanks (none between Chinese characters)."""
        return iter(self._read(table, roles).texts)

    def gold(self, table: Table, roles: Roles) -> Sequence[Any]:
        """The entities of each row; None where nothing is said. Raises DataError naming file and row."""
        return self._read(table, roles).entities[0]

    def more(self, table: Table, roles: Roles) -> Mapping[str, Sequence[Any]]:
        """The places of the words of each row."""
        return {"words": self._read(table, roles).words}

    def findings(self, table: Table, roles: Roles) -> list[Finding]:
        """Tags that break their scheme, spans within words, entities that overlap."""
        if roles.label is None:
            return []
        marked = self._read(table, roles)
        _ = marked.entities  # faults are noted as they are read
        return marked.faults.findings()

    def strata(self, gold: Sequence[Any]) -> list[str]:
        """Of each row its rarest type."""
        counts = Counter(entity.kind for row in gold for entity in row)
        kinds = [sorted((counts[e.kind], e.kind) for e in row) for row in gold]
        return [row[0][1] if row else NOTHING for row in kinds]

    def classes(self, gold: Sequence[Any]) -> tuple[str, ...]:
        """The tags that spell the types of the training rows. Raises DataError when there are none."""
        types = sorted({entity.kind for row in gold if row for entity in row}, key=natural)
        if not types:
            raise DataError("there is nothing to find.", expected="training rows with entities", found="none",
                            next_move="check the column of tags or spans: --label NAME")  # fmt: skip
        return tags.tag_names(types, self.scheme)

    def encode(
        self, examples: Examples, classes: Sequence[str], tokenizer: TextTokenizer, max_length: int
    ) -> Iterator[Encoded]:
        """Windows of the texts; the first token of each word has its tag for a target, in one window of its row."""
        number = {name: i for i, name in enumerate(classes)}
        for part in windows(tokenizer, examples.texts, None, max_length, self.stride):
            word, count = _words_of_tokens(part, examples.more["words"])
            targets = np.full(len(part.ids), IGNORED, np.int64)
            asked = np.flatnonzero(word >= 0)
            if examples.gold is not None and len(asked):
                row = np.repeat(part.owner, part.lengths)[asked]
                told = {i: self._tags(examples.gold[i], examples.more["words"][i]) for i in np.unique(row).tolist()}
                names = [told[i][w] for i, w in zip(row.tolist(), word[asked].tolist(), strict=True)]
                targets[asked] = [number.get(name, number["O"]) for name in names]
            beside = {"word": word, "count": count}
            yield Encoded(part.ids, part.types, part.lengths, part.owner, targets, beside)

    def _tags(self, gold: Any, words: Sequence[Any]) -> list[str]:
        return tags.tags([entity.span for entity in gold or ()], len(words), self.scheme)

    def decode(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuned: Tuned
    ) -> Guesses:
        """The entities of each row, as words for the metrics and as characters for people."""
        words = examples.more["words"]
        scores = _scores(store, answers, words, classes)
        paths, sure = self._chained(scores, answers.more, classes) if answers.more else self._single(scores, classes)
        guess = np.empty(len(examples), object)
        told: list[list[dict[str, Any]]] = []
        for row, path in enumerate(paths):
            spans = tags.spans([classes[k] for k in path.tolist()], self.scheme)
            guess[row] = tuple(spans)
            chances = sure[row][np.arange(len(path)), path]
            told.append([_told(span, words[row], examples.texts[row] or "", chances) for span in spans])
        return Guesses(guess, None, {"entities": told})

    def _single(self, scores: list[Floats], classes: Sequence[str]) -> tuple[list[Ints], list[Floats]]:
        """Of each row the tags of its words, and the probability of every tag, word by word."""
        rules = tags.allowed(classes, self.scheme)
        paths = [tags.best_path(s, *rules) if self.constrained else s.argmax(axis=1) for s in scores]
        return paths, [np.exp(s) for s in scores]

    def _chained(
        self, scores: list[Floats], learnt: Mapping[str, Floats], classes: Sequence[str]
    ) -> tuple[list[Ints], list[Floats]]:
        """The same from a chain: the likeliest sequences, and probabilities over all sequences."""
        start, transition, end = (np.nan_to_num(learnt[name]) for name in ("start", "transition", "end"))
        if self.constrained:
            rules = tags.allowed(classes, self.scheme)
            learned = (start, transition, end)
            start, transition, end = (np.where(may, s, -np.inf) for may, s in zip(rules, learned, strict=True))
        steps = chains.Steps(start, transition, end)
        return chains.best_paths(scores, steps), chains.marginals(scores, steps)

    def judged(self, examples: Examples, guesses: Guesses, classes: tuple[str, ...]) -> Judged:
        """Gold beside guess, as words and types."""
        assert examples.gold is not None
        gold = np.empty(len(examples), object)
        gold[:] = [tuple(entity.span for entity in row) for row in examples.gold]
        return Judged(gold, guesses.guess, None, types_of(classes))

    def doubt(self, guesses: Guesses) -> Floats:
        """Of the entity least sure of; where none was found, half."""
        scores = [[entity["score"] for entity in row] for row in guesses.told["entities"]]
        return np.array([1.0 - min(row, default=0.5) for row in scores])

    def judged_again(
        self, columns: Mapping[str, Sequence[Any]], own: tuple[str, ...], classes: tuple[str, ...]
    ) -> Judged:
        """Gold beside guess, as characters and types: words begin and end where their characters do."""
        gold, guess = (_spans_of(columns[name]) for name in ("label", "prediction"))
        return Judged(gold, guess, None, types_of(classes))

    def as_guesses(self, examples: Examples, classes: tuple[str, ...]) -> Guesses:
        """The gold entities, quite certain."""
        assert examples.gold is not None
        guess = np.empty(len(examples), object)
        guess[:] = [tuple(entity.span for entity in row) for row in examples.gold]
        told = [[{"start": e.start, "end": e.end, "label": e.kind, "text": e.text, "score": 1.0} for e in row]
                for row in examples.gold]  # fmt: skip
        return Guesses(guess, None, {"entities": told})

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """prediction: entities with start, end (exclusive), label and text; scores: how sure each is, from 0 to 1."""
        found = guesses.told["entities"][row]
        kept = [{name: value for name, value in entity.items() if name != "score"} for entity in found]
        return {"prediction": kept, "scores": [entity["score"] for entity in found]}

    def fields(self, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """Lists of entities and of scores."""
        entity = {"start": pa.int64(), "end": pa.int64(), "label": pa.string(), "text": pa.string()}
        return {"prediction": pa.list_(pa.struct(entity)), "scores": pa.list_(pa.float64())}

    def label(self, gold: Any) -> Any:
        """The entities as `answer` has them."""
        return [{"start": e.start, "end": e.end, "label": e.kind, "text": e.text} for e in gold]

    def shown(self, value: Any) -> str:
        """The entities with their types."""
        found = [(e.text, e.kind) if isinstance(e, Entity) else (e["text"], e["label"]) for e in value]
        return ", ".join(f"{text} [{kind}]" for text, kind in found) or NOTHING


def _spans_of(rows: Sequence[Any]) -> NDArray[Any]:
    """The entities of each row, as `answer` has them, as spans."""
    found = np.empty(len(rows), object)
    found[:] = [tuple(sorted((e["start"], e["end"], e["label"]) for e in row)) for row in rows]
    return found


def types_of(classes: Sequence[str]) -> tuple[str, ...]:
    """The types of entities that tags spell."""
    return tuple(dict.fromkeys(name.partition("-")[2] for name in classes if name != tags.OUTSIDE))


def _words_of_tokens(part: Windows, words: Sequence[Sequence[Any]]) -> tuple[Ints, Ints]:
    """For each token the word that it is asked for (-1 for none), and how many words share it from there on.

    A word is asked at its first token, in the window that answers for that token; so every word that has a token is
    asked once.
    """
    word, count = np.full(len(part.ids), -1, np.int64), np.zeros(len(part.ids), np.int64)
    fresh = np.flatnonzero(part.fresh)
    rows = np.repeat(part.owner, part.lengths)[fresh]
    edges = np.flatnonzero(np.diff(rows)) + 1
    for at in np.split(fresh, edges):
        if len(at):
            row = int(np.searchsorted(np.cumsum(part.lengths), at[0], side="right"))
            first, _ = word_tokens(part.begin[at], part.end[at], words[int(part.owner[row])])
            asked = np.flatnonzero(first >= 0)
            np.add.at(count, at[first[asked]], 1)
            word[at[first[asked[::-1]]]] = asked[::-1]
    return word, count


def _scores(
    store: TokenStore, answers: Answers, words: Sequence[Sequence[Any]], classes: Sequence[str]
) -> list[NDArray[Any]]:
    """The scores [words, tags] of each row as log probabilities, from whatever windows its words were asked in."""
    chances = log_softmax(answers.values, axis=1) if len(answers.values) else answers.values
    found = []
    for row, of_row in enumerate(words):
        part = slice(int(answers.starts[row]), int(answers.starts[row + 1]))
        beside = store.beside["word"][part], store.beside["count"][part]
        found.append(_of_words(chances[part], *beside, len(of_row), classes))
    return found


def _of_words(chances: NDArray[Any], word: Ints, count: Ints, words: int, classes: Sequence[str]) -> NDArray[Any]:
    """The scores [words, tags] of the words of a row; words that have no token are O."""
    found = np.full((words, len(classes)), UNSEEN)
    found[:, classes.index("O") if "O" in classes else 0] = 0.0
    at = np.flatnonzero(word >= 0)
    token = np.repeat(at, count[at])
    within = np.arange(len(token)) - np.repeat(np.cumsum(count[at]) - count[at], count[at])
    place = np.repeat(word[at], count[at]) + within
    found[place] = chances[token]
    return found


def _told(span: tags.Span, words: Sequence[Any], text: str, sure: NDArray[Any]) -> dict[str, Any]:
    first, last, kind = span
    start, end = words[first][0], words[last - 1][1]
    return {"start": start, "end": end, "label": kind, "text": text[start:end], "score": float(sure[first:last].mean())}
