"""Random files of predictions, the same for the same seed, and what bertune's metrics say of them.

benchmarks/official_scorers.py gives the same files to the official scorers; what those said is in
golden_official.json. Only `Random.random` is drawn from, whose stream Python keeps from version to version.
"""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

import numpy as np

from bertune.base import registry
from bertune.base.types import Judged

T = TypeVar("T")
Tags = list[list[str]]
Answers = list[tuple[tuple[str, ...], str]]

FILES = 1000
SCHEMES = ("IOB2", "IOBES", "IOB1")
TYPES = ("LOC", "ORG", "PER")
# What a strict reading of tags goes by: pairs of prefixes, with = or ! where the types must be the same or differ.
STARTS = {"IOB1": "OI II! BI IB= BB=", "IOB2": "?B", "IOBES": "?B ?S"}
INSIDE = {"IOB1": "BI= II=", "IOB2": "BI= II=", "IOBES": "BI= BE= II= IE="}
ENDS = {"IOB1": "II! IO IB BO BI! BB=", "IOB2": "IO II! IB BO BI! BB", "IOBES": "S? E?"}
RELATIONS = (
    "Cause-Effect", "Component-Whole", "Content-Container", "Entity-Destination", "Entity-Origin",
    "Instrument-Agency", "Member-Collection", "Message-Topic", "Product-Producer",
)  # fmt: skip
LABELS = (*(f"{name}({way})" for name in RELATIONS for way in ("e1,e2", "e2,e1")), "Other")

ENGLISH = (
    "kite", "Kite", "KITE", "river", "Ångström", "naïve", "naive", "1,000", "3.14", "$5", "don't", "state-of-the-art",
    "U.S.", "rock'n'roll", "café", "İstanbul", "ﬁre", "大学", "数据 集", "🙂", "x_y", "C++", "O(n)", "the_end",
    "theatre", "anthem",
)  # fmt: skip
ARTICLES = ("a", "an", "the", "A", "The", "AN")
MARKS = (".", ",", "!", "?", "...", "'", '"', "-", "—", "’", "“", "”", "。", "(", ")", "%", "/", "\u200b")
SPACES = (" ", " ", " ", "  ", "\t", "\u00a0", "\u3000", "", "-", ", ", "\n")
CHINESE = (
    "北京", "大学", "中国", "年", "月", "一九", "二零", "人", "的", "龥", "㐀", "龦", "１９", "1998",
    "2008年", "3.14", "NBA", "nba", "iPhone", "Windows XP", "U.S.A", "can't", "cannot", "wanna go", "he's",
    "they'll", "'tis", "a b", "rock'n'roll", "e=mc", "10%", "$5", "1,000", "a,b", "🙂", "“", "”", "，", "。",
    "：", "？", "！", "；", "《", "》", "、", "·", "「", "」", "（", "）", "…", "……", "‘", "’", "－", "～",
    "『", "』", "-", "_", "*", "^", "/", "\\", "~", "`", "+", "=", ":", ",", ";", "(", ")", "[", "]", '"',
    "'", "#", "&", "@", "—", " ", " ", " ", "\u3000", ".",
)  # fmt: skip
# Where NLTK may end a sentence within a piece of Latin text, which bertune does not: see metrics/_chinese_answers.py.
LEFT_OUT = re.compile(r"[-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』]")
TWO_SENTENCES = re.compile(r"[.?!](?:\s+[^\s\u4e00-\u9fa5]|[)\";}\]@'({\[‘«»?!])")


def pick(random: Random, values: Sequence[T]) -> T:
    """One of the values."""
    return values[int(random.random() * len(values))]


def between(random: Random, low: int, high: int) -> int:
    """A whole number from low to high."""
    return low + int(random.random() * (high - low + 1))


def tag_file(seed: int) -> tuple[str, Tags, Tags]:
    """(scheme, gold, guess): tags of sentences, many of them against the rules of their scheme."""
    random = Random(seed)
    scheme = SCHEMES[seed % len(SCHEMES)]
    prefixes = sorted(set("".join(c for c in STARTS[scheme] + INSIDE[scheme] if c.isalpha())) - {"O"})
    kinds = TYPES[: between(random, 1, len(TYPES))]

    def tag() -> str:
        return "O" if random.random() < 0.3 else f"{pick(random, prefixes)}-{pick(random, kinds)}"

    gold = [[tag() for _ in range(between(random, 1, 12))] for _ in range(between(random, 2, 8))]
    gold.append(["O", "I-LOC" if scheme == "IOB1" else "S-LOC" if scheme == "IOBES" else "B-LOC"])
    wrong = random.random() * 0.6
    guess = [[tag() if random.random() < wrong else t for t in sentence] for sentence in gold]
    return scheme, gold, guess


def spans(tags: Sequence[str], scheme: str) -> tuple[tuple[int, int, str], ...]:
    """(start, end, type) of the entities that seqeval's strict reading finds."""
    every, found, at, last = [*tags, "O"], [], 0, "O"

    def goes(rules: str, a: str, b: str) -> bool:
        return any(
            r[0] in ("?", a[0]) and r[1] in ("?", b[0]) and (len(r) < 3 or (r[2] == "=") == (a[1:] == b[1:]))
            for r in rules.split()
        )

    while at < len(every):
        start, at = at, at + 1
        if goes(STARTS[scheme], last, every[start]):
            while at < len(every) and goes(INSIDE[scheme], every[at - 1], every[at]):
                at += 1
            if goes(ENDS[scheme], every[at - 1], every[at]):
                found.append((start, at, every[start][2:]))
        last = every[at - 1]
    return tuple(found)


