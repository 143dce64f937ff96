"""Counts the trials of the fault tests: a test marked `fault` with the name of a class is counted under it.

A test is one trial, unless it asks for the fixture `trial` and makes several, each in a `with trial():`. Survived is a
trial whose test asserted what the class promises: the same end to the last bit, or a refusal in words.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

CLASSES = {
    "failing operation": "no space, input/output error, read-only or quota at the n-th file operation, once or lasting",
    "failing again": "such errors in the run, in its resume and in the next",
    "failing removal": "such an error as an old checkpoint is removed",
    "failing library": "the system lets no file grow beyond a size, whoever writes it (RLIMIT_FSIZE)",
    "failing read": "a file of a checkpoint gives an input/output error (passed over) or no permission (told, kept)",
    "kill at an operation": "SIGKILL at the n-th file operation",
    "kill at random": "SIGKILL at a random moment of the run, and at one of its resume",
    "power cut": "what was not flushed is dropped, torn or reordered, after the n-th change of the disk",
    "power cut again": "the same in the run and in its resume",
    "damaged file": "a flipped bit, half of it, zeros, nothing, missing: each file is named, the one before used",
    "damaged file, resumed": "the same in the newest checkpoint, told, resumed to the end",
    "damaged manifest": "single bits flipped",
    "damaged everywhere": "all checkpoints; the best weights, also in a running run",
    "extra file": "strange files in a checkpoint, folders that look like one, a copy under a later number",
    "stop": "after every update, before the first, after every judging; three times in an epoch",
    "stop, every part": "optimizers, schedules, averages, unfreezing, sampling, early stopping, architectures",
    "stop and collapse": "before, in and after the one restart after a collapse",
    "signal": "SIGTERM, SIGHUP, Ctrl-C once and twice, in every phase",
    "not finite": "NaN or infinite loss or gradient at the k-th update; stopped before, at and after it",
    "memory": "MemoryError at the k-th update; stopped before, at and after it",
    "change": "data, labels, model, tokenizer, setting, library, device or threads changed: refused by name",
    "moved": "data and model moved, relative paths, another working directory",
    "two processes": "on one run folder; the lock of a process that died",
    "odd place": "links, spaces, signs, emoji, 255 bytes, line breaks, 200 folders deep, another file system",
    "name not UTF-8": "of data, model or run folder: refused in words; over a link it works",
    "impossible place": "a file, a broken link, names too long, no writing: refused in words, nothing left",
    "time stamps": "of checkpoints: equal, reversed, before 1970, in the future",
    "clocks": "all clocks jump years back and forth, or stand still",
    "other format": "checkpoints and run folders of another format number: refused with both numbers, kept",
}
Trial = Callable[[], AbstractContextManager[None]]


class Trials:
    """How many trials a test made, and how many it survived."""

    def __init__(self) -> None:
        self.made, self.survived = 0, 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """One trial: survived when the block ends without an error."""
        self.made += 1
        yield
        self.survived += 1


class Counting:
    """A pytest plugin that adds up the trials by class, file and lane; `rows` holds [made, survived]."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], list[int]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
        """Note the outcome of a test that carries the mark."""
        report = yield
        mark = item.get_closest_marker("fault")
        if mark is not None and not report.skipped and (report.when == "call" or report.failed):
            lane = "slow" if item.get_closest_marker("slow") else "default"
            (name,) = mark.args
            assert name in CLASSES, f"{item.nodeid}: {name!r} is no class of CLASSES"
            row = self.rows.setdefault((name, item.path.name, lane), [0, 0])
            found = item.funcargs.get("trials") if isinstance(item, pytest.Function) else None
            counted = isinstance(found, Trials) and found.made
            row[0] += found.made if counted else 1
            row[1] += found.survived if counted else int(report.passed)
        return report
