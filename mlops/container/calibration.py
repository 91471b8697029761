"""From the score of the trees to a probability that can be believed (Platt 1999)."""

from dataclasses import dataclass
from math import exp


@dataclass(frozen=True)
class Calibration:
    """A logistic curve over log-odds: slope above zero, so that the order of notes stays."""

    slope: float
    offset: float

    def probability(self, margin: float) -> float:
        """P(Surgery) for a margin in log-odds, kept inside 0.001 to 0.999."""
        z = max(-30.0, min(30.0, self.slope * margin + self.offset))
        return min(0.999, max(0.001, 1.0 / (1.0 + exp(-z))))
