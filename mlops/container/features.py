"""The features that the trees decide on: linear scores, and the balance of clinical cues.

Each is a sum of parts that stand on tokens, so that what a feature contributes can be shown there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops.container.lexicon import Lexicon
from mlops.container.linear import LinearScore
from mlops.container.terms import Encoded, Span

BALANCE = "cue_balance"
# A note that says "mild" ten times says it no more than three times.
_MAX_COUNT = 3
# Keeps one lone cue from being the whole balance.
_PRIOR = 2.0


@dataclass(frozen=True)
class Part:
    """What one place adds to a feature: `weight` on the tokens of `span`, both ends included."""

    span: Span
    weight: float


def cue_balance(encoded: Encoded, lexicon: Lexicon) -> tuple[float, list[Part]]:
    """Cues for Surgery less cues for Consultation, as a share of both, from -1 to 1.

    A cue that points to Surgery and is denied ("no guarding") counts for Consultation; of others
    the denial says nothing.
    """
    counts: dict[tuple[str, bool], int] = {}
    signed: list[tuple[Span, int]] = []
    for cue in encoded.cues:
        toward = lexicon.categories[cue.category].toward
        off = encoded.is_off(cue)
        sign = toward if not off else -max(0, toward)
        key = (cue.category, off)
        counts[key] = counts.get(key, 0) + 1
        if sign and counts[key] <= _MAX_COUNT:
            signed.append(((cue.first, cue.last), sign))
    total = len(signed) + _PRIOR
    parts = [Part(span, sign / total) for span, sign in signed]
    return sum(part.weight for part in parts), parts


def score_parts(encoded: Encoded, score: LinearScore) -> tuple[float, list[Part]]:
    """A linear score of a note, and its parts place by place."""
    value = score.intercept
    parts: list[Part] = []
    for term, share in score.terms.shares(encoded.terms).items():
        value += share
        spans = encoded.terms[term]
        parts += [Part(span, share / len(spans)) for span in spans]
    if score.pieces.index:
        on_token: dict[int, float] = {}
        for piece, share in score.pieces.shares(encoded.pieces).items():
            value += share
            places = encoded.pieces[piece]
            for index in places:
                on_token[index] = on_token.get(index, 0.0) + share / len(places)
        parts += [Part((index, index), weight) for index, weight in on_token.items()]
    return value, parts


def read_features(
    encoded: Encoded, scores: Mapping[str, LinearScore], lexicon: Lexicon
) -> tuple[NDArray[np.float32], list[list[Part]]]:
    """The features of a note, shape (1, scores + 1), and the parts of each."""
    read = [score_parts(encoded, score) for score in scores.values()]
    read.append(cue_balance(encoded, lexicon))
    return np.array([[value for value, _ in read]], dtype=np.float32), [p for _, p in read]
