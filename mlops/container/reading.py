"""Reading a note: its words by number, what is asserted of them, and the phrases that matter.

Everything that the model knows of a note comes from here, in training and in serving alike.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mlops.container.assertions import NEGATED, OTHER, Assertions, Bits
from mlops.container.lexicon import Lexicon, Match, Matcher
from mlops.container.text import CLAUSE, COMMA, JOINED, POINT, Words, gap_kind, split
from mlops.container.vocabulary import (
    ACUITY,
    GRADED,
    NUMBER,
    NUMBERS,
    UNITS_MM,
    Vocabulary,
    size,
)
from mlops.container.wordlists import WORDS

Ints = NDArray[np.int64]
# What a linear score tells apart: a word as it stands, a denied one, one of another or of fear.
PLAIN, DENIED, ELSEWHERE = 0, 1, 2
STATES = 3
# A finding that is denied, another person's, or only feared.
OFF = NEGATED | OTHER
_STATE_OF_BITS = np.array(
    [DENIED if b & NEGATED else ELSEWHERE if b & OTHER else PLAIN for b in range(16)]
)
_MAX_GAPS = 20_000
FAILED_TREATMENT = "conservative_failed"
TITLES = WORDS["titles"]
HEADINGS = WORDS["headings"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is in a note.

    Attributes:
        words: As they stand.
        numbers: The number of each word in the vocabulary, shape (n,).
        kinds: What stands before each word (`text.JOINED`, …), shape (n,).
        bits: What is asserted of each word (`assertions.NEGATED`, …), shape (n,).
        matches: Cues and operative signs, by position.
        aside: Words that say nothing of the patient's need: names, headings; shape (n,).
        failures: Words of clauses that tell of a treatment that failed, shape (n,).
        failed_category: The category of the matches that tell so.
    """

    words: Words = field(repr=False)
    numbers: Ints
    kinds: NDArray[np.uint8]
    bits: Bits
    matches: list[Match]
    aside: NDArray[np.bool_]
    failures: NDArray[np.bool_]
    failed_category: int = -1

    def __len__(self) -> int:
        return len(self.numbers)

    def without_failures(self) -> "Reading":
        """The same with nothing left of clauses that tell of a failed treatment but that it failed.

        The words of such a clause (the treatment, the months) can look like a reason against an
        operation, and the failure of treatment never is one.
        """
        kept = [
            match
            for match in self.matches
            if not self.failures[match.first] or match.category == self.failed_category
        ]
        return replace(self, matches=kept, aside=self.aside | self.failures)

    def states(self) -> Ints:
        """`PLAIN`, `DENIED` or `ELSEWHERE` for each word, shape (n,)."""
        return _STATE_OF_BITS[self.bits]


