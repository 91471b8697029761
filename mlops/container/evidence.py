"""Evidence: what moved the probability, carried back to the words and gathered into phrases.

Where boosting starts from is a sum over words and cues. What the trees contribute to a linear score
is shared among the words by what each adds to that score; to a count of cues, among the cues. What
stands nowhere in the note (its register, what it does not say) is left in the remainder.
"""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mlops.container.assertions import NEGATED, OTHER
from mlops.container.clauses import Ints
from mlops.container.features import PRIOR, Found
from mlops.container.reading import Reading
from mlops.container.scores import Floats

if TYPE_CHECKING:
    from mlops.container.model import Model

MAX_EVIDENCE = 8
MIN_WEIGHT = 0.03
# A word below this is left in the remainder, and bridged inside a phrase.
MIN_WORD = 0.01
# What differs by no more weighs the same.
TIE = 1e-9
MAX_PHRASE = 12
MAX_GAP = 2
# A score near its average says little; what the trees make of it is not blown up beyond this.
MAX_GAIN = 3.0
# What a phrase weighs, where it starts and ends in the text, and what most of it is: `NEGATED`,
# `OTHER`, or 0 for what is present.
Phrase = tuple[float, int, int, int]


def word_weights(
    reading: Reading, found: Found, contributions: Floats, note: int, model: "Model"
) -> Floats:
    """Log-odds on every word of a note, before calibration.

    Args:
        reading: Some notes.
        found: Their features.
        contributions: What each feature adds, shape (B, features).
        note: The position of this one.
        model: Whose features they are.
    """
    begin, stop = reading.ranges[note]
    added, gated = contributions[note].tolist(), found.gated
    values = found.values[note].tolist()
    gains: list[float] = []
    for name, mean in zip(model.plan.scores, model.means.tolist(), strict=True):
        distance = values[len(gains)] - mean
        gain = added[len(gains)] / distance if distance else 0.0
        # What a text is like is no finding: the register stays in the remainder.
        gains.append(0.0 if name == "register" else min(max(gain, 0.0), MAX_GAIN))
    weights = found.scored.by_word(
        note, slice(begin, stop), gated.weights[note] + gated.gates[note] * gains
    )
    # A cue has its part of the feature that counts it, and with a sign one of the balance of cues,
    # which has a part in where boosting starts from as well.
    cues, kinds = found.cues[note], len(gains)
    signed = sum(abs(sign) for _, _, _, sign in cues)
    start, balance = float(gated.referral[note]) / (signed + PRIOR), added[kinds] / max(signed, 1)
    for first, last, feature, sign in cues:
        own = added[kinds + feature] / values[kinds + feature]
        whole = own + start * sign + balance * abs(sign)
        weights[first - begin : last + 1 - begin] += whole / (last + 1 - first)
    return weights


def phrases(reading: Reading, note: int, weights: Floats) -> list[Phrase]:
    """At most eight phrases of a note, strongest first.

    Neighbouring words of one direction become one phrase; a word without weight between them may
    be bridged.

    Args:
        reading: Some notes, read.
        note: The position of this one.
        weights: Log-odds on its words.
    """
    totals, first, last = _runs(reading, note, weights)
    strength = np.abs(totals)
    chosen = (-strength / TIE).round().argsort(kind="stable")[:MAX_EVIDENCE]
    chosen = chosen[strength.take(chosen) >= MIN_WEIGHT]
    found = zip(
        totals.take(chosen).tolist(),
        first.take(chosen).tolist(),
        last.take(chosen).tolist(),
        strict=True,
    )
    return [
        (weight, *reading.span(note, one, other), _asserted(reading, one, other))
        for weight, one, other in found
    ]


def _asserted(reading: Reading, first: int, last: int) -> int:
    """What most of a phrase is, other than present."""
    bits = reading.bits[first : last + 1].tolist()
    if any(bits):
        for bit in (NEGATED, OTHER):
            if 2 * sum(1 for own in bits if own & bit) > len(bits):
                return bit
    return 0


def _runs(reading: Reading, note: int, weights: Floats) -> tuple[Floats, Ints, Ints]:
    """The phrases of a note: what each weighs, its first and its last word."""
    begin = reading.ranges[note][0]
    places = (np.abs(weights) >= MIN_WORD).nonzero()[0]
    own = weights.take(places)
    places += begin
    # Where a phrase can't go on from the place before.
    cut = np.ones(len(places) + 1, bool)
    clauses = reading.clauses.numbers.take(places)
    cut[1:-1] = (own[1:] > 0) != (own[:-1] > 0)
    cut[1:-1] |= (places[1:] - places[:-1] > MAX_GAP) | (clauses[1:] != clauses[:-1])
    edges = _without_long(cut.nonzero()[0].tolist(), places.tolist())
    starts = np.array(edges[:-1], np.int64)
    totals = np.add.reduceat(own, starts) if len(starts) else own
    return totals, places.take(starts), places.take(np.array(edges[1:], np.int64) - 1)


def _without_long(edges: list[int], places: list[int]) -> list[int]:
    """The edges of phrases, with more of them where one has too many words.

    Args:
        edges: Where each phrase begins among the places, and how many places there are.
        places: The words, ascending.
    """
    found = []
    for start, stop in pairwise(edges):
        found.append(start)
        if places[stop - 1] - places[start] >= MAX_PHRASE:
            for at in range(start, stop):
                if places[at] - places[found[-1]] >= MAX_PHRASE:
                    found.append(at)
    return [*found, len(places)]
