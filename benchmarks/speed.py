"""Training speed beside the Hugging Face Trainer: one process, in turn, equal threads and rows, medians.

    pip install accelerate datasets
    python benchmarks/speed.py                             three workloads, the Trainer at its best flags
    python benchmarks/speed.py --workloads short --modes best padded usual --rounds 5
    python benchmarks/speed.py --device cuda               BERT-base and BERT-large shapes on a GPU
    python benchmarks/speed.py --device cpu --workloads tiny --rounds 1      that, small, to see that it runs

Both train one epoch over the same rows; the Trainer is timed from its first step to its last, bertune's updates with
the making of their batches. bertune: its defaults at the same batch size, length and learning rate (averaging
included). Modes of the Trainer: `best` is bf16, rows grouped by length, fused AdamW; `compiled` the same by
torch.compile; `padded` float32 with padding to the longest of a batch; `usual` float32 with padding to the full length.
`peak` is the share of the fastest measured bf16 product of this machine that bertune's updates reach, counting only the
products that it makes of real tokens.

Shapes are models of random weights, their rows made of numbered words, as long as real texts are (mean 126 word
pieces). They are timed after the first updates, which warm up and compile. Weights of attention are dropped by both
sides or by none (--attention-dropout, 0 and 0.1 in turn), as bertune's quickest kernel has no dropout. On a GPU a batch
is not split (training.max_tokens). Asked of a GPU are 1.5 times the Trainer's best and 0.45 of the peak.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
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
# Word pieces of 1,500 reviews of imdb_sample, twentieth by twentieth; times 0.4, at most 512, their mean is 126.
LENGTHS = (27, 83, 124, 148, 159, 168, 180, 192, 206, 219, 236, 260, 283, 312, 345, 386, 428, 510, 610, 814, 2315)
SHRUNK, WORDS = 0.4, 1_000


@dataclass(frozen=True)
class Workload:
    """Rows of a real set, or of none: its file, the columns that are read, tokens kept, rows of an epoch.

    A `shape` is (layers, hidden size, heads) of a model of random weights; without one it is all-MiniLM-L6-v2.
    `unmeasured` is how many updates come before the clock.
    """

    file: str
    texts: tuple[str, ...]
    length: int
    rows: int
    shape: tuple[int, int, int] | None = None
    unmeasured: int = 0
    batch: int = 32
    device: str = "cpu"
    attention_dropout: float = 0.1


WORKLOADS = {
    "short": Workload("sst2_sentences/train.parquet", ("sentence",), 128, 1_280),
    "pairs": Workload("rte/train.parquet", ("premise", "hypothesis"), 128, 640),
    "documents": Workload("imdb_sample/train.parquet", ("text",), 512, 160),
    "tiny": Workload("", ("text",), 512, 64, (2, 32, 2), 1, 16),
    "base": Workload("", ("text",), 512, 6_400, (12, 768, 12), 50),
    "large": Workload("", ("text",), 512, 3_200, (24, 1024, 16), 50),
}
BEST = {"bf16": True, "train_sampling_strategy": "group_by_length", "optim": "adamw_torch_fused"}
MODES: dict[str, dict[str, Any]] = {
    "best": BEST,
    "compiled": {**BEST, "torch_compile": True},
    "padded": {},
    "usual": {},
}


def rows_of(work: Workload, folder: Path) -> Path:
    """The rows of a workload in a file, drawn by a fixed seed."""
    path, random = folder / "rows.parquet", np.random.default_rng(0)
    if work.shape is None:
        table = pq.read_table(DATA / work.file)
        drawn = random.permutation(len(table))[: work.rows]
        pq.write_table(table.select([*work.texts, "label"]).take(pa.array(drawn)), path)
        return path
    places = random.random(work.rows) * (len(LENGTHS) - 1)
    pieces = np.interp(places, np.arange(len(LENGTHS)), LENGTHS) * SHRUNK
    sizes = np.clip(pieces, 4, work.length).astype(int) - 2
    texts = [" ".join(f"w{word}" for word in random.integers(WORDS, size=size)) for size in sizes]
    labels = random.choice(["good", "bad"], work.rows).tolist()
    pq.write_table(pa.table({"text": texts, "label": labels}), path)
    return path


def model_of(work: Workload, folder: Path) -> Path:
    """The folder of the model of a workload."""
    if work.shape is None:
        return choose("minilm", "en", "cpu").folder
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [*special, *(f"w{word}" for word in range(WORDS))]
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=512, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]",
    ).save_pretrained(folder)  # fmt: skip
    layers, hidden, heads = work.shape
    torch.manual_seed(0)
    config = BertConfig(num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=heads,
                        intermediate_size=4 * hidden)  # fmt: skip
    with quietly():
        BertModel(config).save_pretrained(folder)
    return folder


def ours(work: Workload, file: Path, model: Path, scratch: Path) -> tuple[Learner, Feed]:
    """bertune's learner and feed at the same settings as the Trainer's."""
    settings = ["training.epochs=3", f"training.batch_size={work.batch}", "optimizer.learning_rate=5e-5",
                f"model.max_length={work.length}", "data.split.valid_share=0.0", "data.split.test_share=0.0",
                f"data.text={work.texts[0]}", f"training.device={work.device}", "training.precision=bf16",
                f"model.attention_dropout={work.attention_dropout}"]  # fmt: skip
    if len(work.texts) > 1:
        settings.append(f"data.text_pair={work.texts[1]}")
    if work.device != "cpu":
        settings.append(f"training.max_tokens={work.batch * work.length}")
    recipe = ask({"data": str(file), "model": str(model)}, settings)
    prepared = prepare(recipe, Silent())
    stores = build.stores(prepared, scratch)
    network = build.network(recipe, prepared, 0)
    machine = compute(recipe.training)
    network.to(machine.device)
    plan = build.planned(recipe, network, prepared)
    _, (stores,) = build.small_table(recipe, network, [stores])
    feed = build.feed_of(recipe, plan, stores.train, network, 0)
    losses = [build.loss_of(recipe, prepared, feed)]
    learner = build.learner_of(recipe, losses, plan, network, feed, machine)
    network.network.train()
    return learner, feed


def time_ours(work: Workload, learner: Learner, feed: Feed, epoch: int, most: int | None = None) -> tuple[float, float]:
    """Seconds of an epoch, or of its first `most` updates, and the products made in them."""
    batches, counted = feed.begin(epoch)[:most], 0.0
    began = now(work)
    for step, rows in enumerate(batches):
        if step == work.unmeasured:
            began = now(work)
        learner.update(feed.portions(rows), step)
        counted += products(learner, feed.store.lengths[rows]) if step >= work.unmeasured else 0.0
    return now(work) - began, counted


def now(work: Workload) -> float:
    """The clock, once a GPU has computed all that was asked."""
    if work.device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()


def time_trainer(work: Workload, file: Path, folder: Path, mode: str, scratch: Path) -> float:
    """Seconds of an epoch of the Trainer, from the start of its first measured step to the end of its last."""
    import datasets
    import transformers as hf

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
            if state.global_step == work.unmeasured:
                times.append(now(work))

        def on_train_end(self, args, state, control, **kwargs):
            times.append(now(work))

    arguments = hf.TrainingArguments(
        output_dir=str(scratch), per_device_train_batch_size=work.batch, use_cpu=work.device == "cpu",
        num_train_epochs=1, report_to=[], learning_rate=5e-5, save_strategy="no", logging_strategy="no",
        disable_tqdm=True, seed=0, dataloader_pin_memory=work.device != "cpu", **MODES[mode],
    )  # fmt: skip
    with quietly():
        model = hf.AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=len(names), attn_implementation="sdpa",
            attention_probs_dropout_prob=work.attention_dropout,
        )  # fmt: skip
    trainer = hf.Trainer(model=model, args=arguments, train_dataset=data, callbacks=[Clock()],
                         data_collator=hf.DataCollatorWithPadding(tokenizer), processing_class=tokenizer)  # fmt: skip
    trainer.remove_callback(hf.PrinterCallback)
    trainer.train()
    torch.compiler.reset()
    return times[-1] - times[0]


def products(learner: Learner, lengths: Any) -> float:
    """Floating-point operations of the matrix products for texts of these lengths, as far as bertune makes them."""
    config = learner.model.network.config
    wide, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    lengths = lengths.astype(float)
    tokens, squares, texts = lengths.sum(), (lengths**2).sum(), len(lengths)
    whole = 6 * tokens * (4 * wide**2 + 2 * wide * inner) + 12 * squares * wide
    last = 6 * tokens * 2 * wide**2 + 6 * texts * (2 * wide**2 + 2 * wide * inner) + 12 * tokens * wide
    return float((layers - 1) * whole + last)


def peak(work: Workload) -> float:
    """Operations a second of the fastest bf16 product found."""
    best = 0.0
    for size in (1024, 2048, 4096) if work.device == "cpu" else (4096, 8192, 16384):
        one = torch.randn(size, size, device=work.device).bfloat16()
        one @ one
        for _ in range(5):
            began = now(work)
            one @ one
            best = max(best, 2 * size**3 / (now(work) - began))
    return best


def measure(name: str, work: Workload, asked: argparse.Namespace) -> None:
    """Time bertune and the Trainer in turn on one workload; prints a line a round, and the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        file, model = rows_of(work, Path(scratch)), model_of(work, Path(scratch) / "model")
        learner, feed = ours(work, file, model, Path(scratch) / "store")
        torch.set_num_threads(asked.threads)
        time_ours(replace(work, unmeasured=0), learner, feed, 0, 4)
        found: dict[str, list[float]] = {}
        for number in range(asked.rounds):
            seconds, counted = time_ours(work, learner, feed, number)
            round_of = {"bertune": seconds}
            for mode in asked.modes:
                round_of[mode] = time_trainer(work, file, model, mode, Path(scratch) / "trainer")
            round_of["peak"] = counted / seconds / peak(work)
            for key, value in round_of.items():
                found.setdefault(key, []).append(value)
            print(json.dumps({"workload": name, "round": number, **{k: round(v, 3) for k, v in round_of.items()}}),
                  flush=True)  # fmt: skip
    rows = work.rows - work.unmeasured * work.batch
    line = {"workload": name, "rows": rows, "tokens": round(float(feed.store.lengths.mean()), 1)}
    line |= {"attention_dropout": work.attention_dropout, "attention": attention_of(learner)}
    line |= {"texts_per_second": round(rows / statistics.median(found["bertune"]), 1)}
    for mode in asked.modes:
        ratios = [theirs / own for theirs, own in zip(found[mode], found["bertune"], strict=True)]
        line[f"times_{mode}"] = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    print(json.dumps(line | {"peak_share": round(statistics.median(found["peak"]), 2)}), flush=True)


