"""Run folders made on the spot: what a run leaves behind, at any size, in any script, with hostile contents."""

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TOPICS = ("billing", "delivery", "returns", "account", "product_question", "complaint")
CHINESE = ("账单", "配送", "退货", "账户", "商品咨询")
HOSTILE = (
    "<script>alert('hostile')</script>",
    '"><img src=x onerror="alert(1)">',
    "\u202egpj.exe \u2066isolate",
    "nul \x00 bell \x07 \x1b[31m \x85 lone \ud800",
    "$x_{1}$ {0} {run.path} %s @0@ @999@ `code` **b** [a](http://evil.example) | --- |",
    "</style></title><style>*{display:none}</style><a href='http://evil.example'>x</a>",
)
TEXTS = (
    "The parcel was left at the neighbour's again, and she's on holiday until the 20th.",
    "You charged me twice for the kettle, please return one of the two payments.",
    "How do I change the e-mail address of my account? The link in the mail is dead.",
    "Is the garden hose safe for drinking water?",
    "Third complaint about the same drill. It still smells burnt and nobody answers.",
    "I'd like to send the boots back, they pinch. Who pays the postage?",
)
CHINESE_TEXTS = (
    "快递显示已签收,可是家里没有人收到,请帮我查一下放在哪里了。",
    "这个月的账单多扣了三十元,客服说会退,到现在也没有退。",
    "鞋子小了一码,想换大一号的,运费由谁出?",
    "登录时一直提示验证码错误,换了手机号以后就这样。",
    "儿童平衡车适合几岁的孩子?她两岁,个子高。",
)


def value(at: float, half: float, n: int) -> dict[str, Any]:
    """A score as it stands in scores.json."""
    return {"value": at, "low": max(at - half, 0), "high": min(at + half, 1), "n": n}


def write_json(path: Path, content: Any) -> None:
    """A JSON file; lone surrogates are kept as escapes."""
    path.write_text(json.dumps(content), encoding="utf-8")


def minimal(path: Path) -> Path:
    """A run folder that holds nothing but the barest record."""
    path.mkdir(parents=True)
    write_json(path / "run.json", {"status": "done", "bertune": "0.1.0"})
    return path


