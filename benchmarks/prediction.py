"""Speed of prediction beside other tools: one process, in turn, equal threads, medians of the ratios.

    pip install sentence-transformers
    python benchmarks/prediction.py RUN                 a run of sst2_sentences, beside pipeline(batch_size=32)
    python benchmarks/prediction.py RUN --vectors       a bi-encoder's run, beside sentence-transformers' encode

Texts are those of the test file, in its order; nothing is written. Labels, or vectors, are compared row by row.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

import bertune

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def seconds(action):
    """How long an action takes, and what it gives."""
    began = time.perf_counter()
    found = action()
    return time.perf_counter() - began, found


def labels_beside_pipeline(run, texts):
    """Two actions that give the label of each text: bertune's and the pipeline's."""
    from transformers import pipeline

    theirs = pipeline("text-classification", model=str(run.path / "model"), device="cpu")
    return (
        lambda: [answer.label for answer in run.predict(texts)],
        lambda: [answer["label"] for answer in theirs(texts, batch_size=32, truncation=True)],
    )


def vectors_beside_sentence_transformers(run, texts):
    """Two actions that give the vector of each text: bertune's and sentence-transformers'."""
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(run.path / "model"), device="cpu")
    return lambda: [answer.label for answer in run.predict(texts)], lambda: theirs.encode(texts, batch_size=32)


def main() -> None:
    """Time both in turn and compare what they answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--vectors", action="store_true")
    parser.add_argument("--file", type=Path, default=DATA / "sst2_sentences" / "test.parquet")
    parser.add_argument("--column", default="sentence")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    run, texts = bertune.load(asked.run), pq.read_table(asked.file)[asked.column].to_pylist()
    pair = (vectors_beside_sentence_transformers if asked.vectors else labels_beside_pipeline)(run, texts)
    for action in pair:
        action()
    rounds = [[seconds(action) for action in pair] for _ in range(asked.rounds)]
    ratios = [theirs / own for (own, _), (theirs, _) in rounds]
    (_, own), (_, theirs) = rounds[-1]
    if asked.vectors:
        alike = {"largest_difference": float(np.abs(np.asarray(own) - np.asarray(theirs)).max())}
    else:
        alike = {"same_labels": sum(a == b for a, b in zip(own, theirs, strict=True)), "rows": len(texts)}
    times = {"bertune": [round(own, 2) for (own, _), _ in rounds], "other": [round(t, 2) for _, (t, _) in rounds]}
    ratio = {"ratio": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}
    print(json.dumps({**times, **{k: round(v, 2) for k, v in ratio.items()}, **alike, "threads": asked.threads}))


if __name__ == "__main__":
    main()
