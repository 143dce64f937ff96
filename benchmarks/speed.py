"""Training speed beside the Hugging Face Trainer at its best flags: one process, A B A B, equal threads, medians.

    pip install accelerate datasets
    python benchmarks/speed.py --rounds 3

Trainer: bf16, train_sampling_strategy="group_by_length", fused AdamW, batch 32, length 128. bertune: its defaults at
the same batch, length, learning rate and epochs (averaging included). Both train the same rows of sst2_sentences for
`--steps` updates; time is that of the updates alone, after a warm-up of each.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from bertune.engine.devices import compute
from bertune.engine.feed import Feed
from bertune.engine.learner import Learner
from bertune.model.choice import choose
from bertune.runs import build
from bertune.runs.ask import ask
from bertune.runs.prepare import prepare
from bertune.runs.telling import Silent

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "sst2_sentences" / "train.parquet"
BATCH = 32


def ours(scratch: Path, steps: int) -> tuple[Learner, Feed]:
    """bertune's learner and feed at the same settings as the Trainer's."""
    settings = ["training.epochs=3", f"training.batch_size={BATCH}", "optimizer.learning_rate=5e-5",
                "model.max_length=128", "data.split.valid_share=0.0", "data.split.test_share=0.0"]  # fmt: skip
    recipe = ask({"data": str(DATA)}, settings)
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


def time_ours(learner: Learner, feed: Feed, first: int, steps: int) -> float:
    """Texts a second over `steps` updates."""
    batches = feed.begin(0)
    texts, began = 0, time.perf_counter()
    for step in range(first, first + steps):
        rows = batches[step % len(batches)]
        learner.update(feed.portions(rows), step)
        texts += len(rows)
    return texts / (time.perf_counter() - began)


def time_trainer(steps: int, scratch: Path) -> float:
    """Texts a second of the Trainer over `steps` updates, timed between its step callbacks."""
    import datasets
    import pyarrow.parquet as pq
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    folder = choose("minilm", "en", "cpu").folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    table = pq.read_table(DATA)
    names = sorted(set(table["label"].to_pylist()))
    encoded = tokenizer(table["sentence"].to_pylist(), truncation=True, max_length=128)
    labels = [names.index(x) for x in table["label"].to_pylist()]
    data = datasets.Dataset.from_dict({**encoded, "labels": labels})
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            times.append(time.perf_counter())

    arguments = TrainingArguments(
        output_dir=str(scratch), per_device_train_batch_size=BATCH, bf16=True, use_cpu=True, max_steps=steps + 5,
        train_sampling_strategy="group_by_length", learning_rate=5e-5, save_strategy="no", report_to=[],
        logging_strategy="no", disable_tqdm=True, seed=0,
    )  # fmt: skip
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(names))
    trainer = Trainer(model=model, args=arguments, train_dataset=data, callbacks=[Clock()],
                      data_collator=DataCollatorWithPadding(tokenizer), processing_class=tokenizer)  # fmt: skip
    trainer.train()
    return BATCH * steps / (times[-1] - times[4])


def main() -> None:
    """Time both in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        learner, feed = ours(Path(scratch) / "store", asked.steps)
        torch.set_num_threads(asked.threads)
        time_ours(learner, feed, 0, 5)
        pairs = []
        for number in range(asked.rounds):
            a = time_ours(learner, feed, 5 + number * asked.steps, asked.steps)
            b = time_trainer(asked.steps, Path(scratch) / "trainer")
            pairs.append((a, b))
            print(
                json.dumps({"round": number, "bertune": round(a, 1), "trainer": round(b, 1), "ratio": a / b}),
                flush=True,
            )
    ratios = [a / b for a, b in pairs]
    medians = np.median(np.array(pairs), axis=0)
    print(f"bertune {medians[0]:.1f} texts/s, Trainer {medians[1]:.1f}, ratio {statistics.median(ratios):.2f} "
          f"({min(ratios):.2f}-{max(ratios):.2f}), {asked.threads} threads")  # fmt: skip


if __name__ == "__main__":
    main()
