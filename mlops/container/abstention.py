"""Choosing when to abstain: below the confidence at which the model errs more often than it may.

Selective classification with a guarantee (Geifman and El-Yaniv 2017, NeurIPS 30; the fixed sequence
of tests is that of Learn Then Test, Angelopoulos et al. 2021): thresholds are tried from the
strictest on, and the last one is taken whose errors among the decided, out of fold, are surely few
enough. With probability `CONFIDENCE` over the calibration records, the error rate among what is
decided on new records of the same kind is at most the target.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from mlops.container.thresholds import Threshold

CONFIDENCE = 0.9
TARGETS = (0.02, 0.05, 0.08, 0.1, 0.15, 0.2)
_GRID = np.round(np.arange(0.99, 0.495, -0.01), 2)
# Before so many are decided a test says nothing.
_MIN_DECIDED = 30


def choose_thresholds(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    kinds: Sequence[str],
    targets: Sequence[float] = TARGETS,
) -> tuple[Threshold, ...]:
    """A threshold for each target.

    Args:
        probabilities: Calibrated and out of fold, shape (n,).
        labels: 1 is Surgery, shape (n,).
        kinds: The kind of text of each record: what is decided of each kind has to be right often
            enough, too, so that a large easy kind can't pay for a small hard one.
        targets: Error rates among the decided.
    """
    confidence = np.maximum(probabilities, 1 - probabilities)
    wrong = (probabilities >= 0.5) != (labels == 1)
    names = np.array(kinds)
    return tuple(_choose(confidence, wrong, names, target) for target in targets)


def _choose(
    confidence: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    kinds: NDArray[np.str_],
    target: float,
) -> Threshold:
    chosen = float(_GRID[0])
    for level in _GRID.tolist():
        decided = confidence >= level
        if decided.sum() < _MIN_DECIDED:
            continue
        if not _surely_below(wrong[decided], target):
            break
        if all(_few(wrong[decided & (kinds == kind)], target) for kind in set(kinds.tolist())):
            chosen = level
    decided = confidence >= chosen
    error = float(wrong[decided].mean()) if decided.any() else 0.0
    return Threshold(target, chosen, float(decided.mean()), error)


def _surely_below(wrong: NDArray[np.bool_], target: float) -> bool:
    """Whether the upper Clopper-Pearson bound of the error rate is within the target."""
    test = binomtest(int(wrong.sum()), len(wrong), alternative="less")
    return bool(test.proportion_ci(CONFIDENCE, method="exact").high <= target)


def _few(wrong: NDArray[np.bool_], target: float) -> bool:
    return len(wrong) < _MIN_DECIDED or float(wrong.mean()) <= target
