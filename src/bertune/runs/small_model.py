"""A small random BERT and rows it can learn, made on the spot: what `bertune doctor --kill-test` trains."""

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor

from bertune.base.files import FILES
from bertune.engine.checkpoint import tensor_chunks

HIDDEN, LAYERS, INNER, POSITIONS = 64, 2, 128, 64
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ORDER = "please send my order a new parcel to this address before monday it was late and i want it back"
KINDS = {
    "delivery": "courier driver doorstep tracking delayed warehouse",
    "payment": "invoice card refund charged bank receipt",
    "account": "password login email locked profile username",
}


def write_rows(path: Path, rows: int, seed: int = 0) -> None:
    """A CSV file of messages of three kinds, told apart by a word; every tenth label is wrong."""
    chance = random.Random(seed)
    lines = ["text,label"]
    for _ in range(rows):
        kind = chance.choice(sorted(KINDS))
        words = [*chance.choices(ORDER.split(), k=chance.randint(3, 18)), chance.choice(KINDS[kind].split())]
        chance.shuffle(words)
        lines.append(f"{' '.join(words)},{kind if chance.random() > 0.1 else chance.choice(sorted(KINDS))}")
    FILES.write_text(path, "\n".join(lines) + "\n")


def write_model(folder: Path, seed: int = 0) -> None:
    """A folder with a random BERT of two layers and a tokenizer of whole words, as transformers reads them."""
    words = sorted({word for text in (ORDER, *KINDS.values()) for word in text.split()})
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *words])}
    FILES.write(folder / "model.safetensors", tensor_chunks(_weights(len(vocabulary), seed)))
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "vocab_size": len(vocabulary), "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS, "num_attention_heads": 2, "intermediate_size": INNER, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2, "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": 0,
    }  # fmt: skip
    FILES.write_json(folder / "config.json", config)
    FILES.write_text(folder / "tokenizer.json", _tokenizer(vocabulary).to_str())
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": POSITIONS, "pad_token": "[PAD]",
        "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]",
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
    }  # fmt: skip
    FILES.write_json(folder / "tokenizer_config.json", about)


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )  # fmt: skip
    return tokenizer


def _weights(words: int, seed: int) -> dict[str, Tensor]:
    """BERT's parameters under their published names: matrices from N(0, 0.02²), biases 0, scales of norms 1."""
    chance = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}

    def matrix(name: str, rows: int, columns: int) -> None:
        weights[f"{name}.weight"] = torch.randn(rows, columns, generator=chance) * 0.02

    def linear(name: str, outputs: int, inputs: int) -> None:
        matrix(name, outputs, inputs)
        weights[f"{name}.bias"] = torch.zeros(outputs)

    def norm(name: str) -> None:
        weights[f"{name}.weight"], weights[f"{name}.bias"] = torch.ones(HIDDEN), torch.zeros(HIDDEN)

    matrix("embeddings.word_embeddings", words, HIDDEN)
    matrix("embeddings.position_embeddings", POSITIONS, HIDDEN)
    matrix("embeddings.token_type_embeddings", 2, HIDDEN)
    norm("embeddings.LayerNorm")
    for layer in (f"encoder.layer.{number}" for number in range(LAYERS)):
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", HIDDEN, HIDDEN)
        linear(f"{layer}.attention.output.dense", HIDDEN, HIDDEN)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", INNER, HIDDEN)
        linear(f"{layer}.output.dense", HIDDEN, INNER)
        norm(f"{layer}.output.LayerNorm")
    linear("pooler.dense", HIDDEN, HIDDEN)
    return weights
