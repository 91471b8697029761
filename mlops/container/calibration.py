"""From the margin of the trees to a probability that can be believed (Platt 1999)."""

from dataclasses import dataclass
from math import exp, log


@dataclass(frozen=True)
class Calibration:
    """A logistic curve over log-odds: slope above zero, so that the order of notes stays."""

    slope: float
    offset: float

    def log_odds(self, margin: float) -> float:
        """Calibrated log-odds of a margin, kept where the probability is 0.001 to 0.999."""
        return max(-_LIMIT, min(_LIMIT, self.slope * margin + self.offset))

    def probability(self, margin: float) -> float:
        """P(Surgery) for a margin in log-odds."""
        return 1.0 / (1.0 + exp(-self.log_odds(margin)))


_LIMIT = log(0.999 / 0.001)
