"""The task contract over every task and architecture, and specimens that it must reject."""

import numpy as np
import pytest
import task_contract as contract
import torch

import tiny_models
from bertune.base import registry
from bertune.base.errors import DataError
from bertune.base.types import Tuned
from bertune.evaluate import saved
from bertune.tasks.text_classification import TextClassification

CASES = [(task, architecture) for task in registry.names("tasks") for architecture in tiny_models.ARCHITECTURES]
NAMES = ["-".join(case) for case in CASES]


@pytest.fixture
def made(request, tiny, tmp_path):
    task, architecture = request.param
    return contract.make(task, tiny(architecture), tmp_path)


def every_case(function):
    return pytest.mark.parametrize("made", CASES, ids=NAMES, indirect=True)(function)


@pytest.mark.parametrize("name", registry.names("tasks"))
def test_what_a_task_declares(name, tmp_path):
    contract.check_declared(registry.load("tasks", name)(), tmp_path)


def test_every_head_and_every_table_of_details_has_a_task():
    tasks = [registry.load("tasks", name) for name in registry.names("tasks")]
    assert {task.head for task in tasks} == set(registry.names("heads"))
    assert {f"of_{task.kind}" for task in tasks} == set(registry.names("details"))


@every_case
def test_rows_by_heart(made):
    contract.check_learns_by_heart(made)


@every_case
def test_order_does_not_matter(made):
    sharpen(made)
    contract.check_reads_its_texts(made)
    contract.check_order_does_not_matter(made)


@every_case
def test_decode_and_odd_rows(made):
    sharpen(made)
    contract.check_decode(made)
    contract.check_odd_rows(made)


@every_case
def test_answers_at_rest_are_judged_again(made, tmp_path):
    sharpen(made)
    contract.check_judged_again(made, tmp_path / "answers.parquet")


@pytest.mark.parametrize("name", registry.names("tasks"))
def test_baselines_of_a_task(name, tiny, tmp_path):
    contract.check_baselines(contract.make(name, tiny(), tmp_path))


def test_every_baseline_has_a_task():
    used = {b for name in registry.names("tasks") for b in registry.load("tasks", name).baselines}
    assert used == set(registry.names("baselines"))


@every_case
def test_saved_is_loaded(made, tmp_path):
    """A saved model answers the same through bertune, and its network through plain transformers."""
    sharpen(made)
    saved.fold(made.model, made.unit)
    made.unit = Tuned()
    expected = contract.guesses(made)
    save(made, tmp_path / "model")
    again = saved.load(tmp_path / "model")
    assert again.task.name == made.task.name and again.about.classes == made.classes
    assert again.roles.columns() == made.roles.columns() and again.roles.more == made.roles.more
    made.model = again.model
    found = contract.guesses(made)
    for row in range(len(expected)):
        one, two = (made.task.answer(g, row, made.classes) for g in (expected, found))
        assert flat(one) == pytest.approx(flat(two), abs=1e-5)
    contract.check_loaded_by_others(made, tmp_path / "model")


def save(made, folder):
    roles = {"text": made.roles.text, "text_pair": made.roles.text_pair, "label": made.roles.label}
    about = saved.About(made.task.name, made.classes, {**roles, **made.roles.more}, contract.LENGTH, (), "drop", "",
                        1.0, None, made.task.metrics[0], "0")  # fmt: skip
    saved.save(made.model, made.tokenizer, about, folder)