def attention_of(learner: Learner) -> str:
    """How the texts of the last updates attended: the way on real tokens, or `padded`."""
    device, encoder = next(learner.model.network.parameters()).device, learner.model.base
    with torch.autocast(device.type, torch.bfloat16):
        way = encoder.forward.way(device)
    return "padded" if way is None else way.__name__


def main() -> None:
    """Time the workloads that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS)
    parser.add_argument("--modes", nargs="+", choices=MODES)
    parser.add_argument("--attention-dropout", nargs="+", type=float, default=[0.0, 0.1], help="of shapes")
    parser.add_argument("--batch", type=int, help="rows of an update; 32 where nothing is said (16 of tiny)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    gpu = asked.device != "cpu"
    asked.modes = asked.modes or (["best", "compiled"] if gpu else ["best"])
    torch.set_num_threads(asked.threads)
    print(json.dumps({**describe_machine(), "torch": torch.__version__, "python": platform.python_version()}))
    for name in asked.workloads or (["base", "large"] if gpu else ["short", "pairs", "documents"]):
        work = replace(WORKLOADS[name], device=asked.device)
        work = replace(work, batch=asked.batch or work.batch)
        for dropout in asked.attention_dropout if work.shape else [work.attention_dropout]:
            measure(name, replace(work, attention_dropout=dropout), asked)


if __name__ == "__main__":
    main()
