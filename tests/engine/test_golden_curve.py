"""Twenty losses of the default recipe on a tiny model: a change of the engine shows here first."""

import pytest
import torch
import workbench
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
from workbench import STILL

import tiny_models

GOLDEN = [
    0.7684,
    0.97949,
    0.54219,
    0.85771,
    0.89074,
    1.10811,
    0.76178,
    0.89532,
    0.7748,
    0.61435,
    0.68174,
    0.48212,
    0.68515,
    0.69584,
    0.62022,
    0.7214,
    0.72945,
    0.65036,
    0.79144,
    0.47388,
]


@pytest.fixture
def fixed_model(tmp_path):
    """A tiny model whose vocabulary is written down, not learnt: the same numbers on every machine."""
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *sorted(word for group in tiny_models.WORDS.values() for word in group),
    ]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=64, **names).save_pretrained(tmp_path / "model")
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(words), initializer_range=0.3, max_position_embeddings=64, **tiny_models.SIZES)
    BertModel(config).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_the_first_twenty_losses(fixed_model, sentences_csv):
    settings = {**STILL, "optimizer.learning_rate": 1e-3, "training.epochs": 2, "optimizer.layer_decay": 0.9}
    made = workbench.bench(fixed_model, sentences_csv, settings)
    made.feed.seed = 5  # the order would otherwise follow from the exact text of the tokenizer's file
    losses = made.train(20)
    assert losses == pytest.approx(GOLDEN, abs=1e-3), [round(x, 4) for x in losses]
