"""Tiny random encoders with tokenizers trained on the spot: what tests train instead of real models.

`make("bert", folder)` writes a folder that bertune and transformers load: 2 layers, hidden size 32, word pieces
(BERT, DistilBERT, ELECTRA) or byte-level BPE (RoBERTa) learnt from a few sentences in English and Chinese.
"""

import csv
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

ARCHITECTURES = ("bert", "distilbert", "roberta", "electra")
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
WORDS = {
    "good": ["lovely", "great", "superb", "happy", "bright", "warm", "kind", "fresh", "sweet", "clever"],
    "bad": ["awful", "dull", "broken", "sad", "grey", "cold", "rude", "stale", "bitter", "stupid"],
    "any": [
        "the",
        "a",
        "film",
        "book",
        "meal",
        "day",
        "room",
        "song",
        "plot",
        "cast",
        "was",
        "is",
        "very",
        "quite",
        "rather",
        "it",
        "this",
        "that",
        "and",
        "but",
    ],
}
CHINESE = ["这家店很好", "服务太差了", "电影非常好看", "味道不好吃"]


def sentences(rows: int, seed: int = 0) -> list[tuple[str, str]]:
    """(text, label) pairs that a tiny model can learn: the label is in the words."""
    chance = random.Random(seed)
    made = []
    for _ in range(rows):
        label = chance.choice(["good", "bad"])
        words = chance.choices(WORDS["any"], k=chance.randint(3, 14)) + chance.choices(WORDS[label], k=2)
        chance.shuffle(words)
        made.append((" ".join(words), label))
    return made


def csv_file(path: Path, rows: int = 120, seed: int = 0) -> Path:
    """A CSV file with the columns text and label."""
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        writer.writerows(sentences(rows, seed))
    return path


def _corpus() -> list[str]:
    return [text for text, _ in sentences(300)] + CHINESE * 5


def _word_piece() -> PreTrainedTokenizerFast:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(_corpus(), trainers.WordPieceTrainer(vocab_size=300, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=64, model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )  # fmt: skip


def _byte_bpe() -> PreTrainedTokenizerFast:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(_corpus(), trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", cls_token="<s>", sep_token="</s>",
        bos_token="<s>", eos_token="</s>", mask_token="<mask>", model_max_length=64,
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def make(architecture: str, folder: Path, dropout: float = 0.1) -> Path:
    """Write a tiny random model with its tokenizer into a folder."""
    torch.manual_seed(0)
    tokenizer = _byte_bpe() if architecture == "roberta" else _word_piece()
    if architecture == "distilbert":
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    shared = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    drop = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    if architecture == "bert":
        network = BertModel(BertConfig(**shared, **SIZES, **drop, max_position_embeddings=64))
    elif architecture == "electra":
        network = ElectraModel(ElectraConfig(**shared, **SIZES, **drop, embedding_size=16, max_position_embeddings=64))
    elif architecture == "roberta":
        network = RobertaModel(RobertaConfig(**shared, **SIZES, **drop, max_position_embeddings=66, type_vocab_size=1))
    else:
        network = DistilBertModel(
            DistilBertConfig(
                **shared,
                dim=32,
                n_layers=2,
                n_heads=2,
                hidden_dim=64,
                max_position_embeddings=64,
                dropout=dropout,
                attention_dropout=dropout,
                seq_classif_dropout=dropout,
            )
        )
    folder.mkdir(parents=True, exist_ok=True)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
