"""Four Chinese sets from check to predictions: are places, units and scores what they say they are?

    python benchmarks/chinese_sets.py --data FOLDER                  all four, a few updates each
    python benchmarks/chinese_sets.py --data FOLDER --sets cluener2020 --set task.crf=true

FOLDER holds cluener2020, cmrc2018, c3_sample and chnsenticorp as Parquet. Each set goes through the commands `check`,
`train`, `evaluate` and `predict` on its first rows; how good the answers are does not matter here, so that the English
model will do (`--model` names another). Then it is checked, from the files alone, that

    spans      are the text of the row at their places, in order, none over another
    words      every character that is no blank is in one word, and every word is asked in exactly one window
    choices    are among those of the row, and probabilities add up to 1
    gold       in the predictions is that of the data (an entity that ends within a word is widened to it: counted)
    answers    of `predict` are those of the run's own predictions
    scores     of the run and of `evaluate` are those worked out here from the predictions: entities by exact match of
               place and type (which is seqeval's strict mode, taken as well where it is installed), answers by the
               published rules of CMRC 2018, classes and choices by counting

Prints one JSON line a set with what was counted, the number of violations and the first of them; exits with 1 where
there is any.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from bertune.data.words import words_of
from bertune.evaluate.saved import load
from bertune.metrics._latin_words import latin_words
from bertune.runs.new_rows import as_trained, roles_for

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CLOSE = 1e-9
QUICK = [
    "training.epochs=3", "training.seeds=1", "training.batch_size=16", "optimizer.learning_rate=5e-4",
    "evaluation.resamples=100", "evaluation.suspects=false", "report.language=zh",
]  # fmt: skip
# set: files, rows to train and to test on, settings. Half of what entities are tested on stands in the training rows,
# so that some are found.
SETS: dict[str, tuple[str, str, int, int, list[str]]] = {
    "cluener2020": ("train", "dev", 120, 60, ["model.max_length=24", "task.name=token_classification",
                                              "task.stride=6", "training.epochs=25"]),
    "cmrc2018": ("train", "dev", 48, 40, ["model.max_length=192", "task.name=question_answering", "task.stride=64"]),
    "c3_sample": ("train_sample", "dev", 64, 40, ["model.max_length=96"]),
    "chnsenticorp": ("train", "dev", 160, 120, ["model.max_length=64"]),
}  # fmt: skip
SIGNS = set("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
Rows = list[dict[str, Any]]


def bertune(*arguments: str) -> None:
    """One command of bertune; what it says is shown only where it fails."""
    found = subprocess.run([sys.executable, "-m", "bertune", *arguments], capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"bertune {' '.join(arguments)}\n{found.stdout}{found.stderr}")


def entities_of(row: dict[str, Any], name: str) -> set[tuple[int, int, str]]:
    """Entities as (start, end, label)."""
    return {(e["start"], e["end"], e["label"]) for e in row[name]}


def of_entities(text: str, found: Rows) -> Iterator[str]:
    """What is wrong about the entities of one text."""
    end = 0
    for entity in found:
        if text[entity["start"] : entity["end"]] != entity["text"]:
            yield f"{entity} is not the text at its place"
        if not end <= entity["start"] < entity["end"] <= len(text):
            yield f"{entity} lies over another, or outside"
        end = entity["end"]


def entity_scores(rows: Rows) -> dict[str, float]:
    """Precision, recall and F1 of exact places and types."""
    pairs = [(entities_of(row, "label"), entities_of(row, "prediction")) for row in rows]
    right = sum(len(gold & guess) for gold, guess in pairs)
    wanted, said = (sum(len(pair[i]) for pair in pairs) for i in (0, 1))
    found = {"entity_precision": right / said if said else 0.0, "entity_recall": right / wanted if wanted else 0.0,
             "entity_f1": 2 * right / (wanted + said) if right else 0.0}  # fmt: skip
    try:
        from seqeval.metrics import f1_score
        from seqeval.scheme import IOB2
    except ImportError:
        return found
    tagged = [[_tags(len(row["text"]), entities_of(row, name)) for row in rows] for name in ("label", "prediction")]
    strict = float(f1_score(*tagged, mode="strict", scheme=IOB2))
    if abs(strict - found["entity_f1"]) > CLOSE:
        raise SystemExit(f"seqeval says {strict}, exact match {found['entity_f1']}")
    return found


def _tags(characters: int, entities: set[tuple[int, int, str]]) -> list[str]:
    tags = ["O"] * characters
    for start, end, label in entities:
        tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return tags


def check_entities(asked: Rows, answered: Rows) -> Iterator[str]:
    """Places of what is found, and gold as the data have it."""
    for row, entry in zip(asked, answered, strict=True):
        text = row["text"]
        for name in ("prediction", "label"):
            yield from of_entities(text, entry[name])
        words = words_of(text)
        if [i for a, b in words for i in range(a, b) if not text[i].isspace()] != _inked(text):
            yield f"{text!r}: a character is in no word, or in two"
        wide = {_widened(e, words) for e in entities_of(row, "entities")}
        if not entities_of(entry, "label") <= wide:
            yield f"{text!r}: gold {entry['label']} is not that of the data"


def _inked(text: str) -> list[int]:
    return [i for i, character in enumerate(text) if not character.isspace()]


def _widened(entity: tuple[int, int, str], words: list[tuple[int, int]]) -> tuple[int, int, str]:
    start, end, label = entity
    touched = [word for word in words if word[0] < end and word[1] > start]
    return touched[0][0], touched[-1][1], label


def check_answers(asked: Rows, answered: Rows) -> Iterator[str]:
    """Answers are the context at their places, and so are the next best ones."""
    for row, entry in zip(asked, answered, strict=True):
        for answer in [{**entry, "text": entry["prediction"]}, *entry["answers"]]:
            place = answer["start"], answer["end"]
            if place == (None, None):
                if answer["text"]:
                    yield f"{answer['text']!r} has no place"
            elif row["context"][place[0] : place[1]] != answer["text"]:
                yield f"{answer['text']!r} is not the context at {place}"
        if entry["label"] not in row["answers"]["text"]:
            yield f"gold {entry['label']!r} is not that of the data"


def answer_scores(rows: Rows) -> dict[str, float]:
    """CMRC 2018's F1 and exact match, by its published rules."""
    best = [[_cmrc(gold, row["prediction"]) for gold in row["gold"]] for row in rows]
    return {"cmrc_f1": sum(max(f for f, _ in of) for of in best) / len(rows),
            "cmrc_exact_match": sum(max(e for _, e in of) for of in best) / len(rows)}  # fmt: skip


