"""Events as JSON can hold them."""

import math
from typing import Any


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numbers that are not finite become texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value
