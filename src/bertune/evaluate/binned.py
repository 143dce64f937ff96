"""The interval of a calibration error, which is too large on few rows even where the probabilities are right.

Resampling rows makes that worse: the chance in the rows counts twice, and a percentile interval lies above the truth
(it held it in 0 to 9 of 100 trials where the probabilities were good). So the interval is turned round: it holds every
true error under which the error seen is nothing unusual. For a true error the rows of each bin are drawn anew, and the
right answers among them with the chances of that world. Many worlds have the same true error; from the gaps seen two
rows of worlds are made. In the one a gap shrinks by so many standard errors and vanishes when it is smaller: few large
gaps, the worlds that look worst, which give the lower end. In the other no gap is larger than so many standard errors:
many small gaps, the worlds that look best, which give the upper end. Beyond the gaps seen both grow alike.

Source: Neyman (1937) for turning tests round; Broecker and Smith (2007), Increasing the reliability of reliability
diagrams, for drawing answers from given probabilities; Roelofs et al. (2022), Mitigating bias in calibration error
estimation, and Kumar, Liang and Ma (2019), Verified uncertainty calibration, for the bias.
"""

from collections.abc import Sequence

import numpy as np

from bertune.base import seeds
from bertune.base.types import Floats
from bertune.metrics._probabilities import Binned

STEPS = 16  # worlds between none and all of the gaps seen, each way
BEYOND = (0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 4.0)  # standard errors added to every gap


def binned_interval(bins: Binned, resamples: int, seed: int, level: float) -> tuple[float, float]:
    """The lower and upper end of the true error at `level`; the lower one is 0 where all may be chance."""
    random = seeds.generator(seed, "bins")
    rows = int(bins.n.sum())
    filled = bins.n > 0
    n, said = bins.n[filled], bins.confidence[filled] / bins.n[filled]
    gap = bins.right[filled] / n - said
    size, sign = np.abs(gap), np.sign(gap)
    error = np.sqrt((said * (1.0 - said) + 1e-3) / n)
    seen = float((n * size).sum() / rows)
    drawn = random.multinomial(rows, n / rows, resamples)
    largest = float((size / error).max())
    cuts = np.unique(np.append(np.linspace(0.0, min(largest, 4.0), STEPS), np.linspace(0.0, largest, STEPS // 4)))
    beyond = [size + t * error for t in BEYOND]
    few = [np.maximum(size - t * error, 0.0) for t in cuts[::-1]] + beyond
    many = [np.minimum(size, t * error) for t in cuts] + beyond

    def end(worlds: Sequence[Floats], share: float) -> float:
        """The true error at which the error seen stands at this share of what could be seen."""
        true, at = [], []
        for world in worlds:
            chance = np.clip(said + sign * world, 0.0, 1.0)
            could = np.abs(random.binomial(drawn, chance) - drawn * said).sum(axis=1) / rows
            true.append(float((n * np.abs(chance - said)).sum() / rows))
            at.append(float(np.quantile(could, share)))
        # Draws are noisy: the share is made to rise with the true error, never to fall.
        rising = np.maximum.accumulate(at) + 1e-12 * np.arange(len(at))
        return float(np.interp(seen, rising, np.maximum.accumulate(true)))

    return end(few, (1 + level) / 2), end(many, (1 - level) / 2)
