"""`triage models`: list, show, compare, register and judge model versions."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlops.cli.options import console, echo_json, json_option, open_backend, write_file

if TYPE_CHECKING:
    from mlops.backends import Approval
    from mlops.evaluation.comparison import Comparison


@click.group()
def models() -> None:
    """List, show, compare, register and judge model versions.

    \b
    Examples:
      triage models list
      triage models show shipped
      triage models compare 5e21 --champion shipped
      triage models reject 5e21
    """


@models.command(name="list")
@json_option
def list_models(as_json: bool) -> None:
    """List every version, newest first.

    \b
    Examples:
      triage models list
      triage models list --json
    """
    backend = open_backend()
    versions = backend.versions()
    if as_json:
        echo_json(versions)
        return
    if not versions:
        click.echo("No model versions yet. Train one with: triage train")
        return
    from rich.table import Table

    from mlops.cli.jobs import age

    serving: dict[str, list[str]] = {}
    for endpoint in backend.endpoints():
        serving.setdefault(endpoint.version, []).append(endpoint.name)
    table = Table(box=None, pad_edge=False)
    for heading in ("version", "made", "metrics", "from", "served by"):
        table.add_column(heading)
    for version in versions:
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in version.metrics.items())
        origin = "shipped" if version.shipped else (version.job or "")
        served = ", ".join(serving.get(version.name, ()))
        table.add_row(version.name, age(version.created), metrics, origin, served)
    console().print(table)


@models.command()
@click.argument("version")
@json_option
def show(version: str, as_json: bool) -> None:
    """Show a version with its metrics and where it comes from.

    VERSION is its name, the first letters of it, or "shipped".

    \b
    Examples:
      triage models show shipped
      triage models show 5e21 --json
    """
    found = open_backend().version(version)
    if as_json:
        echo_json(found)
        return
    rows = [
        ("version", found.name + (" (shipped)" if found.shipped else "")),
        ("made", found.created.isoformat(timespec="seconds")),
        (
            "approval",
            f"{found.approval} by {found.judged_by}" if found.judged_by else found.approval,
        ),
        *((name, f"{value:.4f}") for name, value in found.metrics.items()),
        ("job", found.job or "none"),
        ("data", found.data_sha256 or "not known"),
        ("code", found.code_version or "not known"),
        ("artifact", found.artifact),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")


@models.command()
@click.argument("challenger")
@click.option(
    "--champion",
    metavar="VERSION",
    help="What to compare it with; without it what the default endpoint serves, else the shipped.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FOLDER|CSV",
    help="A dataset folder, or Kaggle's mtsamples.csv; without it the corpus that is shipped.",
)
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write an HTML report here."
)
@click.option(
    "--pictures",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write roc.png, reliability.png and confusion.png into this folder.",
)
@json_option
def compare(
    challenger: str,
    champion: str | None,
    data: Path | None,
    report: Path | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Say whether a version may replace the champion, and why.

    Both are judged on the held-out part of the dataset. The challenger passes if it is not worse
    anywhere beyond the interval, errs no more than promised when it decides, beats plain logistic
    regression, behaves, keeps notes private and answers in time. Exit code 1 if it doesn't pass.

    \b
    Examples:
      triage models compare shipped
      triage models compare 5e21 --champion shipped --report comparison.html
      triage models compare 5e21 --data dataset --json
    """
    from mlops.evaluation.gate import compare as put_side_by_side
    from mlops.evaluation.gate import pictures, report_html
    from mlops.operations import champion_version, prepare_data
    from mlops.settings import get_settings

    backend, settings = open_backend(), get_settings()
    versions = [champion or champion_version(backend, settings), challenger]
    with tempfile.TemporaryDirectory() as place, console(stderr=True).status("Starting") as status:
        dataset = prepare_data(settings.triage_home, data, say=status.update)
        served, wants = (
            backend.fetch_artifact(version, Path(place) / role)
            for role, version in zip(("champion", "challenger"), versions, strict=True)
        )
        result = put_side_by_side(served, wants, dataset, say=status.update)
        if report is not None:
            write_file(report, report_html(result).encode())
        if folder is not None:
            for name, picture in pictures(result).items():
                write_file(folder / f"{name}.png", picture)
    if as_json:
        echo_json(result.to_json())
    else:
        _show_comparison(result)
        if report is not None:
            click.echo(f"Report: {report}")
    if not result.passed:
        raise SystemExit(1)


def _show_comparison(result: "Comparison") -> None:
    from rich.table import Table

    out = console()
    table = Table(box=None, pad_edge=False)
    for heading in ("held-out notes", "", "champion", "challenger", "difference in AUC"):
        table.add_column(heading)
    for rung in result.rungs:
        table.add_row(
            rung.name,
            str(rung.records),
            f"{rung.champion['auc'].value:.4f}",
            f"{rung.challenger['auc'].value:.4f}",
            f"{rung.difference.value:+.4f} ({rung.difference.low:+.4f} to "
            f"{rung.difference.high:+.4f})",
        )
    out.print(table)
    for check in result.checks:
        out.print(
            f"[green]✓[/] {check.sentence}" if check.passed else f"[red]✕[/] {check.sentence}"
        )
    verdict = "passes" if result.passed else "does not pass"
    out.print(f"{result.challenger} {verdict} beside {result.champion}.")


@models.command()
@click.argument("job")
@json_option
def register(job: str, as_json: bool) -> None:
    """Make the model of a completed job a version. Doing it twice changes nothing.

    `triage train` and `triage tune` do this when they wait for the end.

    \b
    Examples:
      triage models register nightly
      triage models register nightly --json
    """
    from bot.terminal import recorded

    with recorded("register", job) as outcome:
        version = open_backend().register(job)
        outcome.result = f"made {version.name}"
    if as_json:
        echo_json(version)
    else:
        click.echo(f"Model version {version.name} is ready. Serve it: triage deploy {version.name}")


@models.command()
@click.argument("version")
@json_option
def approve(version: str, as_json: bool) -> None:
    """Approve a version, or take back that it was rejected.

    \b
    Examples:
      triage models approve 5e21
      triage models approve 5e21 --json
    """
    _judge(version, "Approved", as_json=as_json)


@models.command()
@click.argument("version")
@json_option
def reject(version: str, as_json: bool) -> None:
    """Reject a version: it can't be deployed. An endpoint that serves it goes on.

    \b
    Examples:
      triage models reject 5e21
      triage models reject 5e21 --json
    """
    _judge(version, "Rejected", as_json=as_json)


def _judge(version: str, approval: "Approval", *, as_json: bool) -> None:
    from bot.terminal import recorded, who

    with recorded("approve" if approval == "Approved" else "reject", version) as outcome:
        found = open_backend().judge(version, approval, who())
        outcome.result = approval.lower()
    if as_json:
        echo_json(found)
    else:
        click.echo(f"{found.name} is {found.approval}.")
