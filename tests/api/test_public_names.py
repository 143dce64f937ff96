"""What `import bertune` offers, and that it stays light."""

import subprocess
import sys

import pytest

import bertune

NAMES = [
    "BertuneError", "Finding", "Hit", "Prediction", "Run", "Score", "TextClassifier", "__version__",
    "check", "compare", "load", "resume", "train",
]  # fmt: skip


def test_the_public_names() -> None:
    assert bertune.__all__ == NAMES
    for name in NAMES:
        assert getattr(bertune, name) is not None
        assert name in dir(bertune)
    assert sorted(bertune._HOMES) == [n for n in NAMES if n != "__version__"]


def test_everything_public_is_documented() -> None:
    for name in NAMES:
        if name != "__version__":
            value = getattr(bertune, name)
            assert value.__doc__, name
            for method, own in vars(value).items() if isinstance(value, type) else ():
                if callable(own) and not method.startswith("_"):
                    assert own.__doc__, f"{name}.{method}"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="trian"):
        bertune.trian  # noqa: B018


def test_import_brings_nothing_slow() -> None:
    slow = ["torch", "transformers", "sklearn", "numpy", "pyarrow", "pydantic"]
    code = f"import sys, bertune; dir(bertune); print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
