"""Grouped 5-fold cross-validation of the whole pipeline, beside its baselines on the same folds.

Everything is fitted inside the training folds: vocabulary, scores, trees, calibration. A cluster
of near-duplicates is on one side only, in all its views; so is a matched pair of the corpus.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mlops.container.fitting import fit
from mlops.container.job import score_rows
from mlops.container.table import Row, fold_of
from mlops.data.records import Record
from mlops.evaluation.metrics import Floats, measure, to_json

FOLDS = 5
# The folds of the evaluation must not be those that fitting makes inside.
SEED_OFFSET = 7919
VIEWS = {
    "mtsamples-filed": "as filed",
    "mtsamples-decision": "decision-time",
    "corpus": "referral texts",
}
HEADINGS = re.compile(
    r"\b(?:PREOPERATIVE|POSTOPERATIVE|PRE-OPERATIVE|POST-OPERATIVE|ANESTHESIA|PROCEDURES?"
    r"|OPERATIONS?|ESTIMATED BLOOD LOSS|COMPLICATIONS|SURGEON|INDICATIONS?)\b[A-Z ]*:"
)
Say = Callable[[str], None]


def cross_validate(
    records: Sequence[Record], hyperparameters: Mapping[str, float], say: Say = lambda _: None
) -> dict[str, Any]:
    """Metrics per view for the model and its baselines, as plain data.

    Args:
        records: All of them, of every view, with their clusters.
        hyperparameters: By the names of `train.HYPERPARAMETERS`.
        say: Called with a line per fold.
    """
    seed = int(hyperparameters["seed"])
    folds = np.array([fold_of(r.group, seed + SEED_OFFSET, FOLDS) for r in records])
    rows = [Row(r.text, int(r.label == "Surgery"), r.group, r.source, r.weight) for r in records]
    labels = np.array([row.label for row in rows])
    sources = np.array([row.source for row in rows])
    ours = np.zeros(len(rows))
    logistic = np.zeros(len(rows))
    for fold in range(FOLDS):
        say(f"fold {fold + 1} of {FOLDS}")
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        model = fit([rows[i] for i in inside], hyperparameters).model
        ours[outside], _ = score_rows(model, [rows[i] for i in outside])
        for source in VIEWS:
            # The baseline gets its best case: for each view a model of that very view.
            learn, judge = inside[sources[inside] == source], outside[sources[outside] == source]
            if len(learn) and len(judge):
                logistic[judge] = _logistic([rows[i] for i in learn], [rows[i] for i in judge])
    headings = np.array([min(1.0, len(HEADINGS.findall(row.text)) / 4) for row in rows])
    result: dict[str, Any] = {}
    for source, view in VIEWS.items():
        chosen = np.flatnonzero(sources == source)
        if not len(chosen):
            continue
        groups = [rows[i].group for i in chosen]
        share = float(labels[chosen].mean())
        result[view] = {
            "records": len(chosen),
            "clusters": len(set(groups)),
            "surgery_share": round(share, 4),
            "model": to_json(measure(labels[chosen], ours[chosen], groups)),
            "logistic regression on TF-IDF": to_json(
                measure(labels[chosen], logistic[chosen], groups)
            ),
            "headings-only rule": to_json(
                measure(labels[chosen], headings[chosen], groups, names=("auc", "accuracy"))
            ),
            "majority class": {"accuracy": {"value": round(max(share, 1 - share), 4)}},
        }
    return result


def _logistic(learn: Sequence[Row], judge: Sequence[Row]) -> Floats:
    """Logistic regression on TF-IDF of word 1-2-grams: what one would try first."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=1000)
    model.fit(vectorizer.fit_transform([r.text for r in learn]), [r.label for r in learn])
    probabilities: Floats = model.predict_proba(vectorizer.transform([r.text for r in judge]))[:, 1]
    return probabilities
