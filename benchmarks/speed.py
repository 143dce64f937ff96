"""Training speed beside the Hugging Face Trainer: one process, in turn, equal threads and rows, medians.

    pip install accelerate datasets
    python benchmarks/speed.py                             three workloads, the Trainer at its best flags
    python benchmarks/speed.py --workloads short --modes best padded usual --rounds 5

Both train one epoch over the same rows; the Trainer is timed from its first step to its last, bertune's updates with
the making of their batches. bertune: its defaults at the same batch size, length and learning rate (averaging
included). Modes of the Trainer: `best` is bf16, rows grouped by length, fused AdamW; `padded` float32 with padding to
the longest of a batch; `usual` float32 with padding to the full length. `peak` is the share of the fastest measured
bf16 product of this machine that bertune's updates reach, counting only the products that it makes of real tokens.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from bertune.engine.devices import compute, describe_machine
from bertune.engine.feed import Feed
from bertune.engine.learner import Learner
from bertune.model.choice import choose
from bertune.model.encoder import quietly
from bertune.runs import build
from bertune.runs.ask import ask
from bertune.runs.prepare import prepare
from bertune.runs.telling import Silent

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
BATCH = 32


@dataclass(frozen=True)
class Workload:
    """Rows of a real set: its file, the columns that are read, tokens kept, rows of an epoch."""

    file: str
    texts: tuple[str, ...]
    length: int
    rows: int


WORKLOADS = {
    "short": Workload("sst2_sentences/train.parquet", ("sentence",), 128, 1_280),
    "pairs": Workload("rte/train.parquet", ("premise", "hypothesis"), 128, 640),
    "documents": Workload("imdb_sample/train.parquet", ("text",), 512, 160),
}
MODES: dict[str, dict[str, Any]] = {
    "best": {"bf16": True, "train_sampling_strategy": "group_by_length", "optim": "adamw_torch_fused"},
    "padded": {},
    "usual": {},
}


def rows_of(work: Workload, folder: Path) -> Path:
    """The rows of a workload in a file, drawn by a fixed seed."""
    table = pq.read_table(DATA / work.file)
    drawn = np.random.default_rng(0).permutation(len(table))[: work.rows]
    path = folder / "rows.parquet"
    pq.write_table(table.select([*work.texts, "label"]).take(pa.array(drawn)), path)
    return path


def ours(work: Workload, file: Path, scratch: Path) -> tuple[Learner, Feed]:
    """bertune's learner and feed at the same settings as the Trainer's."""
    settings = ["training.epochs=3", f"training.batch_size={BATCH}", "optimizer.learning_rate=5e-5",
                f"model.max_length={work.length}", "data.split.valid_share=0.0", "data.split.test_share=0.0",
                f"data.text={work.texts[0]}"]  # fmt: skip
    if len(work.texts) > 1:
        settings.append(f"data.text_pair={work.texts[1]}")
    recipe = ask({"data": str(file)}, settings)
    prepared = prepare(recipe, Silent())
    stores = build.stores(prepared, scratch)
    model = build.network(recipe, prepared, 0)
    plan = build.planned(recipe, model, prepared)
    _, (stores,) = build.small_table(recipe, model, [stores])
    feed = build.feed_of(recipe, plan, stores.train, model, 0)
    losses = [build.loss_of(recipe, prepared, feed)]
    learner = build.learner_of(recipe, losses, plan, model, feed, compute(recipe.training))
    model.network.train()
    return learner, feed


def time_ours(learner: Learner, feed: Feed, epoch: int, most: int | None = None) -> float:
    """Seconds of an epoch, or of its first `most` updates."""
    batches = feed.begin(epoch)
    began = time.perf_counter()
    for step, rows in enumerate(batches[:most]):
        learner.update(feed.portions(rows), step)
    return time.perf_counter() - began


def time_trainer(work: Workload, file: Path, mode: str, scratch: Path) -> float:
    """Seconds of an epoch of the Trainer, from the start of its first step to the end of its last."""
    import datasets
    import transformers as hf

    folder = choose("minilm", "en", "cpu").folder
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    table = pq.read_table(file)
    names = sorted(set(table["label"].to_pylist()))
    texts = [table[column].to_pylist() for column in work.texts]
    full = {"padding": "max_length"} if mode == "usual" else {}
    encoded = tokenizer(*texts, truncation=True, max_length=work.length, **full)
    labels = [names.index(x) for x in table["label"].to_pylist()]
    data = datasets.Dataset.from_dict({**encoded, "labels": labels})
    times: list[float] = []

    class Clock(hf.TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            times.append(time.perf_counter())

        def on_step_end(self, args, state, control, **kwargs):
            times.append(time.perf_counter())

    arguments = hf.TrainingArguments(
        output_dir=str(scratch), per_device_train_batch_size=BATCH, use_cpu=True, num_train_epochs=1, report_to=[],
        learning_rate=5e-5, save_strategy="no", logging_strategy="no", disable_tqdm=True, seed=0, **MODES[mode],
    )  # fmt: skip
    with quietly():
        model = hf.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(names))
    trainer = hf.Trainer(model=model, args=arguments, train_dataset=data, callbacks=[Clock()],
                         data_collator=hf.DataCollatorWithPadding(tokenizer), processing_class=tokenizer)  # fmt: skip
    trainer.remove_callback(hf.PrinterCallback)
    trainer.train()
    return times[-1] - times[0]


def products(learner: Learner, feed: Feed) -> float:
    """Floating-point operations of the matrix products of an epoch, as far as bertune makes them."""
    config = learner.model.network.config
    wide, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    lengths = feed.store.lengths.astype(float)
    tokens, squares, texts = lengths.sum(), (lengths**2).sum(), len(lengths)
    whole = 6 * tokens * (4 * wide**2 + 2 * wide * inner) + 12 * squares * wide
    last = 6 * tokens * 2 * wide**2 + 6 * texts * (2 * wide**2 + 2 * wide * inner) + 12 * tokens * wide
    return float((layers - 1) * whole + last)


def peak() -> float:
    """Operations a second of the fastest bf16 product found."""
    best = 0.0
    for size in (1024, 2048, 4096):
        one = torch.randn(size, size).bfloat16()
        one @ one
        for _ in range(5):
            began = time.perf_counter()
            one @ one
            best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def measure(name: str, asked: argparse.Namespace) -> None:
    """Time bertune and the Trainer in turn on one workload; prints a line a round, and the medians."""
    work = WORKLOADS[name]
    with tempfile.TemporaryDirectory() as scratch:
        file = rows_of(work, Path(scratch))
        learner, feed = ours(work, file, Path(scratch) / "store")
        torch.set_num_threads(asked.threads)
        time_ours(learner, feed, 0, 4)
        found: dict[str, list[float]] = {}
        for number in range(asked.rounds):
            round_of = {"bertune": time_ours(learner, feed, number)}
            for mode in asked.modes:
                round_of[mode] = time_trainer(work, file, mode, Path(scratch) / "trainer")
            round_of["peak"] = products(learner, feed) / round_of["bertune"] / peak()
            for key, value in round_of.items():
                found.setdefault(key, []).append(value)
            print(json.dumps({"workload": name, "round": number, **{k: round(v, 3) for k, v in round_of.items()}}),
                  flush=True)  # fmt: skip
    line = {"workload": name, "rows": work.rows, "tokens": round(float(feed.store.lengths.mean()), 1)}
    line |= {"texts_per_second": round(work.rows / statistics.median(found["bertune"]), 1)}
    for mode in asked.modes:
        ratios = [theirs / own for theirs, own in zip(found[mode], found["bertune"], strict=True)]
        line[f"times_{mode}"] = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    print(json.dumps(line | {"peak_share": round(statistics.median(found["peak"]), 2)}), flush=True)


def main() -> None:
    """Time the workloads that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=["best"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    print(json.dumps({**describe_machine(), "torch": torch.__version__, "python": platform.python_version()}))
    for name in asked.workloads:
        measure(name, asked)


if __name__ == "__main__":
    main()
