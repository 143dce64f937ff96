"""Faults planted at known rows of real data: how many `check` names, and how many clean rows it names as well.

    python benchmarks/planted_faults.py [--sets sms_spam imdb_sample] [--rows 2000] [--seeds 0 1 2]

Each kind of fault is put alone into rows that were free of findings before, 2 % of them, at places drawn with the seed;
faults of a whole set (drift, boilerplate, shifted labels …) count as found when they are told. Kinds that a set cannot
have (a typo in labels of four letters) are left out. Prints one JSON line for each set, seed and kind, and a table at
the end. `false` is the share of the clean rows that an error or a warning names.
"""

import argparse
import csv
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

import bertune

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {"sms_spam": ("all", "text"), "banking77": ("train", "text"), "chnsenticorp": ("train", "text"),
        "imdb_sample": ("train", "text")}  # fmt: skip
SHARE = 0.02
OTHER = {
    True: "我们昨天在商店里买了新的灯，非常喜欢，下次还会再来。",
    False: "Ich habe das Paket nicht bekommen und der Fahrer war nicht da, das ist sehr schade.",
}
PASSAGE = {
    True: "本邮件仅供收件人阅读，如误收请立即删除并告知发件人。",
    False: "This message is confidential; if it is not for you, delete it.",
}
IGNORED = {"truncation", "unknown_tokens", "class_skew", "small_class", "absent_class", "single_row_class",
           "small_validation", "time_order"}  # fmt: skip

Row = dict[str, str]


@dataclass
class Planted:
    """Rows of training and test with a fault, and which training and test rows hold it (positions); none: the set."""

    train: list[Row]
    test: list[Row]
    rows: set[int] = field(default_factory=set)
    test_rows: set[int] = field(default_factory=set)


Plant = Callable[[Planted, random.Random], None]
KINDS: dict[str, tuple[Plant, set[str]]] = {}


def kind(name: str, *codes: str) -> Callable[[Plant], Plant]:
    """Enter a fault with the codes of findings that name it."""

    def enter(plant: Plant) -> Plant:
        KINDS[name] = (plant, set(codes))
        return plant

    return enter


def some(rows: list[Row], chance: random.Random, usable: Callable[[Row], bool] = lambda row: True) -> list[int]:
    """Positions of 2 % of the rows, at least 5."""
    known = [i for i, row in enumerate(rows) if usable(row)]
    return chance.sample(known, min(len(known), max(5, int(SHARE * len(rows)))))


def chinese(text: str) -> bool:
    """Whether most of a text is Chinese."""
    return sum("一" <= c <= "鿿" for c in text) * 3 > len(text)


def each(change: Callable[[Row, random.Random], None], usable: Callable[[Row], bool] = lambda row: True) -> Plant:
    """A fault of single rows."""

    def plant(p: Planted, chance: random.Random) -> None:
        for i in some(p.train, chance, usable):
            change(p.train[i], chance)
            p.rows.add(i)

    return plant


def copied(change: Callable[[str, random.Random], str], usable: Callable[[Row], bool], leak: bool = False) -> Plant:
    """A fault of rows that copy others, with their text changed, in the training rows or in the test rows."""

    def plant(p: Planted, chance: random.Random) -> None:
        sources = some(p.train, chance, usable)
        for i in sources:
            row = dict(p.train[i], text=change(p.train[i]["text"], chance))
            (p.test_rows if leak else p.rows).add(len(p.test if leak else p.train))
            (p.test if leak else p.train).append(row)

    return plant


def long(row: Row) -> bool:
    """Whether a text is long enough that a small change leaves it nearly the same."""
    return len(row["text"]) >= (24 if chinese(row["text"]) else 60)


def several(row: Row) -> bool:
    """Whether a text has several different words."""
    return len(set(row["text"].lower().split())) >= 6


def edited(text: str, chance: random.Random) -> str:
    """One word, or one Chinese character, is another."""
    if chinese(text):
        at = chance.randrange(len(text))
        return text[:at] + "某" + text[at + 1 :]
    words = text.split()
    words[chance.randrange(len(words))] = "so"
    return " ".join(words)


def reordered(text: str, chance: random.Random) -> str:
    """The words in another order."""
    words = text.split()
    chance.shuffle(words)
    return " ".join(words)


def marked(text: str, chance: random.Random) -> str:
    """Each word in a tag of its own."""
    return " ".join(f'<span class="w">{word}</span>' for word in text.split())


def misread(row: Row, chance: random.Random) -> None:
    """UTF-8 read as Latin 1."""
    row["text"] = (row["text"] if chinese(row["text"]) else row["text"] + " It’s a café…").encode().decode("latin-1")


def typo(row: Row, chance: random.Random) -> None:
    """Two letters of the label change places."""
    label = row["label"]
    at = len(label) // 2
    row["label"] = (
        label[: at - 1] + label[at] + label[at - 1] + label[at + 1 :] if len(label) > 5 else label + label[-1]
    )


