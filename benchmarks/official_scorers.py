"""Bertune's metrics of entities, answers and relations beside the official scorers, on 1,000 random files each.

    python benchmarks/official_scorers.py --squad1 evaluate-v1.1.py --squad2 evaluate-v2.0.py \
        --cmrc cmrc2018_evaluate.py --semeval semeval2010_task8_scorer-v1.2.pl

Each path is a script as its authors publish it; one that is not given is passed over, and seqeval (strict mode) where
it is not installed. CMRC 2018's is that for Python 3 (version 6); it needs nltk and its data `punkt_tab`. SemEval's
needs perl. The files are those of tests/scores/official_files.py. Prints one JSON line a scorer: how many files, which
figures, and the largest difference between shares (the scripts print percentages) and relative to the figure. The Perl
script prints two decimals: its score is worked out from the counts it prints, and the decimals must be that score's.
Exits with 1 if a difference is beyond 1e-9 relative. `--golden PATH` writes what the scorers said for the tests, which
takes all five.
"""

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "scores"))

from official_files import FILES, METRICS, answer_file, chinese_file, ours, relation_file, tag_file  # noqa: E402

MOST_APART = 1e-9
DIGITS = 12
Scorer = Callable[[int], list[float]]
RELATION = re.compile(r"^ *[A-Z][a-z]+-[A-Z][a-z]+ : +P = +(\d+)/\( *(\d+) \+ *(\d+)\).*R = +\d+/ *(\d+)", re.M)


def load(path: Path) -> ModuleType:
    """A script as a module, whatever its file is called."""
    spec = importlib.util.spec_from_file_location("official", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seqeval() -> Scorer | None:
    """Seqeval's figures of entities; None where it is not installed."""
    try:
        from seqeval import scheme
        from seqeval.metrics import f1_score, precision_score, recall_score
    except ImportError:
        return None

    def figures(seed: int) -> list[float]:
        name, gold, guess = tag_file(seed)
        given = {"mode": "strict", "scheme": getattr(scheme, name)}
        macro = f1_score(gold, guess, average="macro", **given)
        return [float(f(gold, guess, **given)) for f in (precision_score, recall_score, f1_score)] + [float(macro)]

    return figures


def _squad_questions(seed: int, version: int) -> tuple[list[Any], dict[str, str]]:
    rows = answer_file(seed, version)
    asked = [{"id": str(k), "answers": [{"text": text} for text in gold]} for k, (gold, _) in enumerate(rows)]
    return [{"paragraphs": [{"qas": asked}]}], {str(k): guess for k, (_, guess) in enumerate(rows)}


def squad1(path: Path) -> Scorer:
    """SQuAD 1.1's exact match and F1."""
    script = load(path)

    def figures(seed: int) -> list[float]:
        said = script.evaluate(*_squad_questions(seed, 1))
        return [said["exact_match"] / 100, said["f1"] / 100]

    return figures


def squad2(path: Path) -> Scorer:
    """SQuAD 2.0's exact match and F1, without a threshold."""
    script = load(path)

    def figures(seed: int) -> list[float]:
        said = script.make_eval_dict(*script.get_raw_scores(*_squad_questions(seed, 2)))
        return [said["exact"] / 100, said["f1"] / 100]

    return figures


def cmrc(path: Path) -> Scorer:
    """CMRC 2018's exact match and F1."""
    script = load(path)

    def figures(seed: int) -> list[float]:
        rows = chinese_file(seed)
        asked = [{"query_id": str(k), "answers": list(gold)} for k, (gold, _) in enumerate(rows)]
        f1, exact, *_ = script.evaluate([{"qas": asked}], {str(k): guess for k, (_, guess) in enumerate(rows)})
        return [exact / 100, f1 / 100]

    return figures


def semeval(path: Path) -> Scorer:
    """SemEval-2010 Task 8's official macro-F1, from the counts that the script prints."""

    def figures(seed: int) -> list[float]:
        with tempfile.TemporaryDirectory() as scratch:
            files = [Path(scratch) / name for name in ("proposed.txt", "key.txt")]
            for file, labels in zip(files, reversed(relation_file(seed)), strict=True):
                file.write_text("".join(f"{k}\t{label}\n" for k, label in enumerate(labels)), encoding="utf-8")
            done = subprocess.run(["perl", str(path), *map(str, files)], check=True, capture_output=True, text=True)
        printed = float(re.search(r"official score .* F1 = ([\d.]+)%", done.stdout)[1])  # type: ignore[index]
        official = done.stdout.split("TAKING DIRECTIONALITY INTO ACCOUNT")[1]
        counts = [tuple(map(int, found)) for found in RELATION.findall(official)]
        score = sum(2 * right / (said + turned + gold) for right, said, turned, gold in counts) / len(counts)
        assert abs(100 * score - printed) <= 0.005 + 1e-9, (seed, score, printed)
        return [score]

    return figures


def compare(name: str, scorer: Scorer) -> tuple[dict[str, Any], list[list[float]]]:
    """The comparison as a JSON line, and what the scorer said of each file."""
    said, apart, relative = [], 0.0, 0.0
    for seed in range(FILES):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # seqeval warns where nothing is guessed
            official = scorer(seed)
        for one, other in zip(official, ours(name, seed), strict=True):
            apart = max(apart, abs(one - other))
            relative = max(relative, abs(one - other) / max(abs(one), 1e-300) if one != other else 0.0)
        said.append([round(figure, DIGITS) for figure in official])
    line = {"scorer": name, "files": FILES, "figures": METRICS[name], "largest_difference": apart,
            "largest_relative_difference": relative, "equal": relative <= MOST_APART}  # fmt: skip
    return line, said


def main() -> int:
    """Compare all that are at hand."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("squad1", "squad2", "cmrc", "semeval"):
        options.add_argument(f"--{name}", type=Path, help="the official script")
    options.add_argument("--golden", type=Path, help="write what the scorers said to this file")
    asked = options.parse_args()
    makers = {"squad1": squad1, "squad2": squad2, "cmrc": cmrc, "semeval": semeval}
    scorers = {name: make(path) for name, make in makers.items() if (path := getattr(asked, name)) is not None}
    if strict := seqeval():
        scorers = {"seqeval": strict, **scorers}
    golden, equal = {}, True
    for name, scorer in scorers.items():
        line, golden[name] = compare(name, scorer)
        equal = equal and line["equal"]
        print(json.dumps(line), flush=True)
    if asked.golden and set(golden) != set(METRICS):
        options.error(f"--golden takes all scorers; not at hand: {sorted(set(METRICS) - set(golden))}")
    if asked.golden:
        lines = (f'"{name}":{json.dumps(said, separators=(",", ":"))}' for name, said in golden.items())
        asked.golden.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
