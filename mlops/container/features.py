"""The features that the trees decide on, by name, and where in the note each one stands.

Gated linear scores first, then the balance of cues, every cue by itself (asserted, and denied
where a denial means something), and signs of an operation told. The length of a note is none of
them: it tells where a text comes from and not what a patient needs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlops.container.clauses import Bools
from mlops.container.gating import Gated, gate
from mlops.container.lexicon import Lexicon, Match
from mlops.container.reading import OFF, Reading
from mlops.container.scores import Floats, Scored, Scores

# A note that says "mild" ten times says it no more than three times.
MAX_COUNT = 3
# Keeps one lone cue from being the whole balance.
PRIOR = 2.0
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
        """The feature that counts a category where it is asserted, and where it is denied.

        Counted from the first feature after the scores.
        """
        asserted = {n: 1 + i for i, n in enumerate(self.asserted)}
        start = 1 + len(asserted)
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


# A place where a cue is counted: its first and its last word, the feature that counts it (from the
# first one after the scores), and whether it is toward Surgery (1), Consultation (-1) or neither.
Cue = tuple[int, int, int, int]


@dataclass(frozen=True)
class Found:
    """The features of B notes, and where they come from.

    Attributes:
        values: Shape (B, features).
        gated: How far each score counts, and where boosting starts from.
        scored: The scores before they are gated.
        cues: Per note what the features after the scores count.
    """

    values: NDArray[np.float32]
    gated: Gated
    scored: Scored
    cues: list[list[Cue]]


def find_features(reading: Reading, scores: Scores, plan: Plan, is_content: Bools) -> Found:
    """The features of some notes."""
    scored = scores.read(reading, is_content)
    rest, cues = cue_features(reading, plan)
    gated = gate(scored.values, rest[:, 0], rest[:, -1])
    values = np.concatenate([gated.values, rest], axis=1).astype(np.float32)
    return Found(values, gated, scored, cues)


def cue_features(reading: Reading, plan: Plan) -> tuple[Floats, list[list[Cue]]]:
    """All features but the scores, shape (B, features - K), and the cues that they count."""
    bits = reading.bits.tobytes()
    found = [_cue_features(matches, bits, plan) for matches in reading.matches]
    return np.array([counts for counts, _ in found]), [cues for _, cues in found]


def _cue_features(matches: list[Match], bits: bytes, plan: Plan) -> tuple[list[float], list[Cue]]:
    """The same of one note."""
    asserted, denied = plan.of_category
    counts = [0.0] * (len(plan.names) - len(plan.scores))
    cues: list[Cue] = []
    signs: set[int] = set()
    balance = signed = 0
    for category, first, last in matches:
        if category in plan.operative:
            signs.add(category)
            continue
        off = bits[first] & OFF
        feature = (denied if off else asserted).get(category)
        if feature is None or counts[feature] >= MAX_COUNT:
            continue
        counts[feature] += 1
        sign = -plan.toward[category] if off else plan.toward[category]
        balance += sign
        signed += abs(sign)
        cues.append((first, last, feature, sign))
    counts[0] = balance / (signed + PRIOR)
    counts[-1] = len(signs)
    return counts, cues
