"""`triage train --table`: the workshop's own road, plain XGBoost on a wide table."""

import json
import tempfile
from pathlib import Path

import click

from mlops.cli.evaluate import show_evaluation
from mlops.cli.options import console, echo_json, write_file


def train_table(
    path: Path,
    label: str,
    parameters: dict[str, str],
    output: Path,
    report: Path | None,
    *,
    as_json: bool,
) -> None:
    """Train, evaluate and leave everything in `output`.

    It writes `train.csv`, `validation.csv` and `test.csv` (label first, no header), `model.tar.gz`
    with the built-in algorithm's `xgboost-model`, and `metrics.json`.
    """
    from mlops.backends.package import pack_artifact
    from mlops.evaluation.report import report_html
    from mlops.evaluation.run import evaluate_table
    from mlops.workshop import (
        MODEL_FILE,
        check_hyperparameters,
        predict_table,
        read_channel,
        read_table,
        split_table,
        train_on,
        write_channels,
    )

    options = check_hyperparameters(parameters)
    with console(stderr=True).status("Training") as status:
        table = read_table(path, label)
        parts = split_table(table)
        channels = write_channels(parts, output)
        booster = train_on(channels["train"], options)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / MODEL_FILE).write_bytes(bytes(booster.save_raw("ubj")))
            pack_artifact(Path(folder), output / "model.tar.gz")
        status.update("Evaluating")
        _, values = read_channel(channels["test"])
        evaluation = evaluate_table(table, parts["test"], predict_table(booster, values), options)
        write_file(output / "metrics.json", (json.dumps(evaluation, indent=1) + "\n").encode())
        if report is not None:
            write_file(report, report_html(evaluation).encode())
    if as_json:
        echo_json(evaluation)
        return
    show_evaluation(evaluation)
    repeated = evaluation["repeated"]
    click.echo(
        f"Over {repeated['folds']} folds the AUC is {repeated['mean']:.4f} ± "
        f"{repeated['deviation']:.4f}."
    )
    click.echo(f"Artifact, channels and metrics are in {output}.")
    if report is not None:
        click.echo(f"Report: {report}")
