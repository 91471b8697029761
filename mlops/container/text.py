"""Text to words, one character for another, in linear time and for any string."""

import re
from dataclasses import dataclass, field

# A word is a run of letters and digits. What stands between two words is kept whole: it decides
# whether a clause ends there, and it makes the lengths add up.
_WORD = re.compile(r"(\w+)")
_LINE = re.compile(r"\n[ \t]*(?=\w)")
# `#` is a fracture in clinical shorthand; a letter in its place makes it a word of its own.
FRACTURE = "ǂ"

# What is in a gap between two words, as bits, because a gap may be put together from several.
COMMA, CLAUSE, COLON, QUESTION = 1, 2, 4, 8
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


def gap_bits(gap: str) -> int:
    """What is in a gap: a comma, the end of a clause, a colon, a question mark.

    >>> [gap_bits(gap) for gap in (" ", ", ", ". ", ":", "?", "-")]
    [0, 1, 2, 6, 10, 0]
    """
    if not gap:
        return 0
    return (
        COMMA * ("," in gap)
        | CLAUSE * (not _CLAUSE.isdisjoint(gap))
        | COLON * (":" in gap)
        | QUESTION * ("?" in gap)
    )


def tokens_of(text: str) -> list[str]:
    """A text cut at spaces and after line breaks.

    A token holds a word, several (`and/or`) or none, with the punctuation around them. No rule of
    `split` looks across a space, so that the words of the tokens are the words of the text.

    >>> tokens_of("No fever,  and/or\\nPain.")
    ['No', 'fever,', '', 'and/or\\n', 'Pain.']
    """
    return spaced(text).split(" ")


def spaced(text: str) -> str:
    """A text with a space after every line break, so that spaces alone part its tokens."""
    return _join_lines(text).replace("\n", "\n ") if "\n" in text else text


def _join_lines(text: str) -> str:
    """A line break before a small letter ends no clause, if the text has capitals at all."""
    if text == text.lower():
        return text
    parts: list[str] = []
    done = 0
    for match in _LINE.finditer(text):
        start, stop = match.span()
        if not text[stop].islower():
            continue
        if text[start - 1 : start] == "\r":
            start -= 1
        before = start
        while before and text[before - 1] in " \t":
            before -= 1
        if before and (text[before - 1].isalnum() or text[before - 1] == "#"):
            parts += text[done:start], " " * (stop - start)
            done = stop
    return "".join(parts) + text[done:]
