"""Tokenizers for the tests of words and tokens."""

from pathlib import Path

import pytest
from four_tokenizers import save

from bertune.data.tokenizer import TextTokenizer


@pytest.fixture(scope="session")
def tokenizer_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder with a tokenizer of every kind."""
    return save(tmp_path_factory.mktemp("tokenizers"))


@pytest.fixture(scope="session")
def tokenizers(tokenizer_folders: dict[str, Path]) -> dict[str, TextTokenizer]:
    """A tokenizer of every kind, as it is read from a folder."""
    return {name: TextTokenizer(folder) for name, folder in tokenizer_folders.items()}
