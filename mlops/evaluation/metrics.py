"""Metrics of P(Surgery), each with a 95 % bootstrap interval over clusters."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BOOTSTRAP_ROUNDS = 1000
BINS = 10


@dataclass(frozen=True)
class Figure:
    """A metric with the 2.5th and 97.5th percentile of its bootstrap distribution."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"

    def to_json(self) -> dict[str, float]:
        """Rounded to what the data can carry."""
        return {name: round(value, 5) for name, value in asdict(self).items()}


def ece(labels: Ints, probabilities: Floats) -> float:
    """Expected calibration error over ten bins of equal width (Naeini et al., AAAI 2015)."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    total = 0.0
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            gap = abs(labels[inside].mean() - probabilities[inside].mean())
            total += float(inside.mean()) * float(gap)
    return total


def metrics() -> dict[str, Callable[[Ints, Floats], float]]:
    """Every metric by name; sensitivity is for Surgery, and the threshold is 0.5."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "auc": lambda y, p: float(roc_auc_score(y, p)),
        "pr_auc": lambda y, p: float(average_precision_score(y, p)),
        "accuracy": lambda y, p: float(((p >= 0.5) == (y == 1)).mean()),
        "sensitivity": lambda y, p: float((p[y == 1] >= 0.5).mean()),
        "specificity": lambda y, p: float((p[y == 0] < 0.5).mean()),
        "brier": lambda y, p: float(((p - y) ** 2).mean()),
        "ece": ece,
    }


def measure(
    labels: Sequence[int] | Ints,
    probabilities: Sequence[float] | Floats,
    groups: Sequence[str],
    *,
    names: Sequence[str] = (),
    rounds: int = BOOTSTRAP_ROUNDS,
    seed: int = 0,
) -> dict[str, Figure]:
    """Every metric with its interval.

    Clusters are drawn, not rows: near-duplicates are one observation.

    Args:
        labels: 1 for Surgery, 0 for Consultation, shape (n,).
        probabilities: P(Surgery), shape (n,).
        groups: The cluster of each, shape (n,).
        names: Which metrics; empty: all.

    Raises:
        ValueError: if there is only one class.
    """
    y = np.asarray(labels, dtype=np.int64)
    p = np.asarray(probabilities, dtype=np.float64)
    if len(set(y.tolist())) < 2:
        raise ValueError("both classes are needed")
    chosen = {name: f for name, f in metrics().items() if not names or name in names}
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
    random = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(rounds):
        picks = random.integers(len(members), size=len(members))
        rows = np.concatenate([members[pick] for pick in picks])
        if 0 < y[rows].sum() < len(rows):
            for name, function in chosen.items():
                drawn[name].append(function(y[rows], p[rows]))
    return {
        name: Figure(function(y, p), *(float(v) for v in np.percentile(drawn[name], [2.5, 97.5])))
        for name, function in chosen.items()
    }


def to_json(figures: dict[str, Figure]) -> dict[str, Any]:
    """Figures by name, as plain data."""
    return {name: figure.to_json() for name, figure in figures.items()}
