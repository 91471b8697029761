"""Fitting: records in, a calibrated model out.

1. More records are made of the given ones. Each is read once; linear scores are fitted on each
   fold's complement, so that each record has scores from models that never saw its cluster.
   What is learnt so far depends on no tree: `prepared` keeps it for trainings that share it.
2. The scores are gated by the kind of text; trees are boosted from their sum, on them and on what
   was read. Medicine fixes the direction of features.
3. Out-of-fold margins of the trees give the calibration, of notes and of referrals, and the
   thresholds for abstaining.
4. Scores and trees are fitted again on everything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from mlops.container.abstention import TARGETS, choose_thresholds
from mlops.container.augmentation import with_background, with_crops
from mlops.container.boosting import boost
from mlops.container.calibration import Calibration, referral_share
from mlops.container.clauses import Bools
from mlops.container.features import Plan
from mlops.container.fit_scores import (
    FREE_SCORES,
    RECIPES,
    Columns,
    apply_weights,
    fit_weights,
    fold,
    frequent_words,
    make_columns,
)
from mlops.container.gating import gate
from mlops.container.lexicon import Lexicon, Matcher
from mlops.container.model import Model
from mlops.container.prepared import Prepared, find_or_make
from mlops.container.reading import Ints
from mlops.container.scores import Floats
from mlops.container.table import (
    BACKGROUND,
    CROP,
    DECISION,
    FILED,
    FOLDS,
    MADE,
    PLAN,
    Marks,
    Row,
    Table,
    make_table,
    marks_of,
)
from mlops.container.trees import Trees
from mlops.container.vocabulary import Vocabulary
from mlops.container.wordlists import WORDS, read_everyday

# What the trees weigh a record by, beside its own weight: short referrals are what arrives.
_TREE_WEIGHTS = {FILED: 2.0, DECISION: 2.5, PLAN: 4.0, CROP: 0.1, BACKGROUND: 1.2}
# Whole notes are too easy: no guarantee is given of them, and they would make margins look better.
_UNJUDGED = (FILED, *MADE)
# Whether these speak for or against depends on the kind of text; the data decides.
FREE = frozenset(
    {
        "normal",
        "mild",
        "medical_care",
        "family_or_other_person",
        "improving",
        *(f"score: {name}" for name in FREE_SCORES),
    }
)
# A clinical word stands in so many clusters, and in one of so many.
_CLINICAL_CLUSTERS, _CLINICAL_SHARE = 3, 700
# Many records overrule it; a handful of one kind, all of them right, can't make a slope steep.
_CALIBRATION_C = 1.0
_LEAST_SLOPE = 0.05
# Kinds of terms that a hyperparameter of that name leaves out.
BLOCKS = ("pairs", "pieces", "meanings")
# The hyperparameters that what precedes the trees depends on, beside what they do to the records.
EARLY = (*BLOCKS, "linear_c", "seed")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """A fitted model, with what it gave to records whose cluster it had not seen.

    Attributes:
        model: Not saved yet, so without a version.
        table: The records, and those made of them, that it was fitted on.
        probabilities: Out of fold and calibrated, shape (len(table),).
    """

    model: Model
    table: Marks
    probabilities: Floats


def fit(
    rows: Sequence[Row],
    hyperparameters: Mapping[str, float],
    *,
    lexicon: Lexicon | None = None,
    say: Say = lambda _: None,
) -> Fitted:
    """Fit everything.

    Args:
        rows: Records of both labels.
        hyperparameters: By the names of `train.HYPERPARAMETERS`.
        lexicon: The phrases; None: those that come with the code.
        say: Called with a line per step.
    """
    seed = int(hyperparameters["seed"])
    lexicon = lexicon or Lexicon.from_files()
    plan = Plan.make(lexicon, tuple(RECIPES))
    made = with_crops(rows, seed)
    if hyperparameters.get("background", 1):
        made = with_background(made, seed)
    table = marks_of(made, seed)
    # What is not handed over can't count, and is not part of the key.
    early = {name: hyperparameters[name] for name in EARLY if name in hyperparameters}
    prepared = find_or_make(made, lexicon, early, lambda: prepare(made, lexicon, early, say=say))
    say("fitting trees")
    read = prepared.features * bool(hyperparameters.get("cues", 1))
    gated = gate(prepared.held_out, read[:, 0], read[:, -1])
    values = np.hstack([gated.values, read]).astype(np.float32)
    short = hyperparameters["corpus_weight"]
    weights = table.weights * np.array([_TREE_WEIGHTS.get(s, short) for s in table.sources])
    margins = cross_fit_trees(table, values, gated.start, weights, plan, hyperparameters)
    say("calibrating")
    judged = judged_on(table)
    # Each record for itself: what the trees weigh it by says nothing of how often it is right.
    calibration = fit_calibration(
        margins[judged], gated.referral[judged], table.labels[judged], table.weights[judged]
    )
    probabilities = calibration.probabilities(margins, gated.referral)
    thresholds = choose_thresholds(
        probabilities[judged],
        table.labels[judged],
        [s if s in (DECISION, PLAN) else "referral" for s in table.sources[judged].tolist()],
        sorted({*TARGETS, hyperparameters["error_target"]}),
    )
    trees = fit_trees(values, gated.start, table.labels, weights, plan, hyperparameters)
    model = Model(
        version="",
        vocabulary=prepared.vocabulary,
        lexicon=lexicon,
        scores=prepared.scores,
        means=gated.values.mean(axis=0).round(6),
        trees=Trees.of(bytes(trees.save_raw("ubj"))),
        calibration=calibration,
        thresholds=thresholds,
        target=hyperparameters["error_target"],
        clinical=prepared.clinical,
        metadata={},
    )
    return Fitted(model, table, probabilities)


def prepare(
    rows: Sequence[Row],
    lexicon: Lexicon,
    hyperparameters: Mapping[str, float],
    *,
    say: Say = lambda _: None,
) -> Prepared:
    """Read the records and fit the linear scores: all that does not depend on the trees.

    Args:
        rows: Records of both labels, and those made of them.
        lexicon: The phrases.
        hyperparameters: Those of `EARLY`.
        say: Called with a line per step.
    """
    say("reading the records")
    table = make_table(rows, lexicon, tuple(RECIPES), int(hyperparameters["seed"]))
    say("learning words")
    columns = make_columns(table, [name for name in BLOCKS if not hyperparameters.get(name, 1)])
    say("fitting linear scores")
    c = hyperparameters["linear_c"]
    held_out = cross_fit_scores(table, columns, c)
    folded = fit_weights(table, columns, np.ones(len(table), bool), c)
    vocabulary = kept_vocabulary(table, lexicon)
    return Prepared(
        held_out=held_out,
        features=table.features,
        scores=fold(table, columns, *folded, vocabulary),
        vocabulary=vocabulary,
        clinical=clinical_words(table),
    )


def cross_fit_scores(table: Table, columns: Columns, c: float) -> Floats:
    """The scores of every record from models that did not see its cluster, shape (rows, K)."""
    held_out = np.zeros((len(table), len(RECIPES)))
    for number in range(FOLDS):
        outside = table.folds == number
        if outside.any():
            fitted = fit_weights(table, columns, ~outside, c)
            held_out[outside] = apply_weights(columns, *fitted)[outside]
    return held_out


def cross_fit_trees(
    table: Marks,
    values: NDArray[np.float32],
    start: Floats,
    weights: Floats,
    plan: Plan,
    hyperparameters: Mapping[str, float],
) -> Floats:
    """The margin of every record from trees that did not see its cluster, shape (rows,)."""
    margins = np.zeros(len(table))
    for number in range(FOLDS):
        outside = table.folds == number
        if outside.any():
            inside = ~outside
            trees = fit_trees(
                values[inside],
                start[inside],
                table.labels[inside],
                weights[inside],
                plan,
                hyperparameters,
            )
            margins[outside] = tree_margins(trees, values[outside], start[outside])
    return margins


def fit_trees(
    values: NDArray[np.float32],
    start: Floats,
    labels: Ints,
    weights: Floats,
    plan: Plan,
    hyperparameters: Mapping[str, float],
) -> xgboost.Booster:
    """Gradient-boosted trees from a start, in the directions that medicine fixes."""
    own = {"num_round", "linear_c", "corpus_weight", "error_target", *BLOCKS, "cues", "background"}
    parameters: dict[str, Any] = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        # One thread: the sums, and so the bytes, do not depend on the machine's cores.
        "nthread": 1,
        "base_score": 0.5,
        "monotone_constraints": plan.directions(FREE),
        **{name: value for name, value in hyperparameters.items() if name not in own},
    }
    parameters["max_depth"] = int(parameters["max_depth"])
    parameters["seed"] = int(parameters["seed"])
    return boost(parameters, values, labels, weights, int(hyperparameters["num_round"]), start)


def tree_margins(booster: xgboost.Booster, values: NDArray[np.float32], start: Floats) -> Floats:
    """Where each row starts from and what the trees add, in log-odds."""
    data = xgboost.DMatrix(values, base_margin=start, nthread=1)
    margins: Floats = booster.predict(data, output_margin=True)
    return margins.astype(np.float64)


def judged_on(table: Marks) -> Bools:
    """The records that give the calibration and the thresholds, shape (rows,).

    Those that were written before a decision, or where they don't have both labels, whole notes,
    too; never what was made of others.
    """
    for left_out in (_UNJUDGED, MADE):
        judged: Bools = ~np.isin(table.sources, left_out)
        if len(set(table.labels[judged & (table.weights > 0)].tolist())) > 1:
            break
    return judged


def fit_calibration(
    margins: Floats, registers: Floats, labels: Ints, weights: Floats
) -> Calibration:
    """Platt's logistic curve through out-of-fold margins, with a slope for either register."""
    share = referral_share(registers)
    both = np.stack([margins * (1 - share), margins * share], axis=1)
    platt = LogisticRegression(C=_CALIBRATION_C).fit(both, labels, sample_weight=weights)
    note, referral = (max(_LEAST_SLOPE, float(slope)) for slope in platt.coef_[0])
    return Calibration(note, referral, float(platt.intercept_[0]))


def kept_vocabulary(table: Table, lexicon: Lexicon) -> Vocabulary:
    """The words that a model keeps: frequent ones, and all that matter by themselves."""
    wanted = lexicon.words() | frequent_words(table) | frozenset[str]().union(*WORDS.values())
    starts = Matcher(lexicon, table.vocabulary).starting()
    return Vocabulary(wanted | {table.vocabulary.names[number] for number in starts})


def clinical_words(table: Table) -> frozenset[str]:
    """Words of enough clusters that everyday English does not use.

    What was mixed into copies does not count: it has names, jobs and hobbies.
    """
    everyday = read_everyday()
    written = table.sources != BACKGROUND
    enough = max(_CLINICAL_CLUSTERS, len(set(table.groups.tolist())) // _CLINICAL_SHARE)
    return frozenset(
        name
        for name in frequent_words(table, enough, written)
        if name.isalpha() and len(name) > 1 and name not in everyday
    )
