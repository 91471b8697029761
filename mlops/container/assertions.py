"""Whether a word is asserted: negated, past, of the family, planned or only feared.

After NegEx and ConText (Chapman 2001, Harkema 2009): a trigger opens a scope over the words that
follow (or precede) it, up to the end of the clause, a turning word, or a number of words.
"""

from mlops.container.text import Tokens

# Bits, because a word can be several at once ("no family history of…").
NEGATED, HISTORICAL, FAMILY, HYPOTHETICAL = 1, 2, 4, 8

_WINDOW = 8
_STOPS = frozenset(
    [".", ";", ":", "?", "!", "\n", "but", "however", "although", "though", "yet", "except", "because", "now", "today"]
)

_FORWARD: dict[str, int] = {
    "no": NEGATED, "not": NEGATED, "without": NEGATED, "denies": NEGATED, "denied": NEGATED,
    "never": NEGATED, "nil": NEGATED, "neither": NEGATED, "nor": NEGATED, "non": NEGATED,
    "hasn't": NEGATED, "haven't": NEGATED, "isn't": NEGATED, "doesn't": NEGATED,
    "didn't": NEGATED, "wasn't": NEGATED, "hasnt": NEGATED, "doesnt": NEGATED, "isnt": NEGATED,
    "don't": NEGATED, "won't": NEGATED, "cannot": NEGATED, "can't": NEGATED,
    "denying": NEGATED, "absent": NEGATED, "zero": NEGATED,
    "mother": FAMILY, "father": FAMILY, "sister": FAMILY, "brother": FAMILY, "family": FAMILY,
    "mum": FAMILY, "mom": FAMILY, "dad": FAMILY, "aunt": FAMILY, "uncle": FAMILY,
    "grandmother": FAMILY, "grandfather": FAMILY, "cousin": FAMILY, "neighbour": FAMILY,
    "neighbor": FAMILY, "colleague": FAMILY, "friend": FAMILY,
    "previous": HISTORICAL, "previously": HISTORICAL, "prior": HISTORICAL, "psh": HISTORICAL,
    "pshx": HISTORICAL, "pmh": HISTORICAL, "pmhx": HISTORICAL, "former": HISTORICAL,
    "childhood": HISTORICAL, "old": 0,
    "if": HYPOTHETICAL, "whether": HYPOTHETICAL, "worried": HYPOTHETICAL, "fears": HYPOTHETICAL,
    "afraid": HYPOTHETICAL, "worries": HYPOTHETICAL, "exclude": HYPOTHETICAL,
    "wonders": HYPOTHETICAL,
}  # fmt: skip
_FORWARD_PAIRS: dict[tuple[str, str], int] = {
    ("free", "of"): NEGATED, ("negative", "for"): NEGATED, ("absence", "of"): NEGATED,
    ("rather", "than"): NEGATED, ("instead", "of"): NEGATED, ("lack", "of"): NEGATED,
    ("ruled", "out"): 0, ("history", "of"): HISTORICAL, ("status", "post"): HISTORICAL,
    ("s", "p"): HISTORICAL, ("rule", "out"): HYPOTHETICAL, ("concerned", "about"): HYPOTHETICAL,
    ("in", "case"): HYPOTHETICAL, ("risk", "of"): HYPOTHETICAL,
}  # fmt: skip
_BACKWARD = frozenset(["negative", "neg", "absent", "excluded", "none", "nil", "declined", "unremarkable"])


def assertions(tokens: Tokens) -> list[int]:
    """The bits that hold for each token, in time linear in their number."""
    words = tokens.words
    bits = [0] * len(words)
    active: list[tuple[int, int]] = []
    for index, word in enumerate(words):
        if word in _STOPS:
            active = []
            continue
        for bit, until in active:
            if index < until:
                bits[index] |= bit
        if active:
            active = [(bit, until) for bit, until in active if index + 1 < until]
        opened = _FORWARD.get(word, 0)
        if index + 1 < len(words):
            opened |= _FORWARD_PAIRS.get((words[index - 1], word), 0) if index else 0
        if opened and len(active) < 4:
            active.append((opened, index + 1 + _WINDOW))
        if word in _BACKWARD:
            _mark_back(words, bits, index)
    return bits


def _mark_back(words: list[str], bits: list[int], index: int) -> None:
    for back in range(index - 1, max(-1, index - 4), -1):
        if words[back] in _STOPS or words[back] == ",":
            return
        bits[back] |= NEGATED
