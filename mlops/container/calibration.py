"""From the margin of the trees to a probability that can be believed (Platt 1999).

A margin is worth more in a referral of a few lines than in a clinic note: the slope goes from one
to the other with the register.
"""

from dataclasses import dataclass
from math import exp, log
from typing import TypeVar

import numpy as np

from mlops.container.scores import Floats

# Of one text, or of several.
Register = TypeVar("Register", float, Floats)


def referral_share(register: Register) -> Register:
    """How far a text, or each of several, is calibrated as a referral, by its register.

    What reads only half like a referral is still a note, hence the square.
    """
    return register**2


@dataclass(frozen=True)
class Calibration:
    """A logistic curve over log-odds, as steep as the kind of text deserves.

    Attributes:
        note: The slope for a note. Both are above zero, so that the order of texts of a kind stays.
        referral: The slope for a referral.
        offset: What is added in either case.
    """

    note: float
    referral: float
    offset: float

    def slope(self, register: float) -> float:
        """The slope for a text.

        Args:
            register: How much it reads like a referral, 0 to 1.
        """
        share = referral_share(register)
        return self.note * (1 - share) + self.referral * share

    def log_odds(self, margin: float, register: float) -> float:
        """Calibrated log-odds of a margin, kept where the probability is 0.001 to 0.999."""
        return max(-_LIMIT, min(_LIMIT, self.slope(register) * margin + self.offset))

    def probability(self, margin: float, register: float) -> float:
        """P(Surgery) for a margin in log-odds, of a text of this register."""
        return 1.0 / (1.0 + exp(-self.log_odds(margin, register)))

    def probabilities(self, margins: Floats, registers: Floats) -> Floats:
        """The same of many texts, shape (n,)."""
        pairs = zip(margins.tolist(), registers.tolist(), strict=True)
        return np.array([self.probability(*pair) for pair in pairs])


_LIMIT = log(0.999 / 0.001)
