"""Text to tokens that know where they stand in the note, in linear time and for any string."""

import re
from dataclasses import dataclass

# A word is letters and digits, inner apostrophes and hyphens split; a number may have a decimal
# part; punctuation and line breaks are tokens because they end clauses. No nested repeats: the
# time is linear in the length of the text.
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]{1,2}\b)?|[.,;:?!/+#&%<>=\-\n]")
# After these a small number is a grade, and its value matters; elsewhere it is any number.
_GRADED = frozenset(
    [
        "grade",
        "stage",
        "type",
        "class",
        "level",
        "gartland",
        "garden",
        "weber",
        "rads",
        "birads",
        "cin",
        "bethesda",
        "tirads",
        "kl",
        "kellgren",
        "nyha",
        "asa",
        "x",
        "mrc",
        "power",
        "fitzpatrick",
        "schatzker",
    ]
)
_CLAUSE_ENDS = frozenset(".;:?!\n")
_UNIT_MM = {"mm": 1.0, "cm": 10.0, "centimetre": 10.0, "centimetres": 10.0, "centimeter": 10.0,
            "centimeters": 10.0, "millimetre": 1.0, "millimetres": 1.0, "millimeter": 1.0,
            "millimeters": 1.0}  # fmt: skip
_MAX_WORD = 40


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text, as parallel lists.

    Attributes:
        words: Normalised: lower case, numbers as `0`, sizes as `size_…`, `#` as `fracture`.
        starts, ends: `text[starts[i]:ends[i]]` is the token as written, in code points.
        spoken: Words as a reader counts them: between blanks, with a letter or digit.
        clauses: Number of the clause (ended by a full stop, semicolon, colon, line break) it is in.
    """

    words: list[str]
    starts: list[int]
    ends: list[int]
    clauses: list[int]
    spoken: int

    def __len__(self) -> int:
        return len(self.words)


def tokenize(text: str) -> Tokens:
    """Split a text into tokens.

    Args:
        text: Any string, lone surrogates and control characters included.
    """
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    clauses: list[int] = []
    clause = 0
    for match in _TOKEN.finditer(text):
        raw = match.group()
        first = raw[0]
        if first.isdigit():
            graded = len(raw) == 1 and words and words[-1] in _GRADED
            word = raw if graded else _acuity(raw, words, text, starts) or "0"
        elif first == "#":
            word = "fracture"
        elif first.isalpha():
            word = raw.lower().replace("’", "'")[:_MAX_WORD]
            if words and words[-1] == "0" and word in _UNIT_MM:
                words[-1] = _size(text[starts[-1] : ends[-1]], _UNIT_MM[word])
        else:
            word = raw
        words.append(word)
        starts.append(match.start())
        ends.append(match.end())
        clauses.append(clause)
        if first in _CLAUSE_ENDS:
            clause += 1
    spoken = sum(any(map(str.isalnum, chunk[:_MAX_WORD])) for chunk in text.split())
    return Tokens(words, starts, ends, clauses, spoken)


def _size(number: str, unit: float) -> str:
    """A length in words that mean something to a clinician: small, middling, large."""
    try:
        millimetres = float(number) * unit
    except (ValueError, OverflowError):
        return "0"
    for limit, name in ((6, "tiny"), (10, "small"), (20, "medium"), (40, "large"), (55, "big")):
        if millimetres < limit:
            return f"size_{name}"
    return "size_huge"


def _acuity(raw: str, words: list[str], text: str, starts: list[int]) -> str:
    """The lower half of a Snellen fraction (6/60, 20/80), in words; '' if it is none."""
    if len(words) < 2 or words[-1] != "/" or words[-2] != "0" or len(raw) > 3:
        return ""
    upper = text[starts[-2] : starts[-1]]
    if upper == "6" and raw in ("4", "5", "6", "9"):
        return "acuity_good"
    if upper == "6" and raw in ("12", "18", "24", "36", "60"):
        return "acuity_poor"
    if upper == "20" and raw.isdecimal():
        return "acuity_good" if int(raw) <= 30 else "acuity_poor"
    return ""
