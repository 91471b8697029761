"""Whether a finding is asserted: negated, past, of another person or only feared, planned.

After NegEx and ConText (Chapman 2001, Harkema 2009): a trigger opens a scope over the words that
follow (or precede) it, up to the end of the clause, a terminating word, or a number of words. The
triggers are in `assertions.toml`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
        self._pseudo = {n for n in numbers if categories[n].means == "nothing"}
        self._ends = {n for n in numbers if categories[n].means == "ends"}
        self._rules = {
            n: (BITS[categories[n].means], categories[n].before, categories[n].reach)
            for n in numbers
            if categories[n].means in BITS
        }
        self.numbers = frozenset(numbers)

    def apply(self, triggers: Sequence[Match], clauses: Sequence[int]) -> Bits:
        """The bits that hold for each word.

        Args:
            triggers: Matches of this lexicon's assertion categories, by position.
            clauses: The clause of each word, ascending.
        """
        bits = np.zeros(len(clauses), np.uint8)
        if not triggers:
            return bits
        pseudo = {
            place
            for m in triggers
            if m.category in self._pseudo
            for place in range(m.first, m.last + 1)
        }
        ends = [m.first for m in triggers if m.category in self._ends]
        for trigger in triggers:
            rule = self._rules.get(trigger.category)
            if rule is None or (trigger.first in pseudo and trigger.last in pseudo):
                continue
            bit, before, reach = rule
            clause = clauses[trigger.first]
            if before:
                start = max(trigger.first - reach, bisect_left(clauses, clause))
                previous = bisect_left(ends, trigger.first) - 1
                if previous >= 0:
                    start = max(start, ends[previous] + 1)
                bits[start : trigger.first] |= bit
            else:
                stop = min(trigger.last + 1 + reach, bisect_right(clauses, clause))
                following = bisect_right(ends, trigger.last)
                if following < len(ends):
                    stop = min(stop, ends[following])
                bits[trigger.last + 1 : stop] |= bit
        return bits
