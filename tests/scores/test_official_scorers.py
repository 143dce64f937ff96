"""Entity, answer and relation metrics against what the official scorers said of 1,000 random files each.

golden_official.json is written by `python benchmarks/official_scorers.py ... --golden`, which runs the scorers.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from official_files import FILES, LABELS, METRICS, answer_file, chinese_file, judging, ours, relation_file, spans

GOLDEN = json.loads((Path(__file__).parent / "golden_official.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("scorer", METRICS)
def test_every_file_gets_the_official_figures(scorer: str) -> None:
    official = np.array(GOLDEN[scorer])
    assert official.shape == (FILES, len(METRICS[scorer]))
    found = np.array([ours(scorer, seed) for seed in range(FILES)])
    assert np.abs(found - official).max() < 1e-12, METRICS[scorer]


@pytest.mark.parametrize("scorer", METRICS)
def test_the_figures_say_something(scorer: str) -> None:
    """The files are neither all right nor all wrong, and no two metrics say the same."""
    official = np.array(GOLDEN[scorer])
    assert (official.std(axis=0) > 0.05).all()
    assert (np.unique(official.round(6), axis=0).shape[0]) > FILES // 10
    for k in range(official.shape[1] - 1):
        assert (official[:, k] != official[:, -1]).mean() > 0.3


def test_the_files_hold_what_is_hard() -> None:
    """Without the normal forms, the rules of tags and the direction of relations the figures would be others."""
    squad = [row for seed in range(100) for row in answer_file(seed, 2)]
    cmrc = [row for seed in range(100) for row in chinese_file(seed)]
    for rows, golden in ((squad, "squad2"), (cmrc, "cmrc")):
        raw = np.mean([guess in (gold or ("",)) for gold, guess in rows])
        assert abs(raw - np.array(GOLDEN[golden])[:100, 0].mean()) > 0.05
    assert any(gold == () for gold, _ in squad) and any(guess == "" for _, guess in squad)
    turned = [g != q and g[:9] == q[:9] for seed in range(50) for g, q in zip(*relation_file(seed), strict=True)]
    assert np.mean(turned) > 0.05
    assert {label for seed in range(50) for label in relation_file(seed)[0]} == set(LABELS)


@pytest.mark.parametrize(
    ("scheme", "tags", "found"),
    [
        ("IOB2", "B-A I-A I-B B-B", ((0, 2, "A"), (3, 4, "B"))),
        ("IOB2", "I-A I-A O B-A", ((3, 4, "A"),)),
        ("IOBES", "B-A I-A E-A S-B", ((0, 3, "A"), (3, 4, "B"))),
        ("IOBES", "B-A I-A S-B E-B", ((2, 3, "B"),)),
        ("IOB1", "I-A I-A B-A I-B", ((0, 2, "A"), (2, 3, "A"), (3, 4, "B"))),
        ("IOB1", "O B-A O", ()),
    ],
)
def test_tags_are_read_strictly(scheme: str, tags: str, found: tuple[tuple[int, int, str], ...]) -> None:
    assert spans(tags.split(), scheme) == found


@pytest.mark.parametrize("scorer", METRICS)
def test_a_file_is_decided_by_its_seed(scorer: str) -> None:
    one, same, other = (judging(scorer, seed) for seed in (7, 7, 8))
    assert np.array_equal(one.gold, same.gold) and np.array_equal(one.guess, same.guess)
    assert len(one) != len(other) or not np.array_equal(one.gold, other.gold)
