"""What kind of document a text is: a referral, an operative report, or something else.

A text is clinical if enough of its words are: words of the training notes that everyday English
does not use, clinical cues, and somebody's age. An operative report tells of the operation itself
in several ways.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from mlops.container.clauses import Bools, Ints
from mlops.container.lexicon import Lexicon
from mlops.container.reading import Reading
from mlops.container.tokens import APART, MARKS
from mlops.container.vocabulary import NUMBERS, Vocabulary
from mlops.container.wordlists import WORDS

MIN_WORDS = 4
MIN_CLINICAL_WORDS = 2
MIN_CLINICAL_SHARE = 0.07
# So many different words of another field make a text one of that field, unless it has more than
# twice as many clinical ones.
MIN_ELSEWHERE = 3
MIN_SIGNS = 3
MIN_DISCHARGE_SIGNS = 2
# Of the words written in letters, so many have to be in Latin ones.
_MIN_LATIN = 0.7
_MIN_FOREIGN_SHARE = 0.08
# Between a number and whose age it is.
MAX_AGE_WORDS = 3
# Lists of `words.toml`, and what is counted word by word, in the order of `Counts`.
_LISTS = ("office", "elsewhere", "prescribing", "person", "age", "aged", "english", "foreign")
_COUNTED = ("letters", "english", "foreign", "elsewhere")

TOO_SHORT = "This is too short to judge: it has fewer than 4 words. Paste the whole note."
NOT_ENGLISH = "This does not look like English, the only language this model reads."
NOT_CLINICAL = "This does not look like a clinical note, so it was not classified."
DISCHARGE = (
    "This is the summary of a stay that is over, so it was not classified. "
    "Paste the letter or note that asks for an opinion."
)
PRESCRIPTION = (
    "This is a prescription, so it was not classified. "
    "Paste the letter or note that asks for an opinion."
)
OPERATIVE = (
    "This describes an operation that has already been done: it can't decide a referral. "
    "Paste what was written before the decision."
)


class Counts(NamedTuple):
    """What the kind of a document depends on.

    Attributes:
        known: Known words that are written in letters.
        english: Words of everyday English.
        foreign: Words of other languages.
        elsewhere: Words of other fields.
        strange: Words in letters that the vocabulary lacks.
        exotic: Those of them in other letters than Latin ones.
        signs: Different signs of an operation.
        discharged: Different signs of a discharge.
        cues: Different other phrases.
        different: Different clinical words.
        clinical: Clinical words.
        aged: These and the words that tell somebody's age: letters between doctors begin with it.
        about_else: Different words of other fields.
        prescribing: Words that tell a pharmacy what to dispense.
        findings: Different clinical words that are neither drugs nor doses.
        apart: Words as a reader counts them: what a hyphen joins is one.
    """

    known: int
    english: int
    foreign: int
    elsewhere: int
    strange: int
    exotic: int
    signs: int
    discharged: int
    cues: int
    different: int
    clinical: int
    aged: int
    about_else: int
    prescribing: int
    findings: int
    apart: int


def tell(counts: Counts) -> tuple[str, str]:
    """The type of a document, and a warning sentence or nothing."""
    total = counts.known + counts.strange
    if total - counts.exotic < _MIN_LATIN * total:
        return "other", NOT_ENGLISH
    if (
        counts.foreign >= 2
        and counts.foreign > counts.english
        and counts.foreign >= _MIN_FOREIGN_SHARE * total
    ):
        return "other", NOT_ENGLISH
    # In a few lines one clinical word may be all there is: any cue beside it counts as well.
    different = counts.cues + counts.different
    enough = counts.clinical > 0 and different >= MIN_CLINICAL_WORDS
    if counts.apart < MIN_WORDS:
        return ("referral" if enough else "other"), TOO_SHORT
    if counts.about_else >= MIN_ELSEWHERE and 2 * counts.about_else >= different:
        return "other", NOT_CLINICAL
    said = counts.clinical if counts.clinical < MIN_CLINICAL_WORDS else counts.aged
    if not enough or said < MIN_CLINICAL_SHARE * total:
        return "other", NOT_CLINICAL
    if counts.prescribing and counts.findings < MIN_CLINICAL_WORDS:
        # A pharmacy is told what to dispense, and nobody what for.
        return "other", PRESCRIPTION
    if counts.signs >= MIN_SIGNS:
        return "operative report", OPERATIVE
    if counts.discharged >= MIN_DISCHARGE_SIGNS:
        return "other", DISCHARGE
    return "referral", ""


class DocumentTypes:
    """Counts in documents that have been read what their kind depends on.

    Args:
        vocabulary: Of the reader.
        lexicon: Of the reader.
        clinical: The clinical vocabulary that the model learnt.

    Attributes:
        words: Which words of the vocabulary are of a kind, by its name; shape (V,) each.
        clinical_cues: Numbers of the cues whose words are clinical.
    """

    def __init__(self, vocabulary: Vocabulary, lexicon: Lexicon, clinical: Collection[str]) -> None:
        said = WORDS["shorthand"] | WORDS["body"] | WORDS["long_term"]
        known = (frozenset(clinical) | said) - WORDS["office"]
        lists = {name: WORDS[name] for name in _LISTS} | {"clinical": known}
        # What a prescription is made of.
        lists["dosing"] = frozenset().union(
            *(WORDS[name] for name in ("prescribing", "dosing", "drugs", "long_term"))
        )
        self.words = {name: vocabulary.marks(words) for name, words in lists.items()}
        self.words["letters"] = np.array([name[:1].isalpha() for name in vocabulary.names])
        self.words["letters"][: NUMBERS.stop] = False
        self._counted = np.array([self.words[name] for name in _COUNTED], np.float32).T.copy()
        categories = lexicon.categories
        self.clinical_cues = {
            n for n in lexicon.of_kind("cue") if categories[n].name in WORDS["clinical_cues"]
        }
        self._operative = set(lexicon.of_kind("operative"))
        self._discharge = set(lexicon.of_kind("discharge"))

    def count(self, reading: Reading) -> list[Counts]:
        """The counts of each document."""
        kinds = self._counted.take(reading.numbers, axis=0)
        counted = np.add.reduceat(kinds, reading.starts, axis=0).tolist()
        clinical = self.words["clinical"].take(reading.numbers)
        for matches in reading.matches:
            for category, first, last in matches:
                if category in self.clinical_cues:
                    clinical[first : last + 1] = True
        clinical &= ~self.words["office"].take(reading.numbers)
        clinical[list(reading.aside)] = False
        return [
            self._count(reading, note, clinical[slice(*reading.ranges[note])], own)
            for note, own in enumerate(counted)
        ]

    def _count(self, reading: Reading, note: int, clinical: Bools, counted: list[float]) -> Counts:
        """The counts of one document.

        Args:
            reading: Some notes.
            note: The position of this one.
            clinical: Which of its words are clinical.
            counted: How many of its words are of each of `_COUNTED`.
        """
        words = slice(*reading.ranges[note])
        numbers = reading.numbers[words]
        found = {category for category, _, _ in reading.matches[note]}
        signs, discharged = len(found & self._operative), len(found & self._discharge)
        known, english, foreign, elsewhere = map(int, counted)
        strange, exotic = reading.strange[note]
        about_else = numbers[self.words["elsewhere"].take(numbers)]
        findings = clinical & ~self.words["dosing"].take(numbers)
        return Counts(
            known=known,
            english=english,
            foreign=foreign,
            elsewhere=elsewhere,
            strange=strange,
            exotic=exotic,
            signs=signs,
            discharged=discharged,
            cues=len(found) - signs - discharged,
            different=len(set(numbers[clinical].tolist())),
            clinical=int(np.count_nonzero(clinical)),
            aged=int(np.count_nonzero(clinical | self._ages(numbers))),
            about_else=len(set(about_else.tolist())),
            prescribing=int(np.count_nonzero(self.words["prescribing"].take(numbers))),
            findings=len(set(numbers[findings].tolist())),
            apart=int(np.count_nonzero(reading.rows[words, MARKS] & APART)),
        )

    def _ages(self, numbers: Ints) -> Bools:
        """The words that tell somebody's age."""
        ages: Bools = self.words["aged"].take(numbers)
        for place in self.words["person"].take(numbers).nonzero()[0].tolist():
            first = place
            while first and place - first < MAX_AGE_WORDS and self.words["age"][numbers[first - 1]]:
                first -= 1
            if first and numbers[first - 1] in NUMBERS:
                ages[first - 1 : place + 1] = True
        return ages
