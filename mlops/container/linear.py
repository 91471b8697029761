"""A linear score over terms: TF-IDF times weights, with each term's share of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LinearScore:
    """Logistic regression on sublinear, length-normalised TF-IDF, as plain arrays.

    Attributes:
        index: Term to column.
        idf: Inverse document frequency of each column.
        weights: Log-odds per unit of the normalised column.
        intercept: Log-odds of a text without any known term.
    """

    index: Mapping[str, int]
    idf: Floats
    weights: Floats
    intercept: float

    def parts(self, terms: Sequence[str]) -> tuple[float, dict[str, float]]:
        """The score in log-odds, and what each distinct known term adds to it."""
        counts: dict[str, int] = {}
        index = self.index
        for term in terms:
            if term in index:
                counts[term] = counts.get(term, 0) + 1
        if not counts:
            return self.intercept, {}
        columns = np.fromiter((index[term] for term in counts), np.int64, len(counts))
        values = 1.0 + np.log(np.fromiter(counts.values(), np.float64, len(counts)))
        values *= self.idf[columns]
        values /= np.sqrt(np.dot(values, values))
        shares = values * self.weights[columns]
        return self.intercept + float(shares.sum()), dict(zip(counts, shares.tolist(), strict=True))
