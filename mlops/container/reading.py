"""Reading notes: their words by number, what is asserted of them, and the phrases that matter.

Everything that the model knows of a note comes from here, in training and in serving alike. Notes
are read together, their words in one row of arrays, because a step on an array costs little more
for many words than for few; a single note is a batch of one. What a note has few of (phrases,
headings, names) is left to plain Python.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlops.container import tokens
from mlops.container.assertions import NEGATED, OTHER, Assertions, Bits
from mlops.container.clauses import Clauses
from mlops.container.lexicon import Lexicon, Match, Matcher
from mlops.container.text import CLAUSE, COLON, COMMA, QUESTION, split
from mlops.container.tokens import Tokens
from mlops.container.vocabulary import Vocabulary

# What a linear score tells apart: a word as it stands, a denied one, one of another or of fear.
PLAIN, DENIED, ELSEWHERE = 0, 1, 2
STATES = 3
# A finding that is denied, another person's, or only feared.
OFF = NEGATED | OTHER
_STATE_OF_BITS = np.array(
    [DENIED if b & NEGATED else ELSEWHERE if b & OTHER else PLAIN for b in range(16)]
)
_COMMAS = COMMA << tokens.BEFORE | COMMA << tokens.AFTER
FAILED_TREATMENT = "conservative_failed"
Ints = NDArray[np.int64]
Range = tuple[int, int]


@dataclass(frozen=True)
class Reading:
    """What is in B notes.

    After the words of each note comes one that stands for its end, not known, a clause of its own.
    n counts these, too.

    Attributes:
        ranges: Per note where its words begin and end.
        rows: What is known of each word by itself (`tokens`), shape (n, tokens.COLUMNS).
        numbers: The number of each word in the vocabulary, shape (n,).
        where: Where each word starts in the texts, one after the other: lower bits than
            `tokens.ENDS`; shape (n,).
        clauses: Of all words.
        bits: What is asserted of each word (`assertions.NEGATED`, …), shape (n,).
        matches: Per note its cues, operative signs and the like.
        aside: Words that say nothing of the patient's need: names, headings.
        unknown: Words that the vocabulary lacks and that are not set aside: where, and what.
        strange: Per note how many words that the vocabulary lacks are written in letters, and in
            others than Latin ones.
        failures: Per note the clauses that tell of a treatment that failed.
        failed_category: The category of the matches that tell so.
    """

    ranges: list[Range]
    rows: Ints
    numbers: Ints
    where: Ints
    clauses: Clauses
    bits: Bits
    matches: list[list[Match]]
    aside: set[int]
    unknown: list[tuple[int, str]] = field(repr=False)
    strange: list[tuple[int, int]]
    failures: list[list[Range]]
    failed_category: int

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def starts(self) -> Ints:
        """Where the words of each note begin, shape (B,)."""
        return np.array([start for start, _ in self.ranges])

    @cached_property
    def states(self) -> Ints:
        """`PLAIN`, `DENIED` or `ELSEWHERE` for each word, shape (n,)."""
        return _STATE_OF_BITS.take(self.bits)

    def span(self, note: int, first: int, last: int) -> Range:
        """Where a run of words starts and ends in the text of a note, in code points."""
        begin, mask = self.ranges[note][0], (1 << tokens.ENDS) - 1
        # The end of the note before takes up nothing but the space that a token ends with.
        before = (int(self.where[begin - 1]) & mask) if begin else 0
        start, stop = int(self.where[first]) & mask, int(self.where[last]) & mask
        return start - before, stop - before + int(self.rows[last, tokens.LENGTH])

    def without_failures(self, notes: list[int]) -> "Reading":
        """Some of the notes, with nothing left of clauses that tell of a failed treatment.

        But that it failed stays. The words of such a clause (the treatment, the months) can look
        like a reason against an operation, and the failure of treatment never is one.

        Args:
            notes: Their positions.
        """
        found = self if len(notes) == len(self.ranges) else self._only(notes)
        failed = [
            set().union(*(range(*clause) for clause in clauses)) for clauses in found.failures
        ]
        aside = found.aside.union(*failed)
        return replace(
            found,
            matches=[
                [m for m in matches if m[1] not in words or m[0] == self.failed_category]
                for matches, words in zip(found.matches, failed, strict=True)
            ],
            aside=aside,
            unknown=[word for word in found.unknown if word[0] not in aside],
        )

    def _only(self, notes: list[int]) -> "Reading":
        """Some of the notes."""
        chosen = [self.ranges[note] for note in notes]
        kept = np.concatenate([np.arange(*words) for words in chosen])
        ranges: list[Range] = []
        for start, stop in chosen:
            begin = ranges[-1][1] if ranges else 0
            ranges.append((begin, begin + stop - start))
        # By how much the words of each note come to stand further on.
        moved = [new - old for (new, _), (old, _) in zip(ranges, chosen, strict=True)]
        places = {
            place: place + by
            for (start, stop), by in zip(chosen, moved, strict=True)
            for place in (*self.aside, *(place for place, _ in self.unknown))
            if start <= place < stop
        }
        return replace(
            self,
            ranges=ranges,
            rows=self.rows[kept],
            numbers=self.numbers[kept],
            where=self.where[kept],
            clauses=Clauses(self.clauses.numbers[kept]),
            bits=self.bits[kept],
            matches=[
                [(category, first + by, last + by) for category, first, last in self.matches[note]]
                for note, by in zip(notes, moved, strict=True)
            ],
            aside={places[place] for place in self.aside if place in places},
            unknown=[(places[place], word) for place, word in self.unknown if place in places],
            strange=[self.strange[note] for note in notes],
            failures=[
                [(start + by, stop + by) for start, stop in self.failures[note]]
                for note, by in zip(notes, moved, strict=True)
            ],
        )


class Reader:
    """Reads notes with one vocabulary and one lexicon. Safe to use from several threads."""

    def __init__(self, vocabulary: Vocabulary, lexicon: Lexicon) -> None:
        self.vocabulary = vocabulary
        self.lexicon = lexicon
        self.tokens = Tokens(vocabulary)
        self.matcher = Matcher(lexicon, vocabulary)
        self.assertions = Assertions(lexicon)
        self._cues = frozenset(lexicon.of_kind("cue"))
        self.failed = next(
            (n for n, c in enumerate(lexicon.categories) if c.name == FAILED_TREATMENT), -1
        )
        self.question = next(
            (n for n, c in enumerate(lexicon.categories) if "?" in c.phrases), None
        )

    def read(self, *texts: str) -> Reading:
        """Read notes. Any string is read, in time linear in its length."""
        everything = self.tokens.rows(texts)
        places = (everything[:, tokens.WORD] != tokens.NO_WORD).nonzero()[0]
        rows = everything.take(places, axis=0)
        where = everything[:, tokens.TAKEN].cumsum().take(places) - rows[:, tokens.REST]
        clauses = Clauses(where >> tokens.ENDS)
        numbers = rows[:, tokens.WORD].copy()
        seen = _Seen(everything[:, tokens.MARKS], places, rows[:, tokens.MARKS], numbers, clauses)
        seen.look()
        found = self.matcher.find(numbers, clauses)
        own = self.assertions.numbers
        triggers = [match for match in found if match[0] in own]
        commas = _after_commas(everything[:, tokens.MARKS], places)
        bits = self.assertions.apply(triggers, clauses, commas)
        reading = Reading(
            ranges=seen.ranges,
            rows=rows,
            numbers=numbers,
            where=where,
            clauses=clauses,
            bits=bits,
            matches=[[] for _ in texts],
            aside=seen.aside,
            unknown=[],
            strange=seen.strange,
            failures=[[] for _ in texts],
            failed_category=self.failed,
        )
        self._share_out(found, reading)
        for note, places_asked in enumerate(seen.asked):
            if self.question is not None:
                reading.matches[note] += [(self.question, p - 1, p - 1) for p in places_asked]
            reading.unknown.extend(
                (place, word_at(texts[note], *reading.span(note, place, place)))
                for place in seen.lost[note]
                if place not in seen.aside
            )
        return reading

    def _share_out(self, found: list[Match], reading: Reading) -> None:
        """Give each note its matches, but the triggers of assertions, and its failures."""
        own, cues, aside, bits = self.assertions.numbers, self._cues, reading.aside, reading.bits
        note, stop = -1, 0
        for match in found:
            category, first, _ = match
            while first >= stop:
                note += 1
                stop = reading.ranges[note][1]
            # Mr Stone has no stone for that, and the heading of a section is no finding.
            if category not in own and not (first in aside and category in cues):
                reading.matches[note].append(match)
                if category == self.failed and not bits[first] & OFF:
                    reading.failures[note].append(reading.clauses.around(first))


def _after_commas(marks: Ints, places: Ints) -> list[int]:
    """The words that stand after a comma, ascending.

    Args:
        marks: Of all rows.
        places: Which of the rows are words.
    """
    rows = (marks & _COMMAS).nonzero()[0]
    found = []
    for place, mark in zip(
        places.searchsorted(rows).tolist(), marks.take(rows).tolist(), strict=True
    ):
        if mark & COMMA << tokens.BEFORE:
            found.append(place)
        if mark & COMMA << tokens.AFTER:
            found.append(place + 1)
    return found


def word_at(text: str, start: int, stop: int) -> str:
    """The word of a text that stands there, as `split` has it."""
    word = text[start:stop]
    if word.isascii() and word.isalnum():
        return word.lower()
    # One more, for what `split` does to an apostrophe.
    return split(text[start : stop + 1]).words[0]


class _Seen:
    """What is seen by a look at the few words for which those around them count.

    Args:
        everything: The marks of all rows.
        places: Which of the rows are words, shape (n,).
        marks: Of the words.
        numbers: Of the words; what is seen is written into it.
        clauses: Of the words.
    """

    def __init__(
        self, everything: Ints, places: Ints, marks: Ints, numbers: Ints, clauses: Clauses
    ) -> None:
        self._everything, self._places, self._marks = everything, places, marks
        self._numbers, self._clauses = numbers, clauses
        self.ranges: list[Range] = []
        self.aside: set[int] = set()
        # Per note what `Reading` says of strange words, all words that the vocabulary lacks, and
        # those after a question mark.
        self.strange: list[tuple[int, int]] = []
        self.lost: list[list[int]] = [[]]
        self.asked: list[list[int]] = [[]]

    def look(self) -> None:
        """Look at all of them."""
        special = (self._everything & tokens.SPECIAL).nonzero()[0]
        begin = letters = exotic = 0
        for row, place, mark in zip(
            special.tolist(),
            self._places.searchsorted(special).tolist(),
            self._everything.take(special).tolist(),
            strict=True,
        ):
            if mark & tokens.LOST:
                self.lost[-1].append(place)
                letters += bool(mark & tokens.LETTER)
                exotic += bool(mark & tokens.EXOTIC)
            for after, bits in ((place, mark >> tokens.BEFORE), (place + 1, mark >> tokens.AFTER)):
                if bits & COLON and after > begin:
                    self._set_heading_aside(after)
                if bits & QUESTION and after > begin and after not in self.asked[-1][-1:]:
                    self.asked[-1].append(after)
            if mark & tokens.TITLE:
                self._set_name_aside(row, place + 1)
            if mark & tokens.GRADE and (values := self._values(place + 1)):
                self._numbers[place + 1] = values & 255
            if mark & (tokens.MM | tokens.CM) and place and (values := self._values(place - 1)):
                self._numbers[place - 1] = values >> (8 if mark & tokens.MM else 16) & 255
            if mark & tokens.END:
                self.ranges.append((begin, place + 1))
                self.strange.append((letters, exotic))
                begin, letters, exotic = place + 1, 0, 0
                self.lost.append([])
                self.asked.append([])
        self.lost.pop()
        self.asked.pop()

    def _values(self, place: int) -> int:
        """What a number is as a grade and as lengths; 0 if the word is none."""
        return int(self._marks[place]) >> tokens.MORE

    def _set_name_aside(self, title: int, name: int) -> None:
        """A name after a title, initials included, unless a comma stands between them."""
        gap = int(self._everything[title]) >> tokens.AFTER
        for row in range(title + 1, int(self._places[name]) + 1):
            gap |= int(self._everything[row]) >> tokens.BEFORE
        if gap & (COMMA | CLAUSE) == COMMA:
            return
        # The end of a note is no name.
        while not self._marks[name] & tokens.END:
            self.aside.add(name)
            if not self._marks[name + 1] & tokens.INITIAL:
                return
            name += 1

    def _set_heading_aside(self, colon: int) -> None:
        """A clause of heading words alone that ends in a colon, before the word `colon`."""
        start, stop = self._clauses.around(colon - 1)
        if all(self._marks[place] & tokens.HEADING for place in range(stop - 1, start - 1, -1)):
            self.aside.update(range(start, stop))
