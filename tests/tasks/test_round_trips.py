"""Gold, encoded and read back from certain answers, is the same gold: any text, tokenizer and windows."""

import random
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertune.base.types import Answers, Examples, Tuned
from bertune.data import tags
from bertune.data.frames import table_of
from bertune.data.store import in_memory
from bertune.data.tokenizer import TextTokenizer
from bertune.data.windows import windows, word_tokens
from bertune.data.words import joined, words_of
from bertune.losses._loss import IGNORED
from bertune.runs.examples import examples_of, task_and_roles
from bertune.tasks._answers import Answer
from bertune.tasks.question_answering import QuestionAnswering
from words_and_tags.any_texts import PIECES, TEXTS

KINDS = ("bert", "roberta")  # word pieces, bytes
TYPES = ("PER", "LOC", "x-y")
CERTAIN = 30.0
TOKENS = st.lists(st.sampled_from([p for p in PIECES if p.strip()]), min_size=1, max_size=12)
MANY = settings(max_examples=80, suppress_health_check=list(HealthCheck))
SOME = settings(MANY, max_examples=40)


@dataclass(frozen=True)
class Windowed:
    """How long windows are, and what they share."""

    length: int
    stride: int


WINDOWED = st.builds(Windowed, st.integers(24, 64), st.integers(8, 20))


@pytest.fixture(scope="module")
def tokenizers(tiny):
    return {kind: TextTokenizer(tiny(kind)) for kind in KINDS}


def clean(text):
    """Without halves of pairs, which no file can hold."""
    return text.encode("utf-8", "ignore").decode("utf-8")


def own_words(tokenizer, text, words):
    """The words that have a first token that no other word has."""
    pieces = tokenizer.pieces([text])
    first, _ = word_tokens(pieces.begin, pieces.end, words)
    shared = np.bincount(first[first >= 0], minlength=len(pieces.ids) + 1)
    return [token >= 0 and shared[token] == 1 for token in first.tolist()]


def some_spans(chance, own):
    """Spans of words that all have tokens of their own, none of which overlap."""
    made, at = [], 0
    while at < len(own):
        last = at + chance.randint(1, 4)
        if chance.random() < 0.5 and last <= len(own) and all(own[at:last]):
            made.append((at, last, chance.choice(TYPES)))
            at = last
        else:
            at += 1
    return made


def stored(task, examples, classes, tokenizer, windowed):
    parts = task.encode(examples, classes, tokenizer, windowed.length)
    return in_memory(parts, np.zeros(len(examples), np.int64), task.level)


def certain_tags(store, classes, noise):
    """Answers that are sure of the targets, and say anything at all elsewhere."""
    values = np.random.default_rng(noise).normal(size=(len(store.ids), len(classes)))
    asked = np.flatnonzero(store.targets != IGNORED)
    values[asked, store.targets[asked]] += CERTAIN
    return Answers(values, store.bounds("token"))


def check_entities(table, tokenizer, windowed, scheme, chance):
    task, roles = task_and_roles("token_classification", {"stride": windowed.stride, "scheme": scheme}, table, {})
    examples = examples_of(task, table, roles)
    classes = tags.tag_names(TYPES, scheme)
    store = stored(task, examples, classes, tokenizer, windowed)
    parts = windows(tokenizer, examples.texts, None, windowed.length, windowed.stride)
    fresh = np.concatenate([part.fresh for part in parts])
    assert fresh[store.beside["word"] >= 0].all(), "a word is asked in a window that does not answer for it"
    for row in range(len(examples)):
        part = slice(*store.bounds("token")[row : row + 2])
        word, count = store.beside["word"][part], store.beside["count"][part]
        answered = [w + k for w, n in zip(word.tolist(), count.tolist(), strict=True) if w >= 0 for k in range(n)]
        assert len(answered) == len(set(answered)), "a word is asked twice"
        mine = own_words(tokenizer, examples.texts[row] or "", examples.more["words"][row])
        assert {w for w, is_own in enumerate(mine) if is_own} <= set(answered), "a word is never asked"
        assert ((word >= 0) == (store.targets[part] != IGNORED)).all()
    found = task.decode(examples, store, certain_tags(store, classes, chance.random_bytes), classes, Tuned())
    for row, gold in enumerate(examples.gold):
        assert task.answer(found, row, classes)["prediction"] == task.label(gold)
        assert task.judged(examples, found, classes).gold[row] == found.guess[row]
    return examples


def seeded(seed):
    chance = random.Random(seed)
    chance.random_bytes = seed
    return chance