def _cmrc(gold: str, guess: str) -> tuple[float, float]:
    one, two = _segments(gold), _segments(guess)
    runs = {(i, j): 0 for i in range(-1, len(one)) for j in range(-1, len(two))}
    for i, first in enumerate(one):
        for j, second in enumerate(two):
            runs[i, j] = runs[i - 1, j - 1] + 1 if first == second else 0
    longest = max(runs.values())
    plain = ["".join(c for c in text.lower().strip() if c not in SIGNS) for text in (gold, guess)]
    return 2 * longest / (len(one) + len(two)) if longest else 0.0, float(plain[0] == plain[1])


def _segments(text: str) -> list[str]:
    found, latin = [], ""
    for character in text.lower().strip():
        if character in SIGNS:
            continue
        if "\u4e00" <= character <= "\u9fa5":
            found += [*latin_words(latin), character]
            latin = ""
        else:
            latin += character
    return [*found, *latin_words(latin)]


def check_choices(asked: Rows, answered: Rows) -> Iterator[str]:
    """The choice is one of the row's, the likeliest one, and gold is that of the data."""
    for row, entry in zip(asked, answered, strict=True):
        chances = entry["probabilities"]
        likeliest = max(range(len(chances)), key=chances.__getitem__)
        if len(chances) != len(row["choices"]) or abs(sum(chances) - 1) > CLOSE:
            yield f"{chances} are no probabilities of {len(row['choices'])} choices"
        elif entry["prediction"] != likeliest or row["choices"][likeliest] != entry["choice"]:
            yield f"{entry['prediction']} {entry['choice']!r} is not the likeliest of {row['choices']}"
        if entry["label"] != row["label"]:
            yield f"gold {entry['label']} is not that of the data, {row['label']}"


