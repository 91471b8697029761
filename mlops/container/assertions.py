"""Whether a finding is asserted: negated, past, of another person or only feared, planned.

After NegEx and ConText (Chapman 2001, Harkema 2009): a trigger opens a scope over the words that
follow (or precede) it, up to the end of the clause, a terminating word, or a number of words. The
triggers are in `assertions.toml`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlops.container.clauses import Clauses
from mlops.container.lexicon import Lexicon, Match

# Bits, because a word can be several at once ("no family history of…").
NEGATED, HISTORICAL, OTHER, PLANNED = 1, 2, 4, 8
BITS = {"negated": NEGATED, "historical": HISTORICAL, "other": OTHER, "planned": PLANNED}
# The reader of evidence is told; a past or planned finding is still the patient's own.
NAMES = {NEGATED: "negated", OTHER: "not the patient's, or only feared"}

Bits = NDArray[np.uint8]


class Assertions:
    """The triggers of a lexicon, ready to be applied."""

    def __init__(self, lexicon: Lexicon) -> None:
        categories = lexicon.categories
        numbers = lexicon.of_kind("assertion")
        self.pseudo = {n for n in numbers if categories[n].means == "nothing"}
        self.ends = {n for n in numbers if categories[n].means == "ends"}
        self.rules = {
            n: (BITS[categories[n].means], categories[n].before, categories[n].reach)
            for n in numbers
            if categories[n].means in BITS
        }
        self.numbers = frozenset(numbers)

    def apply(self, triggers: Sequence[Match], clauses: Clauses) -> Bits:
        """The bits that hold for each word.

        Args:
            triggers: Matches of this lexicon's assertion categories, by position.
            clauses: Of the words.
        """
        bits = np.zeros(len(clauses.numbers), np.uint8)
        pseudo = {
            place
            for category, first, last in triggers
            if category in self.pseudo
            for place in range(first, last + 1)
        }
        ends = [first for category, first, _ in triggers if category in self.ends]
        for category, first, last in triggers:
            rule = self.rules.get(category)
            if rule is None or (first in pseudo and last in pseudo):
                continue
            bit, before, reach = rule
            begin, end = clauses.around(first)
            if before:
                start = max(first - reach, begin)
                previous = bisect_left(ends, first) - 1
                if previous >= 0:
                    start = max(start, ends[previous] + 1)
                bits[start:first] |= bit
            else:
                stop = min(last + 1 + reach, end)
                following = bisect_right(ends, last)
                if following < len(ends):
                    stop = min(stop, ends[following])
                bits[last + 1 : stop] |= bit
        return bits
