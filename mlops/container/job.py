"""A training job: a channel of records in, an artifact and its metrics out."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from mlops import __version__
from mlops.container.fitting import Fitted, fit
from mlops.container.judging import judge
from mlops.container.model import Model, save_model
from mlops.container.reading import Ints
from mlops.container.records import read_rows
from mlops.container.scores import Floats
from mlops.container.table import MADE, Row

Say = Callable[[str], None]


def run_job(
    *,
    train: Path,
    validation: Path | None,
    model_dir: Path,
    hyperparameters: Mapping[str, float],
    say: Say,
) -> dict[str, float]:
    """Train, print the metrics and write the artifact.

    Args:
        train: Folder with `*.jsonl` to fit on.
        validation: Folder with `*.jsonl` to score on; None: out-of-fold figures stand.
        model_dir: Where the artifact is written.
        hyperparameters: By the names of `train.HYPERPARAMETERS`.
        say: Called with each line of progress.

    Returns:
        The metrics that were printed.

    Raises:
        TrainingError: if the records can't be used.
    """
    rows, sha256 = read_rows(train)
    say(f"{len(rows)} records")
    fitted = fit(rows, hyperparameters, say=say)
    metrics = measure(fitted)
    if validation is not None:
        held_out, _ = read_rows(validation)
        metrics = _measured(*score_rows(fitted.model, held_out), fitted.model.abstain)
        say(f"scored on {len(held_out)} validation records")
    for name, value in metrics.items():
        say(f"validation-{name}:{value:.5f}")
    version = save_model(model_dir, describe(fitted.model, sha256, hyperparameters, metrics, rows))
    say(f"model version {version}")
    return metrics


def describe(
    model: Model,
    sha256: str,
    hyperparameters: Mapping[str, float],
    metrics: Mapping[str, float],
    rows: list[Row],
) -> Model:
    """The model with the metadata that its artifact carries."""
    sources: dict[str, int] = {}
    for row in rows:
        sources[row.source] = sources.get(row.source, 0) + 1
    metadata: dict[str, Any] = {
        "code_version": __version__,
        "data_sha256": sha256,
        "seed": int(hyperparameters["seed"]),
        "hyperparameters": dict(sorted(hyperparameters.items())),
        "metrics": {name: round(value, 5) for name, value in metrics.items()},
        "records": dict(sorted(sources.items())),
        "lexicon_sha256": hashlib.sha256(repr(model.lexicon.to_json()).encode()).hexdigest(),
    }
    return replace(model, metadata=metadata)


def measure(fitted: Fitted) -> dict[str, float]:
    """Out-of-fold metrics over every record but those made of others."""
    rows = ~np.isin(fitted.table.sources, MADE)
    return _measured(fitted.probabilities[rows], fitted.table.labels[rows], fitted.model.abstain)


def score_rows(model: Model, rows: list[Row]) -> tuple[Floats, Ints]:
    """Probabilities and labels of records that the model was not fitted on."""
    judged = [judge(model.reader.read(row.text), model) for row in rows]
    probabilities = model.calibration.probabilities(
        np.concatenate([one.margins for one in judged]),
        np.concatenate([one.registers for one in judged]),
    )
    return probabilities, np.array([row.label for row in rows])


def _measured(
    probabilities: Floats, labels: Ints, abstain: tuple[float, float]
) -> dict[str, float]:
    said = probabilities >= 0.5
    return {
        "auc": float(roc_auc_score(labels, probabilities)),
        "pr-auc": float(average_precision_score(labels, probabilities)),
        "accuracy": float((said == (labels == 1)).mean()),
        "brier": float(brier_score_loss(labels, probabilities)),
        "coverage": float(((probabilities <= abstain[0]) | (probabilities >= abstain[1])).mean()),
    }
