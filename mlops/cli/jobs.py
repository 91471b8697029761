"""`triage jobs`: follow and stop training and tuning jobs."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mlops.cli.options import console, echo_json, json_option, open_backend

if TYPE_CHECKING:
    from rich.table import Table

    from mlops.backends import Backend, Job, Trial

_STOP_SECONDS = 30.0


@click.group()
def jobs() -> None:
    """Follow and stop training and tuning jobs.

    \b
    Examples:
      triage jobs list
      triage jobs logs training-20261124-093000-7f3a --follow
    """


@jobs.command(name="list")
@json_option
def list_jobs(as_json: bool) -> None:
    """List every job, newest first.

    \b
    Examples:
      triage jobs list
      triage jobs list --json
    """
    found = open_backend().jobs()
    if as_json:
        echo_json(found)
        return
    if not found:
        click.echo("No jobs yet. Start one with: triage train")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "kind", "status", "started", "took", "best metric"):
        table.add_column(heading)
    for job in found:
        table.add_row(job.name, job.kind, job.status, age(job.created), _took(job), _headline(job))
    console().print(table)


@jobs.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show how a job stands.

    \b
    Examples:
      triage jobs show training-20261124-093000-7f3a
      triage jobs show nightly --json
    """
    job = open_backend().job(name)
    if as_json:
        echo_json(job)
        return
    out = console()
    detail = f"  {job.detail}" if job.detail and job.detail != job.status else ""
    out.print(f"[bold]{job.name}[/bold]  {job.kind}  {job.status}{detail}  {age(job.created)}")
    if job.failure:
        click.echo(job.failure)
    for label, values in (("hyperparameters", job.hyperparameters), ("metrics", job.metrics)):
        if values:
            shown = "  ".join(f"{key} {value}" for key, value in values.items())
            out.print(f"{label}: {shown}", soft_wrap=True)
    if job.training_seconds is not None:
        out.print(machine_time(job))
    if job.trials:
        out.print(trials_table(job))
    if job.url:
        out.print(job.url, soft_wrap=True)
    if not job.done:
        out.print(f"Follow it: triage jobs logs {job.name} --follow", soft_wrap=True)


@jobs.command()
@click.argument("name")
@click.option("--follow", is_flag=True, help="Go on until the job ends.")
def logs(name: str, follow: bool) -> None:
    """Print a job's log.

    \b
    Examples:
      triage jobs logs nightly
      triage jobs logs nightly --follow
    """
    backend = open_backend()

    def print_all() -> None:
        for line in backend.job_logs(name, follow=follow):
            click.echo(line)

    leave_running(name, print_all)
    job = backend.job(name)
    if follow and job.status == "Failed":
        raise click.ClickException(f"The job {name} failed. {job.failure or ''}")


@jobs.command()
@click.argument("name")
@click.option("--wait/--no-wait", default=True, help="Wait until it has stopped.")
@json_option
def stop(name: str, wait: bool, as_json: bool) -> None:
    """Stop a job. What it has finished is kept: a tuning job keeps its best model so far.

    \b
    Examples:
      triage jobs stop nightly
      triage jobs stop nightly --no-wait --json
    """
    from bot.terminal import recorded
    from mlops.operations import wait_for

    with recorded("stop", name) as outcome:
        backend = open_backend()
        ended = backend.job(name).done
        job = backend.stop_job(name)
        if wait and not job.done:
            with console(stderr=True).status(f"Stopping {name}"):
                job = wait_for(backend, name, timeout=_STOP_SECONDS)
        outcome.result = "refused: ended already" if ended else job.status.lower()
    if as_json:
        echo_json(job)
        return
    if ended:
        click.echo(f"{name} had ended already: {job.status}.")
        return
    kept = ", with the best model so far" if job.artifact and job.kind == "tuning" else ""
    click.echo(f"{name} is {job.status}{kept}.")


def leave_running(name: str, wait: Callable[[], Any]) -> Any:
    """Wait for a job; Ctrl-C ends the waiting, not the job, and says how to come back."""
    try:
        return wait()
    except KeyboardInterrupt:
        click.echo(
            f"\n{name} runs on. Come back with: triage jobs logs {name} --follow\n"
            f"Stop it with: triage jobs stop {name}",
            err=True,
        )
        sys.exit(130)


def follow_job(backend: "Backend", name: str, *, quiet: bool) -> "Job":
    """Show a job's log on standard error until it ends; Ctrl-C leaves it running."""

    def wait() -> "Job":
        lines = backend.job_logs(name, follow=True)
        if quiet:
            for _ in lines:
                pass
        else:
            show_lines(name, lines)
        return backend.job(name)

    job: Job = leave_running(name, wait)
    return job


def show_lines(name: str, lines: "Iterable[str]") -> None:
    """A log on standard error; on a terminal with a line below it that says how long it takes."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    errors = console(stderr=True)
    if not errors.is_terminal:
        for line in lines:
            click.echo(f"  {line}", err=True)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(name, total=None)
        for line in lines:
            errors.print(Text(f"  {line}"), soft_wrap=True)
            if line.startswith("["):  # what the job is at
                progress.update(task, description=f"{name} {line.partition('] ')[2]}")


def machine_time(job: "Job") -> str:
    """What a job takes of machines, and what of that is paid for."""
    if job.billable_seconds is None:
        return f"machine time {job.training_seconds} s"
    saved = f", Spot saved {job.saving:.0%}".replace("%", " %") if job.saving else ""
    return f"machine time {job.training_seconds} s, billable {job.billable_seconds} s{saved}"


def trials_table(job: "Job") -> "Table":
    """The trials of a tuning job, the best one marked."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    names = _searched(job.trials)
    for heading in ("trial", "status", "objective", *names):
        table.add_column(heading, justify="left" if heading == "status" else "right")
    for trial in job.trials:
        score = "" if trial.objective is None else f"{trial.objective:.5f}"
        values = [trial.hyperparameters.get(name, "") for name in names]
        style = "bold green" if trial.number == job.best_trial else None
        table.add_row(str(trial.number), trial.status, score, *values, style=style)
    return table


def _searched(trials: "Sequence[Trial]") -> list[str]:
    """The hyperparameters of the trials, in the order they came."""
    return list(dict.fromkeys(name for trial in trials for name in trial.hyperparameters))


def age(moment: datetime) -> str:
    """How long ago something was, for a person."""
    return f"{duration((datetime.now(UTC) - moment).total_seconds())} ago"


def duration(seconds: float) -> str:
    """A span of time in its largest unit."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (seconds >= length and unit != "min"):
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def _took(job: "Job") -> str:
    return "" if job.ended is None else duration((job.ended - job.created).total_seconds())


def _headline(job: "Job") -> str:
    auc = job.metrics.get("validation:auc")
    if auc is not None:
        return f"validation:auc {auc:.4f}"
    best = next((trial for trial in job.trials if trial.number == job.best_trial), None)
    return "" if best is None or best.objective is None else f"validation:auc {best.objective:.4f}"
