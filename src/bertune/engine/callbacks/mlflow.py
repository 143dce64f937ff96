"""Sends the events of a run to MLflow."""

from pathlib import Path
from typing import Any

from bertune.base.errors import MissingExtra
from bertune.engine.callbacks._tracking import Numbers, Tracker

LONGEST_VALUE = 500  # MLflow refuses longer parameters


class Mlflow(Tracker):
    """A run in the experiment `bertune`, at the place that MLFLOW_TRACKING_URI names.

    A resumed run goes on in the same MLflow run. Raises MissingExtra.
    """

    def __init__(self, out: Path, recipe: dict[str, Any]) -> None:
        super().__init__(out, recipe)
        try:
            import mlflow
        except ImportError:
            raise MissingExtra("mlflow", "track-mlflow", "--track mlflow") from None
        self.api: Any = mlflow
        self.run_id: str | None = None

    def open(self, step: int) -> None:
        """Begin a run, or go on with the one that the checkpoint remembers."""
        self.api.set_experiment("bertune")
        known = self.run_id if step else None
        run = self.api.start_run(run_id=known) if known else self.api.start_run(run_name=self.name)
        self.run_id = str(run.info.run_id)
        if not known:
            self.api.log_params({key: str(value)[:LONGEST_VALUE] for key, value in self.settings.items()})

    def send(self, numbers: Numbers, step: int) -> None:
        """All numbers of a step at once."""
        self.api.log_metrics(numbers, step=step)

    def close(self, reason: str, finished: bool) -> None:
        """End the run with its state."""
        self.api.set_tag("stopped", reason)
        self.api.end_run(status="FINISHED" if finished else "KILLED")

    def state(self) -> dict[str, Any]:
        """Which MLflow run this is."""
        return {"run_id": self.run_id}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        self.run_id = state["run_id"]
