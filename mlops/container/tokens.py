"""Notes as rows of numbers, one per word: what a token is made of is looked up once and remembered.

Everything that can be said of a word without the words in other tokens is said here. Notes use the
same tokens again and again, so that reading one is mostly one look-up per token.
"""

from array import array
from collections.abc import Sequence

import numpy as np

from mlops.container.clauses import Ints
from mlops.container.text import CLAUSE, COLON, QUESTION, gap_bits, split, tokens_of
from mlops.container.vocabulary import (
    ACUITY,
    DIGITS,
    GRADED,
    NUMBER,
    NUMBERS,
    UNITS_MM,
    UNKNOWN,
    Vocabulary,
    size,
)
from mlops.container.wordlists import WORDS

# The columns of a row:
WORD = 0  # its number in the vocabulary; `NO_WORD` for a token without words
MARKS = 1  # bits, below
TAKEN = 2  # characters that it takes up with the gaps in its token, and clause ends in those
REST = 3  # the part of these from the start of the word on
LENGTH = 4  # characters of the word
COLUMNS = 5
NO_WORD = -1
# `TAKEN` and `REST` hold two numbers each, so that one sum tells the places and the clauses of all
# words: characters, and clause ends this many bits higher.
ENDS = 32

# Marks of a word. A title comes before a name, a grade before a digit, a unit after a length.
TITLE, GRADE, MM, CM, HEADING, INITIAL = 1, 2, 4, 8, 16, 32
# No hyphen or the like joins it to the word before; the row after the last word of a note.
APART, END = 64, 128
# Not in the vocabulary; its first character is a letter, but no Latin one.
LOST, LETTER, EXOTIC = 256, 512, 1024
# From here on the bits of the gap before it, as far as it is in its token; of that after the last
# word of a token; and of a number what it is as a grade, in millimetres, in centimetres: a byte
# each.
BEFORE, AFTER, MORE = 12, 16, 20
# What needs a look at the words around it.
SPECIAL = TITLE | GRADE | MM | CM | END | LOST | (COLON | QUESTION) * (1 << BEFORE | 1 << AFTER)

_LAST_LATIN = "\u024f"
# What stands between the parts of one word.
_JOINING = frozenset("-.'/")
MAX_REMEMBERED = 30_000
MAX_TOKEN = 60


class Tokens(dict[str, bytes]):
    """From a token to its rows. Safe to use from several threads.

    Attributes:
        end: The row after the last word of a text.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self._marks = _marks(vocabulary)
        self.end = _pack(_row(UNKNOWN, END, CLAUSE, CLAUSE, 0, 0, 0))

    def __repr__(self) -> str:
        # What is remembered comes from notes.
        return f"<{len(self)} tokens>"

    def rows(self, texts: Sequence[str]) -> Ints:
        """The rows of the words of all texts, shape (rows, COLUMNS).

        After each text comes a row of its own, marked `END`.
        """
        parts: list[bytes] = []
        for text in texts:
            parts += map(self.__getitem__, tokens_of(text))
            parts.append(self.end)
        return np.frombuffer(b"".join(parts), np.int64).reshape(-1, COLUMNS)

    def __missing__(self, token: str) -> bytes:
        rows = self.read(token)
        if len(self) < MAX_REMEMBERED and len(token) <= MAX_TOKEN:
            self[token] = rows
        return rows

    def read(self, token: str) -> bytes:
        """The rows of a token, which is not remembered."""
        return _pack(self._read(token))

    def _read(self, token: str) -> Sequence[int]:
        """The rows of a token, one after the other."""
        words = split(token)
        # A line break takes the place of the space after a token.
        left = len(token) + (not token.endswith("\n"))
        if not words.words:
            return _row(NO_WORD, 0, gap_bits(token), 0, left, 0, 0)
        rows: list[int] = []
        numbers = self._vocabulary.numbers(words.words)
        for ordinal, (word, gap, known) in enumerate(
            zip(words.words, words.gaps, numbers, strict=False)
        ):
            number, before, more = known, gap_bits(gap), 0
            if known in NUMBERS:
                more = _values(words.words, words.gaps, ordinal, known)
                if gap == "." and ordinal and numbers[ordinal - 1] in NUMBERS:
                    # A full stop inside a number ends no clause; between other words it does.
                    before = 0
                if gap == "/" and ordinal and (name := _acuity(words.words[ordinal - 1], word)):
                    number = ACUITY[name]
                    more = number * 0x010101
                elif known in DIGITS:
                    # Any number, unless what stands before it makes it a grade.
                    number = NUMBER
            marks = self._marks[number] if number else LOST | _look(word)
            marks |= INITIAL * (len(word) == 1)
            marks |= APART * (not ordinal or gap not in _JOINING)
            last = ordinal == len(words) - 1
            taken = left if last else len(gap) + len(word)
            left -= taken
            after = gap_bits(words.gaps[-1]) if last else 0
            rest = taken - len(gap)
            rows += _row(number, marks | more << MORE, before, after, taken, rest, len(word))
        return rows


def _row(
    number: int, marks: int, before: int, after: int, taken: int, rest: int, length: int
) -> tuple[int, ...]:
    """In the order of the columns."""
    ends = (after & CLAUSE and 1) << ENDS
    return (
        number,
        marks | before << BEFORE | after << AFTER,
        taken + ends + ((before & CLAUSE and 1) << ENDS),
        rest + ends,
        length,
    )


def _pack(rows: Sequence[int]) -> bytes:
    return array("q", rows).tobytes()


def _marks(vocabulary: Vocabulary) -> list[int]:
    """What each word of a vocabulary is by itself."""
    marks = [0] * len(vocabulary)
    for mark, words in {
        TITLE: WORDS["titles"],
        HEADING: WORDS["headings"],
        GRADE: GRADED,
        MM: {unit for unit, length in UNITS_MM.items() if length == 1.0},
        CM: {unit for unit, length in UNITS_MM.items() if length == 10.0},
    }.items():
        for word in words:
            number, _ = vocabulary.exact(word)
            if vocabulary.names[number] == word:
                marks[number] |= mark
    return marks


def _look(word: str) -> int:
    """What a word that is not known looks like."""
    if not word[0].isalpha():
        return 0
    return LETTER if word[0] <= _LAST_LATIN else LETTER | EXOTIC


def _values(words: Sequence[str], gaps: Sequence[str], place: int, number: int) -> int:
    """What a number is as a grade, and as a length in millimetres and in centimetres."""
    value = words[place]
    if place and gaps[place] == "." and words[place - 1].isdecimal():
        value = f"{words[place - 1]}.{value}"
    return number | size(value, 1.0) << 8 | size(value, 10.0) << 16


def _acuity(upper: str, lower: str) -> str:
    """The lower half of a Snellen fraction (6/60, 20/80), in words; '' if it is none."""
    if upper == "6" and lower in ("4", "5", "6", "9"):
        return "good"
    if upper == "6" and lower in ("12", "18", "24", "36", "60"):
        return "poor"
    if upper == "20" and 2 <= len(lower) <= 3:
        return "good" if int(lower) <= 30 else "poor"
    return ""
