"""The terms of a note that linear scores weigh: words and pairs of words, marked where negated."""

from mlops.container.assertions import FAMILY, HYPOTHETICAL, NEGATED
from mlops.container.text import Tokens

# Function words say nothing alone; inside a pair they may ("not tried", "no longer").
STOP = frozenset(
    ["a", "an", "the", "of", "and", "or", "to", "in", "on", "at", "for", "with", "by", "from", "as", "is", "are", "was", "were", "be", "been", "being", "he", "she", "it", "his", "her", "hers", "him", "they", "them", "their", "this", "that", "these", "those", "i", "we", "you", "your", "our", "my", "me", "us", "who", "whom", "which", "has", "have", "had", "do", "does", "did", "so", "very", "will", "would", "could", "should", "may", "might", "can", "there", "here", "also", "than", "then", "mr", "mrs", "ms", "dr", "miss", "sir", "madam", "patient", "pt", "dear", "thank", "thanks", "please", "kindly", "yours", "sincerely", "regards"]
)
_MARKS = {0: "", NEGATED: "no_"}


def find_terms(tokens: Tokens, bits: list[int]) -> list[tuple[str, int, int]]:
    """Words and neighbouring pairs, each with its first and last token.

    A word in the scope of a negation becomes `no_word`; in the scope of a family member or of a
    mere fear `maybe_word`.
    """
    words = tokens.words
    found: list[tuple[str, int, int]] = []
    last = ""
    last_index = -1
    for index, word in enumerate(words):
        if not (word[0].isalnum() or word in "?#+"):
            if word in ".;:!\n":
                last = ""
            continue
        mark = _mark(bits[index])
        if word not in STOP:
            found.append((mark + word, index, index))
        if last:
            found.append((f"{last} {word}", last_index, index))
        last, last_index = (mark + word if mark else word), index
    return found


def _mark(bits: int) -> str:
    if bits & NEGATED:
        return "no_"
    if bits & (FAMILY | HYPOTHETICAL):
        return "maybe_"
    return ""
