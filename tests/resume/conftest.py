"""Fixtures of the tests of resuming."""

from collections.abc import Iterator

import pytest
from fork_server import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A process that forks children which run command lines."""
    serving = Server()
    yield serving
    serving.close()
