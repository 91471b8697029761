"""The features that the trees decide on, by name, and where in the note each one stands.

Gated linear scores first, then the balance of cues, every cue by itself (asserted, and denied
where a denial means something), and signs of an operation told. The length of a note is none of
them: it tells where a text comes from and not what a patient needs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlops.container.gating import Gated, gate
from mlops.container.lexicon import Lexicon, Match
from mlops.container.reading import OFF, Reading
from mlops.container.scores import Floats, Scores

# A note that says "mild" ten times says it no more than three times.
_MAX_COUNT = 3
# Keeps one lone cue from being the whole balance.
_PRIOR = 2.0
BALANCE, SIGNS = "balance of cues", "operative signs"


@dataclass(frozen=True)
class Plan:
    """Which features there are, in order.

    Attributes:
        scores: Names of the linear scores.
        asserted: Numbers of the cue categories, one feature each.
        denied: Numbers of those that count when denied, one feature each.
        operative: Numbers of the categories that are signs of an operation.
        toward: Per category of the lexicon: +1 to Surgery, -1 to Consultation, 0 to neither.
    """

    scores: tuple[str, ...]
    asserted: tuple[int, ...]
    denied: tuple[int, ...]
    operative: frozenset[int]
    toward: tuple[int, ...]
    names: tuple[str, ...]

    @classmethod
    def make(cls, lexicon: Lexicon, scores: tuple[str, ...]) -> "Plan":
        """The features of a lexicon and these scores."""
        categories = lexicon.categories
        cues = tuple(lexicon.of_kind("cue"))
        denied = tuple(n for n in cues if categories[n].toward > 0)
        names = (
            *(f"score: {name}" for name in scores),
            BALANCE,
            *(categories[n].name for n in cues),
            *(f"no {categories[n].name}" for n in denied),
            SIGNS,
        )
        return cls(
            scores=scores,
            asserted=cues,
            denied=denied,
            operative=frozenset(lexicon.of_kind("operative")),
            toward=tuple(c.toward for c in categories),
            names=names,
        )

    @cached_property
    def of_category(self) -> tuple[dict[int, int], dict[int, int]]:
        """The feature that counts a category where it is asserted, and where it is denied."""
        start = len(self.scores) + 1
        asserted = {n: start + i for i, n in enumerate(self.asserted)}
        start += len(asserted)
        return asserted, {n: start + i for i, n in enumerate(self.denied)}

    def directions(self, free: frozenset[str] = frozenset()) -> tuple[int, ...]:
        """What medicine fixes: +1 where more of a feature never speaks against Surgery.

        Args:
            free: Names of features whose direction the data decides.
        """
        fixed = (
            *(1 for _ in self.scores),
            1,
            *(self.toward[n] for n in self.asserted),
            *(-1 for _ in self.denied),
            1,
        )
        return tuple(
            0 if name in free else sign for name, sign in zip(self.names, fixed, strict=True)
        )


@dataclass(frozen=True)
class Found:
    """The features of a note, and the cues that they count.

    Attributes:
        values: Shape (features,).
        gated: How far each score counts, and where boosting starts from.
        shares: What each word adds to each score before it is gated, shape (n, K).
        cues: Per feature number, the places that it counts with what each adds to it.
    """

    values: NDArray[np.float32]
    gated: Gated
    shares: Floats
    cues: dict[int, list[tuple[Match, float]]]


def find_features(
    reading: Reading, scores: Scores, plan: Plan, is_content: NDArray[np.bool_]
) -> Found:
    """The features of a note."""
    values, shares = scores.read(reading, is_content)
    rest, cues = cue_features(reading, plan)
    gated = gate(values, rest[0], rest[-1])
    return Found(np.concatenate([gated.values, rest]).astype(np.float32), gated, shares, cues)


def cue_features(
    reading: Reading, plan: Plan
) -> tuple[Floats, dict[int, list[tuple[Match, float]]]]:
    """All features but the scores, shape (features - K,), and the places of the cues."""
    first = len(plan.scores)
    asserted, denied = plan.of_category
    counts = [0.0] * (len(plan.names) - first)
    bits = reading.bits.tolist()
    places: dict[int, list[tuple[Match, float]]] = {}
    signs: set[int] = set()
    signed: list[tuple[Match, int]] = []
    for match in reading.matches:
        if match.category in plan.operative:
            signs.add(match.category)
            continue
        off = bits[match.first] & OFF
        feature = (denied if off else asserted).get(match.category)
        if feature is None or counts[feature - first] >= _MAX_COUNT:
            continue
        counts[feature - first] += 1
        places.setdefault(feature, []).append((match, 1.0))
        sign = plan.toward[match.category]
        if sign:
            signed.append((match, -sign if off else sign))
    total = len(signed) + _PRIOR
    counts[0] = sum(sign for _, sign in signed) / total
    places[first] = [(match, sign / total) for match, sign in signed]
    counts[-1] = len(signs)
    return np.array(counts), places
