"""`triage tune`: search for better hyperparameters."""

from typing import TYPE_CHECKING

import click

from mlops.backends.options import Compute, Search
from mlops.cli.options import console, json_option, open_backend
from mlops.cli.train import conclude, dataset_from, hyperparameters_from, started
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
    "--max-jobs", default=10, show_default=True, type=click.IntRange(1, 500), help="Trials in all."
)
@click.option(
    "--max-parallel-jobs",
    default=2,
    show_default=True,
    type=click.IntRange(1, 16),
    help="Trials at a time.",
)
@click.option(
    "--range",
    "ranges",
    multiple=True,
    metavar="NAME=LOW:HIGH",
    help="What to search; may be repeated. Default: num_round, max_depth, alpha, eta.",
)
@click.option(
    "-p",
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A hyperparameter that is not searched; may be repeated.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the search.")
@click.option("--name", default="", help="Name of the job; the same request finds it again.")
@click.option("--wait/--no-wait", default=True, help="Wait for the end, or return at once.")
@options_of(Search)
@options_of(Compute)
@json_option
def tune(
    data: str | None,
    max_jobs: int,
    max_parallel_jobs: int,
    ranges: tuple[str, ...],
    parameters: tuple[str, ...],
    seed: int,
    name: str,
    wait: bool,
    search: Search,
    compute: Compute,
    as_json: bool,
) -> None:
    """Search for better hyperparameters.

    Each trial is a training run; the model of the best one becomes a version. The job runs on its
    own: Ctrl-C ends the waiting, not the search.

    \b
    Examples:
      triage tune --max-jobs 10 --max-parallel-jobs 2
      triage tune --data dataset --range eta=0.05:0.5 --range max_depth=2:6 -p num_round=150
      triage tune --name weekly --no-wait
      triage tune --strategy Random --warm-start weekly --spot
    """
    from bot.terminal import recorded
    from mlops.operations import start_tuning

    fixed = hyperparameters_from(parameters)
    searched = dict(_range(text) for text in ranges) or None
    with recorded("tune", name or "a new job") as outcome:
        backend = open_backend()
        dataset = dataset_from(data)
        job = start_tuning(
            backend,
            dataset,
            hyperparameters=fixed,
            ranges=searched,
            max_jobs=max_jobs,
            max_parallel_jobs=max_parallel_jobs,
            seed=seed,
            name=name,
            compute=compute,
            search=search,
        )
        click.echo(f"Tuning job {job.name}", err=True)
        if wait:
            outcome.result = conclude(backend, _watch(backend, job.name), as_json=as_json)
        else:
            outcome.result = started(job, as_json=as_json)


def _range(text: str) -> tuple[str, tuple[float, float]]:
    name, _, ends = text.partition("=")
    low, _, high = ends.partition(":")
    try:
        return name.strip(), (float(low), float(high))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not NAME=LOW:HIGH.", param_hint="--range") from None


def _watch(backend: "Backend", name: str) -> "Job":
    """Show the trials as they come, on standard error, until the job ends."""
    from mlops.cli.jobs import follow_job, leave_running, trials_table
    from mlops.operations import wait_for

    errors = console(stderr=True)
    if not errors.is_terminal:
        return follow_job(backend, name, quiet=False)
    from rich.live import Live

    with Live(console=errors, refresh_per_second=4) as live:
        job: Job = leave_running(
            name, lambda: wait_for(backend, name, lambda now: live.update(trials_table(now)))
        )
    return job
