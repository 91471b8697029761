"""Fitting: records in, a calibrated model out. Needs scikit-learn, which serving does not."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from mlops import __version__
from mlops.container.assertions import assertions
from mlops.container.calibration import Calibration
from mlops.container.errors import TrainingError
from mlops.container.linear import LinearScore
from mlops.container.model import Model, save_model
from mlops.container.terms import find_terms
from mlops.container.text import tokenize

FOLDS = 5
Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One record ready to fit on."""

    terms: list[str] = field(repr=False)
    label: int
    group: str
    source: str
    weight: float


def read_rows(folder: Path) -> tuple[list[Row], str]:
    """Read every `*.jsonl` of a channel, and the SHA-256 of what was read.

    Raises:
        TrainingError: no records, or one that isn't a record (named by file and line).
    """
    rows: list[Row] = []
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.jsonl")):
        content = path.read_bytes()
        digest.update(content)
        for number, line in enumerate(content.split(b"\n"), 1):
            if line.strip():
                rows.append(_row(path.name, number, line))
    if len({row.label for row in rows}) < 2:
        raise TrainingError(
            "The training data needs records of both labels, Surgery and Consultation. "
            "Nothing was trained. Build a dataset with: triage dataset build"
        )
    return rows, digest.hexdigest()


def _row(name: str, number: int, line: bytes) -> Row:
    try:
        data = json.loads(line)
        tokens = tokenize(data["text"])
        return Row(
            terms=[term for term, _, _ in find_terms(tokens, assertions(tokens))],
            label={"Consultation": 0, "Surgery": 1}[data["label"]],
            group=str(data["group"]),
            source=str(data.get("source", "")),
            weight=float(data.get("weight", 1.0)),
        )
    except (ValueError, KeyError, TypeError):
        raise TrainingError(
            f"Line {number} of {name} is not a record with text, label and group. "
            "Nothing was trained. Build the dataset again with: triage dataset build"
        ) from None


def fold_of(group: str, seed: int, folds: int = FOLDS) -> int:
    """The fold of a cluster: the same on every machine, whatever else is in the data."""
    return hashlib.sha256(f"{seed}:{group}".encode()).digest()[0] % folds


def fit(
    rows: Sequence[Row], hyperparameters: Mapping[str, float]
) -> tuple[Model, dict[str, float]]:
    """Fit the linear score, the trees on its out-of-fold values, and the calibration.

    Returns:
        The model without a version, and what was measured out of fold.
    """
    seed = int(hyperparameters["seed"])
    labels = np.array([row.label for row in rows])
    weights = np.array(
        [
            row.weight * (hyperparameters["corpus_weight"] if row.source == "corpus" else 1.0)
            for row in rows
        ]
    )
    folds = np.array([fold_of(row.group, seed) for row in rows])
    c = hyperparameters["linear_c"]
    values = np.zeros((len(rows), 1), dtype=np.float32)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(outside):
            continue
        score = fit_score([rows[i].terms for i in inside], labels[inside], weights[inside], c)
        for i in outside:
            values[i, 0] = score.parts(rows[i].terms)[0]
    scores = {"words": fit_score([row.terms for row in rows], labels, weights, c)}
    margins = np.zeros(len(rows))
    for fold in range(FOLDS):
        inside, outside = folds != fold, folds == fold
        if outside.any():
            booster = fit_trees(values[inside], labels[inside], weights[inside], hyperparameters)
            margins[outside] = booster.predict(
                xgboost.DMatrix(values[outside], nthread=1), output_margin=True
            )
    booster = fit_trees(values, labels, weights, hyperparameters)
    platt = LogisticRegression(C=1e6).fit(margins.reshape(-1, 1), labels, sample_weight=weights)
    slope = max(0.05, float(platt.coef_[0, 0]))
    calibration = Calibration(slope, float(platt.intercept_[0]))
    metrics = {
        "auc": float(roc_auc_score(labels, margins)),
        "pr-auc": float(average_precision_score(labels, margins)),
    }
    model = Model("", booster, scores, calibration, (0.4, 0.6), {})
    return model, metrics


def fit_score(
    texts: Sequence[list[str]],
    labels: NDArray[np.int_],
    weights: NDArray[np.float64],
    c: float,
) -> LinearScore:
    """Logistic regression on TF-IDF of terms that at least three texts hold."""
    vectorizer = TfidfVectorizer(
        analyzer=lambda terms: terms, min_df=min(3, max(1, len(texts) // 20)), sublinear_tf=True
    )
    table = vectorizer.fit_transform(texts)
    regression = LogisticRegression(C=c, max_iter=1000).fit(table, labels, sample_weight=weights)
    return LinearScore(
        {term: i for i, term in enumerate(vectorizer.get_feature_names_out())},
        vectorizer.idf_.astype(np.float32),
        regression.coef_[0].astype(np.float32),
        float(regression.intercept_[0]),
    )


def fit_trees(
    values: NDArray[np.float32],
    labels: NDArray[np.int_],
    weights: NDArray[np.float64],
    hyperparameters: Mapping[str, float],
) -> xgboost.Booster:
    """Gradient-boosted trees; a higher linear score never speaks against Surgery."""
    own = {"num_round", "linear_c", "corpus_weight"}
    parameters: dict[str, Any] = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "nthread": 1,
        "base_score": 0.5,
        "monotone_constraints": "(1)",
        **{name: value for name, value in hyperparameters.items() if name not in own},
    }
    data = xgboost.DMatrix(values, labels, weight=weights, nthread=1)
    return xgboost.train(parameters, data, int(hyperparameters["num_round"]))


def fit_and_save(
    *,
    train: Path,
    validation: Path | None,
    model_dir: Path,
    hyperparameters: Mapping[str, float],
    say: Say,
) -> dict[str, float]:
    """The whole of a training job.

    Args:
        train, validation: Folders with `*.jsonl`; without validation, out-of-fold figures stand.
        model_dir: Where the artifact is written.
        say: Called with each line of progress.

    Returns:
        The metrics that were printed.
    """
    rows, sha256 = read_rows(train)
    say(f"{len(rows)} records read")
    model, metrics = fit(rows, hyperparameters)
    metadata = {
        "code_version": __version__,
        "data_sha256": sha256,
        "seed": int(hyperparameters["seed"]),
        "hyperparameters": dict(hyperparameters),
        "metrics": metrics,
        "records": len(rows),
    }
    for name, value in metrics.items():
        say(f"validation-{name}:{value:.5f}")
    version = save_model(
        model_dir,
        Model("", model.booster, model.scores, model.calibration, model.abstain, metadata),
    )
    say(f"model version {version}")
    return metrics
