"""The task contract over every task and architecture, and specimens that it must reject."""

import numpy as np
import pytest
import task_contract as contract
import torch
from task_contract import make

import tiny_models
from bertune.base import registry
from bertune.base.errors import DataError
from bertune.evaluate import saved
from bertune.tasks.text_classification import TextClassification

CASES = [(task, architecture) for task in registry.names("tasks") for architecture in tiny_models.ARCHITECTURES]
NAMES = ["-".join(case) for case in CASES]


@pytest.fixture
def made(request, tiny, tmp_path):
    task, architecture = request.param
    return make(task, tiny(architecture), tmp_path / "store")


def every_case(function):
    return pytest.mark.parametrize("made", CASES, ids=NAMES, indirect=True)(function)


@pytest.mark.parametrize("name", registry.names("tasks"))
def test_what_a_task_declares(name):
    contract.check_declared(registry.load("tasks", name)())


def test_a_row_belongs_to_one_task():
    from bertune.base.types import Roles

    for roles in (Roles("text", None, "label"), Roles("text", "pair", "label")):
        assert sum(registry.load("tasks", n).recognise(roles) for n in registry.names("tasks")) == 1


@every_case
def test_eight_rows_by_heart(made):
    contract.check_learns_by_heart(made)


@every_case
def test_packed_is_padded_and_order_does_not_matter(made):
    sharpen(made)
    contract.check_packed_is_padded(made)
    contract.check_order_does_not_matter(made)


@every_case
def test_decode_and_odd_rows(made, tmp_path):
    sharpen(made)
    contract.check_decode(made)
    contract.check_odd_rows(made, tmp_path / "odd")


@every_case
def test_saved_is_loaded(made, tmp_path):
    """A saved model answers the same through bertune and through plain transformers, labels included."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    sharpen(made)
    expected = contract.probabilities(made)
    about = saved.About(made.task.name, made.classes, {"text": "text", "text_pair": None, "label": "label"},
                        contract.LENGTH, (), "drop", "", 1.0, None, made.task.metrics[0], "0")  # fmt: skip
    saved.save(made.model, made.tokenizer, about, tmp_path / "model")
    again = saved.load(tmp_path / "model")
    assert again.task.name == made.task.name and again.about.classes == made.classes
    made.model = again.model
    assert np.abs(contract.probabilities(made) - expected).max() < 1e-6
    network = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    given = (made.texts,) if made.pairs is None else (made.texts, made.pairs)
    with torch.no_grad():
        plain = network(**tokenizer(*given, padding=True, truncation=True, return_tensors="pt")).logits.softmax(-1)
    assert np.abs(plain.numpy() - expected).max() < 1e-5
    told = pipeline("text-classification", model=str(tmp_path / "model"), top_k=None)
    row = made.texts[0] if made.pairs is None else {"text": made.texts[0], "text_pair": made.pairs[0]}
    scores = {x["label"]: x["score"] for x in np.ravel(told(row)).tolist()}
    assert scores == pytest.approx(dict(zip(made.classes, expected[0], strict=True)), abs=1e-5)


def test_classes_come_in_a_natural_order():
    task = registry.load("tasks", "text_classification")()
    assert task.classes(["b", "a", None, "b"]) == ("a", "b")
    assert task.classes(["10", "9", "-1", "x"]) == ("-1", "9", "10", "x")
    for labels in ([], [None], ["one", "one"]):
        with pytest.raises(DataError, match="nothing to tell apart"):
            task.classes(labels)


def test_a_threshold_of_two_classes():
    task = registry.load("tasks", "text_classification")()
    answers = np.array([[0.8, 0.2], [0.69, 0.31], [0.7, 0.3], [0.1, 0.9]])
    assert task.decode(answers, 0.3).tolist() == [0, 1, 1, 1]
    assert task.decode(np.eye(3), 0.3).tolist() == [0, 1, 2]


def sharpen(made):
    """Larger weights, so that what a text reads shows in its answer."""
    with torch.no_grad():
        for parameter in made.model.network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3)


class WrongDecode(TextClassification):
    """Gives the least probable class."""

    def decode(self, probabilities, threshold=None):
        return probabilities.argmin(axis=1)


class Blind(TextClassification):
    """Encodes every text as the same one."""

    def encode(self, texts, pairs, tokenizer, max_length):
        yield from tokenizer.encode(["the same"] * len(texts), pairs, max_length)


class Uncut(TextClassification):
    """Forgets the length limit."""

    def encode(self, texts, pairs, tokenizer, max_length):
        yield from tokenizer.encode(texts, pairs, 64)


class Scrambled(TextClassification):
    """Turns the classes round between labels and targets."""

    def targets(self, labels, classes):
        return len(classes) - 1 - super().targets(labels, classes)


class Undeclared(TextClassification):
    """Its example lacks the label."""

    example = "text\nnothing\n"


class WrongLoss(TextClassification):
    """Has values for targets, and a loss that takes classes."""

    loss_kind = "value"


def test_the_contract_rejects_broken_tasks(tiny, tmp_path):
    def broken(kind):
        one = make("text_classification", tiny(), tmp_path / kind.__name__, kind())
        sharpen(one)
        return one

    for check, kind in (
        (contract.check_decode, WrongDecode),
        (contract.check_learns_by_heart, WrongDecode),
        (contract.check_learns_by_heart, Blind),
        (contract.check_packed_is_padded, Blind),
        (lambda one: contract.check_odd_rows(one, tmp_path / "odd"), Uncut),
        (contract.check_decode, Scrambled),
        (lambda one: contract.check_declared(one.task), Undeclared),
    ):
        with pytest.raises(AssertionError):
            check(broken(kind))
    with pytest.raises(AssertionError):
        contract.check_declared(WrongLoss())


def test_the_contract_rejects_a_model_that_mixes_rows(tiny, tmp_path):
    one = make("text_classification", tiny(), tmp_path / "store")
    sharpen(one)
    answer = type(one.model).__call__

    class Mixing(type(one.model)):
        def __call__(self, batch):
            logits = answer(self, batch).logits
            return type(answer(self, batch))(logits + 0.1 * logits.cumsum(0))

    one.model = Mixing(one.model.network, one.model.pad_id)
    for check in (contract.check_order_does_not_matter, contract.check_packed_is_padded):
        with pytest.raises(AssertionError):
            check(one)
