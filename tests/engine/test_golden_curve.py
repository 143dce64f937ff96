"""Twenty losses of the default recipe on a tiny model: a change of the engine shows here first."""

import pytest
import workbench
from workbench import STILL

GOLDEN = []


def test_the_first_twenty_losses(tiny, sentences_csv):
    settings = {**STILL, "optimizer.learning_rate": 3e-3, "training.epochs": 2}
    losses = workbench.bench(tiny(), sentences_csv, settings).train(20)
    assert losses == pytest.approx(GOLDEN, abs=1e-3)
