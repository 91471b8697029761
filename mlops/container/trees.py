"""The trees of an XGBoost model as arrays: the margin of a note, and what each feature adds to it.

XGBoost's own `pred_contribs` (exact TreeSHAP, Lundberg et al. 2020, Nature Machine Intelligence
2:56) costs a quarter of a millisecond a call before it does anything. For shallow trees the same
values fit in a table: a leaf's share for the features on its path depends only on which of them the
note satisfies, 2 to the power of the depth ways. Deeper models are left to XGBoost.
"""

from dataclasses import dataclass, field
from functools import cached_property
from math import comb, fsum, log, prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlops.container.scores import Floats
from mlops.container.ubjson import read_ubjson

if TYPE_CHECKING:
    import xgboost

MAX_DEPTH = 4
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Trees:
    """A booster, and its leaves as tables if its trees are shallow.

    Attributes:
        ubj: The booster itself, as XGBoost writes it.
        features: How many it has.
        bias: What it says of the average training record, in log-odds.
        leaves: None where the trees are deeper than `MAX_DEPTH`.
    """

    ubj: bytes = field(repr=False)
    features: int
    bias: float
    leaves: "Leaves | None"

    @classmethod
    def of(cls, ubj: bytes) -> "Trees":
        """Read a booster's trees from its UBJSON.

        Raises:
            ValueError: if it is none.
        """
        model = read_ubjson(ubj)["learner"]
        trees = model["gradient_booster"]["model"]["trees"]
        features = int(model["learner_model_param"]["num_feature"])
        base = float(str(model["learner_model_param"]["base_score"]).strip("[]"))
        start = log(base / (1 - base))
        paths = [path for tree in trees for path in _paths(tree)]
        if max((len(path.features) for path in paths), default=0) > MAX_DEPTH:
            return cls(ubj, features, 0.0, None)
        bias = start + fsum(path.value * prod(path.ratios) for path in paths)
        return cls(ubj, features, bias, Leaves.of(paths))

    @cached_property
    def booster(self) -> "xgboost.Booster":
        """The booster for XGBoost, whose import takes a while: shallow trees do without."""
        import xgboost

        booster = xgboost.Booster(params={"nthread": 1})
        booster.load_model(bytearray(self.ubj))
        return booster

    def contributions(self, values: Values) -> tuple[Floats, Floats]:
        """The margins of some notes in log-odds, and what each feature adds to the bias.

        Args:
            values: Shape (B, features).

        Returns:
            Margins, shape (B,), and contributions, shape (B, features): with the bias they add up.
        """
        if self.leaves is None:
            import xgboost

            data = xgboost.DMatrix(values, nthread=1)
            found = self.booster.predict(data, pred_contribs=True).astype(np.float64)
            return found.sum(axis=1), found[:, :-1]
        added = self.leaves.contributions(values)
        return self.bias + added.sum(axis=1), added


@dataclass(frozen=True)
class _Path:
    """The way to a leaf: per feature on it the bounds to satisfy, and the share that does."""

    value: float
    features: list[int]
    lows: list[float]
    highs: list[float]
    ratios: list[float]


