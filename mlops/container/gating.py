"""Which score counts in which kind of text, and where boosting starts from.

A referral of a few lines, a clinic note and a whole operation note are different languages: a score
that was learnt on one of them misleads on another. The register says how much a text reads like a
referral; each score counts as far as the text is of its kind. Their sum is where the trees start
from (XGBoost's base margin), so that they correct it instead of learning it again.
"""

from dataclasses import dataclass

import numpy as np

from mlops.container.scores import Floats

NAMES = ("referral", "clinic", "decision", "filed", "register")
# A whole operation note tells of the operation in at least so many ways.
FULL_SIGNS = 3.0
# Decision-time sections of operation notes say less of a note that nobody has decided on yet.
DECISION = 0.6


@dataclass(frozen=True)
class Gated:
    """Scores as far as they count.

    Attributes:
        values: Shape (..., K), in the order of `NAMES`: what the trees see.
        gates: Shape (..., K): times a score, its value.
        weights: Shape (..., K): times a score, its part of the start.
        referral: Shape (...): how much a text reads like a referral, 0 to 1; times the balance of
            cues, its part of the start.
        start: Shape (...): where boosting starts from, in log-odds.
    """

    values: Floats
    gates: Floats
    weights: Floats
    referral: Floats
    start: Floats


def gate(scores: Floats, balance: Floats, signs: Floats) -> Gated:
    """Gate the scores of one note or of many.

    Args:
        scores: Shape (..., K), in the order of `NAMES`.
        balance: The balance of cues, shape (...).
        signs: How many signs of an operation there are, shape (...).
    """
    referral = 1.0 / (1.0 + np.exp(-scores[..., NAMES.index("register")]))
    note = 1.0 - referral
    told = np.minimum(signs, FULL_SIGNS) / FULL_SIGNS
    one, none = np.ones_like(referral), np.zeros_like(referral)
    gates = np.stack([referral, note, note, one, one], axis=-1)
    weights = np.stack([referral, note, DECISION * note, note * told, none], axis=-1)
    start = (weights * scores).sum(axis=-1) + referral * balance
    return Gated(gates * scores, gates, weights, referral, start)
