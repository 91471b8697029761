"""`triage redeploy`: what `/redeploy VERSION` does in Slack."""

import click

from mlops.cli.options import console, echo_json, json_option, open_backend


@click.command(short_help="Serve a version, watch it, go back if it is worse.")
@click.argument("version")
@click.option("--endpoint", metavar="NAME", help="Its name; default: TRIAGE_ENDPOINT.")
@click.option(
    "--watch",
    type=click.FloatRange(0),
    metavar="MINUTES",
    help="How long to watch it; default: TRIAGE_WATCH_MINUTES.",
)
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
    from mlops import watching
    from mlops.deploy_lock import check_unlocked
    from mlops.settings import DEFAULT_ENDPOINT, get_settings

    settings, backend = get_settings(), open_backend()
    check_unlocked(settings)
    name = endpoint or settings.triage_endpoint or DEFAULT_ENDPOINT
    minutes = settings.triage_watch_minutes if watch is None else watch
    chosen = backend.version(version).name
    with console(stderr=True).status("Starting") as status:
        outcome = watching.redeploy(backend, name, chosen, minutes * 60, status.update)
    if as_json:
        echo_json(
            {
                "endpoint": outcome.endpoint,
                "findings": outcome.findings,
                "returned": outcome.returned,
            }
        )
    else:
        for finding in outcome.findings if minutes else ():
            mark = click.style("ok    ", fg="green")
            if not finding.fine:
                mark = click.style("worse ", fg="red")
            click.echo(f"{mark}{finding.sentence}")
        click.echo(f"{outcome.endpoint.name} serves {outcome.endpoint.version}")
    if outcome.returned:
        click.echo(f"{chosen} is worse, so {outcome.endpoint.version} came back.", err=True)
        raise click.exceptions.Exit(1)
