"""The evaluations that reports and cards are made of: of a version, of the pipeline, of a table."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlops import __version__
from mlops.data.build import Manifest
from mlops.data.records import Record
from mlops.errors import DataError
from mlops.evaluation.ablation import ablate
from mlops.evaluation.baselines import BASELINES, predict
from mlops.evaluation.behaviour import load_behaviours, run_behaviours
from mlops.evaluation.checks import TARGET_ERROR
from mlops.evaluation.crossval import cross_validate
from mlops.evaluation.describe import MODEL, Judged, describe
from mlops.evaluation.held_out import as_if_unseen, digest, read_held_out
from mlops.evaluation.ladder import RUNGS, Rung, other_rungs
from mlops.evaluation.protocol import CROSS_VALIDATION, HELD_OUT, TABLE
from mlops.evaluation.scoring import Scores, load_artifact, score
from mlops.evaluation.workshop import judge_table, repeated_auc
from mlops.shipped import METRICS
from mlops.workshop import WideTable

Say = Callable[[str], None]


def evaluate_version(
    artifact: Path,
    records: Sequence[Record],
    learn: Sequence[Record] = (),
    *,
    with_text: bool = False,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """One trained version on notes that it was not trained on, rung by rung.

    Args:
        artifact: Its `model.tar.gz`. Where it says that it was trained on a note, its out-of-fold
            answer counts.
        records: Notes of both labels.
        learn: What the baselines are fitted on; none: no baselines.
        with_text: Put note text beside the wrong decisions.
        say: Called with a line per step.

    Raises:
        DataError: if no source has both labels.
        BackendError, ModelError: if the artifact can't be read.
    """
    model, held_out = load_artifact(artifact), read_held_out(artifact)
    rungs = []
    seen = 0
    for rung in (*RUNGS, *other_rungs(records)):
        view = rung.view(records)
        if len({record.label for record in view}) < 2:
            continue
        say(f"{rung.name}, {len(view)} notes")
        texts = [record.text for record in view]
        scores = {MODEL: as_if_unseen(score(model, texts), texts, held_out)}
        seen += sum(digest(text) in held_out for text in texts)
        if learn:
            scores |= _baselines(rung, learn, view)
        judged = Judged(rung.name, rung.sentence, tuple(view), scores)
        rungs.append(describe(judged, with_text=with_text))
    if not rungs:
        raise DataError(
            "No source of these notes has both labels. Nothing was scored. Give notes of both "
            "classes."
        )
    say("behaviour tests")
    return {
        "mode": HELD_OUT,
        "model_version": model.version,
        "code_version": __version__,
        "target_error": TARGET_ERROR,
        "records": _sources(records),
        "judged_out_of_fold": seen if held_out else None,
        "rungs": rungs,
        "behaviours": [c.to_json() for c in run_behaviours(model, load_behaviours())],
        "workshop": shipped_workshop(),
    }


def cross_validated(
    records: Sequence[Record],
    manifest: Manifest,
    hyperparameters: Mapping[str, float],
    *,
    features: Mapping[str, Any] | None = None,
    ablation: bool = True,
    jobs: int = 1,
    say: Say = lambda _: None,
) -> tuple[dict[str, Any], list[Judged]]:
    """The whole pipeline on the whole ladder, cross-validated; what the shipped card is made of.

    Returns:
        The evaluation without its version, and the answers that it is made of.
    """
    judged = cross_validate(records, hyperparameters, say, features=features, jobs=jobs)
    evaluation = {
        "mode": CROSS_VALIDATION,
        "code_version": __version__,
        "target_error": TARGET_ERROR,
        "records": _sources(records),
        "dropped": dict(manifest.dropped),
        "kaggle_sha256": manifest.kaggle_sha256,
        "seed": manifest.seed,
        "rungs": [describe(one) for one in judged if one.worth_reporting()],
    }
    if ablation:
        evaluation["ablation"] = ablate(records, hyperparameters, judged, say=say, jobs=jobs)
    return evaluation, judged


def evaluate_table(
    table: WideTable, test: WideTable, probabilities: Any, hyperparameters: Mapping[str, Any]
) -> dict[str, Any]:
    """A model of a wide table, in the form of the others.

    Args:
        table: All rows.
        test: Those held out.
        probabilities: P(Surgery) of the trained model for them, shape (rows of test,).
        hyperparameters: What it was trained with.
    """
    judged = judge_table(table, test, np.asarray(probabilities), hyperparameters)
    return {
        "mode": TABLE,
        "model_version": "",
        "code_version": __version__,
        "hyperparameters": dict(hyperparameters),
        "rows": len(table.labels),
        "columns": len(table.columns),
        "rungs": [describe(one) for one in judged if one.worth_reporting()],
        "repeated": repeated_auc(table, hyperparameters).to_json(),
    }


def shipped_workshop() -> dict[str, Any] | None:
    """The workshop's own model, as it was measured for the shipped card."""
    if not METRICS.is_file():
        return None
    found: dict[str, Any] | None = json.loads(METRICS.read_text()).get("workshop")
    return found


def _baselines(rung: Rung, learn: Sequence[Record], view: Sequence[Record]) -> dict[str, Scores]:
    own = rung.view(learn)
    return {name: Scores(predict(make, own, view)) for name, make in BASELINES.items()}


def _sources(records: Sequence[Record]) -> dict[str, int]:
    return dict(sorted(Counter(record.source or "labelled notes" for record in records).items()))
