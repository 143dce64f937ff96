"""One answer a token."""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from bertune.base.types import Batch, Floats, Level
from bertune.model.heads._chain import Chain
from bertune.model.heads._head import Head, More
from bertune.model.packing import packed, pad


class TokenClassification(Head):
    """One vector of numbers for each token, special tokens among them; with `crf` also how well tags follow another."""

    network: ClassVar[str] = "AutoModelForTokenClassification"
    level: ClassVar[Level] = "token"

    def __init__(self, *, crf: bool = False) -> None:
        self.crf = crf

    def learns(self, network: Any) -> More | None:
        """The chain of tags. Raises ModelError for more than 1,000 of them."""
        return Chain(int(network.config.num_labels)) if self.crf else None

    def told(self) -> Mapping[str, Floats]:
        """The chain's start[tags], transition[from, to] and end[tags]."""
        return self.more.told() if isinstance(self.more, Chain) else {}

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """logits[tokens, classes] in float32."""
        logits: Tensor = network(**pad(batch, pad_id)).logits
        return packed(logits, batch).float()

    def judged(self, answers: Tensor, batch: Batch) -> Tensor:
        """logits[tokens, classes]; in a chain those of each word given the true tag of the word before it."""
        return self.more(answers, batch) if self.more is not None else answers
