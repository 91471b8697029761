"""The words that a model knows, by number, and what a word it has not seen counts as.

Numbers stand for any number, except where their value means something: the digit of a grade, a
length (in words: tiny to huge), a visual acuity.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mlops.container.wordlists import WORDS

UNKNOWN, NUMBER = 0, 1
_FIRST_DIGIT = 2
_MAX_WORD = 40
# A word is looked up by the regex below once and then remembered, up to so many.
_MAX_REMEMBERED = 20_000

SIZES = ("tiny", "small", "medium", "large", "big", "huge")
_SIZE_LIMITS_MM = (6.0, 10.0, 20.0, 40.0, 55.0)
ACUITIES = ("good", "poor")
_SPECIAL = [
    "",
    "#",
    *(f"#{digit}" for digit in range(10)),
    *(f"#{size}" for size in SIZES),
    *(f"#acuity_{acuity}" for acuity in ACUITIES),
]
# The numbers as far as "any number" is meant; lengths are numbers, too.
NUMBERS = range(NUMBER, len(_SPECIAL))
# Single digits, whose value may be a grade.
DIGITS = range(_FIRST_DIGIT, _FIRST_DIGIT + 10)
_SIZE = {name: _SPECIAL.index(f"#{name}") for name in SIZES}
ACUITY = {name: _SPECIAL.index(f"#acuity_{name}") for name in ACUITIES}

UNITS_MM = {"mm": 1.0, "cm": 10.0, "cms": 10.0, "centimetre": 10.0, "centimetres": 10.0,
            "centimeter": 10.0, "centimeters": 10.0, "millimetre": 1.0, "millimetres": 1.0,
            "millimeter": 1.0, "millimeters": 1.0}  # fmt: skip
GRADED = WORDS["graded"]
_MEASURE = re.compile(r"(\d+)(mm|cm)")
_ORDINAL = re.compile(r"\d+(st|nd|rd|th)")
_DIGITS = re.compile(r"\d+")


class Vocabulary:
    """Words in alphabetical order, so that every stem is a range of numbers.

    Args:
        words: In any order; repeats and words with digits alone don't matter.
    """

    def __init__(self, words: Iterable[str]) -> None:
        # Those of an artifact are in order, which sorting is quick to see.
        kept = dict.fromkeys(word[:_MAX_WORD] for word in words if word and not word.isdecimal())
        ordered = sorted(word for word in kept if word not in WORDS["dates"])
        self.names: list[str] = _SPECIAL + ordered
        self._index = _Index(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def known(self) -> list[str]:
        """The words without the special ones: what makes the same vocabulary again."""
        return self.names[len(_SPECIAL) :]

    def numbers(self, words: Sequence[str]) -> list[int]:
        """The number of each word; `UNKNOWN` where it has none."""
        return list(map(self._index.__getitem__, words))

    def exact(self, word: str) -> tuple[int, int]:
        """The range that holds this word alone; an empty one if it is not known."""
        number = self._index[word]
        return (number, number + 1) if number else (0, 0)

    def marks(self, words: Iterable[str]) -> NDArray[np.bool_]:
        """Which of the vocabulary's words are among these, as they stand."""
        found = np.zeros(len(self), bool)
        for word in words:
            number = self._index.get(word, UNKNOWN)
            found[number] |= self.names[number] == word
        return found

    def stem(self, beginning: str) -> tuple[int, int]:
        """The range of the words that begin so."""
        low = bisect_left(self.names, beginning, len(_SPECIAL))
        return low, bisect_left(self.names, beginning + "\U0010ffff", len(_SPECIAL))


class _Index(dict[str, int]):
    """From a word as it stands to its number."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__({name: number for number, name in enumerate(names) if name})
        self._room = _MAX_REMEMBERED

    def __missing__(self, word: str) -> int:
        number = self._find(word)
        if self._room > 0:
            self._room -= 1
            self[word] = number
        return number

    def _find(self, word: str) -> int:
        if word in WORDS["dates"] or _ORDINAL.fullmatch(word):
            return NUMBER
        if word.isdecimal():
            return _FIRST_DIGIT + int(word) if len(word) == 1 else NUMBER
        if measure := _MEASURE.fullmatch(word):
            return size(measure[1], UNITS_MM[measure[2]])
        general = _DIGITS.sub("0", word[:_MAX_WORD])
        return self.get(general, UNKNOWN)


def size(number: str, unit_mm: float) -> int:
    """A length in words that mean something to a clinician: below 6, 10, 20, 40, 55 mm, or more."""
    try:
        millimetres = float(number) * unit_mm
    except (ValueError, OverflowError):
        return NUMBER
    for limit, name in zip(_SIZE_LIMITS_MM, SIZES, strict=False):
        if millimetres < limit:
            return _SIZE[name]
    return _SIZE["huge"]


def plain(word: str) -> str:
    """A word as it is filed: digits inside it are any digits.

    >>> plain("x3"), plain("l4"), plain("hernia")
    ('x0', 'l0', 'hernia')
    """
    kept = word[:_MAX_WORD]
    return kept if kept.isalpha() else _DIGITS.sub("0", kept)
