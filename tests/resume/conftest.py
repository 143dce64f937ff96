"""Fixtures of the tests of resuming."""

from collections.abc import Iterator

import pytest
from fault_count import Trial, Trials
from fork_server import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A process that forks children which run command lines."""
    serving = Server()
    yield serving
    serving.close()


@pytest.fixture
def trials() -> Trials:
    """The count of the trials of one test."""
    return Trials()


@pytest.fixture
def trial(trials: Trials) -> Trial:
    """Encloses each of several trials in one test, for the fault table."""
    return trials.one
