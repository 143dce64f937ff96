"""Relations between two entities: how they are found, what the model reads of a text, and what it is made of."""

import numpy as np
import pyarrow as pa
import pytest
import task_contract as contract
import torch
from test_task_contract import save

from bertune.base import registry
from bertune.base.errors import DataError
from bertune.base.types import Examples, Table
from bertune.data.tokenizer import TextTokenizer
from bertune.evaluate import saved
from bertune.model.encoder import load
from bertune.runs.examples import examples_of, task_and_roles
from bertune.runs.predict import predict_rows
from bertune.tasks._relations import blanks_inside, with_markers

RELATION = "relation_extraction"


def table(**columns):
    rows = len(next(iter(columns.values())))
    zero = np.zeros(rows, np.int64)
    return Table(pa.table(columns), ("here.jsonl",), zero, np.arange(1, rows + 1), zero, zero - 1)


def texts_of(given):
    task, roles = task_and_roles("auto", {}, given, {})
    assert task.name == RELATION
    return examples_of(task, given, roles).texts


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("[E1]a[/E1] [E2]b[/E2]", "<e1>a</e1> <e2>b</e2>"),
        ("<subj>a</subj> [OBJ]b[/OBJ]", "<e1>a</e1> <e2>b</e2>"),
        ("<b>no</b> <object> [e3]", "<b>no</b> <object> [e3]"),
    ],
)
def test_markers_in_other_spellings(given, plain):
    assert with_markers(given) == plain


def test_blanks_go_inside():
    assert blanks_inside("the <e1> old man </e1> and <e2>dog</e2>.") == "the<e1> old man</e1> and<e2> dog</e2>."


def test_tokens_with_inclusive_ends():
    found = texts_of(table(
        tokens=[["Anna", "Lee", "runs", "Acme"], ["Acme", "was", "founded", "by", "Bo"]], subj_start=[0, 4],
        subj_end=[1, 4], obj_start=[3, 0], obj_end=[3, 0], relation=["works", "founder"],
    ))  # fmt: skip
    assert found[0] == "<e1>Anna Lee</e1> runs <e2>Acme</e2>"
    assert found[1] == "<e2>Acme</e2> was founded by <e1>Bo</e1>"


def test_texts_with_spans_even_within_each_other():
    given = table(
        text=["New York Times", "Bo runs Acme"], head=[{"start": 0, "end": 14}, {"start": 0, "end": 2}],
        tail=[{"start": 0, "end": 8}, {"start": 8, "end": 12}], label=["in", "works"],
    )  # fmt: skip
    assert texts_of(given) == ["<e1><e2>New York</e2> Times</e1>", "<e1>Bo</e1> runs <e2>Acme</e2>"]
    given = table(text=["Bo runs Acme"], e1=[[0, 2]], e2=[[8, 12]], label=["works"])
    assert texts_of(given) == ["<e1>Bo</e1> runs <e2>Acme</e2>"]


def test_rows_that_cannot_be_meant_are_named():
    beyond = table(text=["Bo runs Acme"], head=[{"start": 0, "end": 2}], tail=[{"start": 8, "end": 13}], label=["x"])
    with pytest.raises(DataError, match=r"here.jsonl row 1"):
        texts_of(beyond)
    good = ["<e1>a</e1> <e2>b</e2>"] * 19
    bare = table(text=[*good, "no markers at all"], label=["x", "y"] * 10)
    with pytest.raises(DataError, match=r"here.jsonl row 20"):
        texts_of(bare)


def test_texts_without_markers_are_not_answered(tiny, tmp_path):
    made = contract.make(RELATION, tiny(), tmp_path)
    save(made, tmp_path / "model")
    model = saved.load(tmp_path / "model")
    told = predict_rows(model, ["a [E1]film[/E1] and [E2]meal[/E2]", "a film", "a <e2>film</e2>", None])
    assert told.problems == (None, "no two marked entities", "no two marked entities", "no text")
    assert told.good.tolist() == [0]


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_long_texts_keep_both_markers(architecture, tiny):
    tokenizer = TextTokenizer(tiny(architecture), registry.load("tasks", RELATION).special_tokens)
    far = "it is " * 40
    near = f"{far}<e1>film</e1> was <e2>good</e2>{far}"
    apart = f"{far}<e1>film</e1> {far} <e2>good</e2>{far}"
    examples = Examples([near, apart, "a film"])
    (part,) = registry.load("tasks", RELATION)().encode(examples, (), tokenizer, 24)
    assert part.lengths.max() <= 24
    rows = np.split(part.ids, np.cumsum(part.lengths)[:-1])
    markers = np.split(part.beside["marker"], np.cumsum(part.lengths)[:-1])
    first, second = tokenizer.id_of("<e1>"), tokenizer.id_of("<e2>")
    assert rows[0][markers[0] == 1].tolist() == [first] and rows[0][markers[0] == 2].tolist() == [second]
    assert rows[1][markers[1] == 1].tolist() == [first] and markers[1][0] == 2
    assert 6 < int(np.flatnonzero(markers[1] == 1)[0]) < 18, "the first entity is in the middle"
    assert markers[2].tolist()[0] == 3 and markers[2][1:].sum() == 0
    assert all(row[0] == rows[2][0] and row[-1] == rows[2][-1] for row in rows), "special tokens at both ends"


def test_the_answer_is_a_linear_layer_over_both_states(tiny, tmp_path):
    made = contract.make(RELATION, tiny(), tmp_path)
    network, classes = made.model.network.eval(), len(made.classes)
    batch = made.store.batch(np.arange(1))
    with torch.no_grad():
        found = made.model.answers(batch)[0]
        states = network.bert(batch.ids[None]).last_hidden_state[0]
        marker = batch.beside["marker"]
        both = torch.cat([states[marker == 1][0], states[marker == 2][0]])
        weight, bias = network.classifier.weight, network.classifier.bias
        wide = torch.cat([weight[:classes], weight[classes:]], dim=1)
        expected = wide @ both + bias[:classes] + bias[classes:]
    assert torch.allclose(found, expected, atol=1e-6)
    assert network.config.id2label[0] == f"{made.classes[0]} @e1"
    assert network.config.id2label[classes] == f"{made.classes[0]} @e2"


def test_rows_of_the_markers_are_drawn_from_the_seed(tiny):
    tokens = registry.load("tasks", RELATION).special_tokens
    tokenizer = TextTokenizer(tiny(), tokens)
    old = TextTokenizer(tiny()).inner
    assert tokenizer.vocabulary == len(old) + len(tokens)

    def rows(seed):
        model = load(tiny(), "entity_pair", ("a", "b"), tokenizer.pad_id, seed, None, tokenizer.vocabulary)
        return model.network.get_input_embeddings().weight

    assert rows(0).shape[0] == tokenizer.vocabulary
    assert torch.equal(rows(0), rows(0)) and torch.equal(rows(0)[: len(old)], rows(1)[: len(old)])
    assert not torch.equal(rows(0)[len(old) :], rows(1)[len(old) :])
