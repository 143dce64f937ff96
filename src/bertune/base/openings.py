"""How often test rows were looked at, from the list `test_openings` of run.json."""

from collections.abc import Mapping
from typing import Any

FEW_OPENINGS = 3  # looks at one set of test rows; who chooses by more of them chooses by the test


def test_digest(openings: Any) -> str | None:
    """The digest of the rows that the run itself was tested on; None where the run was not, or did not note it."""
    noted = [o.get("data_digest") for o in _entries(openings) if o.get("why") == "train"]
    return str(noted[-1]) if noted and noted[-1] else None


def times_opened(openings: Any, digest: str | None = None) -> int:
    """How often the rows with this digest were looked at, by default those that the run was tested on.

    Looks at rows that are not named count as looks at the test rows.
    """
    own = test_digest(openings)
    wanted = digest or own
    seen = [o.get("data_digest") or own for o in _entries(openings)]
    return sum(one == wanted for one in seen)


def _entries(openings: Any) -> list[Mapping[str, Any]]:
    """The entries; one that is a bare time is an opening of the run's own."""
    found = openings if isinstance(openings, list) else []
    return [o if isinstance(o, Mapping) else {"time": o} for o in found]
