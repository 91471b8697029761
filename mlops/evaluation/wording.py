"""How figures are named and written wherever people read them."""

from math import isnan

from mlops.evaluation.metrics import Interval

NAMES = {
    "auc": "AUC",
    "pr_auc": "PR-AUC",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity (Surgery)",
    "specificity": "specificity",
    "brier": "Brier score",
    "ece": "ECE",
    "net_benefit": "net benefit at 0.5",
    "coverage": "coverage",
    "error_decided": "error when decided",
}


def percent(share: float, digits: int = 0) -> str:
    """A share for a person to read.

    >>> percent(0.872), percent(0.0451, 1)
    ('87 %', '4.5 %')
    """
    return f"{100 * share:.{digits}f} %"


def in_percent(figure: Interval) -> str:
    """A share with its interval.

    >>> in_percent(Interval(0.0451, 0.02, 0.071))
    '4.5 % (2.0 to 7.1 %)'
    """
    if isnan(figure.low):
        return percent(figure.value, 1)
    return f"{percent(figure.value, 1)} ({100 * figure.low:.1f} to {percent(figure.high, 1)})"


def signed(by: Interval) -> str:
    """A difference with its interval.

    >>> signed(Interval(0.0123, -0.01, 0.03))
    'a difference of +0.012 (-0.010 to +0.030)'
    """
    return f"a difference of {by.value:+z.3f} ({by.low:+z.3f} to {by.high:+z.3f})"


def capital(text: str) -> str:
    """With a capital first letter; the others stay as they are."""
    return text[:1].upper() + text[1:]
