"""The corpus of the fuzzer, and some changes of it, are read or refused by name; the harness sees what is neither."""

import random
import warnings

import pytest
from fuzz_mutations import MOST_BYTES, mutated
from fuzz_targets import CORPUS, TARGETS, Target, outcome

from bertune.base.errors import BertuneError, DataError

CHANGES = {"hub": 2, "model_config": 20, "run_folder": 20}
INPUTS = [(name, path) for name in TARGETS for path in sorted((CORPUS / name).iterdir())]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    import datasets

    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.getbasetemp() / "datasets-cache")
    datasets.disable_progress_bars()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries, about what they are given
        yield
    datasets.enable_progress_bars()


@pytest.mark.parametrize(("name", "path"), INPUTS, ids=lambda value: getattr(value, "name", value))
def test_an_input_of_the_corpus_is_read_or_refused(name, path, tmp_path):
    assert outcome(TARGETS[name], path.read_bytes(), tmp_path) in ("read", "refused")


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_are_read_or_refused(name, tmp_path):
    chance = random.Random(f"lane {name}")
    corpus = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    ends = {outcome(TARGETS[name], data, tmp_path) for data in corpus}
    assert ends == {"read", "refused"} or name in ("checkpoint", "hub"), "the corpus shows both ends"
    for _ in range(CHANGES.get(name, 60)):
        assert outcome(TARGETS[name], mutated(chance, corpus, TARGETS[name].kinds), tmp_path) in ("read", "refused")


def _breaks(data, folder):
    raise ValueError


def _refuses_without_a_place(data, folder):
    raise DataError("no.")


def _refuses_at_length(data, folder):
    raise DataError("x" * 30_000, where=str(folder))


def test_the_harness_tells_what_is_no_legal_outcome(tmp_path):
    with pytest.raises(ValueError):
        outcome(Target(_breaks, ()), b"", tmp_path)
    with pytest.raises(AssertionError, match="no place"):
        outcome(Target(_refuses_without_a_place, ()), b"", tmp_path)
    with pytest.raises(AssertionError, match="as long as its input"):
        outcome(Target(_refuses_at_length, ()), b"", tmp_path)
    assert issubclass(DataError, BertuneError)


def test_changes_are_the_same_for_the_same_seed_and_bounded():
    corpus = [b'{"text": "a"}', b"a" * MOST_BYTES]
    made = [[mutated(random.Random(seed), corpus, ("json",)) for seed in range(200)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 150
    assert max(map(len, made[0])) <= MOST_BYTES


def test_the_corpus_is_small():
    assert sum(path.stat().st_size for _, path in INPUTS) < 1_000_000
    assert len(INPUTS) > 100
