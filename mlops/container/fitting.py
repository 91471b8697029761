"""Fitting: records in, a calibrated model out.

1. Linear scores are fitted on each fold's complement, so that each record has scores from models
   that never saw its cluster.
2. Trees are fitted on those scores and the cue counts; sense fixes the direction of each feature.
3. Out-of-fold margins of the trees give the calibration and the abstention band.
4. Scores and trees are fitted again on everything.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from mlops.container.calibration import Calibration
from mlops.container.document import read_everyday
from mlops.container.lexicon import Lexicon
from mlops.container.linear import Gain, LinearScore
from mlops.container.model import Model
from mlops.container.scores import RECIPES, apply_score, fit_score, frequent_columns
from mlops.container.table import (
    CROP,
    DECISION,
    FILED,
    FOLDS,
    Floats,
    Ints,
    Row,
    Table,
    make_table,
)

CROPS = 2
# With fewer short texts than this the abstention band is chosen on all records.
MIN_JUDGED = 50
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
# What the trees weigh a record by, beside its own weight: short referrals are what arrives.
_TREE_WEIGHTS = {FILED: 0.2, DECISION: 0.4, CROP: 0.15}
Say = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """A fitted model, with what it gave to records whose cluster it had not seen.

    Attributes:
        model: Not saved yet, so without a version.
        table: The records and crops that it was fitted on.
        probabilities: Out of fold and calibrated, shape (len(table),).
    """

    model: Model
    table: Table
    probabilities: Floats


def with_crops(rows: Sequence[Row], seed: int) -> list[Row]:
    """The records, then two random runs of 2 to 6 sentences of each decision-time text.

    People paste short texts: a model fitted on long ones alone puts its threshold elsewhere.
    """
    crops = []
    for row in rows:
        if row.source != DECISION:
            continue
        sentences = _SENTENCE.split(row.text)
        digest = hashlib.sha256(f"{seed}:{row.text}".encode("utf-8", "surrogatepass")).digest()
        random = Random(int.from_bytes(digest[:8]))  # noqa: S311 - not for secrets
        for _ in range(CROPS):
            size = random.randint(2, 6)
            if len(sentences) > size:
                start = random.randrange(len(sentences) - size + 1)
                text = " ".join(sentences[start : start + size])
                crops.append(replace(row, text=text, source=CROP))
    return [*rows, *crops]


def fit(
    rows: Sequence[Row],
    hyperparameters: Mapping[str, float],
    *,
    lexicon: Lexicon | None = None,
    table: Table | None = None,
    say: Say = lambda _: None,
) -> Fitted:
    """Fit everything.

    Args:
        rows: Records of both labels.
        hyperparameters: By the names of `train.HYPERPARAMETERS`.
        lexicon: The cues; None: those of `cues.toml`.
        table: `make_table` of the same rows with crops, if it is at hand.
        say: Called with a line per step.
    """
    seed = int(hyperparameters["seed"])
    lexicon = lexicon or Lexicon.from_file()
    if table is None:
        say("reading the records")
        table = make_table(with_crops(rows, seed), lexicon, seed)
    say("fitting linear scores")
    held_out = np.zeros((len(table), len(RECIPES)))
    for fold in range(FOLDS):
        outside = np.flatnonzero(table.folds == fold)
        inside = table.take(np.flatnonzero(table.folds != fold))
        if len(outside):
            held_out[outside] = score_all(fit_scores(inside, hyperparameters), table.take(outside))
    say("fitting trees")
    values = np.hstack([held_out, table.balance]).astype(np.float32)
    short = hyperparameters["corpus_weight"]
    weights = table.weights * np.array([_TREE_WEIGHTS.get(s, short) for s in table.sources])
    margins = np.zeros(len(table))
    for fold in range(FOLDS):
        inside_rows, outside = table.folds != fold, np.flatnonzero(table.folds == fold)
        if len(outside):
            trees = fit_trees(
                values[inside_rows],
                table.labels[inside_rows],
                weights[inside_rows],
                hyperparameters,
            )
            margins[outside] = tree_margins(trees, values[outside])
    say("calibrating")
    calibration = fit_calibration(margins, table.labels, weights)
    booster = fit_trees(values, table.labels, weights, hyperparameters)
    scores = fit_scores(table, hyperparameters)
    contributions = booster.predict(xgboost.DMatrix(values, nthread=1), pred_contribs=True)
    gains = tuple(
        _gain(values[:, number], contributions[:, number]) for number in range(values.shape[1])
    )
    probabilities = np.array([calibration.probability(margin) for margin in margins.tolist()])
    judged = ~np.isin(table.sources, [FILED, DECISION, CROP])
    if judged.sum() < MIN_JUDGED:
        judged = table.sources != CROP
    abstain = choose_band(probabilities[judged], table.labels[judged])
    model = Model(
        version="",
        booster=booster,
        scores=scores,
        gains=gains,
        calibration=calibration,
        abstain=abstain,
        lexicon=lexicon,
        clinical=clinical_words(table),
        metadata={},
    )
    return Fitted(model, table, probabilities)


def fit_scores(table: Table, hyperparameters: Mapping[str, float]) -> dict[str, LinearScore]:
    """Every linear score, by name."""
    c = hyperparameters["linear_c"]
    return {name: fit_score(table, recipe, c) for name, recipe in RECIPES.items()}


def score_all(scores: Mapping[str, LinearScore], table: Table) -> Floats:
    """Every score of every note, a column each."""
    return np.stack([apply_score(score, table) for score in scores.values()], axis=1)


def fit_trees(
    values: NDArray[np.float32],
    labels: Ints,
    weights: Floats,
    hyperparameters: Mapping[str, float],
) -> xgboost.Booster:
    """Gradient-boosted trees; a higher score or balance never speaks against Surgery."""
    own = {"num_round", "linear_c", "corpus_weight"}
    parameters: dict[str, Any] = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        # One thread: the sums, and so the bytes, do not depend on the machine's cores.
        "nthread": 1,
        "base_score": 0.5,
        "monotone_constraints": (1,) * values.shape[1],
        **{name: value for name, value in hyperparameters.items() if name not in own},
    }
    parameters["max_depth"] = int(parameters["max_depth"])
    parameters["seed"] = int(parameters["seed"])
    data = xgboost.DMatrix(values, labels, weight=weights, nthread=1)
    return xgboost.train(parameters, data, int(hyperparameters["num_round"]))


def tree_margins(booster: xgboost.Booster, values: NDArray[np.float32]) -> Floats:
    """What the trees say of each row, in log-odds."""
    margins: Floats = booster.predict(xgboost.DMatrix(values, nthread=1), output_margin=True)
    return margins.astype(np.float64)


def fit_calibration(margins: Floats, labels: Ints, weights: Floats) -> Calibration:
    """Platt's logistic curve through out-of-fold margins."""
    platt = LogisticRegression(C=1e6).fit(margins.reshape(-1, 1), labels, sample_weight=weights)
    return Calibration(max(0.05, float(platt.coef_[0, 0])), float(platt.intercept_[0]))


