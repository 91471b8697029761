"""Whether a word is asserted: negated, past, of another person, or only feared.

After NegEx and ConText (Chapman 2001, Harkema 2009): a trigger opens a scope over the words that
follow (or precede) it, up to the end of the clause, a turning word, or a number of words.
"""

from mlops.container.text import Tokens

# Bits, because a word can be several at once ("no family history of…").
NEGATED, HISTORICAL, FAMILY, HYPOTHETICAL = 1, 2, 4, 8

_WINDOW = 8
_STOPS = frozenset(
    [
        "\n",
        *[
            ".",
            ";",
            ":",
            "?",
            "!",
            "but",
            "however",
            "although",
            "though",
            "yet",
            "except",
            "because",
            "now",
            "today",
        ],
    ]
)
_TRIGGERS: dict[int, str] = {
    NEGATED: """no not without denies denied never nil neither nor non denying absent zero hasn't
        haven't isn't doesn't didn't wasn't hasnt doesnt isnt don't won't cannot can't""",
    FAMILY: """mother father sister brother family mum mom dad aunt uncle grandmother grandfather
        cousin neighbour neighbor colleague friend""",
    HISTORICAL: "previous previously prior psh pshx pmh pmhx former childhood",
    HYPOTHETICAL: "if whether worried fears afraid worries exclude wonders",
}
_FORWARD = {word: bit for bit, words in _TRIGGERS.items() for word in words.split()}
_FORWARD_PAIRS: dict[tuple[str, str], int] = {
    ("free", "of"): NEGATED,
    ("negative", "for"): NEGATED,
    ("absence", "of"): NEGATED,
    ("rather", "than"): NEGATED,
    ("instead", "of"): NEGATED,
    ("lack", "of"): NEGATED,
    ("history", "of"): HISTORICAL,
    ("status", "post"): HISTORICAL,
    ("rule", "out"): HYPOTHETICAL,
    ("concerned", "about"): HYPOTHETICAL,
    ("in", "case"): HYPOTHETICAL,
    ("risk", "of"): HYPOTHETICAL,
}
_BACKWARD = frozenset(
    ["negative", "neg", "absent", "excluded", "none", "nil", "declined", "unremarkable"]
)


def assertions(tokens: Tokens) -> list[int]:
    """The bits that hold for each token, in time linear in their number."""
    words = tokens.words
    bits = [0] * len(words)
    active: list[tuple[int, int]] = []
    for index, word in enumerate(words):
        if word in _STOPS:
            active = []
            continue
        for bit, _ in active:
            bits[index] |= bit
        if active:
            active = [scope for scope in active if index + 1 < scope[1]]
        opened = _FORWARD.get(word, 0)
        if index:
            opened |= _FORWARD_PAIRS.get((words[index - 1], word), 0)
        if opened:
            active = [scope for scope in active if scope[0] != opened]
            active.append((opened, index + 1 + _WINDOW))
        if word in _BACKWARD:
            _mark_back(words, bits, index)
    return bits


def _mark_back(words: list[str], bits: list[int], index: int) -> None:
    """ "Murphy negative", "stones: none": the few words before are denied."""
    for back in range(index - 1, max(-1, index - 4), -1):
        if words[back] in _STOPS or words[back] == ",":
            return
        bits[back] |= NEGATED
