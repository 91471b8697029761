"""Linear scores: TF-IDF times weights, with each term's share of the score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Block:
    """One kind of term: its columns, their inverse document frequency, and their weights."""

    index: Mapping[str, int]
    idf: Floats
    weights: Floats

    def shares(self, found: Mapping[str, Sequence[object]]) -> dict[str, float]:
        """What each known term adds to the score, in log-odds.

        Sublinear term frequency (1 + log count), scaled to length one, so that a long note is not
        further from zero than a short one for its length alone.
        """
        index = self.index
        known = [term for term in found if term in index]
        if not known:
            return {}
        columns = np.fromiter((index[term] for term in known), np.int64, len(known))
        counts = np.fromiter((len(found[term]) for term in known), np.float64, len(known))
        values = (1.0 + np.log(counts)) * self.idf[columns]
        values /= np.sqrt(np.dot(values, values))
        return dict(zip(known, (values * self.weights[columns]).tolist(), strict=True))


@dataclass(frozen=True)
class LinearScore:
    """A logistic regression on terms and on pieces of words; the intercept is its prior."""

    terms: Block
    pieces: Block
    intercept: float


@dataclass(frozen=True)
class Gain:
    """What the trees make of a feature on average; evidence needs it.

    Attributes:
        mean: Average of the feature over the training records.
        slope: Log-odds that the trees add per unit of distance from that average.
    """

    mean: float
    slope: float

    def at(self, value: float, contribution: float) -> float:
        """Log-odds per unit of the feature for this note: what the trees contributed there.

        Near the average the quotient means little, so it is kept within a quarter and three times
        the usual slope; the sign of a part then always tells what it did to the feature.
        """
        distance = value - self.mean
        gain = contribution / distance if distance else self.slope
        return min(3 * self.slope, max(0.25 * self.slope, gain))
