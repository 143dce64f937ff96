"""What bertune's engine does with its default recipe, in one plain PyTorch loop, for readers.

    python examples/plain_train.py TRAIN.csv MODEL_FOLDER OUT_FOLDER

TRAIN.csv has the columns text and label. The pieces, in the order in which they come:

1. tokenize once, without padding;
2. each epoch, shuffle the rows, sort pools of them by length so that little is padding, and shuffle the batches;
3. forward, mean cross-entropy, backward, clip the gradient;
4. AdamW with a rate that rises at first (warm-up), then falls in a line, lower for layers further down;
5. keep a running average of the weights, which is usually a better model than the last weights.

Only three things come from bertune: the seeds (`derive`), the shuffle (`EveryRow`) and the sorting by length
(`epoch_batches`), so that a test can show, without dropout (its masks bertune draws another way), the same weights.
"""

import csv
import math
import re
import sys
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from bertune.base.seeds import derive
from bertune.data.batches import epoch_batches
from bertune.data.samplers.every_row import EveryRow


def learning_rate(step, steps, warmup, peak):
    """The rate of update number `step` (from 0): up to the peak in `warmup` updates, then down to 0."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 - (step - warmup) / (steps - warmup))


def groups(model, weight_decay, layer_decay):
    """Each parameter with its share of the learning rate: 1 in the head, less in each layer further down.

    Weight decay is for matrices only: biases and the factors of layer norms are left alone.
    """
    made = []
    for name, parameter in model.named_parameters():
        layer = re.search(r"layers?\.(\d+)\.", name)
        bottom = model.config.num_hidden_layers + 1 if "embeddings" in name else 0
        depth = model.config.num_hidden_layers - int(layer[1]) if layer else bottom
        decay = weight_decay if parameter.ndim > 1 else 0.0
        made.append({"params": [parameter], "weight_decay": decay, "share": layer_decay**depth})
    return made


def collate(rows, ids, targets, pad_id):
    """The rows of one batch, longest first, padded to the longest; the mask tells tokens from padding."""
    rows = sorted(rows, key=lambda row: -len(ids[row]))
    longest = len(ids[rows[0]])
    padded = torch.full((len(rows), longest), pad_id)
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    for place, row in enumerate(rows):
        padded[place, : len(ids[row])] = torch.tensor(ids[row])
        mask[place, : len(ids[row])] = 1
    inputs = {"input_ids": padded, "attention_mask": mask}
    if mask.all():
        del inputs["attention_mask"]  # nothing is padded: attention is faster without a mask
    return inputs, torch.tensor([targets[row] for row in rows])


class Average:
    """A running average of the weights; `span` is how many updates it looks back over, roughly."""

    def __init__(self, model, span):
        self.parameters = list(model.parameters())
        self.mean = [p.detach().clone() for p in self.parameters]
        self.decay = 1 - 1 / max(span, 1.0)

    def update(self, number):
        """Move towards the weights after update `number` (from 1): the first eight times, then every fourth."""
        if number > 8 and number % 4:
            return
        decay = min(self.decay, number / (number + 10)) ** (4 if number > 8 else 1)
        for mean, parameter in zip(self.mean, self.parameters, strict=True):
            mean.lerp_(parameter.detach(), 1 - decay)

    def into_model(self):
        """Give the model the averaged weights."""
        with torch.no_grad():
            for mean, parameter in zip(self.mean, self.parameters, strict=True):
                parameter.copy_(mean)


def train(texts, targets, classes, folder, *, peak, epochs, batch_size, max_length, seed=0, order_key="",
          attention="sdpa", warmup_share=0.06, average_share=0.05, weight_decay=0.01, layer_decay=0.85,
          clip_norm=1.0):  # fmt: skip
    """A model trained on texts and their class numbers; `order_key` names the data in the seed of the shuffle."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
    lengths = torch.tensor([len(row) for row in ids]).numpy()

    torch.manual_seed(derive(seed, "new weights"))  # the head is drawn here
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=classes, attn_implementation=attention, dtype=torch.float32
    )
    model.train()

    per_epoch = math.ceil(len(texts) / batch_size)
    steps = max(1, round(epochs * per_epoch))
    warmup = round(warmup_share * steps)
    optimizer = torch.optim.AdamW(groups(model, weight_decay, layer_decay), lr=peak)
    average = Average(model, max(2.0, average_share * steps))
    order = derive(seed, "order", order_key)

    for step in range(steps):
        epoch, place = divmod(step, per_epoch)
        if place == 0:
            rows = EveryRow().rows(targets, order, epoch)
            batches = epoch_batches(rows, lengths, batch_size, order, epoch, grouped=True)
        inputs, gold = collate(batches[place].tolist(), ids, targets, tokenizer.pad_token_id)

        torch.manual_seed(derive(seed, "dropout", step, 0))
        loss = cross_entropy(model(**inputs).logits.float(), gold)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, warmup, peak) * group["share"]
        optimizer.step()
        average.update(step + 1)
        if step % 50 == 0:
            print(f"step {step} of {steps}  loss {loss.item():.3f}", file=sys.stderr)

    average.into_model()
    return model.eval(), tokenizer


def main(data, folder, out):
    """Read a CSV file, train with bertune's default numbers for a small model, save."""
    with open(data, newline="", encoding="utf-8") as handle:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(handle)]
    names = sorted({label for _, label in rows})
    targets = [names.index(label) for _, label in rows]
    model, tokenizer = train([text for text, _ in rows], targets, len(names), folder,
                             peak=1.5e-4, epochs=3, batch_size=32, max_length=128)  # fmt: skip
    model.config.id2label, model.config.label2id = dict(enumerate(names)), {name: i for i, name in enumerate(names)}
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
