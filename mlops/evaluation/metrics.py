"""Metrics of P(Surgery), each with a 95 % bootstrap interval over clusters.

Every metric takes many weightings of the records at once, one a row: a bootstrap draw is nothing
but a weighting, so that a thousand draws are a few matrix products. With one weighting each gives
what scikit-learn gives with `sample_weight`; a test compares them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Metric = Callable[[Floats, Ints, Floats], Floats]

BOOTSTRAP_ROUNDS = 1000
BINS = 10
# Weightings in memory at a time.
_CHUNK = 200


@dataclass(frozen=True)
class Interval:
    """A figure with the 2.5th and 97.5th percentile of its bootstrap distribution.

    All three are NaN where the figure has no meaning, such as the error among no decisions.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"

    def to_json(self) -> dict[str, float | None]:
        """Rounded to what the data can carry; None for NaN, which JSON lacks."""
        return {"value": _plain(self.value), "low": _plain(self.low), "high": _plain(self.high)}

    @classmethod
    def from_json(cls, data: Mapping[str, float | None]) -> "Interval":
        """The inverse of `to_json`."""
        return cls(*(np.nan if (v := data[k]) is None else v for k in ("value", "low", "high")))


def _plain(value: float) -> float | None:
    return None if isnan(value) else round(value, 5)


def auc(weights: Floats, labels: Ints, probabilities: Floats) -> Floats:
    """Area under the ROC curve; ties count half (Hanley & McNeil 1982)."""
    starts, order = _thresholds(probabilities)
    positive = np.add.reduceat((weights * labels)[:, order], starts, axis=1)
    negative = np.add.reduceat((weights * (1 - labels))[:, order], starts, axis=1)
    above = positive.sum(axis=1, keepdims=True) - np.cumsum(positive, axis=1)
    won = ((above + positive / 2) * negative).sum(axis=1)
    return _divide(won, positive.sum(axis=1) * negative.sum(axis=1))


def pr_auc(weights: Floats, labels: Ints, probabilities: Floats) -> Floats:
    """Average precision: precision summed over the steps of recall."""
    starts, order = _thresholds(-probabilities)
    positive = np.add.reduceat((weights * labels)[:, order], starts, axis=1)
    everything = np.add.reduceat(weights[:, order], starts, axis=1)
    precision = _divide(np.cumsum(positive, axis=1), np.cumsum(everything, axis=1))
    total = positive.sum(axis=1)
    return _divide((np.nan_to_num(precision) * positive).sum(axis=1), total)


def accuracy(weights: Floats, labels: Ints, probabilities: Floats) -> Floats:
    """Share of records on the right side of 0.5."""
    return _share(weights, (probabilities >= 0.5) == (labels == 1), np.ones_like(labels))


def sensitivity(weights: Floats, labels: Ints, probabilities: Floats) -> Floats:
    """Share of Surgery that is said to be Surgery, at 0.5."""
    return _share(weights, probabilities >= 0.5, labels)


def specificity(weights: Floats, labels: Ints, probabilities: Floats) -> Floats:
    """Share of Consultation that is said to be Consultation, at 0.5."""
    return _share(weights, probabilities < 0.5, 1 - labels)


def brier(weights: Floats, labels: Ints, probabilities: Floats) -> Floats:
    """Mean squared distance between probability and outcome (Brier 1950)."""
    return _divide(weights @ (probabilities - labels) ** 2, weights.sum(axis=1))


