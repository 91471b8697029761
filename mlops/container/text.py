"""Text to words that know where they stand, in linear time and for any string.

Splitting is one pass of the regex engine; everything after it works on whole arrays. Offsets are
only worked out for the few spans that are shown.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

# A word is a run of letters and digits. What stands between two words is kept whole: it decides
# whether a clause ends there, and it makes the offsets add up.
_WORD = re.compile(r"(\w+)")
# `#` is a fracture in clinical shorthand; a letter in its place makes it a word of its own.
FRACTURE = "ǂ"

# What stands between two words, by what it does to them.
JOINED, COMMA, CLAUSE, POINT = 0, 1, 2, 3
_CLAUSE = frozenset(".;:?!\n\r")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one text.

    Attributes:
        words: In lower case, as they stand.
        gaps: What stands before each word, and after the last one: one more than words.
    """

    words: list[str] = field(repr=False)
    gaps: list[str] = field(repr=False)

    def __len__(self) -> int:
        return len(self.words)

    def bounds(self) -> tuple[list[int], list[int]]:
        """Where each word starts and ends in the text, in code points."""
        lengths: list[int] = [0] * (2 * len(self.words) + 1)
        lengths[0::2] = map(len, self.gaps)
        lengths[1::2] = map(len, self.words)
        ends = list(accumulate(lengths))
        return ends[0:-1:2], ends[1::2]

    def spans(self, runs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, int]]:
        """Where runs of words start and end in the text, in code points.

        Args:
            runs: First and last word of each, both included; none inside another.
        """
        found = {}
        place = end = 0
        for first, last in sorted(runs):
            end += sum(map(len, self.gaps[place:first])) + sum(map(len, self.words[place:first]))
            start = end + len(self.gaps[first])
            place = last + 1
            end += sum(map(len, self.gaps[first:place])) + sum(map(len, self.words[first:place]))
            found[first, last] = start, end
        return found


def split(text: str) -> Words:
    """The words of a text.

    Args:
        text: Any string, lone surrogates and control characters included.

    >>> split("Murphy's sign: no").words
    ['murphy', 's', 'sign', 'no']
    >>> split("it won't reduce").words
    ['it', 'wont', 'reduce']
    """
    lowered = text.lower()
    if len(lowered) != len(text):
        # A few letters become two in lower case (İ); offsets need one for one.
        lowered = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    # One character for another each time, so that offsets stay.
    lowered = lowered.replace("’", "'").replace("n't", "nt ").replace("_", " ")
    parts = _WORD.split(lowered.replace("#", FRACTURE))
    return Words(parts[1::2], parts[0::2])


def gap_kind(gap: str) -> int:
    """What a gap does: joins, separates by a comma, ends a clause, or is a decimal point.

    >>> [gap_kind(gap) for gap in (" ", ", ", ".", ". ", "?", "-")]
    [0, 1, 3, 2, 2, 0]
    """
    if gap == ".":
        return POINT
    if not _CLAUSE.isdisjoint(gap):
        return CLAUSE
    return COMMA if "," in gap else JOINED
