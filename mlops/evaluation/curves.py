"""Curves and tables behind the plots, as plain data that a report can keep."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from mlops.evaluation.metrics import Bools, Floats, Ints

MAX_POINTS = 120
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
Curve = list[list[float]]


def curves(labels: Ints, probabilities: Floats, decided: Bools | None = None) -> dict[str, Any]:
    """ROC, precision-recall, reliability, coverage against error, net benefit, confusion.

    Args:
        labels: 1 for Surgery, 0 for Consultation, both present, shape (n,).
        probabilities: P(Surgery), shape (n,).
        decided: Which were answered; None: all. The confusion matrix keeps the others apart.
    """
    false, true, _ = roc_curve(labels, probabilities)
    precision, recall, _ = precision_recall_curve(labels, probabilities)
    bins = max(3, min(10, len(labels) // 15))
    observed, predicted = calibration_curve(labels, probabilities, n_bins=bins, strategy="quantile")
    return {
        "roc": _points(false, true),
        "pr": _points(recall[::-1], precision[::-1]),
        "reliability": _points(predicted, observed),
        "risk": risk_by_coverage(labels, probabilities),
        "net_benefit": net_benefit(labels, probabilities),
        "confusion": confusion(labels, probabilities, decided),
    }


def risk_by_coverage(labels: Ints, probabilities: Floats) -> Curve:
    """Error among the surest share of records, for every share (El-Yaniv & Wiener, JMLR 2010)."""
    surest = np.argsort(-np.abs(probabilities - 0.5), kind="stable")
    wrong = ((probabilities >= 0.5) != (labels == 1))[surest]
    sizes = np.arange(1, len(labels) + 1)
    # A handful of records tells nothing of an error rate.
    kept = sizes >= min(len(sizes), max(10, len(sizes) // 50))
    return _points((sizes / len(sizes))[kept], (np.cumsum(wrong) / sizes)[kept])


def net_benefit(labels: Ints, probabilities: Floats) -> dict[str, Any]:
    """Net benefit of sending to surgery at each threshold (Vickers & Elkin, Med Decis Making 2006).

    True positives less false ones, the latter weighed by the odds of the threshold: at a threshold
    of 0.2 one needless surgical visit is worth a quarter of a missed one. Beside it what sending
    everyone would bring; sending no one brings zero.
    """
    share = float(labels.mean())
    model, everyone = [], []
    for threshold in THRESHOLDS:
        sent = probabilities >= threshold
        odds = threshold / (1 - threshold)
        benefit = float((sent & (labels == 1)).mean() - odds * (sent & (labels == 0)).mean())
        model.append([threshold, round(benefit, 5)])
        everyone.append([threshold, round(share - odds * (1 - share), 5)])
    return {"model": model, "everyone": everyone}


def confusion(labels: Ints, probabilities: Floats, decided: Bools | None) -> dict[str, Any]:
    """Counts by label: said Surgery, said Consultation, left to people."""
    answered = np.ones(len(labels), dtype=bool) if decided is None else decided
    said = np.where(answered, np.where(probabilities >= 0.5, 1, 0), 2)
    table = confusion_matrix(labels, said, labels=[0, 1, 2])
    columns = {"Surgery": 1, "Consultation": 0, "Needs review": 2}
    return {
        label: {name: int(table[row, column]) for name, column in columns.items()}
        for label, row in (("Surgery", 1), ("Consultation", 0))
    }


def _points(xs: Sequence[float] | Floats, ys: Sequence[float] | Floats) -> Curve:
    """Thinned to what a plot can show; the ends stay."""
    kept = np.unique(np.linspace(0, len(xs) - 1, min(len(xs), MAX_POINTS)).round().astype(int))
    return [[round(float(xs[i]), 5), round(float(ys[i]), 5)] for i in kept]
