"""Looks at the test rows are counted by which rows they were."""

from bertune.base.openings import test_digest as digest_of
from bertune.base.openings import times_opened

TRAIN = {"time": "2026-01-01", "data_digest": "a", "rows": 50, "why": "train"}


def test_only_looks_at_the_same_rows_count() -> None:
    looks = [TRAIN, {"data_digest": "a"}, {"data_digest": "b"}, {"data_digest": "b"}, {"data_digest": "b"}]
    assert times_opened(looks) == 2
    assert times_opened(looks, "b") == 3
    assert digest_of(looks) == "a"


def test_a_look_without_a_digest_is_one_at_the_runs_own_test_rows() -> None:
    assert times_opened(["2026-01-01T00:00:00+00:00", {"why": "compare", "data_digest": None}]) == 2
    assert times_opened([TRAIN, {"why": "compare"}]) == 2


def test_nothing_noted_is_no_look() -> None:
    assert times_opened([]) == 0
    assert times_opened(None) == 0
    assert digest_of(None) is None
    assert times_opened([{"data_digest": "b"}]) == 0  # other rows, and the run itself was not tested
