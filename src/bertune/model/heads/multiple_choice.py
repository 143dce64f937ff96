"""One of several texts a row."""

from typing import Any, ClassVar

from torch import Tensor

from bertune.base.types import Batch
from bertune.model.heads._one_of_texts import OneOfTexts
from bertune.model.packing import pad


class MultipleChoice(OneOfTexts):
    """One number a text; the texts of a row are its choices, of which the highest is answered."""

    network: ClassVar[str] = "AutoModelForMultipleChoice"

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """[texts, 1] in float32; each text goes through the network as a question with one choice."""
        given = {name: values[:, None] for name, values in pad(batch, pad_id).items()}
        logits: Tensor = network(**given).logits
        return logits.float()