def cased(row: Row, chance: random.Random) -> None:
    """The label in another case, with a space."""
    row["label"] = row["label"].upper() + " "


def belled(row: Row, chance: random.Random) -> None:
    """Two characters that nobody sees."""
    row["text"] = row["text"][:5] + "\x07\u200b" + row["text"][5:]


def set_to(column: str, value: str) -> Callable[[Row, random.Random], None]:
    """The column is that value."""
    return lambda row, chance: row.__setitem__(column, value)


kind("missing text", "missing_text")(each(set_to("text", "")))
kind("missing label", "missing_label")(each(set_to("label", "")))
kind("placeholder", "placeholder_text")(each(set_to("text", "N/A")))
kind("header row", "header_rows")(each(lambda row, chance: row.update(text="text", label="label")))
kind("label typo", "label_spelling", "single_row_class")(each(typo, lambda row: len(row["label"]) > 5))
kind("label case", "label_spelling")(each(cased))
kind("swapped columns", "swapped_columns")(each(lambda row, chance: row.update(text=row["label"], label=row["text"])))
kind("wrong encoding", "wrong_encoding")(each(misread))
kind("control characters", "control_characters")(each(belled))
kind("markup", "markup")(each(lambda row, chance: row.update(text=f"<p>{row['text']}<br/></p>")))
kind("other language", "unexpected_language")(each(lambda row, c: row.update(text=OTHER[not chinese(row["text"])])))
kind("exact duplicate", "exact_duplicates")(copied(lambda text, chance: text, lambda row: True))
kind("near: case", "exact_duplicates", "near_duplicates")(copied(lambda text, c: text.upper() + "!", several))
kind("near: edit", "near_duplicates")(copied(edited, long))
kind("near: order", "same_words", "near_duplicates")(copied(reordered, several))
kind("near: markup", "same_words", "near_duplicates")(copied(marked, several))
kind("leak: exact", "exact_duplicate_across_splits")(copied(lambda text, chance: text, lambda row: True, leak=True))
kind("leak: near", "near_duplicate_across_splits")(copied(edited, long, leak=True))


@kind("conflicting labels", "conflicting_labels")
def conflicting(p: Planted, chance: random.Random) -> None:
    """Copies with another label."""
    labels = sorted({row["label"] for row in p.train})
    for i in some(p.train, chance):
        p.rows.add(len(p.train))
        p.train.append(dict(p.train[i], label=chance.choice([x for x in labels if x != p.train[i]["label"]])))


@kind("swallowed rows", "swallowed_rows")
def swallowed(p: Planted, chance: random.Random) -> None:
    """Texts that hold the next three rows."""
    for i in some(p.train[:-3], chance):
        p.rows.add(i)
        lines = [f"{row['text'].splitlines()[0]},{row['label']}" for row in p.train[i : i + 3]]
        p.train[i] = dict(p.train[i], text="\n".join([*lines, "and so on"]))