def check_classes(asked: Rows, answered: Rows) -> Iterator[str]:
    """The class is the likeliest one, and gold is that of the data."""
    for row, entry in zip(asked, answered, strict=True):
        chances = entry["probabilities"]
        if abs(sum(chances.values()) - 1) > CLOSE or entry["prediction"] != max(chances, key=chances.__getitem__):
            yield f"{entry['prediction']!r} is not the likeliest of {chances}"
        if entry["label"] != row["label"]:
            yield f"gold {entry['label']!r} is not that of the data, {row['label']!r}"


def class_scores(rows: Rows) -> dict[str, float]:
    """Accuracy, and the mean F1 of the classes that occur."""
    gold, said = Counter(r["label"] for r in rows), Counter(r["prediction"] for r in rows)
    right = Counter(r["label"] for r in rows if r["label"] == r["prediction"])
    each = [2 * right[c] / (gold[c] + said[c]) for c in gold | said]
    return {"accuracy": right.total() / len(rows), "macro_f1": sum(each) / len(each)}


def accuracy(rows: Rows) -> dict[str, float]:
    """The share of right choices."""
    return {"accuracy": class_scores(rows)["accuracy"]}


Check = Callable[[Rows, Rows], Iterator[str]]
KINDS: dict[str, tuple[Check, Callable[[Rows], dict[str, float]]]] = {
    "cluener2020": (check_entities, entity_scores),
    "cmrc2018": (check_answers, answer_scores),
    "c3_sample": (check_choices, accuracy),
    "chnsenticorp": (check_classes, class_scores),
}


def units_asked(run: Path, data: Path) -> tuple[dict[str, int], list[str]]:
    """How many units of the rows the model is asked, and which are not asked exactly once, from the run's encoding."""
    from bertune.base.sections import DataSection
    from bertune.data.table import read

    saved, table = load(run), read(str(data), DataSection())
    examples = as_trained(saved, table, roles_for(table, saved, {}, need_label=True)[0])
    wrong: list[str] = []
    counted: Counter[str] = Counter(rows=len(examples))
    reached: dict[int, set[int]] = {row: set() for row in range(len(examples))}
    first = 0
    for part in saved.task.encode(examples, saved.about.classes, saved.tokenizer, saved.about.max_length):
        owners = range(first, first + len(part.lengths)) if part.owner is None else part.owner.tolist()
        owner = [row for row, size in zip(owners, part.lengths.tolist(), strict=True) for _ in range(size)]
        counted["windows"] += len(part.lengths)
        first += len(part.lengths)
        if "word" in part.beside:
            for row, word, count in zip(
                owner, part.beside["word"].tolist(), part.beside["count"].tolist(), strict=True
            ):
                for one in range(word, word + count) if word >= 0 else ():
                    if one in reached[row]:
                        wrong.append(f"row {row}: word {one} is asked twice")
                    reached[row].add(one)
        elif "begin" in part.beside:
            for row, begin, end in zip(owner, part.beside["begin"].tolist(), part.beside["end"].tolist(), strict=True):
                reached[row].update(range(begin, end) if begin >= 0 else ())
    for row, found in reached.items():
        wanted = len(examples.more["words"][row]) if "words" in examples.more else None
        if wanted is not None and found != set(range(wanted)):
            wrong.append(f"row {row}: {wanted - len(found)} of {wanted} words are not asked")
        text = (examples.pairs or examples.texts)[row] or ""
        if wanted is None and found and (missing := set(_inked(text)) - found):
            wrong.append(f"row {row}: {len(missing)} characters of the context are in no window")
        counted["words" if wanted is not None else "characters"] += len(found)
    return dict(counted), wrong


