"""Every check finds its planted fault at its rows and is silent on clean data; broken specimens are refused."""

import dataclasses
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest
from data_checking_views import clean_texts, clean_view, make_view

from bertune.base import registry
from bertune.base.settings import build, schema
from bertune.base.types import SPLITS, Finding, View
from bertune.data.check import check

ROWS = 300
TEXTS = clean_texts(ROWS)
LABELS = ["praise" if i % 2 else "blame" for i in range(ROWS)]
SPLIT = ["valid" if i % 10 in (6, 7) else "test" if i % 10 in (8, 9) else "train" for i in range(ROWS)]


def changed(values: list[Any], **at: Any) -> list[Any]:
    """The values with some replaced: `changed(TEXTS, r3="x")` plants "x" at position 3."""
    result = list(values)
    for key, value in at.items():
        result[int(key[1:])] = value
    return result


def planted(texts: Any = TEXTS, labels: Any = LABELS, split: Any = SPLIT, **more: Any) -> View:
    """A view of 300 rows, clean but for what is given."""
    return make_view(texts, labels, split, **more)


ONE_WORD = TEXTS[20].replace("was", "is", 1)
IDS = [f"T{i:05d}" for i in range(ROWS)]
LENGTHS = np.full(ROWS, 12)
NONE = np.zeros(ROWS, dtype=np.int64)
CHINESE = [f"包裹还没有到,已经等了{i}天" for i in range(ROWS)]

