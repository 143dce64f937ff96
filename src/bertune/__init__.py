"""bertune: from a file of labelled text to a trained, honestly tested BERT.

import bertune
run = bertune.train("reviews.csv")
run.predict(["I would buy it again."])
"""

import importlib
from typing import TYPE_CHECKING, Any

from bertune.base.version import VERSION

if TYPE_CHECKING:
    from bertune.api import Hit as Hit
    from bertune.api import Prediction as Prediction
    from bertune.api import Run as Run
    from bertune.api import check as check
    from bertune.api import load as load
    from bertune.api import resume as resume
    from bertune.api import train as train
    from bertune.base.errors import BertuneError as BertuneError
    from bertune.base.types import Finding as Finding
    from bertune.base.types import Score as Score
    from bertune.estimator import TextClassifier as TextClassifier
    from bertune.runs.compare import compare as compare

__version__ = VERSION

# Names are imported when they are first used: `import bertune` must stay fast, and torch is slow.
_HOMES = {
    "BertuneError": "bertune.base.errors",
    "Finding": "bertune.base.types",
    "Hit": "bertune.api",
    "Prediction": "bertune.api",
    "Run": "bertune.api",
    "Score": "bertune.base.types",
    "TextClassifier": "bertune.estimator",
    "check": "bertune.api",
    "compare": "bertune.runs.compare",
    "load": "bertune.api",
    "resume": "bertune.api",
    "train": "bertune.api",
}
__all__ = [
    "BertuneError",
    "Finding",
    "Hit",
    "Prediction",
    "Run",
    "Score",
    "TextClassifier",
    "__version__",
    "check",
    "compare",
    "load",
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    """A public name, imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bertune' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, for completion."""
    return sorted({*globals(), *__all__})
