"""A tokenizer of each of four kinds, small and written down."""

from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

import tiny_models

KINDS = ("word_piece", "byte_bpe", "spaced_bpe", "unigram")


def spaced_bpe() -> Tokenizer:
    """Byte pairs whose blanks stay within the places of the tokens, as some saved tokenizers have it."""
    made: Tokenizer = tiny_models._byte_bpe().backend_tokenizer
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=False)
    return made


def unigram() -> Tokenizer:
    """Pieces whose blank is a letter of its own, and [SEP] before a second text."""
    words = tiny_models._words()
    pieces = [("[PAD]", 0.0), ("[UNK]", 0.0), ("[CLS]", 0.0), ("[SEP]", 0.0), ("▁", -3.0)]
    pieces += [(f"▁{word}", -4.0) for word in words if len(word) > 1]
    pieces += [(letter, -6.0) for letter in sorted(set("".join([*words, *tiny_models.CHINESE])))]
    made = Tokenizer(models.Unigram(pieces, unk_id=1))
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    made.post_processor = processors.TemplateProcessing(
        single="$A [SEP] [CLS]", pair="$A [SEP] $B:1 [SEP]:1 [CLS]:2", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


def save(root: Path) -> dict[str, Path]:
    """A folder below `root` for each kind."""
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    bytes_special = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>"}
    names = ["input_ids", "token_type_ids", "attention_mask"]
    made = {
        "word_piece": tiny_models._word_piece(),
        "byte_bpe": tiny_models._byte_bpe(),
        "spaced_bpe": PreTrainedTokenizerFast(tokenizer_object=spaced_bpe(), **bytes_special),
        "unigram": PreTrainedTokenizerFast(tokenizer_object=unigram(), model_input_names=names, **special),
    }
    for name, tokenizer in made.items():
        tokenizer.save_pretrained(root / name)
    return {name: root / name for name in made}
