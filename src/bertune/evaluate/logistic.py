"""Logistic regression that stops when it is good enough, its products on one thread."""

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits


def logistic(features: Any, targets: Any, *, strength: float, tolerance: float, steps: int) -> Any:
    """A scikit-learn classifier that has learnt targets[rows] from features[rows, d], which may be sparse.

    `strength` is the inverse L2 penalty. It stops after so many steps of L-BFGS, or once no component of the gradient
    exceeds the tolerance; stopping early is meant and isn't warned of. Two threads of BLAS take up to three times as
    long as one here, and on a busy machine fifteen times: they wait for each other, and for scikit-learn's own.
    """
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=strength, tol=tolerance, max_iter=steps).fit(features, targets)