def _text(random: Random, least: int) -> str:
    """English of some words, at least `least` of them neither article nor mark."""
    parts = [pick(random, ENGLISH) for _ in range(least)]
    for _ in range(between(random, 0, 4)):
        kind = pick(random, (ENGLISH, ARTICLES, ARTICLES, MARKS))
        parts.insert(between(random, 0, len(parts)), pick(random, kind))
    return "".join(part + pick(random, SPACES) for part in parts)


def _near(random: Random, text: str) -> str:
    """A text that differs a little, or not at all."""
    words = text.split(" ")
    at = between(random, 0, len(words) - 1)
    changed = (
        text, text, text.upper(), text.lower(), f"the {text}", f"{text}.", f" {text} ", " ".join(words[:at]),
        " ".join(words[at:]), " ".join(words[::-1]), f"{text} {pick(random, ENGLISH)}", text.replace(" ", ""), "",
    )  # fmt: skip
    return pick(random, changed)


def answer_file(seed: int, version: int) -> Answers:
    """Rows of gold answers and a guess: of SQuAD 1.1 with an answer always, of SQuAD 2.0 also without any.

    Gold answers of articles and marks alone, which the two versions treat unlike, are in those of version 2.
    """
    random = Random(seed)
    rows: Answers = []
    for _ in range(between(random, 3, 12)):
        gold = tuple(_text(random, int(version == 1 or random.random() < 0.9)) for _ in range(between(random, 1, 3)))
        if version == 2 and random.random() < 0.35:
            gold = ()
        chance = random.random()
        other = _text(random, 0)
        guess = "" if chance < 0.15 else other if chance < 0.3 or not gold else _near(random, pick(random, gold))
        rows.append((gold, guess))
    return rows


def _one_sentence(text: str) -> bool:
    return not TWO_SENTENCES.search(LEFT_OUT.sub("", text))


def _chinese(random: Random) -> str:
    while True:
        text = "".join(pick(random, CHINESE) for _ in range(between(random, 1, 9)))
        if _one_sentence(text):
            return text


def chinese_file(seed: int) -> Answers:
    """Rows of gold answers and a guess, Chinese and Latin text mixed."""
    random = Random(seed)
    rows: Answers = []
    for _ in range(between(random, 3, 10)):
        gold = tuple(_chinese(random) for _ in range(between(random, 1, 3)))
        text = pick(random, gold)
        cut = between(random, 0, len(text))
        near = (text, text[:cut], text[cut:], f"，{text}。", text.upper(), f"{text}的", _chinese(random), "")
        guess = pick(random, near)
        rows.append((gold, guess if _one_sentence(guess) else text))
    return rows


def relation_file(seed: int) -> tuple[list[str], list[str]]:
    """(gold, guess): classes of SemEval-2010 Task 8, at least one of gold a relation."""
    random = Random(seed)
    some = [pick(random, LABELS) for _ in range(between(random, 2, len(LABELS)))]
    gold = [pick(random, LABELS[:-1]), *(pick(random, some) for _ in range(between(random, 0, 60)))]
    wrong, turned = random.random() * 0.8, random.random() * 0.4
    guess = [pick(random, LABELS) if random.random() < wrong else label for label in gold]
    swap = {"e1,e2": "e2,e1", "e2,e1": "e1,e2"}
    guess = [re.sub("e1,e2|e2,e1", lambda m: swap[m[0]], g) if random.random() < turned else g for g in guess]
    return gold, guess


def objects(values: Sequence[Any]) -> np.ndarray:
    """The values as an array of Python objects, one a row."""
    held = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        held[row] = value
    return held


def judged_spans(gold: Sequence[Any], guess: Sequence[Any], classes: tuple[str, ...] = TYPES) -> Judged:
    """A judging of spans, one tuple of them a row."""
    return Judged(objects(gold), objects(guess), None, classes)


def judged_answers(rows: Answers) -> Judged:
    """A judging of answers."""
    return Judged(objects([gold for gold, _ in rows]), objects([guess for _, guess in rows]), None, ())


def judged_classes(gold: Sequence[str], guess: Sequence[str], classes: tuple[str, ...] = LABELS) -> Judged:
    """A judging of classes given by their names."""
    gold_numbers, guess_numbers = ([classes.index(name) for name in names] for names in (gold, guess))
    return Judged(np.array(gold_numbers, np.int64), np.array(guess_numbers, np.int64), None, classes)


def judging(scorer: str, seed: int) -> Judged:
    """The file of a scorer and seed as bertune sees it."""
    if scorer == "seqeval":
        scheme, *both = tag_file(seed)
        return judged_spans(*([spans(tags, scheme) for tags in side] for side in both))
    if scorer == "semeval":
        return judged_classes(*relation_file(seed))
    made: dict[str, Callable[[], Answers]] = {
        "squad1": lambda: answer_file(seed, 1),
        "squad2": lambda: answer_file(seed, 2),
        "cmrc": lambda: chinese_file(seed),
    }
    return judged_answers(made[scorer]())


METRICS = {
    "seqeval": ("entity_precision", "entity_recall", "entity_f1", "entity_macro_f1"),
    "squad1": ("exact_match", "answer_f1"),
    "squad2": ("exact_match", "answer_f1"),
    "cmrc": ("cmrc_exact_match", "cmrc_f1"),
    "semeval": ("relation_f1",),
}


def ours(scorer: str, seed: int) -> list[float]:
    """What bertune's metrics say of a file, in the order of METRICS."""
    judged = judging(scorer, seed)
    return [registry.load("metrics", name)()(judged) for name in METRICS[scorer]]