@pytest.mark.parametrize("kind", KINDS)
@MANY
@given(rows=st.lists(TEXTS, min_size=1, max_size=8), windowed=WINDOWED, seed=st.integers(0, 2**32))
def test_spans_of_characters(kind, rows, windowed, seed, tokenizers):
    chance = seeded(seed)
    texts, spans = [], []
    for text in map(clean, rows):
        text = text * chance.choice([1, 1, 3, 9])
        words = words_of(text)
        chosen = some_spans(chance, own_words(tokenizers[kind], text, words))
        texts.append(text)
        spans.append([
            {"start": words[a][0], "end": words[b - 1][1], "label": t, "text": text[words[a][0] : words[b - 1][1]]}
            for a, b, t in chosen
        ])  # fmt: skip
    texts, spans = ["a film", *texts], [[{"start": 0, "end": 1, "label": "PER", "text": "a"}], *spans]
    table = table_of({"text": texts, "spans": spans})
    examples = check_entities(table, tokenizers[kind], windowed, chance.choice(["IOB2", "IOBES"]), chance)
    told = [[{"start": e.start, "end": e.end, "label": e.kind, "text": e.text} for e in row] for row in examples.gold]
    assert told == [sorted(row, key=lambda s: s["start"]) for row in spans]


@pytest.mark.parametrize("kind", KINDS)
@MANY
@given(rows=st.lists(TOKENS, min_size=1, max_size=8), windowed=WINDOWED, seed=st.integers(0, 2**32))
def test_tokens_and_tags_of_every_scheme(kind, rows, windowed, seed, tokenizers):
    chance = seeded(seed)
    tokens, spans, scheme = [["a", "film", "a"]], [((0, 2, "PER"), (2, 3, "PER"))], chance.choice(tags._SPANNING)
    for row in rows:
        text, words = joined(row)
        tokens.append(row)
        spans.append(tuple(some_spans(chance, own_words(tokenizers[kind], text, words))))
    spelt = [tags.tags(row, len(words), scheme) for row, words in zip(spans, tokens, strict=True)]
    if tags.recognise(spelt) != scheme:  # few rows may be spelt alike in two schemes, and are then read alike
        assert [tags.spans(row, tags.recognise(spelt)) for row in spelt] == list(spans)
    table = table_of({"tokens": tokens, "tags": spelt})
    examples = check_entities(table, tokenizers[kind], windowed, chance.choice(["IOB2", "IOBES"]), chance)
    assert [tuple(e.span for e in row) for row in examples.gold] == spans


def place_of_answer(chance, tokenizer, context, longest):
    """Characters from the first to the last of some tokens that are text; None where there are none such."""
    pieces = tokenizer.pieces([context])
    solid = np.flatnonzero(pieces.end > pieces.begin)
    if not len(solid):
        return None
    first = chance.choice(solid.tolist())
    last = min(int(solid[-1]), first + chance.randrange(longest))
    start, end = int(pieces.begin[first]), int(pieces.end[last])
    touched = solid[(pieces.end[solid] > start) & (pieces.begin[solid] < end)]
    text = context[start:end]
    good = end > start and text.strip() == text and touched[-1] - touched[0] < longest
    return Answer(text, start) if good and text else None


@pytest.mark.parametrize("kind", KINDS)
@MANY
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8), windowed=WINDOWED, seed=st.integers(0, 2**32))
def test_answers_at_the_edges_of_tokens(kind, rows, windowed, seed, tokenizers):
    chance, longest = seeded(seed), 4  # tokens: so many and more are shared by all neighbouring windows
    task = QuestionAnswering(stride=windowed.stride, longest_answer=longest)
    questions, contexts, gold = [], [], []
    for question, context in rows:
        context = clean(context) * chance.choice([1, 2, 6])
        answer = None if chance.random() < 0.2 else place_of_answer(chance, tokenizers[kind], context, longest)
        questions.append(clean(question))
        contexts.append(context)
        gold.append(() if answer is None else (answer,))
    examples = Examples(questions, contexts, gold)
    store = stored(task, examples, (), tokenizers[kind], windowed)
    values = np.zeros((len(store.ids), 2))
    for window, (first, last) in enumerate(np.asarray(store.targets).tolist()):
        values[store.starts[window] + first, 0] += CERTAIN
        values[store.starts[window] + last, 1] += CERTAIN
    windows_of_row = store.bounds("text")
    for row, answers in enumerate(gold):
        some = np.asarray(store.targets[windows_of_row[row] : windows_of_row[row + 1]])
        assert bool((some > 0).any()) == bool(answers), "an answer must be in a window, and nothing else"
    answers = Answers(values, store.bounds("token"))
    found = task.decode(examples, store, answers, (), Tuned(more={"none_from": 0.0}))
    for row, accepted in enumerate(gold):
        entry = task.answer(found, row, ())
        assert entry["prediction"] == (accepted[0].text if accepted else "")
        if accepted:
            assert (entry["start"], contexts[row][entry["start"] : entry["end"]]) == (
                accepted[0].start,
                accepted[0].text,
            )


