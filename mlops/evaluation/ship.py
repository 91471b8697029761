"""Makes the version that comes with the package: `python -m mlops.evaluation.ship`.

1. Gathers all records of every source.
2. Cross-validates the whole pipeline over the ladder, beside its baselines, and ablates it.
3. Trains on everything, through the very `train.py` of a job, and puts the out-of-fold answers into
   the artifact, so that the gate can compare later versions with it fairly.
4. Writes `model.tar.gz`, `metrics.json` and the model card into `mlops/shipped/`.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mlops.backends.package import pack_artifact
from mlops.container import train as script
from mlops.data.build import gather
from mlops.data.records import Record, write_records
from mlops.errors import TriageError
from mlops.evaluation.behaviour import load_behaviours, run_behaviours
from mlops.evaluation.card import model_card
from mlops.evaluation.describe import MODEL, Judged
from mlops.evaluation.held_out import write_held_out
from mlops.evaluation.ladder import UNSEEN_SPECIALTY
from mlops.evaluation.report import report_html
from mlops.evaluation.run import cross_validated
from mlops.evaluation.scoring import load_artifact
from mlops.evaluation.workshop import workshop_baseline, workshop_features
from mlops.shipped import ARTIFACT, METRICS, MODEL_CARD

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--kaggle",
    type=_FILE,
    required=True,
    help="mtsamples.csv of Kaggle's Medical Transcriptions, plain or .gz.",
)
@click.option("--workshop", type=_FILE, help="The workshop's table of features: its own baseline.")
@click.option("--seed", default=0, show_default=True, help="Of folds, crops and training.")
@click.option("--jobs", default=os.cpu_count() or 1, help="Fits at a time; all processors.")
@click.option("--ablation/--no-ablation", default=True, help="Refit with each kind left out.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write an HTML report here."
)
def main(
    kaggle: Path, workshop: Path | None, seed: int, jobs: int, ablation: bool, report: Path | None
) -> None:
    """Train the shipped model version, measure it, and write its card."""

    def say(line: str) -> None:
        click.echo(line, err=True)

    hyperparameters = script.parse_arguments(["--seed", str(seed)])
    try:
        records, manifest = gather(kaggle=kaggle, seed=seed, say=say)
        features = workshop_features(workshop, kaggle, records) if workshop else None
        evaluation, judged = cross_validated(
            records,
            manifest,
            hyperparameters,
            features=features,
            ablation=ablation,
            jobs=jobs,
            say=say,
        )
        if workshop:
            evaluation["workshop"] = workshop_baseline(workshop)
        say("training on everything")
        evaluation |= _train(records, judged, seed)
        say("running the behaviour tests")
        conduct = run_behaviours(load_artifact(ARTIFACT), load_behaviours())
        evaluation["behaviours"] = [one.to_json() for one in conduct]
    except TriageError as error:
        raise click.ClickException(str(error)) from None
    if report is not None:
        report.write_text(report_html(evaluation), encoding="utf-8")
    metrics = compact(evaluation)
    METRICS.write_text(json.dumps(metrics, indent=1) + "\n")
    MODEL_CARD.write_text(model_card(metrics))
    say(f"Shipped {metrics['model_version']}")


def compact(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluation without curves and lists of errors: what a card needs."""
    rungs = [
        {
            **{key: value for key, value in rung.items() if key not in ("curves", "wrong")},
            "confusion": rung["curves"][MODEL]["confusion"],
            "wrong": len(rung["wrong"]),
        }
        for rung in evaluation["rungs"]
    ]
    return {**evaluation, "rungs": rungs}


def _train(records: Sequence[Record], judged: Sequence[Judged], seed: int) -> dict[str, Any]:
    """Train on all records and write the artifact; what the metrics say of it."""
    with tempfile.TemporaryDirectory() as folder:
        channel, model = Path(folder) / "train", Path(folder) / "model"
        channel.mkdir()
        model.mkdir()
        write_records(channel / "records.jsonl", records)
        environment = {"SM_CHANNEL_TRAIN": str(channel), "SM_MODEL_DIR": str(model)}
        subprocess.run(
            [sys.executable, "-m", "mlops.container.train", "--seed", str(seed)],
            check=True,
            env={**os.environ, **environment},
        )
        write_held_out(
            model,
            (
                ([record.text for record in one.records], one.scores[MODEL])
                for one in judged
                # Its texts are those of a rung above it, judged by a model that knew less.
                if one.rung != UNSEEN_SPECIALTY
            ),
        )
        pack_artifact(model, ARTIFACT)
        metadata = json.loads((model / "metadata.json").read_text())
    return {
        "model_version": metadata["model_version"],
        "records_sha256": metadata["data_sha256"],
        "hyperparameters": metadata["hyperparameters"],
        "artifact_bytes": ARTIFACT.stat().st_size,
    }


if __name__ == "__main__":
    main()
