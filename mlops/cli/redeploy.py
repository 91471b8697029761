"""`triage redeploy`: what `/redeploy VERSION` does in Slack."""

from typing import TYPE_CHECKING

import click

from mlops.cli.options import console, echo_json, json_option, open_backend

if TYPE_CHECKING:
    from mlops.watching import Outcome

watch_option = click.option(
    "--watch",
    type=click.FloatRange(0),
    metavar="MINUTES",
    help="How long to watch it; default: TRIAGE_WATCH_MINUTES.",
)


@click.command(short_help="Serve a version, watch it, go back if it is worse.")
@click.argument("version")
@click.option("--endpoint", metavar="NAME", help="Its name; default: TRIAGE_ENDPOINT.")
@watch_option
@json_option
def redeploy(version: str, endpoint: str | None, watch: float | None, as_json: bool) -> None:
    """Serve a version, watch it, go back if it is worse.

    VERSION is a version's name, the first letters of it, or "shipped". The same notes, written for
    this project, are sent before and after; more errors, slower answers or opposite
    recommendations bring the old version back. No request is refused meanwhile. Ctrl-C ends the
    watching, and the new version serves on.

    Exit codes: 0 serves now, 1 refused, failed or went back.

    \b
    Examples:
      triage redeploy shipped --watch 0
      triage redeploy 5e21 --watch 10 --json
    """
    from bot.terminal import recorded
    from mlops import watching
    from mlops.settings import DEFAULT_ENDPOINT, get_settings

    settings = get_settings()
    name = endpoint or settings.triage_endpoint or DEFAULT_ENDPOINT
    minutes = settings.triage_watch_minutes if watch is None else watch
    with recorded("redeploy", f"{version} at {name}", deploys=True) as outcome:
        backend = open_backend()
        chosen = backend.version(version).name
        with console(stderr=True).status("Starting") as status:
            done = watching.redeploy(backend, name, chosen, minutes * 60, status.update)
        outcome.result = done.summary
    if as_json:
        echo_json({"endpoint": done.endpoint, "findings": done.findings, "returned": done.returned})
    else:
        report(done)
    leave_if_returned(done, chosen)


def report(done: "Outcome") -> None:
    """Show what the watch has found, and what serves now."""
    for finding in done.findings if done.watched else ():
        mark = click.style("ok    ", fg="green")
        if not finding.fine:
            mark = click.style("worse ", fg="red")
        click.echo(f"{mark}{finding.sentence}")
    click.echo(f"{done.endpoint.name} serves {done.endpoint.version}")


def leave_if_returned(done: "Outcome", chosen: str) -> None:
    """Say so and end with exit code 1, where the version before came back."""
    if done.returned:
        click.echo(f"{chosen} is worse, so {done.endpoint.version} came back.", err=True)
        raise click.exceptions.Exit(1)
