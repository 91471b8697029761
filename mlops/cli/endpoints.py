"""`triage endpoints`: show, update, roll back, delete."""

from typing import TYPE_CHECKING

import click

from mlops.backends.options import Hosting, Rollout
from mlops.cli.options import console, echo_json, json_option, open_backend
from mlops.cli.where import options_of

if TYPE_CHECKING:
    from mlops.backends import Endpoint


@click.group()
def endpoints() -> None:
    """Show, update, roll back, delete endpoints.

    \b
    Examples:
      triage endpoints list
      triage endpoints update referral-triage
    """


@endpoints.command(name="list")
@json_option
def list_endpoints(as_json: bool) -> None:
    """List every endpoint.

    \b
    Examples:
      triage endpoints list
      triage endpoints list --json
    """
    found = open_backend().endpoints()
    if as_json:
        echo_json(found)
        return
    if not found:
        click.echo("No endpoints yet. Create one with: triage deploy")
        return
    from rich.table import Table

    from mlops.cli.jobs import age

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "status", "version", "previous", "updated", "url"):
        table.add_column(heading, overflow="fold")
    for item in found:
        table.add_row(
            item.name,
            item.status,
            item.version,
            item.previous or "",
            age(item.updated),
            item.url or "",
        )
    console().print(table)
    for item in found:
        if item.failure:
            click.echo(f"{item.name}: {item.failure}")


@endpoints.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show an endpoint. One whose processes are gone is started again.

    \b
    Examples:
      triage endpoints show referral-triage
      triage endpoints show referral-triage --json
    """
    with console(stderr=True).status(f"Looking at {name}"):
        found = open_backend().endpoint(name)
    if as_json:
        echo_json(found)
        return
    rows = [
        ("name", found.name),
        ("status", found.status),
        ("version", found.version),
        ("previous", found.previous or "none"),
        *([("shadow", found.shadow)] if found.shadow else []),
        ("url", found.url or "none"),
        ("created", found.created.isoformat(timespec="seconds")),
        ("updated", found.updated.isoformat(timespec="seconds")),
        *([("failure", found.failure)] if found.failure else []),
    ]
    for label, value in rows:
        click.echo(f"{label:<8}  {value}")


@endpoints.command()
@click.argument("name")
@click.argument("version", required=False)
@options_of(Rollout)
@options_of(Hosting)
@json_option
def update(
    name: str, version: str | None, hosting: Hosting, rollout: Rollout, as_json: bool
) -> None:
    """Change what an endpoint serves, without refusing a request.

    VERSION is a version's name, the first letters of it, or "shipped"; the newest one if left out.
    The new version serves once it is healthy; if it isn't, the old one goes on.

    \b
    Examples:
      triage endpoints update referral-triage
      triage endpoints update referral-triage shipped
      triage endpoints update referral-triage --linear 20 --bake 120 --max-latency 500
    """
    from bot.terminal import recorded
    from mlops.cli.deploy import newest

    with recorded("deploy", f"{version or 'the newest'} at {name}", deploys=True) as outcome:
        backend = open_backend()
        chosen = version or newest()
        with console(stderr=True).status(f"Updating {name} to {chosen}"):
            try:
                found = backend.update(name, chosen, hosting, rollout)
            except KeyboardInterrupt:
                click.echo(
                    f"\nThe update goes on. See how it is: triage endpoints show {name}\n"
                    "Wait for it again: give the same command.",
                    err=True,
                )
                raise
        outcome.result = f"serving {found.version}"
    _changed(found, as_json=as_json)


@endpoints.command()
@click.argument("name")
@json_option
def rollback(name: str, as_json: bool) -> None:
    """Go back to the version that an endpoint served before.

    \b
    Examples:
      triage endpoints rollback referral-triage
      triage endpoints rollback referral-triage --json
    """
    from bot.terminal import recorded

    with recorded("rollback", name) as outcome:
        with console(stderr=True).status(f"Rolling {name} back"):
            found = open_backend().rollback(name)
        outcome.result = f"went back to {found.version}"
    _changed(found, as_json=as_json)


@endpoints.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@json_option
def delete(name: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Remove an endpoint with all that belongs to it. Model versions and jobs stay.

    What will be removed is shown first.

    \b
    Examples:
      triage endpoints delete second-opinion
      triage endpoints delete second-opinion --dry-run
      triage endpoints delete second-opinion --yes
    """
    from bot.terminal import recorded
    from mlops.errors import NotFoundError

    backend = open_backend()
    with console(stderr=True).status(f"Looking at {name}"):
        parts = backend.endpoint_parts(name)
    if not parts:
        raise NotFoundError(
            f"There is no endpoint {name!r}. Nothing was changed. "
            "See which there are: triage endpoints list"
        )
    if dry_run and as_json:
        echo_json({"would_delete": parts})
        return
    if not as_json:
        for part in parts:
            click.echo(f"  {part}", err=not dry_run)
    if dry_run:
        return
    if not yes:
        click.confirm("Remove all of this?", abort=True, err=True)
    with recorded("delete", name) as outcome, console(stderr=True).status(f"Deleting {name}"):
        backend.delete_endpoint(name)
        outcome.result = "deleted"
    if as_json:
        echo_json({"deleted": parts})
    else:
        click.echo(f"{name} is gone. Its model versions are kept: triage models list")


def _changed(found: "Endpoint", *, as_json: bool) -> None:
    if as_json:
        echo_json(found)
        return
    click.echo(f"{found.name} serves {found.version}.")
    if found.previous:
        click.echo(f"Go back to {found.previous}: triage endpoints rollback {found.name}")