def choose_band(
    probabilities: Floats, labels: Ints, *, accuracy: float = 0.93, coverage: float = 0.85
) -> tuple[float, float]:
    """The narrowest band around 0.5 outside of which 93 % are right out of fold.

    It never takes in more than 15 % of the records: a model that often abstains helps nobody.
    """
    distance = np.abs(probabilities - 0.5)
    right = (probabilities >= 0.5) == (labels == 1)
    best = 0.05
    for half in np.arange(0.05, 0.45, 0.01):
        decided = distance >= half
        if decided.mean() < coverage:
            break
        best = float(half)
        if right[decided].mean() >= accuracy:
            break
    return round(0.5 - best, 2), round(0.5 + best, 2)


def _gain(values: NDArray[np.float32], contributions: NDArray[np.float32]) -> Gain:
    """What evidence needs: the feature's average, and what the trees make of a unit of it."""
    mean = float(values.mean())
    spread = float(np.abs(values - mean).sum())
    return Gain(mean, float(np.abs(contributions).sum()) / spread if spread else 0.0)


def clinical_words(table: Table) -> frozenset[str]:
    """Words of at least three clusters that everyday English does not use."""
    everyday = read_everyday()
    rows = np.flatnonzero(table.sources != CROP)
    columns, _ = frequent_columns(table.terms[rows], table.groups[rows])
    names = (table.term_names[column] for column in columns.tolist())
    return frozenset(
        name for name in names if name.isalpha() and len(name) > 1 and name not in everyday
    )
