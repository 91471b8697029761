"""`triage promote`: what Approve does in Slack, after the same comparison."""

from typing import TYPE_CHECKING

import click

from mlops.cli.options import console, echo_json, json_option, open_backend

if TYPE_CHECKING:
    from mlops.comparing import Comparing


@click.command(short_help="Compare a version, and serve it if it passes.")
@click.argument("version")
@click.option("--endpoint", metavar="NAME", help="Its name; default: TRIAGE_ENDPOINT.")
@click.option(
    "--data",
    metavar="FOLDER|CSV|s3://…",
    help="What to compare on: a dataset folder, or Kaggle's mtsamples.csv; "
    "without it the corpus that is shipped.",
)
@json_option
def promote(version: str, endpoint: str | None, data: str | None, as_json: bool) -> None:
    """Compare a version with the champion, and serve it if it meets every criterion.

    The champion is what the endpoint serves, or the shipped version where there is none. A
    version that passes is deployed in place; one that doesn't is left as it is.

    Exit codes: 0 serves now, 1 refused or failed.

    \b
    Examples:
      triage promote shipped
      triage promote 5e21 --data mtsamples.csv --json
    """
    from mlops.comparing import compare
    from mlops.deploy_lock import check_unlocked
    from mlops.operations import champion, prepare_data, serve
    from mlops.settings import DEFAULT_ENDPOINT, get_settings

    settings, backend = get_settings(), open_backend()
    check_unlocked(settings)
    name = endpoint or settings.triage_endpoint or DEFAULT_ENDPOINT
    challenger = backend.version(version).name
    serving = champion(backend, name).name
    compared: Comparing | None = None
    with console(stderr=True).status("Preparing the data") as status:
        if challenger != serving:
            dataset = prepare_data(settings.triage_home, data, say=status.update)
            compared = compare(
                settings.triage_home, backend, serving, challenger, dataset, status.update
            )
        served = None
        if compared is None or compared.passed:
            status.update(f"{name} changes to {challenger}")
            served = serve(backend, name, challenger)
    if as_json:
        comparison = None if compared is None else compared.comparison
        echo_json({"comparison": comparison, "endpoint": served})
    else:
        _say(compared)
        if served is not None:
            click.echo(f"{served.name} serves {served.version}")
    if served is None:
        click.echo(
            f"Refused: {challenger} does not meet every criterion. {serving} serves on. "
            "To serve it all the same: triage endpoints update",
            err=True,
        )
        raise click.exceptions.Exit(1)


def _say(compared: "Comparing | None") -> None:
    if compared is None:
        return
    for check in compared.comparison["checks"]:
        mark = (
            click.style("ok    ", fg="green")
            if check["passed"]
            else click.style("fails ", fg="red")
        )
        click.echo(f"{mark}{check['sentence']}")
    click.echo(f"Report: {compared.folder / 'report.html'}")
