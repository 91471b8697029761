"""What kind of document a text is: a referral, an operative report, or something else.

A text is clinical if enough of its words are: words of the training notes that everyday English
does not use, clinical cues, and somebody's age. An operative report tells of the operation itself
in several ways.
"""

from collections.abc import Collection
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from mlops.container.lexicon import Lexicon
from mlops.container.reading import Ints, Reading
from mlops.container.vocabulary import NUMBERS, UNKNOWN, Vocabulary
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
_LAST_LATIN = "\u024f"
# What stands between the parts of one word.
_JOINING = frozenset("-.'/")

TOO_SHORT = "This is too short to judge: it has fewer than 4 words. Paste the whole note."
NOT_ENGLISH = "This does not look like English, the only language this model reads."
NOT_CLINICAL = "This does not look like a clinical note, so it was not classified."
DISCHARGE = (
    "This is the summary of a stay that is over, so it was not classified. "
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
        self._english = np.array([name in WORDS["english"] for name in names])
        self._foreign = np.array([name in WORDS["foreign"] for name in names])
        self._clinical = np.array([name in known for name in names])
        self._office = np.array([name in WORDS["office"] for name in names])
        self._elsewhere = np.array([name in WORDS["elsewhere"] for name in names])
        self._person = np.array([name in WORDS["person"] for name in names])
        self._age = np.array([name in WORDS["age"] for name in names])
        self._aged = np.array([name in WORDS["aged"] for name in names])
        self._letters = np.array([name[:1].isalpha() for name in names])
        self._letters[: NUMBERS.stop] = False
        categories = lexicon.categories
        self._clinical_cues = {
            n for n in lexicon.of_kind("cue") if categories[n].name in WORDS["clinical_cues"]
        }
        self._operative = set(lexicon.of_kind("operative"))
        self._discharge = set(lexicon.of_kind("discharge"))

    def tell(self, reading: Reading) -> tuple[str, str]:
        """The document type, and a warning sentence or nothing."""
        numbers, words = reading.numbers, reading.words.words
        unknown = [words[place] for place in np.flatnonzero(numbers == UNKNOWN).tolist()]
        strange = [word for word in unknown if word[0].isalpha()]
        known = int(self._letters[numbers].sum())
        if self._is_foreign(numbers, known, strange):
            return "other", NOT_ENGLISH
        places = self._clinical[numbers] & ~reading.aside
        cues, signs = set(), set()
        for category, first, last in reading.matches:
            if category in self._operative or category in self._discharge:
                signs.add(category)
                continue
            cues.add(category)
            if category in self._clinical_cues:
                places[first : last + 1] = True
        places &= ~(reading.aside | self._office[numbers])
        # In a few lines one clinical word may be all there is: any cue beside it counts as well.
        clinical = int(places.sum())
        different = len(set(numbers[places].tolist())) + len(cues)
        enough = clinical > 0 and different >= MIN_CLINICAL_WORDS
        if is_too_short(reading):
            return ("referral" if enough else "other"), TOO_SHORT
        about_else = len(set(numbers[self._elsewhere[numbers]].tolist()))
        if about_else >= MIN_ELSEWHERE and 2 * about_else >= different:
            return "other", NOT_CLINICAL
        clinical = int((places | self._ages(numbers)).sum())
        if not enough or clinical < MIN_CLINICAL_SHARE * (known + len(strange)):
            return "other", NOT_CLINICAL
        if len(signs & self._operative) >= MIN_SIGNS:
            return "operative report", OPERATIVE
        if len(signs & self._discharge) >= MIN_DISCHARGE_SIGNS:
            return "other", DISCHARGE
        return "referral", ""

    def _ages(self, numbers: Ints) -> NDArray[np.bool_]:
        """The words that tell somebody's age, shape (n,): letters between doctors begin with it."""
        ages = self._aged[numbers]
        for place in np.flatnonzero(self._person[numbers]).tolist():
            first = place
            while first and place - first < _MAX_AGE_WORDS and self._age[numbers[first - 1]]:
                first -= 1
            if first and numbers[first - 1] in NUMBERS:
                ages[first - 1 : place + 1] = True
        return ages

    def _is_foreign(self, numbers: NDArray[np.int64], known: int, strange: list[str]) -> bool:
        latin = known + sum(word[0] <= _LAST_LATIN for word in strange)
        total = known + len(strange)
        if latin < _MIN_LATIN * total:
            return True
        foreign = int(self._foreign[numbers].sum())
        english = int(self._english[numbers].sum())
        return foreign >= 2 and foreign > english and foreign >= _MIN_FOREIGN_SHARE * total


def is_too_short(reading: Reading) -> bool:
    """Whether a note has too few words as a reader counts them: what a hyphen joins is one."""
    if not len(reading):
        return True
    apart = (gap for gap in reading.words.gaps[1:-1] if gap not in _JOINING)
    return len(list(islice(apart, MIN_WORDS - 1))) < MIN_WORDS - 1
