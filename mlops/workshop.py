"""The workshop's own road: plain XGBoost on a wide table, under the built-in algorithm's contract.

Amazon's workshop on this use case turns each note into scores of medical conditions and trains
SageMaker's built-in XGBoost on them. Here is the same, without AWS: CSV files with the label first
and no header, the built-in algorithm's hyperparameters, and an artifact that holds `xgboost-model`.

1. `read_table`, then `split_table` as the workshop does.
2. `write_channels`: what the algorithm reads.
3. `train_on` the channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray

from mlops.errors import DataError

Floats = NDArray[np.float64]

MODEL_FILE = "xgboost-model"
ID_COLUMN = "ID"
SPLIT_SEED = 123
SHARES = (0.8, 0.9)
MIN_ROWS = 20
LABELS = {"Surgery": 1, "Consultation": 0, "1": 1, "0": 0, "1.0": 1, "0.0": 0}
# The workshop's own values; each may be given by the name that the built-in algorithm has for it.
HYPERPARAMETERS: dict[str, str] = {
    "objective": "binary:logistic",
    "num_round": "150",
    "max_depth": "5",
    "alpha": "2.5",
    "eta": "0.5",
    "base_score": "0.5",
}
# Lowest and highest value, as the algorithm's documentation has them.
RANGES: dict[str, tuple[float, float]] = {
    "num_round": (1, 4000),
    "max_depth": (0, 20),
    "alpha": (0, 1000),
    "eta": (0, 1),
    "base_score": (0, 1),
    "gamma": (0, 1000),
    "lambda": (0, 1000),
    "min_child_weight": (0, 120),
    "subsample": (0.1, 1),
    "colsample_bytree": (0.1, 1),
    "scale_pos_weight": (0, 1000),
    "seed": (0, 2**31 - 1),
}
_WHOLE = ("num_round", "max_depth", "seed")
OBJECTIVES = ("binary:logistic", "reg:logistic")


@dataclass(frozen=True)
class WideTable:
    """Rows of features with their labels.

    Attributes:
        ids: Of each row; its number where the table has no `ID`.
        labels: 1 for Surgery, 0 for Consultation, shape (rows,).
        values: NaN where a cell is empty, shape (rows, columns).
        columns: Names of the features.
    """

    ids: list[str]
    labels: NDArray[np.int64]
    values: Floats = field(repr=False)
    columns: list[str]

    def take(self, rows: NDArray[np.int64]) -> "WideTable":
        """Some of the rows, in the order given."""
        ids = [self.ids[row] for row in rows]
        return WideTable(ids, self.labels[rows], self.values[rows], self.columns)


def read_table(path: Path, label: str) -> WideTable:
    """Read a CSV with a header, one row a note.

    Args:
        path: Its columns are the label, perhaps `ID`, and features that are numbers.
        label: Name of the label's column: 1 or Surgery, 0 or Consultation.

    Raises:
        DataError: with what is wrong with the file.
    """
    try:
        data = pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise DataError(
            f"{path} can't be read ({type(error).__name__}). Nothing was trained. Check the path."
        ) from None
    except (ValueError, UnicodeError):
        raise DataError(
            f"{path} is not a CSV in UTF-8. Nothing was trained. Give a table with a header line."
        ) from None
    if label not in data.columns:
        raise DataError(
            f"{path} has no column {label}. Nothing was trained. Name the column of labels "
            "with --label."
        )
    labels = data[label].str.strip().map(LABELS)
    if labels.isna().any():
        raise DataError(
            f"The column {label} of {path} holds something else than 1 and 0, or Surgery and "
            f"Consultation, first in line {int(labels.isna().to_numpy().argmax()) + 2}. Nothing "
            "was trained. Correct the table."
        )
    if len(data) < MIN_ROWS or labels.nunique() < 2:
        raise DataError(
            f"{path} has {len(data)} rows of {labels.nunique()} labels. Nothing was trained. "
            f"Give at least {MIN_ROWS} rows, of both labels."
        )
    names = [name for name in data.columns if name not in (label, ID_COLUMN)]
    features = data[names].apply(lambda column: _numbers(path, column))
    if not names:
        raise DataError(f"{path} has no features. Nothing was trained. Add columns of numbers.")
    ids = data[ID_COLUMN].tolist() if ID_COLUMN in data else [str(i) for i in range(len(data))]
    return WideTable(
        ids, labels.to_numpy().astype(np.int64), features.to_numpy(dtype=np.float64), names
    )


def _numbers(path: Path, column: "pd.Series[str]") -> "pd.Series[float]":
    numbers = pd.to_numeric(column.str.strip().replace("", None), errors="coerce")
    wrong = numbers.isna() & (column.str.strip() != "")
    if wrong.any():
        raise DataError(
            f"The column {column.name} of {path} is not all numbers, first in line "
            f"{int(wrong.to_numpy().argmax()) + 2}. Nothing was trained. Features must be numbers."
        )
    return numbers


def split_table(table: WideTable, seed: int = SPLIT_SEED) -> dict[str, WideTable]:
    """Train, validation and test: 80, 10 and 10 %, shuffled as the workshop's notebook does it.

    pandas' `sample(frac=1, random_state=123)`, and so the very same rows.
    """
    order = (
        pd.Series(range(len(table.labels)))
        .sample(frac=1, random_state=seed)
        .to_numpy()
        .astype(np.int64)
    )
    first, second = (int(share * len(order)) for share in SHARES)
    parts = np.split(order, [first, second])
    return {
        name: table.take(rows)
        for name, rows in zip(("train", "validation", "test"), parts, strict=True)
    }


def write_channels(parts: Mapping[str, WideTable], folder: Path) -> dict[str, Path]:
    """Write each part as the algorithm reads it: `<part>.csv`, label first, no header.

    Raises:
        DataError: if the folder can't be written.
    """
    paths = {name: folder / f"{name}.csv" for name in parts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, part in parts.items():
            rows = pd.DataFrame(part.values)
            rows.insert(0, "label", part.labels)
            rows.to_csv(paths[name], header=False, index=False)
    except OSError as error:
        raise DataError(
            f"{folder} can't be written ({error.strerror}). Nothing was trained. "
            "Give another folder with --output."
        ) from None
    return paths


def check_hyperparameters(given: Mapping[str, str]) -> dict[str, Any]:
    """The workshop's values with those that were given, as XGBoost takes them.

    Raises:
        DataError: naming the one that is unknown or out of its range.
    """
    values: dict[str, Any] = {}
    for name, text in {**HYPERPARAMETERS, **given}.items():
        if name == "objective":
            if text not in OBJECTIVES:
                raise _wrong(name, " or ".join(OBJECTIVES))
            values[name] = text
            continue
        if name not in RANGES:
            raise DataError(
                f"The built-in algorithm's {name} is not one that can be set here. Nothing was "
                f"trained. It takes: objective, {', '.join(RANGES)}."
            )
        low, high = RANGES[name]
        try:
            number = int(text) if name in _WHOLE else float(text)
        except ValueError:
            raise _wrong(name, f"a number from {low:g} to {high:g}") from None
        if not low <= number <= high:
            raise _wrong(name, f"a number from {low:g} to {high:g}")
        values[name] = number
    return values


def _wrong(name: str, allowed: str) -> DataError:
    return DataError(
        f"The hyperparameter {name} must be {allowed}. Nothing was trained. "
        "Correct it and start again."
    )


def train_on(train: Path, hyperparameters: Mapping[str, Any]) -> xgboost.Booster:
    """What the built-in algorithm does with a channel of label-first CSV.

    Args:
        train: A file of `write_channels`.
        hyperparameters: Of `check_hyperparameters`.
    """
    labels, values = read_channel(train)
    return fit_table(values, labels, hyperparameters)


def fit_table(
    values: Floats, labels: NDArray[np.int64], hyperparameters: Mapping[str, Any]
) -> xgboost.Booster:
    """Plain trees on a table, on one thread so that the result doesn't depend on the machine."""
    options = {name: value for name, value in hyperparameters.items() if name != "num_round"}
    data = xgboost.DMatrix(values, labels, nthread=1)
    return xgboost.train({**options, "nthread": 1}, data, hyperparameters["num_round"])


def read_channel(path: Path) -> tuple[NDArray[np.int64], Floats]:
    """Labels and features of a label-first CSV without header."""
    rows = pd.read_csv(path, header=None).to_numpy(dtype=np.float64)
    return rows[:, 0].astype(np.int64), rows[:, 1:]


def predict_table(booster: xgboost.Booster, values: Floats) -> Floats:
    """P(Surgery) of each row."""
    probabilities: Floats = booster.predict(xgboost.DMatrix(values, nthread=1)).astype(np.float64)
    return probabilities
