"""What kind of document a text is: a referral, an operative report, or something else.

A text is clinical if enough of its words are: words of the training notes that everyday English
does not use, clinical cues, and somebody's age. An operative report tells of the operation itself
in several ways.
"""

from collections.abc import Collection

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
_MAX_AGE_WORDS = 3

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


class DocumentTypes:
    """Tells the kind of a document that has been read.

    Args:
        vocabulary: Of the reader.
        lexicon: Of the reader.
        clinical: The clinical vocabulary that the model learnt.
    """

    def __init__(self, vocabulary: Vocabulary, lexicon: Lexicon, clinical: Collection[str]) -> None:
        names = vocabulary.names
        known = (frozenset(clinical) | WORDS["shorthand"] | WORDS["body"]) - WORDS["office"]
        self._clinical = np.array([name in known for name in names])
        self._no_office = np.array([name not in WORDS["office"] for name in names])
        self._elsewhere = np.array([name in WORDS["elsewhere"] for name in names])
        self._prescribing = np.array([name in WORDS["prescribing"] for name in names])
        dosing = WORDS["prescribing"] | WORDS["dosing"] | WORDS["drugs"]
        self._dosing = np.array([name in dosing for name in names])
        self._person = np.array([name in WORDS["person"] for name in names])
        self._age = np.array([name in WORDS["age"] for name in names])
        self._aged = np.array([name in WORDS["aged"] for name in names])
        letters = np.array([name[:1].isalpha() for name in names])
        letters[: NUMBERS.stop] = False
        english = [name in WORDS["english"] for name in names]
        foreign = [name in WORDS["foreign"] for name in names]
        self._counted = np.array([letters, english, foreign, self._elsewhere], np.float32).T.copy()
        categories = lexicon.categories
        self._clinical_cues = {
            n for n in lexicon.of_kind("cue") if categories[n].name in WORDS["clinical_cues"]
        }
        self._operative = set(lexicon.of_kind("operative"))
        self._discharge = set(lexicon.of_kind("discharge"))

    def tell(self, reading: Reading) -> list[tuple[str, str]]:
        """The type of each document, and a warning sentence or nothing."""
        kinds = self._counted.take(reading.numbers, axis=0)
        counts = np.add.reduceat(kinds, reading.starts, axis=0).tolist()
        clinical = self._clinical.take(reading.numbers)
        for matches in reading.matches:
            for category, first, last in matches:
                if category in self._clinical_cues:
                    clinical[first : last + 1] = True
        clinical &= self._no_office.take(reading.numbers)
        clinical[list(reading.aside)] = False
        return [
            self._tell(reading, note, clinical[slice(*reading.ranges[note])], count)
            for note, count in enumerate(counts)
        ]

    def _tell(
        self, reading: Reading, note: int, clinical: Bools, counts: list[float]
    ) -> tuple[str, str]:
        """The same of one note.

        Args:
            reading: Some notes.
            note: The position of this one.
            clinical: Which of its words are clinical.
            counts: How many of its words are known and written in letters, are everyday English,
                of other languages, of other fields.
        """
        known, english, foreign, elsewhere = counts
        strange, exotic = reading.strange[note]
        total = known + strange
        if total - exotic < _MIN_LATIN * total:
            return "other", NOT_ENGLISH
        if foreign >= 2 and foreign > english and foreign >= _MIN_FOREIGN_SHARE * total:
            return "other", NOT_ENGLISH
        numbers = reading.numbers[slice(*reading.ranges[note])]
        found = {category for category, _, _ in reading.matches[note]}
        signs, discharged = len(found & self._operative), len(found & self._discharge)
        # In a few lines one clinical word may be all there is: any cue beside it counts as well.
        different = len(found) - signs - discharged
        if different < MIN_CLINICAL_WORDS or elsewhere >= MIN_ELSEWHERE:
            different += len(set(numbers[clinical].tolist()))
        said = int(np.count_nonzero(clinical))
        enough = said > 0 and different >= MIN_CLINICAL_WORDS
        if is_too_short(reading, note):
            return ("referral" if enough else "other"), TOO_SHORT
        if elsewhere >= MIN_ELSEWHERE:
            about_else = len(set(numbers[self._elsewhere.take(numbers)].tolist()))
            if about_else >= MIN_ELSEWHERE and 2 * about_else >= different:
                return "other", NOT_CLINICAL
        if MIN_CLINICAL_WORDS <= said < MIN_CLINICAL_SHARE * total:
            said = int(np.count_nonzero(clinical | self._ages(numbers)))
        if not enough or said < MIN_CLINICAL_SHARE * total:
            return "other", NOT_CLINICAL
        if self._prescribes(numbers, clinical):
            return "other", PRESCRIPTION
        if signs >= MIN_SIGNS:
            return "operative report", OPERATIVE
        if discharged >= MIN_DISCHARGE_SIGNS:
            return "other", DISCHARGE
        return "referral", ""

    def _prescribes(self, numbers: Ints, clinical: Bools) -> bool:
        """Whether a pharmacy is told what to dispense, and nobody what for.

        A referral that lists medications has findings, too.
        """
        if not self._prescribing.take(numbers).any():
            return False
        findings = clinical & ~self._dosing.take(numbers)
        return len(set(numbers[findings].tolist())) < MIN_CLINICAL_WORDS

    def _ages(self, numbers: Ints) -> Bools:
        """The words that tell somebody's age: letters between doctors begin with it."""
        ages: Bools = self._aged.take(numbers)
        for place in self._person.take(numbers).nonzero()[0].tolist():
            first = place
            while first and place - first < _MAX_AGE_WORDS and self._age[numbers[first - 1]]:
                first -= 1
            if first and numbers[first - 1] in NUMBERS:
                ages[first - 1 : place + 1] = True
        return ages


def is_too_short(reading: Reading, note: int) -> bool:
    """Whether a note has too few words as a reader counts them: what a hyphen joins is one."""
    marks = reading.rows[slice(*reading.ranges[note]), MARKS]
    return int(np.count_nonzero(marks & APART)) < MIN_WORDS
