"""Counts the trials of the fault tests: tests marked `fault` with the words of a class are counted under it.

A test is one trial, unless it asks for the fixture `trial` and makes several, each in a `with trial():`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

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
            row = self.rows.setdefault((mark.args[0], item.path.name, lane), [0, 0])
            found = item.funcargs.get("trials") if isinstance(item, pytest.Function) else None
            counted = isinstance(found, Trials) and found.made
            row[0] += found.made if counted else 1
            row[1] += found.survived if counted else int(report.passed)
        return report
