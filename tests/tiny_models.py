"""Tiny random encoders with tokenizers of a few words: what tests train instead of real models.

`make("bert", folder)` writes a folder that bertune and transformers load: 2 layers, hidden size 32, word pieces
(BERT, DistilBERT, ELECTRA) or byte-level BPE (RoBERTa) that know some English words and Chinese characters. The
vocabularies are written down, not learnt: a trainer breaks ties differently from process to process.
"""

import csv
import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
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
    "any": ["the", "a", "film", "book", "meal", "day", "room", "song", "plot", "cast", "was", "is", "very", "quite",
            "rather", "it", "this", "that", "and", "but"],
}  # fmt: skip
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


def tagged_file(path: Path, rows: int = 40, seed: int = 0) -> Path:
    """A JSON Lines file of sentences of 8 words, two of which, side by side, are an entity."""
    chance = random.Random(seed)
    lines = []
    for _ in range(rows):
        words, at = chance.choices(WORDS["any"], k=8), chance.randint(0, 6)
        words[at : at + 2] = chance.choices(WORDS["good"], k=2)
        tags = ["B-PRAISE" if i == at else "I-PRAISE" if i == at + 1 else "O" for i in range(8)]
        lines.append(json.dumps({"tokens": words, "tags": tags}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _words() -> list[str]:
    return sorted(word for group in WORDS.values() for word in group)


def _word_piece() -> PreTrainedTokenizerFast:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = sorted({letter for word in _words() for letter in word})
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *sorted(set("".join(CHINESE)))]
    pieces += [word for word in _words() if len(word) > 1]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=64, model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )  # fmt: skip


def _byte_bpe() -> PreTrainedTokenizerFast:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    spaced = [f"Ġ{word}" for word in _words()]
    merges = list(dict.fromkeys((word[:end], word[end]) for word in spaced for end in range(1, len(word))))
    pieces = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet()), *(left + right for left, right in merges)]
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, merges, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
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