@dataclass(frozen=True)
class Leaves:
    """All leaves: a note's value has to be from `lows` (included) up to `highs` (not included).

    Attributes:
        features: Shape (leaves, MAX_DEPTH); places that a path does not use satisfy any value.
        shares: What a leaf adds to each of its features, by which of them are satisfied, shape
            (leaves, 2 ** MAX_DEPTH, MAX_DEPTH).
    """

    features: NDArray[np.int64]
    lows: Values
    highs: Values
    shares: Floats

    @cached_property
    def rows(self) -> Floats:
        """`shares` as one list of rows, of which a note takes one per leaf."""
        return self.shares.reshape(-1, MAX_DEPTH)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each leaf's rows begin."""
        return np.arange(0, len(self.shares) * 2**MAX_DEPTH, 2**MAX_DEPTH)

    @classmethod
    def of(cls, paths: list[_Path]) -> "Leaves":
        """The leaves that some paths lead to."""
        count = len(paths)
        features = np.zeros((count, MAX_DEPTH), np.int64)
        lows = np.full((count, MAX_DEPTH), -np.inf, np.float32)
        highs = np.full((count, MAX_DEPTH), np.inf, np.float32)
        ratios = np.ones((count, MAX_DEPTH))
        depths = np.zeros(count, np.int64)
        for number, path in enumerate(paths):
            used = len(path.features)
            features[number, :used] = path.features
            lows[number, :used] = path.lows
            highs[number, :used] = path.highs
            ratios[number, :used] = path.ratios
            depths[number] = used
        values = np.array([path.value for path in paths])
        shares = np.zeros((count, 2**MAX_DEPTH, MAX_DEPTH))
        for depth in range(1, MAX_DEPTH + 1):
            chosen = np.flatnonzero(depths == depth)
            if not len(chosen):
                continue
            # What a pattern says of places that the path does not use makes no difference.
            for pattern in range(2**depth):
                holds = np.array([pattern >> place & 1 for place in range(depth)])
                found = _shapley(values[chosen], ratios[chosen, :depth], holds)
                shares[chosen, pattern :: 2**depth, :depth] = found[:, None, :]
        return cls(features, lows, highs, shares)

    def contributions(self, values: Values) -> Floats:
        """Shape (B, features)."""
        notes, width = values.shape
        given = values.take(self.features, axis=1)
        holds = (given >= self.lows) & (given < self.highs)
        patterns = (holds.astype(np.float32) @ _POWERS).astype(np.int64)
        shares = self.rows.take(self.starts + patterns, axis=0)
        places = self.features + width * np.arange(notes)[:, None, None]
        found = np.bincount(places.ravel(), shares.ravel(), notes * width)
        return found.reshape(notes, width).astype(np.float64)


_POWERS = (2 ** np.arange(MAX_DEPTH)).astype(np.float32)


def _shapley(values: Floats, ratios: Floats, holds: NDArray[np.int64]) -> Floats:
    """Shapley values of the game "the note reaches this leaf", for leaves of one depth.

    A feature that is known counts as satisfied or not; one that is not known counts by the share
    of training records that satisfy it. Shape (leaves, depth).
    """
    depth = len(holds)
    found = np.zeros_like(ratios)
    for feature in range(depth):
        others = [place for place in range(depth) if place != feature]
        total = np.zeros(len(values))
        for subset in range(2 ** len(others)):
            known = [other for bit, other in enumerate(others) if subset >> bit & 1]
            unknown = [other for other in others if other not in known]
            weight = 1 / (depth * comb(depth - 1, len(known)))
            total += weight * np.prod(holds[known]) * np.prod(ratios[:, unknown], axis=1)
        found[:, feature] = values * total * (holds[feature] - ratios[:, feature])
    return found


def _paths(tree: dict[str, Any]) -> list[_Path]:
    """Every leaf of a tree, as XGBoost writes it."""
    left, right = tree["left_children"].tolist(), tree["right_children"].tolist()
    feature, threshold = tree["split_indices"].tolist(), tree["split_conditions"].tolist()
    cover = tree["sum_hessian"].tolist()
    found = []
    waiting: list[tuple[int, dict[int, tuple[float, float, float]]]] = [(0, {})]
    while waiting:
        node, bounds = waiting.pop()
        if left[node] < 0:
            found.append(
                _Path(
                    value=threshold[node],
                    features=list(bounds),
                    lows=[low for low, _, _ in bounds.values()],
                    highs=[high for _, high, _ in bounds.values()],
                    ratios=[ratio for _, _, ratio in bounds.values()],
                )
            )
            continue
        split, at = feature[node], threshold[node]
        low, high, ratio = bounds.get(split, (-np.inf, np.inf, 1.0))
        for child, span in (
            (left[node], (low, min(high, at))),
            (right[node], (max(low, at), high)),
        ):
            share = ratio * cover[child] / cover[node]
            waiting.append((child, {**bounds, split: (*span, share)}))
    return found
