"""What the heads of texts as vectors share."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from bertune.base.types import Batch, Level
from bertune.model.heads._head import Head
from bertune.model.packing import pad, real_tokens

ST = "sentence_transformers.models"  # where that package looks for its modules


class Embedding(Head):
    """A vector for each text: the mean of the encoder's states over its tokens, special ones among them.

    Source: Reimers and Gurevych (2019), Sentence-BERT, section 3 (MEAN pooling).
    """

    network: ClassVar[str] = "AutoModel"
    level: ClassVar[Level] = "text"

    @classmethod
    def outputs(cls, classes: Sequence[str]) -> Sequence[str] | int:
        """None with a name: there is no layer above the encoder."""
        return 1

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """[texts, hidden] in float32."""
        states: Tensor = network(**pad(batch, pad_id)).last_hidden_state
        real = real_tokens(batch)
        summed = (states.float() * real[:, :, None]).sum(dim=1)
        return summed / real.sum(dim=1, keepdim=True)

    def files(self, network: Any, max_length: int) -> Mapping[str, Any]:
        """The files by which sentence-transformers reads the folder as it is."""
        modules = [
            {"idx": 0, "name": "0", "path": "", "type": f"{ST}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{ST}.Pooling"},
        ]
        width = int(getattr(network.config, "hidden_size", 0) or network.config.dim)
        pooling = {"word_embedding_dimension": width, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
                   "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False}  # fmt: skip
        return {
            "modules.json": modules,
            "1_Pooling/config.json": pooling,
            "sentence_bert_config.json": {"max_seq_length": max_length, "do_lower_case": False},
            "config_sentence_transformers.json": {"similarity_fn_name": "cosine", "prompts": {}},
        }


def first_texts(batch: Batch) -> Tensor:
    """Where the first text of each row stands among those of the batch: [rows]."""
    rows = torch.arange(len(batch.rows), device=batch.owner.device)
    return torch.searchsorted(batch.owner.contiguous(), rows)
