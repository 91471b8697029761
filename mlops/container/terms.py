"""A note as terms: words, pairs of words, pieces of words, and the clinical cues it holds."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from mlops.container.assertions import FAMILY, HYPOTHETICAL, NEGATED, assertions
from mlops.container.lexicon import Cue, Lexicon
from mlops.container.text import Tokens, tokenize

# Function words say nothing alone; inside a pair they may ("not tried", "no longer").
STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "and",
        "or",
        "to",
        "in",
        "on",
        "at",
        "for",
        "with",
        "by",
        "from",
        "as",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "he",
        "she",
        "it",
        "his",
        "her",
        "hers",
        "him",
        "they",
        "them",
        "their",
        "this",
        "that",
        "these",
        "those",
        "i",
        "we",
        "you",
        "your",
        "our",
        "my",
        "me",
        "us",
        "who",
        "whom",
        "which",
        "has",
        "have",
        "had",
        "do",
        "does",
        "did",
        "so",
        "very",
        "will",
        "would",
        "could",
        "should",
        "may",
        "might",
        "can",
        "there",
        "here",
        "also",
        "than",
        "then",
        "mr",
        "mrs",
        "ms",
        "dr",
        "miss",
        "sir",
        "madam",
        "patient",
        "pt",
        "dear",
        "thank",
        "thanks",
        "please",
        "kindly",
        "yours",
        "sincerely",
        "regards",
    ]
)
_OFF = NEGATED | FAMILY | HYPOTHETICAL
Span = tuple[int, int]


@dataclass(frozen=True)
class Encoded:
    """What the model reads in a note. Terms and pieces map to the tokens they stand on."""

    tokens: Tokens
    bits: list[int]
    cues: list[Cue]

    @cached_property
    def terms(self) -> Mapping[str, list[Span]]:
        """Words, pairs and cues, each with the first and last token of every place.

        In the scope of a negation a word is `no_word`; of another person or a mere fear
        `maybe_word`; a cue is `@category`, or `@off_category` there.
        """
        found: dict[str, list[Span]] = defaultdict(list)
        last, last_index, last_plain = "", -1, False
        for index, word in enumerate(self.tokens.words):
            if not (word[0].isalnum() or word in "?+"):
                if word in ".;:!\n":
                    last = ""
                continue
            marked = _mark(self.bits[index]) + word
            plain = word in STOP or word == "0"
            if not plain:
                found[marked].append((index, index))
            # Two function words, or one and a number, are style and not content.
            if last and not (plain and last_plain):
                found[f"{last} {word}"].append((last_index, index))
            last, last_index, last_plain = marked, index, plain
        for cue in self.cues:
            found[("@off_" if self.is_off(cue) else "@") + cue.category].append(
                (cue.first, cue.last)
            )
        return found

    @cached_property
    def pieces(self) -> Mapping[str, list[int]]:
        """Runs of 3 to 5 letters inside words, with the tokens that hold them."""
        found: dict[str, list[int]] = defaultdict(list)
        for index, word in enumerate(self.tokens.words):
            if word[0].isalpha() and word not in STOP:
                for piece in _pieces(word):
                    found[piece].append(index)
        return found

    def is_off(self, cue: Cue) -> bool:
        """Whether a cue is denied, another person's, or only feared."""
        return bool(self.bits[cue.first] & _OFF)


def encode(text: str, lexicon: Lexicon) -> Encoded:
    """Read a note. Any string is read, in time linear in its length."""
    tokens = tokenize(text)
    return Encoded(tokens, assertions(tokens), lexicon.find(tokens))


@lru_cache(maxsize=20_000)
def _pieces(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(
        padded[start : start + size]
        for size in (3, 4, 5)
        for start in range(max(1, len(padded) - size + 1))
    )


def _mark(bits: int) -> str:
    if bits & NEGATED:
        return "no_"
    if bits & (FAMILY | HYPOTHETICAL):
        return "maybe_"
    return ""