@kind("shifted labels", "shifted_labels")
def shifted(p: Planted, chance: random.Random) -> None:
    """From a row in the first half on each label stands a row too low."""
    start = chance.randrange(len(p.train) // 4, len(p.train) // 2)
    labels = [row["label"] for row in p.train]
    for i in range(start, len(p.train)):
        p.train[i]["label"] = labels[i - 1]


@kind("cut export", "cut_texts")
def cut(p: Planted, chance: random.Random) -> None:
    """No text is longer than most are."""
    most = max(40, sorted(len(row["text"]) for row in p.train)[int(0.9 * len(p.train))])
    for row in p.train:
        row["text"] = row["text"][:most]


@kind("boilerplate", "boilerplate")
def boilerplate(p: Planted, chance: random.Random) -> None:
    """A disclaimer at the end of every tenth text."""
    for row in p.train:
        if chance.random() < 0.1:
            row["text"] += " " + PASSAGE[chinese(row["text"])]


@kind("label in text", "label_in_text")
def label_in_text(p: Planted, chance: random.Random) -> None:
    """Each text begins with a mark of its class."""
    for row in p.train:
        row["text"] = f"[{row['label']}] {row['text']}"


@kind("column tells", "column_tells_label")
def column_tells(p: Planted, chance: random.Random) -> None:
    """A column beside the text holds a code of the class."""
    codes = {label: f"c{n}" for n, label in enumerate(sorted({row["label"] for row in p.train}))}
    for row in (*p.train, *p.test):
        row["code"] = codes.get(row["label"], "none")


@kind("group leak", "group_leak")
def group_leak(p: Planted, chance: random.Random) -> None:
    """Texts of the same customers in training and test."""
    for row in (*p.train, *p.test):
        row["customer"] = f"K{chance.randrange(len(p.train) // 5)}"


@kind("other source", "drift")
def other_source(p: Planted, chance: random.Random) -> None:
    """The test rows are written in another way."""
    for row in p.test:
        row["text"] = "您好，" + row["text"] + " 谢谢" if chinese(row["text"]) else f"hi team {row['text']} thx"


@kind("other time", "time_order")
def other_time(p: Planted, chance: random.Random) -> None:
    """The test rows are of the next year."""
    for rows, year in ((p.train, 2024), (p.test, 2025)):
        for row in rows:
            row["sent"] = f"{year}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"


def load(name: str, rows: int, folder: Path) -> tuple[list[Row], list[Row]]:
    """Rows of a set that are free of findings, four fifths for training and one for test."""
    table = pq.read_table(DATA / name / f"{SETS[name][0]}.parquet")
    every = [{"text": str(t), "label": str(x)} for t, x in zip(table.column("text").to_pylist(),
             table.column("label").to_pylist(), strict=True)]  # fmt: skip
    random.Random(0).shuffle(every)
    if name == "banking77":  # so that a class has more than a handful of rows
        common = sorted({row["label"] for row in every})[:20]
        every = [row for row in every if row["label"] in common]
    every = every[: int(rows * 1.4)]
    for _ in range(3):  # what a finding names goes, and again what is then named
        named = {p.row - 1 for f in found(every, [], folder) for p in f.rows}
        if not named:
            break
        every = [row for i, row in enumerate(every) if i not in named]
    every = every[:rows]
    size = int(0.8 * len(every))
    return every[:size], every[size:]


def write(path: Path, rows: list[Row]) -> str:
    """A CSV file of rows."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def found(train: list[Row], test: list[Row], folder: Path) -> list[bertune.Finding]:
    """What check finds in the rows."""
    files = {"data": write(folder / "train.csv", train)}
    if test:
        files["test"] = write(folder / "test.csv", test)
    return [f for f in bertune.check(**files, text="text", label="label", model="minilm") if f.code not in IGNORED]


def trial(name: str, fault: str, train: list[Row], test: list[Row], seed: int, folder: Path) -> dict | None:
    """Plant one kind of fault and look for it; None where the rows cannot have it."""
    plant, codes = KINDS[fault]
    p = Planted([dict(row) for row in train], [dict(row) for row in test])
    plant(p, random.Random(seed))
    if (p.train, p.test) == (train, test):
        return None
    files = {"data": write(folder / "train.csv", p.train), "test": write(folder / "test.csv", p.test)}
    findings = bertune.check(**files, text="text", label="label", model="minilm")
    named: dict[str, set[int]] = defaultdict(set)
    loud: dict[str, set[int]] = defaultdict(set)
    for finding in findings:
        for place in finding.rows:
            which = "test" if place.file.endswith("test.csv") else "train"
            if finding.code in codes:
                named[which].add(place.row - 1)
            elif finding.code not in IGNORED and finding.severity != "note":
                loud[which].add(place.row - 1)
    planted = len(p.rows) + len(p.test_rows)
    if planted:
        hits = len(p.rows & named["train"]) + len(p.test_rows & named["test"])
    else:
        planted, hits = 1, int(any(f.code in codes for f in findings))
    # Rows that a copy was made of are rightly named beside the copy.
    copies = fault.startswith(("near", "exact", "leak", "conflicting"))
    texts = {p.train[i]["text"] for i in p.rows}
    clean = [i for i in range(len(p.train)) if i not in p.rows]
    wrong = 0 if copies else sum(i in loud["train"] and p.train[i]["text"] not in texts for i in clean)
    return {"set": name, "kind": fault, "seed": seed, "planted": planted, "found": hits,
            "false": round(wrong / len(clean), 4), "codes": sorted({f.code for f in findings})}  # fmt: skip


def main() -> None:
    """Plant every kind into every set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in asked.sets:
            train, test = load(name, asked.rows, folder)
            clean = found(train, test, folder)
            named = {p.row for f in clean if f.severity != "note" for p in f.rows}
            print(json.dumps({"set": name, "kind": "none", "rows": len(train) + len(test),
                              "false": round(len(named) / (len(train) + len(test)), 4),
                              "codes": sorted({f.code for f in clean})}), flush=True)  # fmt: skip
            for seed in asked.seeds:
                for fault in asked.kinds:
                    result = trial(name, fault, train, test, seed, folder)
                    if result is not None:
                        results.append(result)
                        print(json.dumps(result), flush=True)
    for fault in asked.kinds:
        own = [r for r in results if r["kind"] == fault]
        if not own:
            continue
        share = sum(r["found"] for r in own) / sum(r["planted"] for r in own)
        print(
            f"{fault:<20} {share:6.1%} of {sum(r['planted'] for r in own):,}   false {max(r['false'] for r in own):.2%}"
        )
    print(f"all {sum(r['found'] for r in results) / sum(r['planted'] for r in results):.1%}")


if __name__ == "__main__":
    main()
