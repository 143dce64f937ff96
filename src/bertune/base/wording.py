"""Numbers in words, the same wherever they are told."""


def counted(number: int, noun: str) -> str:
    """`1 text`, `1,204 texts`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share in percent with as many digits as it needs: `62 %`, `0.2 %`."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 1 or value == 0 else f"{value:.1f} %" if value >= 0.1 else "under 0.1 %"
