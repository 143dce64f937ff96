"""The number of threads: what a process may use, and what is fastest of that."""

import os

import psutil
import pytest
import torch

from bertune.base import threads as allowed
from bertune.base.recipe import resolve
from bertune.engine import threads
from bertune.engine.devices import compute


@pytest.fixture(autouse=True)
def four_processors(monkeypatch):
    """A machine of four processors without a limit; torch's own number is put back."""
    before = torch.get_num_threads()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 4)
    monkeypatch.setattr(allowed, "quota", lambda: None)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    threads._fastest.cache_clear()
    yield
    threads._fastest.cache_clear()
    torch.set_num_threads(before)


@pytest.mark.parametrize(("asked", "found"), [("", 4), ("2", 2), ("64", 4), ("0", 4), ("many", 4)])
def test_the_number_that_openmp_is_told_is_kept_to(monkeypatch, asked, found):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert allowed.available() == found


def test_a_container_with_a_limit_gets_no_more_threads(monkeypatch):
    monkeypatch.setattr(allowed, "quota", lambda: 2)
    assert allowed.available() == 2


@pytest.mark.parametrize(("written", "found"), [
    ("max 100000\n", None), ("150000 100000\n", 2), ("200000 100000", 2), ("1000 100000", 1), ("", None),
    ("many 100000", None), ("100000 0", None),
])  # fmt: skip
def test_the_limit_of_a_container_is_read(monkeypatch, tmp_path, written, found):
    monkeypatch.undo()
    (tmp_path / "cpu.max").write_text(written)
    assert allowed.quota(tmp_path) == found


def test_the_limit_of_an_older_container_is_read(monkeypatch, tmp_path):
    monkeypatch.undo()
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert allowed.quota(tmp_path) is None
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("300000\n")
    assert allowed.quota(tmp_path) == 3
    assert allowed.quota(tmp_path / "nowhere") is None


@pytest.mark.parametrize(("seconds", "found"), [
    ({4: 1.0, 2: 1.1, 1: 2.0}, 4),
    ({4: 1.0, 2: 0.9, 1: 2.0}, 4),
    ({4: 1.0, 2: 0.6, 1: 0.7}, 2),
    ({4: 9.0, 2: 8.0, 1: 0.7}, 1),
])  # fmt: skip
def test_fewer_threads_are_taken_only_where_they_are_clearly_faster(seconds, found):
    assert threads.chosen(seconds) == found


def test_the_number_is_measured_once_and_that_of_torch_stays(monkeypatch):
    asked, before = [], torch.get_num_threads()

    def seconds(count, half):
        asked.append(count)
        torch.set_num_threads(count)
        return 1.0 if count == 4 else 0.1 * count

    monkeypatch.setattr(threads, "_seconds", seconds)
    assert threads.fastest_threads(True) == threads.fastest_threads(True) == 1
    assert asked == [4, 2, 1] and torch.get_num_threads() == before


def test_a_number_that_is_asked_for_is_taken_unmeasured(monkeypatch):
    monkeypatch.setattr(threads, "_seconds", lambda *_: pytest.fail("it was measured"))
    assert compute(resolve({"training.threads": 3}).training).threads == 3 == torch.get_num_threads()


def test_a_run_takes_what_was_measured(monkeypatch):
    monkeypatch.setattr(threads, "_seconds", lambda count, half: 0.1 if count == 2 else 1.0)
    assert compute(resolve({}).training).threads == 2 == torch.get_num_threads()


def test_a_layer_can_be_measured():
    assert 0 < threads._seconds(1, False) < 60