def one_set(name: str, data: Path, place: Path, settings: list[str]) -> dict[str, Any]:
    """Check, train, evaluate and predict, then everything that is checked."""
    train, test, rows, test_rows, own = SETS[name]
    files = {part: place / f"{part}.parquet" for part in ("train", "test")}
    for part, source, most in (("train", train, rows), ("test", test, test_rows)):
        table = pl.read_parquet(data / name / f"{source}.parquet").head(most)
        if part == "test" and name == "cluener2020":
            table = pl.concat([table, pl.read_parquet(files["train"]).head(most)])
        table.write_parquet(files[part])
    run, kept = place / "run", [*QUICK, *own, *settings]
    given = [word for setting in kept for word in ("--set", setting)]
    bertune("check", str(files["train"]), "--test", str(files["test"]), *given)
    bertune("train", str(files["train"]), "--test", str(files["test"]), "--out", str(run), *given)
    bertune("evaluate", str(run), str(files["test"]), "--out", str(place / "scores.json"))
    bertune("predict", str(run), str(files["test"]), "--out", str(place / "answers.jsonl"))
    answered = [json.loads(line) for line in (place / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    asked = pl.read_parquet(files["test"]).to_dicts()
    check, scores_of = KINDS[name]
    for row, entry in zip(asked, answered, strict=True):
        entry |= {"text": row.get("text"), "gold": (row.get("answers") or {}).get("text")}
    counted, wrong = units_asked(run, files["test"])
    wrong += [*check(asked, answered), *same_as_written(run, answered)]
    worked_out = scores_of(answered)
    own_scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))["test"]
    evaluated = json.loads((place / "scores.json").read_text(encoding="utf-8"))["scores"]
    for said, where in ((own_scores, "the run"), (evaluated, "evaluate")):
        wrong += [f"{where} says {metric} {said[metric]['value']}, worked out {value}"
                  for metric, value in worked_out.items() if abs(said[metric]["value"] - value) > CLOSE]  # fmt: skip
    told = {"set": name, **counted, "scores": worked_out}
    if name == "cluener2020":
        told |= {"entities": sum(len(e["label"]) for e in answered),
                 "found": sum(len(e["prediction"]) for e in answered),
                 "widened": sum(len(entities_of(r, "entities") - entities_of(e, "label"))
                                for r, e in zip(asked, answered, strict=True))}  # fmt: skip
    return told | {"violations": len(wrong), "first": wrong[:5]}


def same_as_written(run: Path, answered: Rows) -> Iterator[str]:
    """The answers of `predict` beside those of the run's own file of predictions, row by row."""
    written = {row["row"]: row for row in pq.read_table(run / "predictions" / "test.parquet").to_pylist()}
    if len(written) != len(answered):
        yield f"the run wrote {len(written)} answers, predict {len(answered)}"
    for entry in answered:
        if entry["row"] in written and entry["prediction"] != written[entry["row"]]["prediction"]:
            run_says = written[entry["row"]]["prediction"]
            yield f"row {entry['row']}: predict says {entry['prediction']}, the run {run_says}"


def main() -> None:
    """One line a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="key=value")
    asked = parser.parse_args()
    wrong = 0
    for name in asked.sets:
        with tempfile.TemporaryDirectory(prefix="bertune-") as place:
            found = one_set(name, asked.data, Path(place), [f"model.name={asked.model}", *asked.settings])
        print(json.dumps(found, ensure_ascii=False), flush=True)
        wrong += found["violations"]
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
