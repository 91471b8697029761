"""From which confidence on the model decides, by the error rate aimed at."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Threshold:
    """From which confidence on the model decides.

    Attributes:
        target: The error rate among the decided that is aimed at.
        confidence: The least probability of the recommended class, 0.5 to 1.
        coverage: The share that is decided, out of fold.
        error: The error rate among these.
    """

    target: float
    confidence: float
    coverage: float
    error: float


def threshold_for(thresholds: Sequence[Threshold], target: float) -> Threshold:
    """The most permissive threshold whose target is not above the one asked for.

    Below the strictest target there is, the strictest one holds.
    """
    ordered = sorted(thresholds, key=lambda threshold: threshold.target)
    allowed = [threshold for threshold in ordered if threshold.target <= target + 1e-9]
    return allowed[-1] if allowed else ordered[0]
