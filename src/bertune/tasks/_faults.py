"""Faults of single rows, gathered as findings."""

from collections.abc import Mapping

from bertune.base.types import Finding, Place

MOST = 1000  # rows named


class Faults:
    """What had to be mended in rows, or cannot be learnt from; `said` tells of each code what it is and the remedy."""

    def __init__(self, said: Mapping[str, tuple[str, str]]) -> None:
        self.said = said
        self._noted: dict[str, list[tuple[Place, str]]] = {}

    def note(self, code: str, place: Place, message: str) -> None:
        """Keep a fault of a row."""
        self._noted.setdefault(code, []).append((place, message))

    def findings(self) -> list[Finding]:
        """A warning for each code that was noted: how many faults, the first of them, and their rows, each once."""
        found = []
        for code, faults in self._noted.items():
            what, fix = self.said[code]
            text = f"{what}: {len(faults):,}, the first {faults[0][1]}"
            places = tuple(dict.fromkeys(place for place, _ in faults))[:MOST]
            found.append(Finding(code, "warning", text, fix, places, len(faults)))
        return found
