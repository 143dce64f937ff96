"""Candidates put in order by a model that reads query and text together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bertune.base import registry
from bertune.base.errors import ModelError
from bertune.base.types import Floats
from bertune.evaluate.saved import SavedModel
from bertune.runs.answers import Answered
from bertune.runs.predict import open_model, predict_rows


@dataclass(frozen=True)
class Reranker:
    """A model of pairs that says how well two texts belong together.

    `right` names the class that says so, of a model of classes. Source: Nogueira and Cho (2019), Passage re-ranking
    with BERT, section 3.
    """

    saved: SavedModel
    right: str | None = None

    @classmethod
    def open(cls, run: str, right: str | None = None) -> "Reranker":
        """The model of a run folder or model folder. Raises ModelError where it cannot judge pairs of texts."""
        saved = open_model(run)
        if not (saved.pairs and saved.task.relating):
            fitting = [name for name in registry.names("tasks") if registry.load("tasks", name).relating]
            raise ModelError(
                "this model does not say how well two texts belong together.", where=str(saved.folder),
                expected="a run of two texts a row: " + ", ".join(fitting),
                found=saved.about.task + ("" if saved.pairs else ", of single texts"),
            )  # fmt: skip
        found = cls(saved, right)
        problem = found.answered("a", ["b"])[0].problems[0]  # that it can be asked shows at once
        if problem is not None:
            raise ModelError("this model cannot put pairs in order.", where=str(saved.folder), found=problem)
        return found

    def answered(
        self, query: str, texts: Sequence[str], poll: Callable[[], None] = lambda: None
    ) -> tuple[Answered, Floats]:
        """What the model answers to the query with each text, and how well those that it answered belong to it."""
        found = predict_rows(self.saved, [query] * len(texts), list(texts), poll=poll)
        return found, self.saved.task.relevance(found.guesses, self.saved.about.classes, self.right)

    def scores(self, query: str, texts: Sequence[str], poll: Callable[[], None] = lambda: None) -> Floats:
        """How well each text belongs to the query, the more the higher; lowest for a text that is not answered."""
        answered, told = self.answered(query, texts, poll)
        found = np.full(len(texts), -np.inf)
        found[answered.good] = told
        return found