class Reader:
    """Reads notes with one vocabulary and one lexicon. Safe to use from several threads."""

    def __init__(self, vocabulary: Vocabulary, lexicon: Lexicon) -> None:
        self.vocabulary = vocabulary
        self.lexicon = lexicon
        self._matcher = Matcher(lexicon, vocabulary)
        self._assertions = Assertions(lexicon)
        self._cues = frozenset(lexicon.of_kind("cue"))
        self._kinds = _Kinds()
        self._titles = _marked(vocabulary, TITLES)
        self._heading = _marked(vocabulary, HEADINGS)
        self._graded = _marked(vocabulary, GRADED)
        self._units = _marked(vocabulary, frozenset(UNITS_MM))
        self._failed = next(
            (n for n, c in enumerate(lexicon.categories) if c.name == FAILED_TREATMENT), -1
        )
        self._question = next(
            (n for n, c in enumerate(lexicon.categories) if "?" in c.phrases), None
        )

    def read(self, text: str) -> Reading:
        """Read a note. Any string is read, in time linear in its length."""
        words = split(text)
        numbers = np.array(self.vocabulary.numbers(words.words), np.int64)
        if not len(numbers):
            empty = np.zeros(0, np.uint8)
            return Reading(words, numbers, empty, empty, [], empty > 0, empty > 0)
        kinds = np.array(list(map(self._kinds.__getitem__, words.gaps[:-1])), np.uint8)
        if "\n" in text:
            self._join_lines(text, words, kinds)
        numeric = (numbers >= NUMBERS.start) & (numbers < NUMBERS.stop)
        self._join_decimals(kinds, numeric)
        self._read_values(words, numbers, kinds, numeric)
        clauses = np.cumsum(kinds == CLAUSE).tolist()
        found = self._matcher.find(numbers, clauses)
        own = self._assertions.numbers
        bits = self._assertions.apply([m for m in found if m.category in own], clauses)
        aside = self._aside(numbers, kinds, words, clauses)
        # Mr Stone has no stone for that, and the heading of a section is no finding.
        matches = [
            m
            for m in found
            if m.category not in own and not (m.category in self._cues and aside[m.first])
        ]
        if "?" in text and self._question is not None:
            matches += [
                Match(self._question, place - 1, place - 1)
                for place, gap in enumerate(words.gaps)
                if place and "?" in gap
            ]
        return Reading(
            words,
            numbers,
            kinds,
            bits,
            matches,
            aside,
            self._failures(matches, bits, clauses),
            self._failed,
        )

    def _aside(
        self, numbers: Ints, kinds: NDArray[np.uint8], words: Words, clauses: list[int]
    ) -> NDArray[np.bool_]:
        """Names after a title, and clauses of heading words alone that end in a colon."""
        aside = np.zeros(len(numbers), bool)
        titles = np.flatnonzero(self._titles[numbers[:-1]] & (kinds[1:] != COMMA))
        for title in titles.tolist():
            name = title + 1
            aside[name] = True
            # Initials.
            while name + 1 < len(words) and len(words.words[name + 1]) == 1:
                name += 1
                aside[name] = True
        # A gap with a colon ends a clause, so only these are looked at; one may follow all words.
        ends = [*np.flatnonzero(kinds == CLAUSE).tolist(), len(words)]
        colons = [place for place in ends if place and ":" in words.gaps[place]]
        heading = self._heading.take(numbers).tolist() if colons else []
        for place in colons:
            start = bisect_left(clauses, clauses[place - 1])
            if all(heading[start:place]):
                aside[start:place] = True
        return aside

    def _failures(self, matches: list[Match], bits: Bits, clauses: list[int]) -> NDArray[np.bool_]:
        failures = np.zeros(len(bits), bool)
        for match in matches:
            if match.category == self._failed and not bits[match.first] & OFF:
                start = bisect_left(clauses, clauses[match.first])
                stop = bisect_right(clauses, clauses[match.last])
                failures[start:stop] = True
        return failures

    def _join_lines(self, text: str, words: Words, kinds: NDArray[np.uint8]) -> None:
        """A line break before a small letter ends no clause, if the note has capitals at all."""
        if text == text.lower():
            return
        starts, _ = words.bounds()
        for place, gap in enumerate(words.gaps[:-1]):
            wrapped = kinds[place] == CLAUSE and gap.strip(" \t") in ("\n", "\r\n")
            if wrapped and text[starts[place]].islower():
                kinds[place] = JOINED

    def _join_decimals(self, kinds: NDArray[np.uint8], numeric: NDArray[np.bool_]) -> None:
        """A full stop inside a number ends no clause; between other words it does."""
        points = np.flatnonzero(kinds == POINT)
        if len(points):
            inside = numeric[points] & (points > 0) & numeric[points - 1]
            kinds[points] = np.where(inside, JOINED, CLAUSE)

    def _read_values(
        self,
        words: Words,
        numbers: Ints,
        kinds: NDArray[np.uint8],
        numeric: NDArray[np.bool_],
    ) -> None:
        """Numbers whose value means something: grades, lengths, acuities. The rest become any."""
        places = np.flatnonzero(numeric)
        if not len(places):
            return
        raw = words.words
        # Single digits have numbers of their own: kept after a word that grades, else any number.
        digits = places[numbers[places] < NUMBERS.start + 11]
        graded = self._graded[numbers[digits - 1]] & (digits > 0)
        numbers[digits[~graded]] = NUMBER
        after = places[:-1] + 1 if places[-1] + 1 >= len(numbers) else places + 1
        for unit in after[self._units[numbers[after]]].tolist():
            value = raw[unit - 1]
            if unit > 1 and words.gaps[unit - 1] == "." and raw[unit - 2].isdecimal():
                value = f"{raw[unit - 2]}.{value}"
            numbers[unit - 1] = size(value, UNITS_MM[raw[unit]])
        for place in places.tolist():
            if place and words.gaps[place] == "/" and (name := _acuity(raw[place - 1], raw[place])):
                numbers[place] = ACUITY[name]


class _Kinds(dict[str, int]):
    """From a gap to its kind; gaps repeat, so each is looked at once."""

    def __missing__(self, gap: str) -> int:
        kind = gap_kind(gap)
        if len(self) < _MAX_GAPS:
            self[gap] = kind
        return kind


def _marked(vocabulary: Vocabulary, words: frozenset[str]) -> NDArray[np.bool_]:
    return np.array([name in words for name in vocabulary.names])


def _acuity(upper: str, lower: str) -> str:
    """The lower half of a Snellen fraction (6/60, 20/80), in words; '' if it is none."""
    if upper == "6" and lower in ("4", "5", "6", "9"):
        return "good"
    if upper == "6" and lower in ("12", "18", "24", "36", "60"):
        return "poor"
    if upper == "20" and 2 <= len(lower) <= 3:
        return "good" if int(lower) <= 30 else "poor"
    return ""
