"""Sends the events of a run to TensorBoard."""

from pathlib import Path
from typing import Any

from bertune.base.errors import MissingExtra
from bertune.engine.callbacks._tracking import Numbers, Tracker


class Tensorboard(Tracker):
    """Curves in OUT/tensorboard: `tensorboard --logdir OUT/tensorboard` shows them.

    After a resume the points that are made again replace the earlier ones. Raises MissingExtra.
    """

    def __init__(self, out: Path, recipe: dict[str, Any]) -> None:
        super().__init__(out, recipe)
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError:
            raise MissingExtra("tensorboard", "track-tensorboard", "--track tensorboard") from None
        self.writer_of: Any = SummaryWriter
        self.writer: Any = None

    def open(self, step: int) -> None:
        """A writer that drops what was written past this step."""
        self.writer = self.writer_of(log_dir=str(self.out / "tensorboard" / self.part), purge_step=step + 1)
        lines = [f"{key} = {value}" for key, value in self.settings.items()]
        self.writer.add_text("recipe", "\n".join(f"    {line}" for line in lines), step)

    def send(self, numbers: Numbers, step: int) -> None:
        """One scalar for each number."""
        for name, value in numbers.items():
            self.writer.add_scalar(name, value, step)

    def close(self, reason: str, finished: bool) -> None:
        """Write out what is buffered."""
        self.writer.close()
