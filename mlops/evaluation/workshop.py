"""How good the workshop's own model is: on its split, cross-validated, and beside ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold

from mlops.data.records import Record
from mlops.errors import DataError
from mlops.evaluation.baselines import LOGISTIC
from mlops.evaluation.describe import MODEL, Judged
from mlops.evaluation.metrics import Floats, measure, to_json
from mlops.evaluation.scoring import Scores
from mlops.workshop import (
    HYPERPARAMETERS,
    SPLIT_SEED,
    WideTable,
    check_hyperparameters,
    fit_table,
    predict_table,
    read_table,
    split_table,
)

# Record id to its row of the workshop's table.
Features = Mapping[str, Floats]
MODEL_NAME = "workshop's model"
LABEL_COLUMN = "Label"
TEST_RUNG, FOLDS_RUNG = "test part", "ten folds"
_FOLDS, _REPEATS = 10, 10


@dataclass(frozen=True)
class Repeated:
    """AUC over the folds of a repeated cross-validation."""

    mean: float
    deviation: float
    folds: int

    def to_json(self) -> dict[str, float]:
        """Rounded to what the data can carry."""
        return {
            "mean": round(self.mean, 5),
            "deviation": round(self.deviation, 5),
            "folds": self.folds,
        }


def judge_table(
    table: WideTable, test: WideTable, probabilities: Floats, hyperparameters: Mapping[str, Any]
) -> list[Judged]:
    """The test part as the trained model sees it, and all rows by ten-fold cross-validation.

    Args:
        table: All rows.
        test: Those held out.
        probabilities: P(Surgery) of the trained model for them.
        hyperparameters: Of `check_hyperparameters`.
    """
    learn = _without(table, test)
    plain = _logistic(learn.values, learn.labels, test.values)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=SPLIT_SEED)
    ours, theirs = np.zeros(len(table.labels)), np.zeros(len(table.labels))
    for inside, outside in folds.split(table.values, table.labels):
        values, labels, judge = table.values[inside], table.labels[inside], table.values[outside]
        ours[outside] = predict_table(fit_table(values, labels, hyperparameters), judge)
        theirs[outside] = _logistic(values, labels, judge)
    return [
        Judged(
            TEST_RUNG,
            f"The last tenth of the shuffled table, {len(test.labels)} rows: the workshop's split.",
            _records(test),
            {MODEL: Scores(probabilities), LOGISTIC: Scores(plain)},
        ),
        Judged(
            FOLDS_RUNG,
            "Every row once, judged by a model that was fitted on the nine other tenths.",
            _records(table),
            {MODEL: Scores(ours), LOGISTIC: Scores(theirs)},
        ),
    ]


def repeated_auc(table: WideTable, hyperparameters: Mapping[str, Any]) -> Repeated:
    """AUC over ten times ten folds: how far the figure of one split can be trusted."""
    folds = RepeatedStratifiedKFold(n_splits=_FOLDS, n_repeats=_REPEATS, random_state=SPLIT_SEED)
    found = []
    for inside, outside in folds.split(table.values, table.labels):
        booster = fit_table(table.values[inside], table.labels[inside], hyperparameters)
        probabilities = predict_table(booster, table.values[outside])
        found.append(float(roc_auc_score(table.labels[outside], probabilities)))
    return Repeated(float(np.mean(found)), float(np.std(found)), len(found))


def workshop_baseline(path: Path) -> dict[str, Any]:
    """The workshop's model on its own table, as plain data for a report.

    Raises:
        DataError: with what is wrong with the table.
    """
    table, options = read_table(path, LABEL_COLUMN), check_hyperparameters({})
    parts = split_table(table)
    booster = fit_table(parts["train"].values, parts["train"].labels, options)
    test = parts["test"]
    figures = measure(test.labels, predict_table(booster, test.values), test.ids)
    return {
        "rows": len(table.labels),
        "columns": len(table.columns),
        "test_rows": len(test.labels),
        "hyperparameters": dict(HYPERPARAMETERS),
        "test": to_json(figures),
        "repeated": repeated_auc(table, options).to_json(),
    }


def workshop_features(path: Path, kaggle: Path, records: Sequence[Record]) -> Features:
    """The workshop's features of the records as filed that its table covers.

    The table's `ID` is what the Kaggle file's first, unnamed column holds: the number of the row.
    (On MTSamples all labels agree, and 99.7 % of the conditions are words of the note.)

    Args:
        path: The workshop's table.
        kaggle: The Kaggle file that `records` come from.
        records: Their ids name rows of that file.

    Raises:
        DataError: if labels don't agree: the table belongs to another file.
    """
    table = read_table(path, LABEL_COLUMN)
    rows = pd.read_csv(kaggle, usecols=lambda name: name in ("Unnamed: 0", "transcription"))
    texts = rows["transcription"]
    place = rows["Unnamed: 0"] if "Unnamed: 0" in rows else pd.Series(range(len(rows)))
    row_of = {_key(r.text): r for r in records if r.source == "mtsamples-filed"}
    known = {
        str(number): row_of.get(_key(text))
        for number, text in zip(place.tolist(), texts, strict=True)
        if isinstance(text, str)
    }
    found: dict[str, Floats] = {}
    for number, label, values in zip(table.ids, table.labels, table.values, strict=True):
        record = known.get(number)
        if record is None:
            continue
        if (record.label == "Surgery") != bool(label):
            raise DataError(
                f"{path} does not belong to {kaggle}: labels of the same rows differ. Nothing was "
                "measured. Give the table that was made from this file."
            )
        found[record.id] = values
    return found


def predict_workshop(
    features: Features, learn: Sequence[Record], judge: Sequence[Record]
) -> Floats:
    """P(Surgery) of the workshop's model, fitted on those of `learn` that have its features."""
    if not judge:
        return np.zeros(0)
    known = [record for record in learn if record.id in features]
    labels = np.array([record.label == "Surgery" for record in known], dtype=np.int64)
    values = np.array([features[record.id] for record in known])
    booster = fit_table(values, labels, check_hyperparameters({}))
    return predict_table(booster, np.array([features[record.id] for record in judge]))


def _key(text: str) -> str:
    return " ".join(text.lower().split())


def _without(table: WideTable, test: WideTable) -> WideTable:
    held = set(test.ids)
    return table.take(np.array([i for i, name in enumerate(table.ids) if name not in held]))


def _records(table: WideTable) -> tuple[Record, ...]:
    return tuple(
        Record(name, "", "Surgery" if label else "Consultation", name, "table")
        for name, label in zip(table.ids, table.labels, strict=True)
    )


def _logistic(values: Floats, labels: Any, judge: Floats) -> Floats:
    """Logistic regression on the same features; an empty cell counts as zero."""
    model = LogisticRegression(max_iter=1000).fit(np.nan_to_num(values), labels)
    probabilities: Floats = model.predict_proba(np.nan_to_num(judge))[:, 1]
    return probabilities
