"""Whether a finding is asserted: negated, past, of another person or only feared, planned.

After NegEx and ConText (Chapman 2001, Harkema 2009): a trigger opens a scope over the words that
follow (or precede) it, up to the end of the clause, a terminating word, or a number of words. In a
list of findings a comma ends nothing; it does where what follows is a statement of its own ("no
fever, liver tests normal"). The triggers are in `assertions.toml`.
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
        self.states = {n for n in numbers if categories[n].means == "states"}
        self.joins = {n for n in numbers if categories[n].means == "joins"}
        self.rules = {
            n: (BITS[categories[n].means], categories[n].before, categories[n].reach)
            for n in numbers
            if categories[n].means in BITS
        }
        self.numbers = frozenset(numbers)

    def apply(self, triggers: Sequence[Match], clauses: Clauses, commas: Sequence[int]) -> Bits:
        """The bits that hold for each word.

        Args:
            triggers: Matches of this lexicon's assertion categories, by position.
            clauses: Of the words.
            commas: The words that stand after a comma, ascending.
        """
        bits = np.zeros(len(clauses.numbers), np.uint8)
        pseudo = {
            place
            for category, first, last in triggers
            if category in self.pseudo
            for place in range(first, last + 1)
        }
        ends = [first for category, first, _ in triggers if category in self.ends]
        joins = [first for category, first, _ in triggers if category in self.joins]
        stated = [
            _after_comma(first, clauses, commas)
            for category, first, _ in triggers
            if category in self.states
        ]
        stops = sorted({*ends, *stated})
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
                # "Vomiting, CT negative" denies no vomiting; "fever, chills and rash absent" all.
                own = _after_comma(first, clauses, commas)
                if bisect_left(joins, own) == bisect_left(joins, first):
                    start = max(start, own)
                bits[start:first] |= bit
            else:
                stop = min(last + 1 + reach, end)
                following = bisect_right(stops, last)
                if following < len(stops):
                    stop = min(stop, stops[following])
                bits[last + 1 : stop] |= bit
        return bits


def _after_comma(place: int, clauses: Clauses, commas: Sequence[int]) -> int:
    """The word after the last comma before a word, or the first word of its clause."""
    begin, _ = clauses.around(place)
    before = bisect_right(commas, place)
    return max(begin, commas[before - 1]) if before else begin
