"""Where clauses begin and end among the words of notes."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Clauses:
    """The clauses of n words.

    Attributes:
        numbers: The clause of each word, ascending, shape (n,).
    """

    numbers: Ints

    @cached_property
    def joined(self) -> Bools:
        """Whether the clause of a word goes on with the next one, shape (n,)."""
        joined = np.zeros(len(self.numbers), bool)
        np.equal(self.numbers[1:], self.numbers[:-1], out=joined[:-1])
        return joined

    @cached_property
    def lasts(self) -> list[int]:
        """The last word of each clause."""
        return (~self.joined).nonzero()[0].tolist()

    def around(self, place: int) -> tuple[int, int]:
        """The first word of the clause that a word is in, and the one after its last."""
        clause = bisect_left(self.lasts, place)
        return self.lasts[clause - 1] + 1 if clause else 0, self.lasts[clause] + 1
