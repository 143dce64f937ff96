"""The tables beside the scores of rankings."""

from typing import Any

from bertune.base.types import Judged, Tuned

EXAMPLES = 50
PLACES = (("first", 1), ("2 to 5", 5), ("6 to 10", 10), ("later", None))


class OfRanking:
    """Where in its ranking the first thing stands that should be found."""

    def __init__(self) -> None:
        pass

    def __call__(
        self, judged: Judged, before: Judged | None, tuned: Tuned, resamples: int, seed: int
    ) -> dict[str, Any]:
        """places: how many rows have it first, second to fifth, sixth to tenth, later, or not at all; and which."""
        rows: dict[str, list[int]] = {name: [] for name in (*dict(PLACES), "not found")}
        for row, (wanted, found) in enumerate(zip(judged.gold, judged.guess, strict=True)):
            place = next((place for place, one in enumerate(found, start=1) if one in wanted), None)
            name = "not found" if place is None else next(n for n, most in PLACES if most is None or place <= most)
            rows[name].append(row)
        every = max(len(judged), 1)
        return {
            "places": {
                name: {"n": len(of), "share": len(of) / every, "rows": of[:EXAMPLES]} for name, of in rows.items()
            }
        }