def ece(weights: Floats, labels: Ints, probabilities: Floats) -> Floats:
    """Expected calibration error over ten bins of equal width (Naeini et al., AAAI 2015)."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    member = np.eye(BINS)[bins]
    gaps = weights @ (member * (labels - probabilities)[:, None])
    return _divide(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def net_benefit(weights: Floats, labels: Ints, probabilities: Floats) -> Floats:
    """Right less needless referrals to surgery, per record, at 0.5 (Vickers & Elkin 2006).

    Other thresholds are in `mlops.evaluation.curves.net_benefit`.
    """
    sent = probabilities >= 0.5
    return _divide(weights @ (sent * (2.0 * labels - 1.0)), weights.sum(axis=1))


METRICS: dict[str, Metric] = {
    "auc": auc,
    "pr_auc": pr_auc,
    "accuracy": accuracy,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "brier": brier,
    "ece": ece,
    "net_benefit": net_benefit,
}


def measure(
    labels: Sequence[int] | Ints,
    probabilities: Sequence[float] | Floats,
    groups: Sequence[str],
    *,
    decided: Bools | None = None,
    names: Sequence[str] = (),
    rounds: int = BOOTSTRAP_ROUNDS,
    seed: int = 0,
) -> dict[str, Interval]:
    """Every metric with its interval.

    Clusters are drawn, not rows: near-duplicates are one observation.

    Args:
        labels: 1 for Surgery, 0 for Consultation, shape (n,).
        probabilities: P(Surgery), shape (n,).
        groups: The cluster of each, shape (n,).
        decided: Which were answered rather than left to people, shape (n,); adds `coverage` and
            `error_decided`, the share of wrong answers among them.
        names: Which metrics; empty: all.
        rounds: Bootstrap draws.
        seed: Of the draws.

    Raises:
        ValueError: if there is no record.
    """
    y = np.asarray(labels, dtype=np.int64)
    p = np.asarray(probabilities, dtype=np.float64)
    if not len(y):
        raise ValueError("there is no record to measure on")
    chosen = {name: metric for name, metric in METRICS.items() if not names or name in names}
    if decided is not None:
        chosen |= _of_decisions(decided)
    drawn: dict[str, list[Floats]] = {name: [] for name in chosen}
    for weights in draws(groups, rounds, seed):
        for name, metric in chosen.items():
            drawn[name].append(metric(weights, y, p))
    whole = np.ones((1, len(y)))
    return {
        name: _interval(float(metric(whole, y, p)[0]), np.concatenate(drawn[name]))
        for name, metric in chosen.items()
    }


def difference(
    labels: Ints,
    first: Floats,
    second: Floats,
    groups: Sequence[str],
    *,
    metric: str = "auc",
    rounds: int = BOOTSTRAP_ROUNDS,
    seed: int = 0,
) -> Interval:
    """By how much `first` exceeds `second` in a metric: both are measured on the same draws.

    Args:
        labels: 1 for Surgery, 0 for Consultation, shape (n,).
        first: P(Surgery) of one model, shape (n,).
        second: P(Surgery) of the other, shape (n,).
        groups: The cluster of each, shape (n,).
        metric: A name in `METRICS`.
        rounds: Bootstrap draws.
        seed: Of the draws.
    """
    function = METRICS[metric]
    gaps = [
        function(weights, labels, first) - function(weights, labels, second)
        for weights in draws(groups, rounds, seed)
    ]
    whole = np.ones((1, len(labels)))
    value = function(whole, labels, first) - function(whole, labels, second)
    return _interval(float(value[0]), np.concatenate(gaps))


def draws(groups: Sequence[str], rounds: int, seed: int) -> Iterator[Floats]:
    """How often each record is in each bootstrap draw of clusters, some draws at a time."""
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    clusters = int(codes.max()) + 1
    random = np.random.default_rng(seed)
    for start in range(0, rounds, _CHUNK):
        size = min(_CHUNK, rounds - start)
        picks = random.integers(clusters, size=(size, clusters))
        picks += np.arange(size)[:, None] * clusters
        counts = np.bincount(picks.ravel(), minlength=size * clusters).reshape(size, clusters)
        yield counts[:, codes].astype(np.float64)


def to_json(figures: Mapping[str, Interval]) -> dict[str, Any]:
    """Figures by name, as plain data."""
    return {name: figure.to_json() for name, figure in figures.items()}


def _of_decisions(decided: Bools) -> dict[str, Metric]:
    return {
        "coverage": lambda w, y, _: _share(w, decided, np.ones_like(y)),
        "error_decided": lambda w, y, p: _share(w, (p >= 0.5) != (y == 1), decided),
    }


def _interval(value: float, drawn: Floats) -> Interval:
    known = drawn[~np.isnan(drawn)]
    if isnan(value) or not len(known):
        return Interval(value, np.nan, np.nan)
    low, high = np.percentile(known, [2.5, 97.5])
    return Interval(value, float(low), float(high))


def _thresholds(values: Floats) -> tuple[Ints, Ints]:
    """Where each distinct value starts in ascending order, and that order."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return starts, order


def _share(weights: Floats, hits: Bools, among: Ints | Bools) -> Floats:
    inside = among.astype(np.float64)
    return _divide(weights @ (hits * inside), weights @ inside)


def _divide(top: Floats, bottom: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom != 0)
