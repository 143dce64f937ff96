"""Keeps the cache of the package datasets inside the folder of the tests."""

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import sys

    if "datasets" in sys.modules:
        cache = tmp_path_factory.getbasetemp() / "datasets-cache"
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", cache)