def flat(entry):
    """The numbers of an answer, and its texts as they are."""
    values = entry["probabilities"] if "probabilities" in entry else entry["prediction"]
    numbers = isinstance(values, (dict, float)) or (isinstance(values, list) and isinstance((values or [0])[0], float))
    return values if numbers else repr(values)


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
@pytest.mark.parametrize("name", ["text_classification", "pair_classification"])
def test_a_saved_classifier_is_a_pipeline(name, architecture, tiny, tmp_path):
    """The pipeline of transformers gives the same probabilities, labels included."""
    from transformers import pipeline

    made = contract.make(name, tiny(architecture), tmp_path)
    sharpen(made)
    expected = contract.guesses(made).probabilities
    save(made, tmp_path / "model")
    told = pipeline("text-classification", model=str(tmp_path / "model"), top_k=None)
    row = made.examples.texts[0]
    row = row if made.examples.pairs is None else {"text": row, "text_pair": made.examples.pairs[0]}
    scores = {x["label"]: x["score"] for x in np.ravel(told(row, truncation=True)).tolist()}
    assert scores == pytest.approx(dict(zip(made.classes, expected[0], strict=True)), abs=1e-5)


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
@pytest.mark.parametrize("name", ["text_classification", "pair_classification"])
def test_packed_is_padded(name, architecture, tiny, tmp_path):
    """A packed batch answers what the tokenizer's own padding answers through plain transformers."""
    made = contract.make(name, tiny(architecture), tmp_path)
    sharpen(made)
    given = (list(made.examples.texts),) + (() if made.examples.pairs is None else (list(made.examples.pairs),))
    padded = made.tokenizer.inner(
        *given, padding="max_length", max_length=contract.LENGTH, truncation="longest_first", return_tensors="pt"
    )
    made.model.network.eval()
    with torch.no_grad():
        expected = made.model.network(**padded).logits
        packed = made.model(made.store.batch(np.arange(len(made.store)))).logits
    assert float((expected - packed).abs().max()) < 1e-5, "packed differs from padded"


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
    assert task.chosen(answers, 0.3).tolist() == [0, 1, 1, 1]
    assert task.chosen(np.eye(3), 0.3).tolist() == [0, 1, 2]


def sharpen(made):
    """Larger weights, so that what a text reads shows in its answer."""
    with torch.no_grad():
        for parameter in made.model.network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3)


class WrongDecode(TextClassification):
    """Gives the least probable class."""

    def chosen(self, probabilities, threshold=None):
        return probabilities.argmin(axis=1)


class Blind(TextClassification):
    """Encodes every text as the same one."""

    def encode(self, examples, classes, tokenizer, max_length):
        yield from tokenizer.encode(["the same"] * len(examples), None, max_length)


class Uncut(TextClassification):
    """Forgets the length limit."""

    def encode(self, examples, classes, tokenizer, max_length):
        yield from tokenizer.encode(examples.texts, None, 64)


class Scrambled(TextClassification):
    """Turns the classes round on their way out."""

    def answer(self, guesses, row, classes):
        return super().answer(guesses, row, classes[::-1])


class Untold(TextClassification):
    """Does not say what its answers hold."""

    def fields(self, classes):
        return {}


class Undeclared(TextClassification):
    """Its example lacks the label."""

    example = "text\nnothing\n"


class WrongLoss(TextClassification):
    """Has labels for targets, and a loss that takes classes."""

    loss_kind = "value"


class OtherMetric(TextClassification):
    """Is judged by a metric of another kind."""

    metrics = ("pearson",)


def test_the_contract_rejects_broken_tasks(tiny, tmp_path):
    def broken(kind):
        one = contract.make("text_classification", tiny(), tmp_path / kind.__name__, kind())
        sharpen(one)
        return one

    for check, kind in (
        (contract.check_learns_by_heart, WrongDecode),
        (contract.check_learns_by_heart, Blind),
        (contract.check_reads_its_texts, Blind),
        (contract.check_odd_rows, Uncut),
        (contract.check_decode, Scrambled),
        (contract.check_decode, Untold),
    ):
        with pytest.raises(AssertionError):
            check(broken(kind))
    for kind in (Undeclared, WrongLoss, OtherMetric):
        with pytest.raises((AssertionError, DataError)):
            contract.check_declared(kind(), tmp_path / kind.__name__)


def test_the_contract_rejects_a_model_that_mixes_rows(tiny, tmp_path):
    one = contract.make("text_classification", tiny(), tmp_path)
    sharpen(one)

    class Mixing(type(one.model)):
        def answers(self, batch):
            answers = super().answers(batch)
            return answers + 0.1 * answers.cumsum(0)

    one.model = Mixing(one.model.network, one.model.pad_id, one.model.head)
    with pytest.raises(AssertionError):
        contract.check_order_does_not_matter(one)
