"""What every test may use: tiny models, and no network."""

import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).parent))

import hypothesis
import pytest

hypothesis.settings.register_profile("any machine", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("any machine")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory):
    """A function that gives the folder of a tiny model of an architecture, made once."""
    import tiny_models

    root = tmp_path_factory.mktemp("tiny")

    def folder(architecture: str = "bert") -> Path:
        target = root / architecture
        return target if target.exists() else tiny_models.make(architecture, target)

    return folder


@pytest.fixture
def sentences_csv(tmp_path: Path) -> Path:
    """A CSV file of 120 labelled sentences."""
    import tiny_models

    return tiny_models.csv_file(tmp_path / "sentences.csv")