LABELS = ("a", "b", "long name", "数", "d/e")


@SOME
@given(rows=st.lists(st.sets(st.sampled_from(LABELS), min_size=1), min_size=1, max_size=30))
def test_labels_in_all_shapes(rows):
    """Every label alone and all together stand first, so that the labels are the same in every shape."""
    sets = [{label} for label in LABELS] + [set(LABELS), set(LABELS[:2]), set(LABELS[2:])] + rows
    texts = [f"text number {i} of these" for i in range(len(sets))]
    wanted = [tuple(sorted(row)) for row in sets]
    shapes = [{"labels": [sorted(row) for row in sets]}]
    shapes += [{"labels": [sign.join(sorted(row)) for row in sets]} for sign in ("|", ";", ",", " | ", ", ")]
    for yes, no in ((1, 0), (True, False), ("1", "0")):
        shapes.append({label: [yes if label in row else no for row in sets] for label in LABELS})
    for shape in shapes:
        table = table_of({"text": texts, **shape})
        task, roles = task_and_roles("auto", {}, table, {})
        examples = examples_of(task, table, roles)
        assert task.name == "multi_label"
        assert [tuple(sorted(row)) for row in examples.gold] == wanted
        classes = task.classes(examples.gold)
        answers = Answers(np.where(task.targets(examples, classes) > 0, CERTAIN, -CERTAIN), np.arange(len(sets) + 1))
        found = task.decode(examples, SimpleNamespace(), answers, classes, Tuned())
        assert [task.answer(found, i, classes)["prediction"] for i in range(len(sets))] == [
            task.label(gold) for gold in examples.gold
        ]


@SOME
@given(st.lists(st.tuples(st.integers(2, 5), st.integers(0, 4)), min_size=1, max_size=20))
def test_choices_in_all_shapes(shape):
    """A row with the first and one with the last choice stand first, which tell from where labels count."""
    shape = [(2, 0), (5, 4), *((size, right % size) for size, right in shape)]
    choices = [[f"choice {k} of {i}" for k in range(size)] for i, (size, _) in enumerate(shape)]
    wanted = [right for _, right in shape]
    labels = {
        "from 0": wanted,
        "from 1": [right + 1 for right in wanted],
        "letters": ["ABCDE"[right] for right in wanted],
        "small letters": ["abcde"[right] for right in wanted],
        "texts": [row[right] for row, right in zip(choices, wanted, strict=True)],
    }
    columns = {f"option_{k}": [row[k] if k < len(row) else None for row in choices] for k in range(5)}
    lettered = {f"option_{'abcde'[k]}": values for k, values in enumerate(columns.values())}
    for label in labels.values():
        for held in ({"choices": choices}, columns, lettered):
            table = table_of({"question": ["Which?"] * len(shape), **held, "label": label})
            task, roles = task_and_roles("auto", {}, table, {})
            examples = examples_of(task, table, roles)
            assert task.name == "multiple_choice" and list(examples.gold) == wanted
            assert [list(row) for row in examples.more["choices"]] == choices
    starts = np.cumsum([0, *map(len, choices)])
    values = np.zeros((starts[-1], 1))
    values[starts[:-1] + wanted] = CERTAIN
    found = task.decode(examples, SimpleNamespace(), Answers(values, starts), ("1", "2"), Tuned())
    told = [task.answer(found, i, ("1", "2")) for i in range(len(shape))]
    assert [entry["prediction"] for entry in told] == wanted
    assert [entry["choice"] for entry in told] == labels["texts"]


def test_plain_tags_are_learnt_as_they_are(tokenizers):
    """Parts of speech have no B and I; every word has a tag of its own."""
    tokens = [["the", "film", "was", "lovely"], ["it", "is", "a", "book"]]
    spelt = [["DET", "NOUN", "VERB", "ADJ"], ["PRON", "VERB", "DET", "NOUN"]]
    table = table_of({"tokens": tokens, "tags": spelt})
    task, roles = task_and_roles("token_classification", {}, table, {})
    examples = examples_of(task, table, roles)
    classes = task.classes(examples.gold)
    store = stored(task, examples, classes, tokenizers["bert"], Windowed(24, 8))
    found = task.decode(examples, store, certain_tags(store, classes, 0), classes, Tuned())
    assert [[e["label"] for e in task.answer(found, row, classes)["prediction"]] for row in range(2)] == spelt
