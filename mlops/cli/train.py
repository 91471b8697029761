"""`triage train`: a model version from a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlops.backends.options import Compute
from mlops.cli.options import console, echo_json, json_option, open_backend
from mlops.cli.where import options_of

if TYPE_CHECKING:
    from mlops.backends import Backend, Job


@click.command()
@click.option(
    "--data",
    metavar="FOLDER|CSV|S3",
    help="A dataset folder, Kaggle's mtsamples.csv (here or in S3), or s3://BUCKET/KEY/ with "
    "train/ and validation/; without it the corpus that is shipped.",
)
@click.option(
    "-p",
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A hyperparameter of train.py; may be repeated.",
)
@click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Train plain XGBoost on this CSV of numbers instead, as the workshop does.",
)
@click.option("--label", default="Label", show_default=True, help="With --table: its labels.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("table-model"),
    show_default=True,
    help="With --table: the folder for channels, artifact and metrics.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --table: write an HTML report here.",
)
@click.option("--name", default="", help="Name of the job; the same request finds it again.")
@click.option("--wait/--no-wait", default=True, help="Wait for the end, or return at once.")
@options_of(Compute)
@json_option
def train(
    data: str | None,
    parameters: tuple[str, ...],
    table: Path | None,
    label: str,
    output: Path,
    report: Path | None,
    name: str,
    wait: bool,
    compute: Compute,
    as_json: bool,
) -> None:
    """Train a model version.

    The job runs on its own: Ctrl-C ends the waiting, not the training. When it is completed its
    model is a version, which `triage deploy` or `triage endpoints update` can serve.

    With --table it goes the workshop's own road instead: plain XGBoost on a wide table of numbers,
    under the built-in algorithm's contract (label first, no header, 80/10/10 by a seed). That
    model can't read notes, so it is no version; it is the baseline that ours stands beside.

    \b
    Examples:
      triage train
      triage train --data mtsamples.csv -p num_round=200 -p eta=0.2
      triage train --data dataset --name nightly --no-wait
      triage train --data s3://bucket/dataset/ --instance-type ml.m5.xlarge --spot
      triage train --table workshop_features.csv --label Label -p num_round=150
    """
    if table is not None:
        if data is not None or name or not wait:
            raise click.UsageError("--table goes with neither --data, --name nor --no-wait.")
        from mlops.cli.table import train_table

        given = hyperparameters_from(parameters)
        train_table(table, label, given, output, report, as_json=as_json)
        return
    from bot.terminal import recorded
    from mlops.operations import start_training

    hyperparameters = hyperparameters_from(parameters)
    with recorded("train", name or "a new job") as outcome:
        backend = open_backend()
        dataset = dataset_from(data)
        job = start_training(
            backend, dataset, hyperparameters=hyperparameters, name=name, compute=compute
        )
        click.echo(f"Training job {job.name}", err=True)
        if wait:
            from mlops.cli.jobs import follow_job

            ended = follow_job(backend, job.name, quiet=False)
            outcome.result = conclude(backend, ended, as_json=as_json)
        else:
            outcome.result = started(job, as_json=as_json)


def dataset_from(data: str | None) -> Path | str:
    """The dataset that `--data` names: a folder of this machine, or one in S3 (it ends in `/`)."""
    from mlops.operations import prepare_data
    from mlops.settings import get_settings

    if data is not None and data.startswith("s3://") and data.endswith("/"):
        return data
    with console(stderr=True).status("Preparing the data") as status:
        return prepare_data(get_settings().triage_home, data, say=status.update)


def hyperparameters_from(parameters: tuple[str, ...]) -> dict[str, str]:
    """The `-p name=value` options as a table."""
    table = {}
    for parameter in parameters:
        name, sign, value = parameter.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise click.BadParameter(f"{parameter!r} is not NAME=VALUE.", param_hint="-p")
        table[name.strip()] = value.strip()
    return table


def started(job: "Job", *, as_json: bool) -> str:
    """Say how to follow a job that nobody waits for; a line for the audit log."""
    if as_json:
        echo_json(job)
    else:
        click.echo(f"{job.name} is {job.status}. Follow it: triage jobs logs {job.name} --follow")
    return f"{job.name} is under way"


def conclude(backend: "Backend", job: "Job", *, as_json: bool) -> str:
    """Register the model of a job that has ended and show the version; a line for the audit log."""
    from mlops.operations import finish

    version = finish(backend, job)
    if as_json:
        echo_json({"job": job, "version": version})
    else:
        click.echo(f"Model version {version.name} is ready.")
        for name, value in version.metrics.items():
            click.echo(f"  {name} {value:.4f}")
        click.echo(f"Serve it: triage deploy {version.name}")
    return f"{job.name} made {version.name}"