def full(
    path: Path,
    *,
    classes: Sequence[str] = TOPICS,
    texts: Sequence[str] = TEXTS,
    n: int = 112,
    right: float = 0.86,
    verdict: str = "yes",
    errors: bool = False,
    pair: bool = False,
) -> Path:
    """A run folder with every file; `n` test rows, of which a share of about `right` is answered rightly."""
    rng = random.Random(7)
    (path / "predictions").mkdir(parents=True)
    gold = [min(int(rng.expovariate(3.0 / len(classes))), len(classes) - 1) for _ in range(n)]
    gold[: min(len(classes), n)] = list(range(min(len(classes), n)))
    guess = [g if rng.random() < right else rng.randrange(len(classes)) for g in gold]
    write_json(path / "run.json", record(path, classes, n, pair))
    (path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    write_json(path / "findings.json", findings(errors))
    (path / "history.jsonl").write_text("\n".join(json.dumps(e) for e in history()) + "\n", encoding="utf-8")
    write_json(path / "scores.json", scores(classes, gold, guess, verdict))
    write_json(path / "suspects.json", suspects(classes, texts))
    predictions(path / "predictions" / "test.parquet", classes, texts, gold=gold, guess=guess, pair=pair)
    return path


RECIPE = """seed = 0
[data]
train = "messages.csv"
test = "messages_test.csv"
missing = "drop"
cleaning = ["nfc"]
[data.split]
name = "stratified"
valid_share = 0.1
[model]
name = "minilm"
max_length = 96
[training]
epochs = 6.0
batch_size = 32
[loss]
name = "focal"
gamma = 1.5
[optimizer]
name = "adamw"
learning_rate = 0.0003
[report]
language = "en"
examples = 12
"""


def record(path: Path, classes: Sequence[str], n: int, pair: bool) -> dict[str, Any]:
    """What run.json holds."""
    counts = {c: max(4, round(180 * 0.62**k)) for k, c in enumerate(classes)}
    ledger = {"rows": 480, "rows_cut": 6, "share_rows_cut": 0.0125, "tokens": 10121, "tokens_cut": 78}
    ledger |= {"share_tokens_cut": 0.0077, "length_that_cuts_none": 128}
    columns = {"text": "message", "label": "topic"} | ({"text_pair": "reply"} if pair else {})
    return {
        "status": "done",
        "bertune": "0.1.0",
        "versions": {"python": "3.11.9", "torch": "2.13.0", "transformers": "5.3.0"},
        "machine": {"processor": "x86_64", "cores": 2, "memory_gb": 7.8, "device": "cpu"},
        "command": ["bertune", "train", "messages.csv", "--test", "messages_test.csv"],
        "started": "2026-03-02T09:41:07+00:00",
        "seconds": 74.3,
        "seed": 0,
        "task": "text_classification",
        "labels": list(classes),
        "columns": columns,
        "data": {"files": ["messages.csv"], "digest": "3f1a9c" * 6, "rows": 645, "facts": {"encoding": "UTF-8"}},
        "split": {"train": 480, "valid": 53, "test": n, "how": "stratified, seed 0, no duplicate straddles"},
        "class_counts": {"train": counts, "valid": counts, "test": counts},
        "lengths": {
            "max_length": 96,
            "histogram": {
                "edges": [8 * k for k in range(17)],
                "counts": [2, 41, 96, 118, 89, 54, 33, 17, 11, 6, 4, 3, 2, 2, 1, 1],
            },
            "ledger": {"train": ledger, "valid": ledger | {"rows": 53, "rows_cut": 0, "share_rows_cut": 0.0}},
        },
        "model": {
            "name": "minilm",
            "parameters": 22_713_600,
            "layers": 6,
            "languages": ["en"],
            "reason": "English on a processor: 22.7 M parameters, 6 layers, trains in minutes",
            "digest": "53aa51172d142c89",
            "megabytes": 90.9,
        },
        "plan": {"epochs": 6, "steps": 90, "batch_size": 32, "learning_rate": 3e-4, "why": "480 rows, 6 classes"},
        "best": {"step": 60, "epoch": 4.0, "metric": "macro_f1", "value": 0.871},
        "stopped": "macro_f1 has not risen by 0.0005 for 4 checks; kept epoch 4.0",
        "metric": "macro_f1",
        "temperature": 1.31,
        "warnings": ["3 rows without text were dropped (rows 91, 205, 310)."],
        "restarts": [],
        "speed": {
            "train_texts_per_second": 211.4,
            "train_tokens_per_second": 4870.0,
            "predict_texts_per_second": 742.0,
            "peak_memory_gb": 1.34,
        },
        "changed": {
            "data.test": {"value": "messages_test.csv", "default": None},
            "loss.name": {"value": "focal", "default": "auto"},
            "loss.gamma": {"value": 1.5, "default": 2.0},
            "report.examples": {"value": 12, "default": 50},
        },
        "test_openings": [{"when": "2026-03-02T09:42:21+00:00", "why": "train"}],
    }


def findings(errors: bool) -> list[dict[str, Any]]:
    """What findings.json holds."""
    found = [
        {
            "code": "exact_duplicates",
            "severity": "warning",
            "message": "14 rows repeat the text of another row",
            "fix": "They are kept together when splitting; remove them if they are copies by mistake.",
            "rows": [{"file": "messages.csv", "row": r} for r in (17, 88, 131, 240, 241, 377, 402, 410)],
            "count": 14,
        },
        {
            "code": "truncation",
            "severity": "note",
            "message": "6 training texts (1.2 %) are longer than 96 tokens.",
            "fix": "--set model.max_length=128 cuts none.",
            "rows": [],
            "count": 6,
        },
        {
            "code": "label_typos",
            "severity": "warning",
            "message": "The label 'biling' (1 row) looks like 'billing' (143 rows).",
            "fix": "Correct it in the file, or --set data.label_spelling=merge where only case and spaces differ.",
            "rows": [{"file": "messages.csv", "row": 333, "line": 341}],
            "count": 1,
        },
    ]
    leak = {
        "code": "near_duplicate_across_splits",
        "severity": "error",
        "message": "4 rows of test nearly repeat the text of a row in an earlier split: the score is too good by these",
        "fix": "delete the listed rows from one of the files; the score is also given without them",
        "rows": [{"file": "messages_test.csv", "row": r} for r in (3, 40, 41, 77)],
        "count": 4,
    }
    return [*found, leak] if errors else found


def history() -> list[dict[str, Any]]:
    """The events of a run of 90 steps."""
    rng = random.Random(3)
    events: list[dict[str, Any]] = [{"event": "started", "step": 0, "epoch": 0.0, "steps": 90}]
    for step in range(1, 91):
        rate = 3e-4 * min(step / 6, (90 - step) / 84)
        loss = 0.12 + 1.65 * math.exp(-step / 20) + rng.uniform(-0.08, 0.08)
        events.append({"event": "stepped", "step": step, "epoch": step / 15, "loss": loss, "learning_rate": rate})
        if step % 10 == 0:
            f1 = 0.88 - 0.7 * math.exp(-step / 14) - max(0, step - 60) * 0.0006
            loss = 0.42 + 1.2 * math.exp(-step / 16) + max(0, step - 50) * 0.003
            event = {"event": "evaluated", "step": step, "epoch": step / 15, "split": "valid", "loss": loss}
            events.append(event | {"scores": {"macro_f1": f1, "accuracy": f1 + 0.03}})
    return [*events, {"event": "stopped", "step": 90, "epoch": 6.0, "reason": "planned end"}]


WELL = {"few_rows": False, "below_rest": False, "chance": 1.0}
WEAK = {"few_rows": True, "below_rest": True, "chance": 0.004}


def scores(classes: Sequence[str], gold: list[int], guess: list[int], verdict: str) -> dict[str, Any]:
    """What scores.json holds."""
    n, k = len(gold), len(classes)
    table = [[0] * k for _ in classes]
    for g, a in zip(gold, guess, strict=True):
        table[g][a] += 1
    columns = [sum(row[c] for row in table) for c in range(k)]
    entries = []
    for c, label in enumerate(classes):
        rows, hit = sum(table[c]), table[c][c]
        recall, precision = hit / rows if rows else 0, hit / columns[c] if columns[c] else 0
        entries.append(
            {
                "class": label,
                "precision": precision,
                "recall": recall,
                "f1": 2 * hit / max(rows + columns[c], 1),
                "n": rows,
                "low": max(0.0, 2 * hit / max(rows + columns[c], 1) - 0.1),
                "high": min(1.0, 2 * hit / max(rows + columns[c], 1) + 0.1),
            }
        )
    accuracy = sum(table[c][c] for c in range(k)) / n
    macro = sum(e["f1"] for e in entries) / k
    half = 1.4 * math.sqrt(macro * (1 - macro) / n + 1e-9)
    return {
        "test": {"macro_f1": value(macro, half, n), "accuracy": value(accuracy, half * 0.8, n),
                 "log_loss": {"value": 0.43, "low": 0.31, "high": 0.57, "n": n}},
        "valid": {"macro_f1": value(0.871, 0.07, 53), "accuracy": value(0.901, 0.06, 53)},
        "baselines": {
            "majority": {"macro_f1": value(0.087, 0.01, n), "accuracy": value(0.354, 0.07, n)},
            "tfidf": {"macro_f1": value(0.741, 0.06, n), "accuracy": value(0.785, 0.06, n)},
        },
        "better_than_baseline": {
            "baseline": "tfidf", "metric": "macro_f1", "verdict": verdict,
            "difference": {"value": macro - 0.741, "low": macro - 0.8, "high": macro - 0.69, "n": n},
        },
        "per_class": entries,
        "confusion": table,
        "classes": list(classes),
        "calibration": {
            "temperature": 1.31,
            "before": {"ece": 0.071, "bins": bins(n, 0.9)},
            "after": {"ece": 0.029, "bins": bins(n, 0.97)},
        },
        "slices": {
            "length": {"up to 12 tokens": value(0.84, 0.08, 70) | WELL, "over 12 tokens": value(0.79, 0.1, 42) | WELL},
            "channel": {"mail": value(0.9, 0.05, 90) | WELL, "fax": value(0.41, 0.2, 22) | WEAK},
        },
        "without_leaked": {"macro_f1": value(macro - 0.01, half, n - 4)},
        "seeds": [{"seed": s, "macro_f1": {"value": macro + d}} for s, d in ((0, 0.0), (1, -0.011), (2, 0.007))],
    }  # fmt: skip


def bins(n: int, tilt: float) -> list[dict[str, Any]]:
    """The bins of a reliability diagram, the lower ones empty."""
    shares = (0, 0, 0, 0.03, 0.05, 0.06, 0.08, 0.1, 0.18, 0.5)
    return [
        {"low": k / 10, "high": (k + 1) / 10, "confidence": (k + 0.55) / 10, "n": round(s * n),
         "accuracy": min(1.0, (k + 0.55) / 10 * tilt + (0.03 if k % 2 else -0.02))}
        for k, s in enumerate(shares)
    ]  # fmt: skip


def suspects(classes: Sequence[str], texts: Sequence[str]) -> list[dict[str, Any]]:
    """What suspects.json holds."""
    return [
        {"file": "messages.csv", "row": 31 * (k + 1), "text": texts[k % len(texts)], "given": classes[k % len(classes)],
         "suggested": classes[(k + 1) % len(classes)], "score": 0.03 + 0.06 * k}
        for k in range(5)
    ]  # fmt: skip


def predictions(
    path: Path, classes: Sequence[str], texts: Sequence[str], *, gold: list[int], guess: list[int], pair: bool
) -> None:
    """A predictions file; texts that UTF-8 cannot hold lose those characters."""
    rng = random.Random(5)
    clean = [t.encode("utf-8", "replace").decode() for t in texts]
    labels = [c.encode("utf-8", "replace").decode() for c in classes]
    sure = [round(rng.uniform(0.5, 0.99), 4) for _ in gold]
    columns: dict[str, list[Any]] = {
        "row": list(range(1, len(gold) + 1)),
        "file": ["messages_test.csv"] * len(gold),
        "label": [labels[g] for g in gold],
        "prediction": [labels[a] for a in guess],
        "probability": sure,
        "probabilities": [[s, 1 - s] for s in sure],
        "text": [clean[k % len(clean)] for k in range(len(gold))],
    }
    if pair:
        columns["text_pair"] = [clean[(k + 1) % len(clean)] for k in range(len(gold))]
    pq.write_table(pa.table(columns), path)


def hostile(path: Path) -> Path:
    """A full run whose every text, label, name and message is an attack or as long as a book."""
    nasty = [*HOSTILE, "long " * 2000]
    full(path, classes=nasty, texts=nasty, right=0.4, errors=True, pair=True)
    facts = json.loads((path / "run.json").read_text(encoding="utf-8"))
    facts["columns"] = {"text": HOSTILE[0], "label": HOSTILE[1], "text_pair": HOSTILE[5]}
    facts["data"] |= {"files": [f"{HOSTILE[1]}.csv", HOSTILE[3]], "digest": HOSTILE[1]}
    facts |= {"stopped": HOSTILE[0], "warnings": nasty, "restarts": [{"reason": HOSTILE[1]}], "command": nasty}
    facts |= {"machine": {HOSTILE[0]: HOSTILE[1]}, "versions": {HOSTILE[5]: HOSTILE[0]}, "started": HOSTILE[0]}
    facts["model"] |= {"name": HOSTILE[1], "reason": HOSTILE[0], "digest": HOSTILE[5], "languages": [HOSTILE[0]]}
    facts["split"]["how"] = facts["plan"]["why"] = HOSTILE[5]
    facts["changed"] = {HOSTILE[0]: {"value": HOSTILE[1], "default": HOSTILE[5]}}
    facts |= {"metric": "macro_f1", "bertune": HOSTILE[0], "seed": HOSTILE[1]}
    write_json(path / "run.json", facts)
    found = json.loads((path / "findings.json").read_text(encoding="utf-8"))
    for entry, text in zip(found, nasty, strict=False):
        entry |= {"message": text, "fix": text, "code": text, "rows": [{"file": text, "row": 3}]}
    write_json(path / "findings.json", found)
    (path / "recipe.toml").write_text(f"[data]\ntext = {json.dumps(HOSTILE[1])}\n", encoding="utf-8")
    return path
