"""Makes the version that comes with the package: `python -m mlops.evaluation.ship`.

1. Gathers all records: MTSamples in both views, and the corpus.
2. Cross-validates the whole pipeline, beside its baselines.
3. Trains on everything, through the very `train.py` of a job.
4. Writes `model.tar.gz`, `metrics.json` and the model card into `mlops/shipped/`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from mlops.backends.package import pack_artifact
from mlops.container import train as script
from mlops.data.build import gather
from mlops.data.records import write_records
from mlops.errors import TriageError
from mlops.evaluation.card import model_card
from mlops.evaluation.crossval import cross_validate
from mlops.shipped import ARTIFACT, METRICS, MODEL_CARD


@click.command()
@click.option(
    "--kaggle",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="mtsamples.csv of Kaggle's Medical Transcriptions, plain or .gz.",
)
@click.option("--seed", default=0, show_default=True, help="Of folds, crops and training.")
def main(kaggle: Path, seed: int) -> None:
    """Train the shipped model version, measure it, and write its card."""

    def say(line: str) -> None:
        click.echo(line, err=True)

    try:
        records, manifest = gather(kaggle=kaggle, seed=seed, say=say)
    except TriageError as error:
        raise click.ClickException(str(error)) from None
    hyperparameters = script.parse_arguments(["--seed", str(seed)])
    views = cross_validate(records, hyperparameters, say)
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
        pack_artifact(model, ARTIFACT)
        metadata = json.loads((model / "metadata.json").read_text())
    metrics = {
        "model_version": metadata["model_version"],
        "kaggle_sha256": manifest.kaggle_sha256,
        "records_sha256": metadata["data_sha256"],
        "seed": seed,
        "hyperparameters": metadata["hyperparameters"],
        "records": metadata["records"],
        "dropped": dict(manifest.dropped),
        "artifact_bytes": ARTIFACT.stat().st_size,
        "cross_validation": views,
    }
    METRICS.write_text(json.dumps(metrics, indent=2) + "\n")
    MODEL_CARD.write_text(model_card(metrics))
    say(f"Shipped {metadata['model_version']}")


if __name__ == "__main__":
    main()