HALVES = ["test" if i // 2 % 2 else "train" for i in range(ROWS)]
PAIRED = list(zip(HALVES, TEXTS, strict=True))


def given(texts: Any = TEXTS, labels: Any = LABELS) -> View:
    """A view whose test rows, every second pair, were given by a file."""
    view = planted(texts, labels, HALVES, split_made_by_bertune=False)
    named = np.array([SPLITS.index(s) for s in HALVES])
    return dataclasses.replace(view, table=dataclasses.replace(view.table, given=named))


def filed(labels: dict[str, str | None]) -> View:
    """A view whose splits are files, all labels of some of which are one, or missing: those count for no split."""
    found = [labels.get(s, x) for s, x in zip(SPLIT, LABELS, strict=True)]
    view = planted(labels=found, split=["" if s in labels else s for s in SPLIT])
    return dataclasses.replace(
        view, table=dataclasses.replace(view.table, given=np.array(list(map(SPLITS.index, SPLIT))))
    )


def told(moved: Callable[[list[str]], list[str]]) -> View:
    """A view whose texts tell their labels by their words, with the labels moved."""
    chance = np.random.default_rng(1)
    labels = [("praise", "blame")[int(k)] for k in chance.integers(0, 2, ROWS)]
    words = {"praise": ["kind", "swift", "lovely"], "blame": ["rude", "late", "broken"]}
    texts = [f"{t} So {chance.choice(words[x])} it was." for t, x in zip(TEXTS, labels, strict=True)]
    return planted(texts, moved(labels))


def backwards(text: str) -> str:
    """The words in the opposite order."""
    return " ".join(reversed(text.rstrip(".").split()))


# check, code, severity, rows that must be named (from 1), view
FAULTS: list[tuple[str, str, str, list[int], Callable[[], View]]] = [
    ("missing_text", "missing_text", "warning", [4, 6], lambda: planted(changed(TEXTS, r3=None, r5="  "))),
    ("missing_text", "missing_text", "error", [1], lambda: planted([None] * ROWS)),
    ("missing_label", "missing_label", "warning", [4], lambda: planted(labels=changed(LABELS, r3=None))),
    ("no_labels", "no_labels", "error", [], lambda: planted(labels=None)),
    ("no_labels", "one_class", "error", [], lambda: planted(labels=["praise"] * ROWS)),
    ("no_labels", "single_row_class", "warning", [3], lambda: planted(labels=changed(LABELS, r2="thanks"))),
    (
        "small_class",
        "small_class",
        "warning",
        [1, 3],
        lambda: planted(labels=changed(LABELS, r0="thanks", r2="thanks", r6="thanks")),
    ),
    (
        "small_class",
        "absent_class",
        "note",
        [],
        lambda: planted(labels=["thanks" if i % 30 == 0 else one for i, one in enumerate(LABELS)]),
    ),
    ("class_skew", "class_skew", "note", [], lambda: planted(labels=["a" if i % 10 else "b" for i in range(ROWS)])),
    ("class_skew", "class_skew", "warning", [], lambda: planted(labels=["a" if i % 50 else "b" for i in range(ROWS)])),
    (
        "small_validation",
        "one_class_validation",
        "warning",
        [],
        lambda: planted(labels=["blame" if s == "valid" else x for s, x in zip(SPLIT, LABELS, strict=True)]),
    ),
    (
        "small_validation",
        "small_validation",
        "warning",
        [],
        lambda: planted(split=["valid" if i < 5 else "train" for i in range(ROWS)]),
    ),
    (
        "small_validation",
        "small_validation",
        "note",
        [],
        lambda: planted(split=["valid" if i < 40 else "train" for i in range(ROWS)]),
    ),
    ("unlabelled_test", "unlabelled_test", "warning", [9, 10], lambda: filed({"test": None})),
    ("unlabelled_test", "unlabelled_test", "warning", [9, 10], lambda: filed({"test": "-1"})),
    ("unlabelled_test", "unlabelled_valid", "warning", [7, 8], lambda: filed({"valid": None})),
    ("labels_differ", "labels_differ", "error", [9], lambda: planted(labels=changed(LABELS, r8="thanks"))),
    ("empty_pair", "empty_pair", "warning", [3], lambda: planted(pairs=changed(TEXTS[::-1], r2=" "))),
    (
        "exact_duplicates",
        "exact_duplicates",
        "note",
        [2, 4],
        lambda: planted(changed(TEXTS, r3=TEXTS[1].upper() + " ")),
    ),
    (
        "exact_duplicates",
        "exact_duplicates",
        "warning",
        [1, 2],
        lambda: planted([TEXTS[i // 10] if i % 10 < 4 else t for i, t in enumerate(TEXTS)]),
    ),
    ("near_duplicates", "near_duplicates", "note", [4, 21], lambda: planted(changed(TEXTS, r3=ONE_WORD))),
    (
        "leaked_rows",
        "exact_duplicate_across_splits",
        "error",
        [9, 1],
        lambda: planted(changed(TEXTS, r8=TEXTS[0]), split_made_by_bertune=False),
    ),
    (
        "leaked_rows",
        "near_duplicate_across_splits",
        "error",
        [9, 21],
        lambda: planted(changed(TEXTS, r8=ONE_WORD), split_made_by_bertune=False),
    ),
    ("conflicting_labels", "conflicting_labels", "warning", [2, 5], lambda: planted(changed(TEXTS, r4=TEXTS[1]))),
    ("label_spelling", "label_spelling", "warning", [4], lambda: planted(labels=changed(LABELS, r3="Praise "))),
    ("label_spelling", "label_spelling", "warning", [4], lambda: planted(labels=changed(LABELS, r3="prasie"))),
    ("unexpected_language", "unexpected_language", "warning", [4], lambda: planted(changed(TEXTS, r3=CHINESE[3]))),
    (
        "unexpected_language",
        "unexpected_language",
        "warning",
        [4],
        lambda: planted(changed(TEXTS, r3="Ich habe das Paket nicht bekommen und der Fahrer war nicht da.")),
    ),
    (
        "unexpected_language",
        "mixed_languages",
        "note",
        [],
        lambda: planted([CHINESE[i] if i % 2 else t for i, t in enumerate(TEXTS)]),
    ),
    (
        "unknown_tokens",
        "unknown_tokens",
        "error",
        [1],
        lambda: planted(CHINESE, lengths=LENGTHS, unknown=NONE + 6, model_name="minilm"),
    ),
    (
        "unknown_tokens",
        "unknown_tokens",
        "warning",
        [4],
        lambda: planted(lengths=LENGTHS, unknown=np.array(changed(NONE.tolist(), r3=8))),
    ),
    (
        "truncation",
        "truncation",
        "note",
        [4],
        lambda: planted(lengths=np.array(changed(LENGTHS.tolist(), r3=80)), max_length=64),
    ),
    ("truncation", "truncation", "warning", [1], lambda: planted(lengths=LENGTHS, max_length=8)),
    (
        "label_in_text",
        "label_in_text",
        "warning",
        [],
        lambda: planted([f"{t} Verdict: {x}." for t, x in zip(TEXTS, LABELS, strict=True)]),
    ),
    (
        "label_in_text",
        "label_in_text",
        "warning",
        [],
        lambda: planted([f"{'A:' if x == 'praise' else 'B:'} {t}" for t, x in zip(TEXTS, LABELS, strict=True)]),
    ),
    (
        "label_in_text",
        "id_in_text",
        "warning",
        [],
        lambda: planted(
            [f"{t} ref T{i:05d}" for i, t in enumerate(TEXTS)], columns={"id": [f"T{i:05d}" for i in range(ROWS)]}
        ),
    ),
    (
        "label_in_text",
        "column_tells_label",
        "note",
        [],
        lambda: planted(columns={"id": [f"{x[0]}{i}" for i, x in enumerate(LABELS)]}),
    ),
    (
        "label_in_text",
        "column_tells_label",
        "note",
        [],
        lambda: planted(columns={"stars": [5 if x == "praise" else 1 for x in LABELS]}),
    ),
    ("markup", "markup", "warning", [4, 6], lambda: planted(changed(TEXTS, r3="a<br/>lamp", r5="lamp &amp; sofa"))),
    ("control_characters", "control_characters", "warning", [4], lambda: planted(changed(TEXTS, r3="a\x07 lamp"))),
    ("control_characters", "replacement_characters", "warning", [4], lambda: planted(changed(TEXTS, r3="caf\ufffd"))),
    ("control_characters", "wrong_encoding", "warning", [4], lambda: planted(changed(TEXTS, r3="un cafÃ© noir"))),
    ("control_characters", "wrong_encoding", "warning", [4], lambda: planted(changed(TEXTS, r3="itâ€™s a lamp"))),
    (
        "header_rows",
        "header_rows",
        "warning",
        [4],
        lambda: planted(changed(TEXTS, r3="Text"), changed(LABELS, r3="label")),
    ),
    ("placeholder_label", "placeholder_label", "warning", [4], lambda: planted(labels=changed(LABELS, r3="-"))),
    (
        "placeholder_text",
        "placeholder_text",
        "warning",
        [4, 6],
        lambda: planted(changed(TEXTS, r3="N/A", r5="[deleted]")),
    ),
    ("cut_texts", "cut_texts", "warning", [1], lambda: planted([(t * 2)[:60] for t in TEXTS])),
    (
        "swapped_columns",
        "swapped_columns",
        "error",
        [4],
        lambda: planted(changed(TEXTS, r3="praise"), changed(LABELS, r3=TEXTS[3])),
    ),
    (
        "swallowed_rows",
        "swallowed_rows",
        "error",
        [4],
        lambda: planted(changed(TEXTS, r3=f"{TEXTS[3]},praise\n{TEXTS[4]},blame\nthe rest")),
    ),
    (
        "boilerplate",
        "boilerplate",
        "note",
        [1, 3],
        lambda: planted([t if i % 2 else f"{t} Sent from my mobile telephone" for i, t in enumerate(TEXTS)]),
    ),
    ("shifted_labels", "shifted_labels", "error", [1], lambda: told(lambda labels: labels[-1:] + labels[:-1])),
    ("shifted_labels", "shifted_labels", "error", [201], lambda: told(lambda x: x[:200] + x[199:-1])),
    ("drift", "drift", "warning", [], lambda: given([f"{t} Yours, Anna" if s == "test" else t for s, t in PAIRED])),
    (
        "drift",
        "class_drift",
        "note",
        [],
        lambda: given(labels=["blame" if s == "test" else x for s, x in zip(HALVES, LABELS, strict=True)]),
    ),
    (
        "group_leak",
        "group_leak",
        "warning",
        [7, 8],
        lambda: planted(columns={"customer": [f"C{i % 49}" for i in range(ROWS)]}),
    ),
    (
        "group_leak",
        "group_leak",
        "warning",
        [7],
        lambda: planted(
            labels=["praise" if i % 39 < 20 else "blame" for i in range(ROWS)],
            columns={"x": [i % 39 for i in range(ROWS)]},
        ),
    ),
    ("same_words", "same_words", "note", [2, 4], lambda: planted(changed(TEXTS, r3=backwards(TEXTS[1])))),
    ("same_words", "same_words", "warning", [1, 9], lambda: planted(changed(TEXTS, r8=backwards(TEXTS[0])))),
    (
        "time_order",
        "time_order",
        "note",
        [],
        lambda: planted(
            columns={"sent": [f"202{6 if s == 'test' else 5}-03-{i % 28 + 1:02d}" for i, s in enumerate(SPLIT)]}
        ),
    ),
]


@cache
def CLEAN() -> dict[int, View]:  # noqa: N802 - constants that are made when first wanted
    """Clean data of two sizes."""
    return {rows: clean_view(rows) for rows in (30, 300)}


@cache
def PLANTED() -> list[View]:  # noqa: N802
    """The view of every planted fault."""
    return [make() for *_, make in FAULTS]


def found_by(name: str, view: View) -> list[Finding]:
    """The findings of one check with its defaults."""
    return list(build(registry.load("checks", name))(view))


def hold_contract(part: Callable[[View], Iterable[Finding]]) -> None:
    """Fail unless a check is silent on clean data, pure, and speaks in whole findings."""
    for rows, view in CLEAN().items():
        spoken = [f for f in part(view) if rows > 100 or f.severity != "note"]
        assert not spoken, f"speaks on clean data: {spoken}"
    for view in PLANTED():
        findings = list(part(view))
        assert findings == list(part(view)), "says something else the second time"
        for finding in findings:
            assert finding.message and finding.fix, "says nothing, or has no remedy"
            told = finding.message + finding.fix
            assert not any(text in told for text in view.texts if text and text.strip()), "prints the user's text"
            assert finding.as_json()["count"] >= 0


@pytest.mark.parametrize("name", registry.names("checks"))
def test_every_check_keeps_the_contract(name: str) -> None:
    hold_contract(build(registry.load("checks", name)))


@pytest.mark.parametrize("name", registry.names("checks"))
def test_every_check_has_a_planted_fault_and_bounded_settings(name: str) -> None:
    assert name in {fault[0] for fault in FAULTS}
    for setting, field in schema(registry.load("checks", name)).model_fields.items():
        assert field.metadata, f"{name}.{setting} has no bounds"


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{i}-{f[1]}-{f[2]}" for i, f in enumerate(FAULTS)])
def test_planted_fault_is_found_at_its_rows(fault: tuple[str, str, str, list[int], Callable[[], View]]) -> None:
    name, code, severity, rows, make = fault
    findings = [f for f in found_by(name, make()) if f.code == code]
    assert findings, f"{code} was not found"
    assert findings[0].severity == severity
    named = [place.row for place in findings[0].rows]
    assert named[: len(rows)] == rows
    if rows:
        assert findings[0].rows[0].file == "a.csv"


def test_findings_come_the_gravest_first() -> None:
    view = planted(changed(TEXTS, r3="a<br>", r8=TEXTS[0], r5=None), split_made_by_bertune=False)
    findings = check(view)
    ranks = [("error", "warning", "note").index(f.severity) for f in findings]
    assert ranks == sorted(ranks)
    assert findings[0].code == "exact_duplicate_across_splits"


def test_check_needs_neither_tokens_nor_labels() -> None:
    view = dataclasses.replace(clean_view(300), lengths=None, unknown=None, max_length=None, labels=None)
    assert [f.code for f in check(view)] == ["no_labels"]


def test_numbers_as_labels_of_a_regression_are_no_classes() -> None:
    view = planted(labels=[f"{i / 7:.3f}" for i in range(ROWS)])
    assert check(view) == []


@pytest.mark.parametrize(
    ("a", "b"), [("1 star", "2 stars"), ("legal", "illegal"), ("pos", "neg"), ("+", "-"), ("formal", "normal")]
)
def test_labels_that_only_look_alike_are_left_alone(a: str, b: str) -> None:
    """Equally frequent labels, labels with other digits and negated labels are different labels."""
    view = planted(labels=[a if i % 2 else b for i in range(ROWS)])
    assert found_by("label_spelling", view) == []


def test_addresses_and_names_do_not_make_a_text_foreign() -> None:
    texts = [
        *CHINESE[:-2],
        "请看这里 https://example.com/a/very/long/path",
        "海景花园是青岛最好的酒店 Sea View Garden Hotel",
    ]
    assert found_by("unexpected_language", planted(texts)) == []


def test_a_topic_named_in_its_own_texts_is_no_leak() -> None:
    labels = [("lamp", "praise", "blame", "return", "refund")[i % 5] for i in range(ROWS)]
    texts = [f"{t} My lamp." if x == "lamp" else t.replace("lamp", "sofa") for t, x in zip(TEXTS, labels, strict=True)]
    assert found_by("label_in_text", planted(texts, labels)) == []


def test_unknown_tokens_say_share_and_language() -> None:
    view = planted(CHINESE, lengths=LENGTHS, unknown=NONE + 6, model_name="minilm")
    finding = found_by("unknown_tokens", view)[0]
    assert "60 % of the tokens are unknown" in finding.message
    assert "minilm" in finding.message
    assert '"zh"' in finding.fix
    assert "--model" in finding.fix


class FiresOnCleanData:
    def __call__(self, view: View) -> list[Finding]:
        return [Finding("x", "warning", "always", "nothing")]


class Forgetful:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, view: View) -> list[Finding]:
        self.calls += 1
        return [Finding("x", "note", f"{self.calls}", "nothing")] if None in view.texts else []


class NoRemedy:
    def __call__(self, view: View) -> list[Finding]:
        return [Finding("x", "note", "look", "")] if None in view.texts else []


class Talkative:
    def __call__(self, view: View) -> list[Finding]:
        return [Finding("x", "note", str(view.texts[0]), "read it")] if None in view.texts else []


@pytest.mark.parametrize("specimen", [FiresOnCleanData, Forgetful, NoRemedy, Talkative])
def test_broken_specimens_are_refused(specimen: Any) -> None:
    with pytest.raises(AssertionError):
        hold_contract(specimen())
