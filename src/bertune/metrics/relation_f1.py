"""F1 of relations."""

import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Ints, Judged
from bertune.metrics._confusion import ratio
from bertune.metrics._sums import OfSums

DIRECTION = re.compile(r"\(e[12],e[12]\)$")
NO_RELATION = ("other", "no_relation", "none")


class RelationF1(OfSums):
    """Mean F1 of the relations, the direction taken into account and "Other" left out, in [0, 1].

    The classes Name(e1,e2) and Name(e2,e1) are one relation. An answer is right only in its direction; the right
    relation the wrong way round is a miss and a false find of that relation. Classes called Other, no_relation or none
    (in any case) are no relations: answering a relation in their place is a false find, nothing else. The mean runs
    over the relations that occur in gold; 0 where none does.
    Source: Hendrickx et al. (2010), SemEval-2010 Task 8; the official score of its scorer, version 1.2.
    """

    kind: ClassVar[str] = "class"

    def entries(self, judged: Judged) -> Floats:
        """Whether each relation is answered rightly, is in gold and is guessed, in each row [rows, 3 x relations]."""
        relation, relations = _relations(judged.classes)
        gold, guess = (np.asarray(c, dtype=np.int64) for c in (judged.gold, judged.guess))
        rows = np.arange(len(judged))
        held = np.zeros((len(judged), 3, relations + 1))
        held[rows, 0, relation[gold]] = gold == guess
        held[rows, 1, relation[gold]] = 1.0
        held[rows, 2, relation[guess]] = 1.0
        return held[:, :, :relations].reshape(len(judged), 3 * relations)

    def of_sums(self, sums: Floats) -> Floats:
        """Mean of the F1 of the relations in gold."""
        right, gold, guess = np.split(sums, 3, axis=-1)
        known = gold > 0
        total = np.sum(ratio(2.0 * right, gold + guess) * known, axis=-1)
        return ratio(total, np.sum(known, axis=-1).astype(np.float64))


def _relations(classes: Sequence[str]) -> tuple[Ints, int]:
    """The relation of each class, and how many there are; that number itself for classes that are none."""
    names = [DIRECTION.sub("", name) for name in classes]
    found = list(dict.fromkeys(name for name in names if name.casefold() not in NO_RELATION))
    number = {name: k for k, name in enumerate(found)}
    return np.array([number.get(name, len(found)) for name in names], dtype=np.int64), len(found)
