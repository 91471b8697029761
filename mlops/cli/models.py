"""`triage models`: list and show model versions, register and judge them."""

from typing import TYPE_CHECKING

import click

from mlops.cli.options import console, echo_json, json_option, open_backend

if TYPE_CHECKING:
    from mlops.backends import Approval


@click.group()
def models() -> None:
    """List, show, register and judge model versions.

    \b
    Examples:
      triage models list
      triage models show shipped
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
        ("approval", found.approval),
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
    version = open_backend().register(job)
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
    found = open_backend().judge(version, approval)
    if as_json:
        echo_json(found)
    else:
        click.echo(f"{found.name} is {found.approval}.")
