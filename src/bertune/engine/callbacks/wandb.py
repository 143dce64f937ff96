"""Sends the events of a run to Weights & Biases."""

from pathlib import Path
from typing import Any

from bertune.base.errors import MissingExtra
from bertune.engine.callbacks._tracking import Numbers, Tracker


class Wandb(Tracker):
    """A run in the project `bertune`; WANDB_PROJECT and WANDB_MODE=offline are honoured.

    A resumed run goes on in the same run; the service keeps the first value of a step. Raises MissingExtra.
    """

    def __init__(self, out: Path, recipe: dict[str, Any]) -> None:
        super().__init__(out, recipe)
        try:
            import wandb
        except ImportError:
            raise MissingExtra("wandb", "track-wandb", "--track wandb") from None
        self.api: Any = wandb
        self.run: Any = None
        self.run_id: str | None = None

    def open(self, step: int) -> None:
        """Begin a run, or go on with the one that the checkpoint remembers."""
        import os

        known = self.run_id if step else None
        self.run = self.api.init(
            project=os.environ.get("WANDB_PROJECT", "bertune"), name=self.name, dir=str(self.out),
            config=self.settings, id=known, resume="allow" if known else None,
        )  # fmt: skip
        self.run_id = str(self.run.id)

    def send(self, numbers: Numbers, step: int) -> None:
        """All numbers of a step at once."""
        self.run.log(numbers, step=step)

    def close(self, reason: str, finished: bool) -> None:
        """End the run with its state."""
        self.run.summary["stopped"] = reason
        self.run.finish(exit_code=0 if finished else 1)

    def state(self) -> dict[str, Any]:
        """Which run this is."""
        return {"run_id": self.run_id}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        self.run_id = state["run_id"]
